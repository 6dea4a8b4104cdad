// SPDX-License-Identifier: Apache-2.0
//
// pow: z = x^y; operands broadcast. The gradient reaches y where x > 0; elsewhere
// x^y does not vary smoothly with y, and it is 0. Integers wrap; 1 / x^-y of an
// integer, which ONNX leaves open, loses its fraction, and is 0 for x = 0.
#include "compiler/ops/rules.h"

#include <math.h>

static int64_t power_u64(int64_t x, int64_t y)
{
    uint64_t z = 1, square = (uint64_t)x;
    for (uint64_t rest = (uint64_t)y; rest > 0; rest /= 2) {
        if (rest % 2) z *= square;
        square *= square;
    }
    return (int64_t)z;
}

static int64_t power_int(int64_t x, int64_t y)
{
    if (y >= 0) return power_u64(x, y);
    if (x == -1) return y % 2 ? -1 : 1;
    return x == 1;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_binary(in, out, pow, out[0]->dtype == SIMCLR_u64 ? power_u64 : power_int);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *y = n->in[1], *z = n->out[0], *zero = sc_scalar(b, 0);
    struct sc_value *less_one = sc_sub(b, y, sc_scalar(b, 1));
    struct sc_value *slope = sc_mul(b, y, sc_build(b, SIMCLR_OP_pow, NULL, x, less_one));
    dx[0] = sc_sum_to(b, sc_mul(b, dy[0], slope), &x->shape); // y x^(y-1)
    if (y->kind == SC_VALUE_constant) return;
    struct sc_value *is_positive = sc_less(b, zero, x);
    struct sc_value *rise = sc_where(b, is_positive, sc_mul(b, z, sc_log(b, x)), zero);
    dx[1] = sc_sum_to(b, sc_mul(b, dy[0], rise), &y->shape); // z ln x
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    struct sc_value *x = n->in[0], *y = n->in[1];
    if (!sc_if_same_type(x, n) || x->dtype != SIMCLR_f32) return NULL;
    if (sc_is_fill(y, 1)) return x;
    if (sc_is_fill(y, 2)) return sc_mul(b, x, x);
    if (sc_is_fill(y, 0.5)) return sc_sqrt(b, x);
    if (sc_is_fill(y, -1)) return sc_reciprocal(b, x);
    return NULL;
}

const struct sc_op_info sc_op_info_pow = {
    .eval = eval, .infer = sc_infer_arithmetic, .grad = grad, .fold = fold};
