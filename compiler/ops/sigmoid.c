// SPDX-License-Identifier: Apache-2.0
//
// sigmoid: y = 1 / (1 + e^-x).
#include "compiler/ops/rules.h"

#include <math.h>

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, sigmoid, NULL);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *y = n->out[0];
    dx[0] = sc_mul(b, dy[0], sc_sub(b, y, sc_mul(b, y, y))); // y (1 - y)
}

const struct sc_op_info sc_op_info_sigmoid = {
    .eval = eval, .infer = sc_infer_float, .grad = grad};
