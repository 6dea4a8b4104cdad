// SPDX-License-Identifier: Apache-2.0
//
// sin, cos, tan: of x in radians.
#include "compiler/ops/rules.h"

#include <math.h>

static void eval_sin(const struct sc_node *n, const struct sc_tensor *const *in,
                     struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, sin, NULL);
}

static void grad_sin(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                     struct sc_value **dx)
{
    dx[0] = sc_mul(b, dy[0], sc_build(b, SIMCLR_OP_cos, NULL, n->in[0]));
}

const struct sc_op_info sc_op_info_sin = {
    .eval = eval_sin, .infer = sc_infer_float, .grad = grad_sin};

static void eval_cos(const struct sc_node *n, const struct sc_tensor *const *in,
                     struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, cos, NULL);
}

static void grad_cos(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                     struct sc_value **dx)
{
    struct sc_value *slope = sc_build(b, SIMCLR_OP_sin, NULL, n->in[0]);
    dx[0] = sc_neg(b, sc_mul(b, dy[0], slope));
}

const struct sc_op_info sc_op_info_cos = {
    .eval = eval_cos, .infer = sc_infer_float, .grad = grad_cos};

static void eval_tan(const struct sc_node *n, const struct sc_tensor *const *in,
                     struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, tan, NULL);
}

static void grad_tan(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                     struct sc_value **dx)
{
    struct sc_value *y = n->out[0];
    dx[0] = sc_mul(b, dy[0], sc_add(b, sc_scalar(b, 1), sc_mul(b, y, y))); // 1 + y^2
}

const struct sc_op_info sc_op_info_tan = {
    .eval = eval_tan, .infer = sc_infer_float, .grad = grad_tan};
