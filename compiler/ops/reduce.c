// SPDX-License-Identifier: Apache-2.0
#include "compiler/ops/reduce.h"

static bool is_reduced(const struct sc_attr_reduce *a, int32_t axis)
{
    for (int64_t i = 0; i < a->axes.n; i++) {
        if (a->axes.v[i] == axis) return true;
    }
    return false;
}

struct simclr_shape sc_reduce_kept(const struct simclr_shape *x, const struct sc_attr_reduce *a)
{
    struct simclr_shape kept = *x;
    for (int32_t i = 0; i < x->rank; i++) {
        if (is_reduced(a, i)) kept.dim[i] = 1;
    }
    return kept;
}

struct sc_walk sc_walk_reduce(const struct simclr_shape *x, const struct sc_attr_reduce *a)
{
    const struct simclr_shape kept = sc_reduce_kept(x, a);
    return sc_walk_broadcast(&kept, x);
}

int64_t sc_reduce_size(const struct simclr_shape *x, const struct sc_attr_reduce *a)
{
    int64_t size = 1;
    for (int64_t i = 0; i < a->axes.n; i++)
        size *= x->dim[a->axes.v[i]];
    return size;
}

bool sc_infer_not_bool(struct sc_infer *ctx)
{
    const struct sc_value *x = ctx->node->in[0];
    if (x->dtype != SIMCLR_bool) return true;
    return sc_infer_fail(ctx, "operand 1 is %s, expected numbers", sc_type_text(x).s);
}

bool sc_infer_reduce(struct sc_infer *ctx)
{
    const struct sc_value *x = ctx->node->in[0];
    if (x->dtype == SIMCLR_f64)
        return sc_infer_fail(ctx, "operand 1 is %s, expected f32 or integers",
                             sc_type_text(x).s);
    const struct sc_attr_reduce *a = &ctx->node->attr.reduce;
    if (a->axes.n < 0 || a->axes.n > SIMCLR_MAX_RANK)
        return sc_infer_fail(ctx, "%lld axes are given, at most %d are supported",
                             (long long)a->axes.n, (int)SIMCLR_MAX_RANK);
    for (int64_t i = 0; i < a->axes.n; i++) {
        if (!sc_infer_axis(ctx, a->axes.v[i], x->shape.rank)) return false;
        if (i > 0 && a->axes.v[i] <= a->axes.v[i - 1])
            return sc_infer_fail(ctx, "axis %lld follows axis %lld, expected ascending axes",
                                 (long long)a->axes.v[i], (long long)a->axes.v[i - 1]);
    }
    struct simclr_shape y = {0};
    for (int32_t i = 0; i < x->shape.rank; i++) {
        if (!is_reduced(a, i))
            y.dim[y.rank++] = x->shape.dim[i];
        else if (a->keepdims)
            y.dim[y.rank++] = 1;
    }
    return sc_infer_set(ctx, 0, x->dtype, &y);
}

struct sc_value *sc_unreduce(struct sc_builder *b, struct sc_value *dy, const struct sc_node *n)
{
    const struct simclr_shape *x = &n->in[0]->shape;
    const struct simclr_shape kept = sc_reduce_kept(x, &n->attr.reduce);
    return sc_expand(b, sc_reshape(b, dy, &kept), x);
}

struct sc_value *sc_fold_reduce(struct sc_builder *b, const struct sc_node *n)
{
    struct sc_value *x = n->in[0];
    if (sc_reduce_size(&x->shape, &n->attr.reduce) != 1) return NULL;
    return sc_reshape(b, x, &n->out[0]->shape);
}

void sc_grad_extreme(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                     struct sc_value **dx)
{
    struct sc_value *x = n->in[0];
    struct sc_value *is_it = sc_cast(b, sc_equal(b, x, sc_unreduce(b, n->out[0], n)), x->dtype);
    struct sc_value *n_equal =
        sc_reduce_sum(b, is_it, &n->attr.reduce.axes, n->attr.reduce.keepdims);
    dx[0] = sc_mul(b, is_it, sc_unreduce(b, sc_div(b, dy[0], n_equal), n));
}
