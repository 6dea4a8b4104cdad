// SPDX-License-Identifier: Apache-2.0
//
// round_f16, round_bf16: the nearest number that IEEE 754 binary16, or bfloat16, has;
// of two the one with an even last bit; beyond the largest, infinity. What a Cast to
// half precision does to values, which stay f32. The gradient passes as it does
// through a cast.
#include "compiler/ops/rules.h"

#include <math.h>

// `digits` significant bits, the least of weight 2^lowest at least; |y| < 2^limit.
static double round_to(double x, int digits, int lowest, int limit)
{
    int exponent;
    if (!isfinite(x) || x == 0) return x;
    (void)frexp(x, &exponent);
    const int unit = exponent - digits > lowest ? exponent - digits : lowest;
    const double y = ldexp(nearbyint(ldexp(x, -unit)), unit);
    return fabs(y) < ldexp(1, limit) ? y : copysign((double)INFINITY, x);
}

static double to_f16(double x)
{
    return round_to(x, 11, -24, 16);
}

static double to_bf16(double x)
{
    return round_to(x, 8, -133, 128);
}

static void eval_f16(const struct sc_node *n, const struct sc_tensor *const *in,
                     struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, to_f16, NULL);
}

static void eval_bf16(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, to_bf16, NULL);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    (void)b, (void)n;
    dx[0] = dy[0];
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    return sc_made_by(n->in[0], n->op) ? n->in[0] : NULL;
}

const struct sc_op_info sc_op_info_round_f16 = {
    .eval = eval_f16, .infer = sc_infer_float, .grad = grad, .fold = fold};
const struct sc_op_info sc_op_info_round_bf16 = {
    .eval = eval_bf16, .infer = sc_infer_float, .grad = grad, .fold = fold};
