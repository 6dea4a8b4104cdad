// SPDX-License-Identifier: Apache-2.0
//
// less: true where the first operand is less than the second; operands broadcast.
// Nothing compares with NaN.
#include "compiler/ops/rules.h"

static bool less(double x, double y)
{
    return x < y;
}

static bool less_int(int64_t x, int64_t y)
{
    return x < y;
}

static bool less_u64(int64_t x, int64_t y)
{
    return sc_int_less(SIMCLR_u64, x, y);
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_compare(in, out, less, in[0]->dtype == SIMCLR_u64 ? less_u64 : less_int);
}

const struct sc_op_info sc_op_info_less = {
    .eval = eval,
    .infer = sc_infer_compare,
    .why_no_grad = "its result is a truth value, which does not vary smoothly"};
