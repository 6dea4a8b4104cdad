// SPDX-License-Identifier: Apache-2.0
//
// asin, acos, atan: the angle whose sine, cosine or tangent x is: in [-pi/2, pi/2],
// [0, pi] and (-pi/2, pi/2). asin and acos of |x| > 1 are NaN.
#include "compiler/ops/rules.h"

#include <math.h>

// sqrt(1 - x^2), with no digits lost near 1.
static struct sc_value *half_chord(struct sc_builder *b, struct sc_value *x)
{
    struct sc_value *one = sc_scalar(b, 1);
    return sc_sqrt(b, sc_mul(b, sc_sub(b, one, x), sc_add(b, one, x)));
}

static void eval_asin(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, asin, NULL);
}

static void grad_asin(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                      struct sc_value **dx)
{
    dx[0] = sc_div(b, dy[0], half_chord(b, n->in[0]));
}

const struct sc_op_info sc_op_info_asin = {
    .eval = eval_asin, .infer = sc_infer_float, .grad = grad_asin};

static void eval_acos(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, acos, NULL);
}

static void grad_acos(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                      struct sc_value **dx)
{
    dx[0] = sc_neg(b, sc_div(b, dy[0], half_chord(b, n->in[0])));
}

const struct sc_op_info sc_op_info_acos = {
    .eval = eval_acos, .infer = sc_infer_float, .grad = grad_acos};

static void eval_atan(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, atan, NULL);
}

static void grad_atan(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                      struct sc_value **dx)
{
    struct sc_value *x = n->in[0];
    dx[0] = sc_div(b, dy[0], sc_add(b, sc_scalar(b, 1), sc_mul(b, x, x))); // 1 + x^2
}

const struct sc_op_info sc_op_info_atan = {
    .eval = eval_atan, .infer = sc_infer_float, .grad = grad_atan};
