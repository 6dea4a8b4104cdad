// SPDX-License-Identifier: Apache-2.0
//
// neg: y = -x.
#include "compiler/ops/rules.h"

static double negate(double x)
{
    return -x;
}

static int64_t negate_int(int64_t x)
{
    return (int64_t)(0 - (uint64_t)x);
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, negate, negate_int);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    (void)n;
    dx[0] = sc_neg(b, dy[0]);
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    const struct sc_node *inner = sc_made_by(n->in[0], SIMCLR_OP_neg);
    return inner ? inner->in[0] : NULL; // -(-x) = x
}

const struct sc_op_info sc_op_info_neg = {
    .eval = eval, .infer = sc_infer_arithmetic, .grad = grad, .fold = fold};
