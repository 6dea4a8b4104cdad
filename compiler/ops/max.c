// SPDX-License-Identifier: Apache-2.0
//
// max: z = the larger of x and y; operands broadcast. Where they are equal, z is x
// and the gradient goes to x alone. NaN if either is, so that a diverged network shows.
#include "compiler/ops/rules.h"

#include <math.h>

static double larger(double x, double y)
{
    return x < y || isnan(y) ? y : x;
}

static int64_t larger_int(int64_t x, int64_t y)
{
    return x >= y ? x : y;
}

static int64_t larger_u64(int64_t x, int64_t y)
{
    return sc_int_less(SIMCLR_u64, x, y) ? y : x;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_binary(in, out, larger, out[0]->dtype == SIMCLR_u64 ? larger_u64 : larger_int);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *y = n->in[1], *zero = sc_scalar(b, 0);
    struct sc_value *is_y = sc_less(b, x, y);
    dx[0] = sc_sum_to(b, sc_where(b, is_y, zero, dy[0]), &x->shape);
    dx[1] = sc_sum_to(b, sc_where(b, is_y, dy[0], zero), &y->shape);
}

const struct sc_op_info sc_op_info_max = {
    .eval = eval, .infer = sc_infer_arithmetic, .grad = grad};
