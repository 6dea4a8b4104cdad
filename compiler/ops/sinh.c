// SPDX-License-Identifier: Apache-2.0
//
// sinh: y = (e^x - e^-x) / 2; cosh: y = (e^x + e^-x) / 2.
#include "compiler/ops/rules.h"

#include <math.h>

static void eval_sinh(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, sinh, NULL);
}

static void grad_sinh(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                      struct sc_value **dx)
{
    dx[0] = sc_mul(b, dy[0], sc_build(b, SIMCLR_OP_cosh, NULL, n->in[0]));
}

const struct sc_op_info sc_op_info_sinh = {
    .eval = eval_sinh, .infer = sc_infer_float, .grad = grad_sinh};

static void eval_cosh(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, cosh, NULL);
}

static void grad_cosh(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                      struct sc_value **dx)
{
    dx[0] = sc_mul(b, dy[0], sc_build(b, SIMCLR_OP_sinh, NULL, n->in[0]));
}

const struct sc_op_info sc_op_info_cosh = {
    .eval = eval_cosh, .infer = sc_infer_float, .grad = grad_cosh};
