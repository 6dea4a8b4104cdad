// SPDX-License-Identifier: Apache-2.0
//
// div: z = x / y; operands broadcast. Integers truncate toward zero, as in ONNX;
// an integer divided by zero, which ONNX leaves open, gives 0.
#include "compiler/ops/rules.h"

static double divide(double x, double y)
{
    return x / y;
}

static int64_t divide_int(int64_t x, int64_t y)
{
    if (y == 0) return 0;
    if (y == -1) return (int64_t)(0 - (uint64_t)x); // the least integer wraps
    return x / y;
}

static int64_t divide_u64(int64_t x, int64_t y)
{
    return y == 0 ? 0 : (int64_t)((uint64_t)x / (uint64_t)y);
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_binary(in, out, divide, out[0]->dtype == SIMCLR_u64 ? divide_u64 : divide_int);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *y = n->in[1], *z = n->out[0];
    struct sc_value *dx_full = sc_div(b, dy[0], y);
    dx[0] = sc_sum_to(b, dx_full, &x->shape);
    dx[1] = sc_sum_to(b, sc_neg(b, sc_mul(b, dx_full, z)), &y->shape); // -x / y^2
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    return sc_is_fill(n->in[1], 1) ? sc_if_same_type(n->in[0], n) : NULL;
}

const struct sc_op_info sc_op_info_div = {
    .eval = eval, .infer = sc_infer_arithmetic, .grad = grad, .fold = fold};
