// SPDX-License-Identifier: Apache-2.0
//
// reciprocal: y = 1 / x.
#include "compiler/ops/rules.h"

static double reciprocal(double x)
{
    return 1 / x;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, reciprocal, NULL);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *y = n->out[0];
    dx[0] = sc_neg(b, sc_mul(b, dy[0], sc_mul(b, y, y))); // -1 / x^2
}

const struct sc_op_info sc_op_info_reciprocal = {
    .eval = eval, .infer = sc_infer_float, .grad = grad};
