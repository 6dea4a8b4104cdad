// SPDX-License-Identifier: Apache-2.0
//
// equal: true where the operands are equal; operands broadcast.
// Nothing compares with NaN.
#include "compiler/ops/rules.h"

static bool equal(double x, double y)
{
    return x == y;
}

static bool equal_int(int64_t x, int64_t y)
{
    return x == y;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_compare(in, out, equal, equal_int);
}

const struct sc_op_info sc_op_info_equal = {
    .eval = eval,
    .infer = sc_infer_compare,
    .why_no_grad = "its result is a truth value, which does not vary smoothly"};
