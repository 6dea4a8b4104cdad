// SPDX-License-Identifier: Apache-2.0
//
// asinh, acosh, atanh: the number whose hyperbolic sine, cosine or tangent x is.
// acosh of x < 1 and atanh of |x| > 1 are NaN.
#include "compiler/ops/rules.h"

#include <math.h>

static void eval_asinh(const struct sc_node *n, const struct sc_tensor *const *in,
                       struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, asinh, NULL);
}

static void grad_asinh(struct sc_builder *b, const struct sc_node *n,
                       struct sc_value *const *dy, struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *one = sc_scalar(b, 1);
    dx[0] = sc_div(b, dy[0], sc_sqrt(b, sc_add(b, one, sc_mul(b, x, x)))); // sqrt(1 + x^2)
}

const struct sc_op_info sc_op_info_asinh = {
    .eval = eval_asinh, .infer = sc_infer_float, .grad = grad_asinh};

static void eval_acosh(const struct sc_node *n, const struct sc_tensor *const *in,
                       struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, acosh, NULL);
}

static void grad_acosh(struct sc_builder *b, const struct sc_node *n,
                       struct sc_value *const *dy, struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *one = sc_scalar(b, 1);
    struct sc_value *square = sc_mul(b, sc_sub(b, x, one), sc_add(b, x, one)); // x^2 - 1
    dx[0] = sc_div(b, dy[0], sc_sqrt(b, square));
}

const struct sc_op_info sc_op_info_acosh = {
    .eval = eval_acosh, .infer = sc_infer_float, .grad = grad_acosh};

static void eval_atanh(const struct sc_node *n, const struct sc_tensor *const *in,
                       struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, atanh, NULL);
}

static void grad_atanh(struct sc_builder *b, const struct sc_node *n,
                       struct sc_value *const *dy, struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *one = sc_scalar(b, 1);
    dx[0] = sc_div(b, dy[0], sc_mul(b, sc_sub(b, one, x), sc_add(b, one, x))); // 1 - x^2
}

const struct sc_op_info sc_op_info_atanh = {
    .eval = eval_atanh, .infer = sc_infer_float, .grad = grad_atanh};
