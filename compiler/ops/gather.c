// SPDX-License-Identifier: Apache-2.0
//
// gather(x, indices; axis): ONNX Gather: the slices of x along `axis` named by the
// indices, whose axes take the place of that axis:
//     y[o, i.., k] = x[o, indices[i..], k].
// gather_grad(dy, indices; axis, shape of x): zeros, to which each slice of dy is
// added where it came from, in the order of the indices.
// Indices outside the axis: see index.h.
#include "compiler/ops/index.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_axis_view v = sc_axis_view(&in[0]->shape, n->attr.axis.axis);
    const struct sc_tensor *indices = in[1];
    for (int64_t i = 0; i < out[0]->count; i++) {
        const int64_t o = i / v.inner / indices->count, k = i % v.inner;
        const int64_t at = sc_index_position(indices->i[i / v.inner % indices->count], v.n);
        sc_copy_indexed(in[0], at < 0 ? -1 : (o * v.n + at) * v.inner + k, out[0], i);
    }
}

static struct simclr_shape gathered(const struct simclr_shape *x,
                                    const struct simclr_shape *indices, int64_t axis)
{
    struct simclr_shape y = {0};
    for (int32_t i = 0; i < axis; i++)
        y.dim[y.rank++] = x->dim[i];
    for (int32_t i = 0; i < indices->rank; i++)
        y.dim[y.rank++] = indices->dim[i];
    for (int32_t i = (int32_t)axis + 1; i < x->rank; i++)
        y.dim[y.rank++] = x->dim[i];
    return y;
}

// Checks everything but dy and computes y's shape for an input of shape x.
static bool infer_gathered(struct sc_infer *ctx, const struct simclr_shape *x, int64_t axis,
                           struct simclr_shape *y)
{
    const struct sc_value *indices = ctx->node->in[1];
    if (!sc_infer_axis(ctx, axis, x->rank) || !sc_infer_indices(ctx, 1, axis, x->dim[axis]))
        return false;
    if (x->rank + indices->shape.rank - 1 > SIMCLR_MAX_RANK)
        return sc_infer_fail(ctx, "result has rank %d, at most %d is supported",
                             (int)(x->rank + indices->shape.rank - 1), (int)SIMCLR_MAX_RANK);
    *y = gathered(x, &indices->shape, axis);
    return true;
}

static bool infer(struct sc_infer *ctx)
{
    const struct sc_value *x = ctx->node->in[0];
    struct simclr_shape y;
    if (!infer_gathered(ctx, &x->shape, ctx->node->attr.axis.axis, &y)) return false;
    return sc_infer_set(ctx, 0, x->dtype, &y);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    const union simclr_attr attr = {
        .gather_grad = {.axis = n->attr.axis.axis, .shape = sc_shape_dims(&n->in[0]->shape)}};
    dx[0] = sc_build(b, SIMCLR_OP_gather_grad, &attr, dy[0], n->in[1]);
}

const struct sc_op_info sc_op_info_gather = {.eval = eval, .infer = infer, .grad = grad};

static void grad_eval(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    const struct sc_axis_view v = sc_axis_view(&out[0]->shape, n->attr.gather_grad.axis);
    const struct sc_tensor *indices = in[1];
    sc_set_zero(out[0]);
    for (int64_t i = 0; i < in[0]->count; i++) {
        const int64_t o = i / v.inner / indices->count, k = i % v.inner;
        const int64_t at = sc_index_position(indices->i[i / v.inner % indices->count], v.n);
        sc_add_indexed(in[0], i, out[0], at < 0 ? -1 : (o * v.n + at) * v.inner + k);
    }
}

static bool grad_infer(struct sc_infer *ctx)
{
    const struct sc_attr_gather_grad *a = &ctx->node->attr.gather_grad;
    const struct sc_value *dy = ctx->node->in[0];
    if (!sc_infer_dtype(ctx, 0, SIMCLR_f32) || !sc_infer_dims(ctx, &a->shape)) return false;
    const struct simclr_shape x = sc_dims_shape(&a->shape);
    struct sc_value y = {.dtype = SIMCLR_f32};
    if (!infer_gathered(ctx, &x, a->axis, &y.shape)) return false;
    if (!simclr_shape_equal(&y.shape, &dy->shape))
        return sc_infer_fail(ctx, "operand 1 is %s, expected %s", sc_type_text(dy).s,
                             sc_type_text(&y).s);
    return sc_infer_set(ctx, 0, SIMCLR_f32, &x);
}

static void grad_grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *g,
                      struct sc_value **dx)
{
    const union simclr_attr attr = {.axis = {.axis = n->attr.gather_grad.axis}};
    dx[0] = sc_build(b, SIMCLR_OP_gather, &attr, g[0], n->in[1]);
}

const struct sc_op_info sc_op_info_gather_grad = {
    .eval = grad_eval, .infer = grad_infer, .grad = grad_grad};
