// SPDX-License-Identifier: Apache-2.0
//
// reduce_prod: the product over the axes given, in row-major order; of nothing, 1.
// Integers wrap.
#include "compiler/ops/reduce.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    struct sc_walk to = sc_walk_reduce(&in[0]->shape, &n->attr.reduce);
    struct sc_tensor *y = out[0];
    for (int64_t i = 0; i < y->count; i++) {
        if (y->f)
            y->f[i] = 1;
        else
            y->i[i] = 1;
    }
    for (int64_t i = 0; i < in[0]->count; i++) {
        if (y->f)
            y->f[to.offset] *= in[0]->f[i];
        else
            y->i[to.offset] = sc_int_wrap(
                y->dtype, (int64_t)((uint64_t)y->i[to.offset] * (uint64_t)in[0]->i[i]));
        sc_walk_next(&to);
    }
}

static bool infer(struct sc_infer *ctx)
{
    return sc_infer_not_bool(ctx) && sc_infer_reduce(ctx);
}

// dx_i = dy times the product of the others: p / x_i, where p is the product of all
// that are not zero, or 0 if another one is zero.
static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *zero = sc_scalar(b, 0);
    struct sc_value *is_zero = sc_equal(b, x, zero);
    struct sc_value *safe = sc_where(b, is_zero, sc_scalar(b, 1), x);
    struct sc_value *p = sc_build(b, SIMCLR_OP_reduce_prod, &n->attr, safe);
    struct sc_value *own_zero = sc_cast(b, is_zero, SIMCLR_f32);
    struct sc_value *n_zero =
        sc_reduce_sum(b, own_zero, &n->attr.reduce.axes, n->attr.reduce.keepdims);
    struct sc_value *others = sc_div(b, sc_unreduce(b, p, n), safe);
    struct sc_value *other_zeros = sc_sub(b, sc_unreduce(b, n_zero, n), own_zero);
    others = sc_where(b, sc_equal(b, other_zeros, zero), others, zero);
    dx[0] = sc_mul(b, others, sc_unreduce(b, dy[0], n));
}

const struct sc_op_info sc_op_info_reduce_prod = {
    .eval = eval, .infer = infer, .grad = grad, .fold = sc_fold_reduce};
