// SPDX-License-Identifier: Apache-2.0
//
// sign: y = 1 where x > 0, -1 where x < 0, else 0 (NaN included). Flat wherever
// it is differentiable, so no gradient flows.
#include "compiler/ops/rules.h"

static double sign(double x)
{
    return (x > 0) - (x < 0);
}

static int64_t sign_int(int64_t x)
{
    return (x > 0) - (x < 0);
}

static int64_t sign_u64(int64_t x)
{
    return x != 0;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, sign, out[0]->dtype == SIMCLR_u64 ? sign_u64 : sign_int);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    (void)b, (void)n, (void)dy, (void)dx;
}

const struct sc_op_info sc_op_info_sign = {
    .eval = eval, .infer = sc_infer_arithmetic, .grad = grad};
