// SPDX-License-Identifier: Apache-2.0
//
// expm1: y = e^x - 1, accurate near 0: the lower half of Elu and its kind.
#include "compiler/ops/rules.h"

#include <math.h>

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, expm1, NULL);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    dx[0] = sc_mul(b, dy[0], sc_exp(b, n->in[0]));
}

const struct sc_op_info sc_op_info_expm1 = {
    .eval = eval, .infer = sc_infer_float, .grad = grad};
