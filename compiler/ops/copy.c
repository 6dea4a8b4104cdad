// SPDX-License-Identifier: Apache-2.0
//
// copy: y = x. Lowering inserts it where a value must exist twice, so it does not fold.
#include "compiler/ops/rules.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    for (int64_t i = 0; i < out[0]->count; i++)
        sc_copy_element(in[0], i, out[0], i);
}

static bool infer(struct sc_infer *ctx)
{
    return sc_infer_set_like(ctx, 0, 0);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    (void)b, (void)n;
    dx[0] = dy[0];
}

const struct sc_op_info sc_op_info_copy = {.eval = eval, .infer = infer, .grad = grad};
