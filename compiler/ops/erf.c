// SPDX-License-Identifier: Apache-2.0
//
// erf: y = 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x; the heart of GELU.
// erf_grad: y = 2/sqrt(pi) e^(-x^2), its derivative. It is an operation because the
// factor is no float: as a constant of the graph it would be off by 1e-8.
#include "compiler/ops/rules.h"

#include <math.h>

static const double two_over_sqrt_pi = 1.1283791670955126;

static double erf_grad(double x)
{
    return two_over_sqrt_pi * exp(-x * x);
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, erf, NULL);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    dx[0] = sc_mul(b, dy[0], sc_build(b, SIMCLR_OP_erf_grad, NULL, n->in[0]));
}

const struct sc_op_info sc_op_info_erf = {.eval = eval, .infer = sc_infer_float, .grad = grad};

static void grad_eval(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, erf_grad, NULL);
}

static void grad_grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                      struct sc_value **dx)
{
    struct sc_value *slope = sc_mul(b, n->in[0], n->out[0]);
    dx[0] = sc_mul(b, dy[0], sc_scale(b, slope, -2)); // -2 x y
}

const struct sc_op_info sc_op_info_erf_grad = {
    .eval = grad_eval, .infer = sc_infer_float, .grad = grad_grad};
