// SPDX-License-Identifier: Apache-2.0
//
// tanh: y = (e^x - e^-x) / (e^x + e^-x).
#include "compiler/ops/rules.h"

#include <math.h>

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, tanh, NULL);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *y = n->out[0], *one = sc_scalar(b, 1);
    dx[0] = sc_mul(b, dy[0], sc_sub(b, one, sc_mul(b, y, y))); // 1 - y^2
}

const struct sc_op_info sc_op_info_tanh = {.eval = eval, .infer = sc_infer_float, .grad = grad};
