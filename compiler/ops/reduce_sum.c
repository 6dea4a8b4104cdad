// SPDX-License-Identifier: Apache-2.0
//
// reduce_sum: the sum over the axes given, in row-major order; over none, x itself.
// Integers wrap.
#include "compiler/ops/reduce.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    struct sc_walk to = sc_walk_reduce(&in[0]->shape, &n->attr.reduce);
    struct sc_tensor *y = out[0];
    sc_set_zero(y);
    for (int64_t i = 0; i < in[0]->count; i++) {
        if (y->f)
            y->f[to.offset] += in[0]->f[i];
        else
            y->i[to.offset] = sc_int_wrap(
                y->dtype, (int64_t)((uint64_t)y->i[to.offset] + (uint64_t)in[0]->i[i]));
        sc_walk_next(&to);
    }
}

static bool infer(struct sc_infer *ctx)
{
    return sc_infer_not_bool(ctx) && sc_infer_reduce(ctx);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    dx[0] = sc_unreduce(b, dy[0], n);
}

const struct sc_op_info sc_op_info_reduce_sum = {
    .eval = eval, .infer = infer, .grad = grad, .fold = sc_fold_reduce};
