// SPDX-License-Identifier: Apache-2.0
//
// sub: z = x - y; operands broadcast. Integers wrap.
#include "compiler/ops/rules.h"

static double sub(double x, double y)
{
    return x - y;
}

static int64_t sub_int(int64_t x, int64_t y)
{
    return (int64_t)((uint64_t)x - (uint64_t)y);
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_binary(in, out, sub, sub_int);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    dx[0] = sc_sum_to(b, dy[0], &n->in[0]->shape);
    dx[1] = sc_sum_to(b, sc_neg(b, dy[0]), &n->in[1]->shape);
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    return sc_is_fill(n->in[1], 0) ? sc_if_same_type(n->in[0], n) : NULL;
}

const struct sc_op_info sc_op_info_sub = {
    .eval = eval, .infer = sc_infer_arithmetic, .grad = grad, .fold = fold};
