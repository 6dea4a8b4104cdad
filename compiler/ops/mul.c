// SPDX-License-Identifier: Apache-2.0
//
// mul: z = x y; operands broadcast. Integers wrap.
#include "compiler/ops/rules.h"

static double mul(double x, double y)
{
    return x * y;
}

static int64_t mul_int(int64_t x, int64_t y)
{
    return (int64_t)((uint64_t)x * (uint64_t)y);
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_binary(in, out, mul, mul_int);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *y = n->in[1];
    dx[0] = sc_sum_to(b, sc_mul(b, dy[0], y), &x->shape);
    dx[1] = sc_sum_to(b, sc_mul(b, dy[0], x), &y->shape);
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    if (sc_is_fill(n->in[0], 1)) return sc_if_same_type(n->in[1], n);
    if (sc_is_fill(n->in[1], 1)) return sc_if_same_type(n->in[0], n);
    return NULL;
}

const struct sc_op_info sc_op_info_mul = {
    .eval = eval, .infer = sc_infer_arithmetic, .grad = grad, .fold = fold};
