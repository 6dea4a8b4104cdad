// SPDX-License-Identifier: Apache-2.0
//
// erf: y = 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x; the heart of GELU.
#include "compiler/ops/rules.h"

#include <math.h>

static const double two_over_sqrt_pi = 1.1283791670955126;

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, erf, NULL);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *x = n->in[0];
    struct sc_value *bell = sc_exp(b, sc_neg(b, sc_mul(b, x, x)));
    dx[0] = sc_mul(b, dy[0], sc_scale(b, bell, two_over_sqrt_pi));
}

const struct sc_op_info sc_op_info_erf = {.eval = eval, .infer = sc_infer_float, .grad = grad};
