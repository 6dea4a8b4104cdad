// SPDX-License-Identifier: Apache-2.0
//
// reduce_max: the largest element along the axes given. The gradient is shared
// evenly among equal maxima.
#include "compiler/ops/reduce.h"

#include <math.h>

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    struct sc_walk to = sc_walk_reduce(&in[0]->shape, &n->attr.reduce);
    const struct sc_tensor *x = in[0];
    struct sc_tensor *y = out[0];
    for (int64_t i = 0; i < y->count; i++) {
        if (y->f)
            y->f[i] = -(double)INFINITY;
        else
            y->i[i] = y->dtype == SIMCLR_i32 ? INT32_MIN : INT64_MIN;
    }
    for (int64_t i = 0; i < x->count; i++) {
        const int64_t j = to.offset;
        if (y->f ? x->f[i] > y->f[j] || isnan(x->f[i]) : x->i[i] > y->i[j])
            sc_copy_element(x, i, y, j);
        sc_walk_next(&to);
    }
}

static bool infer(struct sc_infer *ctx)
{
    if (!sc_infer_number(ctx) || !sc_infer_reduce(ctx)) return false;
    if (sc_reduce_size(&ctx->node->in[0]->shape, &ctx->node->attr.reduce) == 0)
        return sc_infer_fail(ctx, "input is %s, expected at least one element along each axis",
                             sc_type_text(ctx->node->in[0]).s);
    return true;
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *x = n->in[0];
    struct sc_value *is_max =
        sc_cast(b, sc_equal(b, x, sc_unreduce(b, n->out[0], n)), x->dtype);
    struct sc_value *n_max =
        sc_reduce_sum(b, is_max, &n->attr.reduce.axes, n->attr.reduce.keepdims);
    dx[0] = sc_mul(b, is_max, sc_unreduce(b, sc_div(b, dy[0], n_max), n));
}

const struct sc_op_info sc_op_info_reduce_max = {
    .eval = eval, .infer = infer, .grad = grad, .fold = sc_fold_reduce};
