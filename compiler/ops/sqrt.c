// SPDX-License-Identifier: Apache-2.0
//
// sqrt: y = x^(1/2).
#include "compiler/ops/rules.h"

#include <math.h>

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, sqrt, NULL);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    dx[0] = sc_scale(b, sc_div(b, dy[0], n->out[0]), 0.5); // 1 / (2 sqrt x)
}

const struct sc_op_info sc_op_info_sqrt = {.eval = eval, .infer = sc_infer_float, .grad = grad};
