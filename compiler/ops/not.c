// SPDX-License-Identifier: Apache-2.0
//
// not: y = 1 - x for truth values.
#include "compiler/ops/rules.h"

static int64_t negation(int64_t x)
{
    return !x;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, NULL, negation);
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    const struct sc_node *inner = sc_made_by(n->in[0], SIMCLR_OP_not);
    return inner ? inner->in[0] : NULL;
}

const struct sc_op_info sc_op_info_not = {
    .eval = eval,
    .infer = sc_infer_logic,
    .why_no_grad = "its result is a truth value, which does not vary smoothly",
    .fold = fold};
