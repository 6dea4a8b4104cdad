// SPDX-License-Identifier: Apache-2.0
//
// or: true where at least one operand is; operands broadcast.
#include "compiler/ops/rules.h"

static int64_t disjunction(int64_t x, int64_t y)
{
    return x || y;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_binary(in, out, NULL, disjunction);
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    if (sc_is_fill(n->in[0], 0)) return sc_if_same_type(n->in[1], n);
    if (sc_is_fill(n->in[1], 0)) return sc_if_same_type(n->in[0], n);
    return NULL;
}

const struct sc_op_info sc_op_info_or = {
    .eval = eval,
    .infer = sc_infer_logic,
    .why_no_grad = "its result is a truth value, which does not vary smoothly",
    .fold = fold};
