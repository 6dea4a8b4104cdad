// SPDX-License-Identifier: Apache-2.0
//
// reduce_mean: the sum over the axes given, divided by the number of elements
// summed. The mean of nothing is NaN.
#include "compiler/ops/reduce.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    struct sc_walk to = sc_walk_reduce(&in[0]->shape, &n->attr.reduce);
    struct sc_tensor *y = out[0];
    sc_set_zero(y);
    for (int64_t i = 0; i < in[0]->count; i++) {
        y->f[to.offset] += in[0]->f[i];
        sc_walk_next(&to);
    }
    const double size = (double)sc_reduce_size(&in[0]->shape, &n->attr.reduce);
    for (int64_t i = 0; i < y->count; i++)
        y->f[i] /= size;
}

static bool infer(struct sc_infer *ctx)
{
    return sc_infer_float(ctx) && sc_infer_reduce(ctx);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    const int64_t size = sc_reduce_size(&n->in[0]->shape, &n->attr.reduce);
    struct sc_value *share = size == 1 ? dy[0] : sc_div(b, dy[0], sc_scalar(b, (double)size));
    dx[0] = sc_unreduce(b, share, n);
}

const struct sc_op_info sc_op_info_reduce_mean = {
    .eval = eval, .infer = infer, .grad = grad, .fold = sc_fold_reduce};
