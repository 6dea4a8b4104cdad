// SPDX-License-Identifier: Apache-2.0
//
// softplus: y = ln(1 + e^x), computed as max(x, 0) + ln(1 + e^-|x|), which neither
// overflows nor loses digits at either end.
#include "compiler/ops/rules.h"

#include <math.h>

static double softplus(double x)
{
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, softplus, NULL);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    dx[0] = sc_mul(b, dy[0], sc_build(b, SIMCLR_OP_sigmoid, NULL, n->in[0]));
}

const struct sc_op_info sc_op_info_softplus = {
    .eval = eval, .infer = sc_infer_float, .grad = grad};
