// SPDX-License-Identifier: Apache-2.0
//
// scatter(x, indices, updates; reduction): x, whose rows (along axis 0) named by the
// indices are replaced by those of the updates, or combined with them: y = x and then,
// for each i in row-major order,
//     y[indices[i..], k..] = r(y[indices[i..], k..], updates[i.., k..]).
// Among equal indices the last one replaces what the others wrote. ONNX ScatterND and
// ScatterElements come down to it by positions in the flattened tensor.
// Indices outside the axis: see index.h; an update that belongs outside is dropped.
#include "compiler/ops/index.h"

#include <math.h>

static double combine(int64_t how, double x, double u)
{
    switch (how) {
    case SIMCLR_SCATTER_add: return x + u;
    case SIMCLR_SCATTER_mul: return x * u;
    case SIMCLR_SCATTER_max: return u > x || isnan(u) ? u : x;
    case SIMCLR_SCATTER_min: return u < x || isnan(u) ? u : x;
    default: return u;
    }
}

static int64_t combine_int(int64_t how, simclr_dtype dtype, int64_t x, int64_t u)
{
    switch (how) {
    case SIMCLR_SCATTER_add: return (int64_t)((uint64_t)x + (uint64_t)u);
    case SIMCLR_SCATTER_mul: return (int64_t)((uint64_t)x * (uint64_t)u);
    case SIMCLR_SCATTER_max: return sc_int_less(dtype, x, u) ? u : x;
    case SIMCLR_SCATTER_min: return sc_int_less(dtype, u, x) ? u : x;
    default: return u;
    }
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const int64_t how = n->attr.scatter.reduction;
    const struct sc_tensor *indices = in[1], *updates = in[2];
    const struct sc_axis_view v = sc_axis_view(&in[0]->shape, 0);
    struct sc_tensor *y = out[0];
    for (int64_t i = 0; i < y->count; i++)
        sc_copy_element(in[0], i, y, i);
    for (int64_t i = 0; i < updates->count; i++) {
        const int64_t at = sc_index_position(indices->i[i / v.inner], v.n);
        const int64_t to = at * v.inner + i % v.inner;
        if (at < 0) continue;
        if (y->f)
            y->f[to] = combine(how, y->f[to], updates->f[i]);
        else
            y->i[to] =
                sc_int_wrap(y->dtype, combine_int(how, y->dtype, y->i[to], updates->i[i]));
    }
}

static bool infer(struct sc_infer *ctx)
{
    const struct sc_value *x = ctx->node->in[0], *indices = ctx->node->in[1],
                          *updates = ctx->node->in[2];
    const int64_t how = ctx->node->attr.scatter.reduction;
    if (how < 0 || how >= SIMCLR_N_SCATTERS)
        return sc_infer_fail(ctx, "reduction %lld is unknown", (long long)how);
    if (how != SIMCLR_SCATTER_set && (x->dtype == SIMCLR_f64 || x->dtype == SIMCLR_bool))
        return sc_infer_fail(ctx, "operand 1 is %s, expected f32 or integers",
                             sc_type_text(x).s);
    if (!sc_infer_axis(ctx, 0, x->shape.rank) || !sc_infer_indices(ctx, 1, 0, x->shape.dim[0]))
        return false;
    struct sc_value expected = {.dtype = x->dtype, .shape = indices->shape};
    for (int32_t i = 1; i < x->shape.rank && expected.shape.rank < SIMCLR_MAX_RANK; i++)
        expected.shape.dim[expected.shape.rank++] = x->shape.dim[i];
    if (updates->dtype != x->dtype ||
        indices->shape.rank + x->shape.rank - 1 > SIMCLR_MAX_RANK ||
        !simclr_shape_equal(&updates->shape, &expected.shape))
        return sc_infer_fail(ctx, "operand 3 is %s, expected %s", sc_type_text(updates).s,
                             sc_type_text(&expected).s);
    return sc_infer_set_like(ctx, 0, 0);
}

static struct sc_value *gather(struct sc_builder *b, struct sc_value *x,
                               struct sc_value *indices)
{
    const union simclr_attr attr = {.axis = {.axis = 0}};
    return sc_build(b, SIMCLR_OP_gather, &attr, x, indices);
}

static struct sc_value *scatter(struct sc_builder *b, struct sc_value *x,
                                struct sc_value *indices, struct sc_value *updates)
{
    const union simclr_attr attr = {.scatter = {.reduction = SIMCLR_SCATTER_set}};
    return sc_build(b, SIMCLR_OP_scatter, &attr, x, indices, updates);
}

// 1 for each index whose update is not replaced by a later one, in the shape of the
// indices followed by ones: each index scatters its own place, and looks whether it
// is still there.
static struct sc_value *is_last(struct sc_builder *b, const struct sc_node *n)
{
    struct sc_value *indices = n->in[1];
    const struct simclr_shape *shape = &indices->shape, rows = {1, {n->in[0]->shape.dim[0]}};
    const struct simclr_shape flat = {1, {simclr_shape_count(shape)}};
    const union simclr_attr count = {.cumsum = {.axis = 0, .exclusive = 1}};
    struct sc_value *one = sc_fill(b, 1, SIMCLR_i64, &flat);
    struct sc_value *place = sc_reshape(b, sc_build(b, SIMCLR_OP_cumsum, &count, one), shape);
    struct sc_value *nobody = sc_fill(b, -1, SIMCLR_i64, &rows);
    struct sc_value *winner = gather(b, scatter(b, nobody, indices, place), indices);
    struct simclr_shape wide = *shape;
    for (int32_t i = 1; i < n->in[0]->shape.rank; i++)
        wide.dim[wide.rank++] = 1;
    return sc_reshape(b, sc_equal(b, winner, place), &wide);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *du = gather(b, dy[0], n->in[1]);
    if (n->attr.scatter.reduction == SIMCLR_SCATTER_add) {
        dx[0] = dy[0];
        dx[2] = du;
        return;
    }
    struct sc_value *none = sc_fill(b, 0, SIMCLR_f32, &n->in[2]->shape);
    dx[0] = scatter(b, dy[0], n->in[1], none);
    dx[2] = sc_where(b, is_last(b, n), du, sc_scalar(b, 0));
}

static const char *refuse_grad(const struct sc_node *n)
{
    const int64_t how = n->attr.scatter.reduction;
    return how == SIMCLR_SCATTER_mul   ? "that of reduction 'mul' is not derived"
           : how == SIMCLR_SCATTER_max ? "that of reduction 'max' is not derived"
           : how == SIMCLR_SCATTER_min ? "that of reduction 'min' is not derived"
                                       : NULL;
}

const struct sc_op_info sc_op_info_scatter = {
    .eval = eval, .infer = infer, .grad = grad, .refuse_grad = refuse_grad};
