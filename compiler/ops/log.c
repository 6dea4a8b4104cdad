// SPDX-License-Identifier: Apache-2.0
//
// log: y = ln x.
#include "compiler/ops/rules.h"

#include <math.h>

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, log, NULL);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    dx[0] = sc_div(b, dy[0], n->in[0]);
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    const struct sc_node *inner = sc_made_by(n->in[0], SIMCLR_OP_softmax);
    if (!inner) return NULL;
    return sc_build(b, SIMCLR_OP_log_softmax, &inner->attr, inner->in[0]);
}

const struct sc_op_info sc_op_info_log = {
    .eval = eval, .infer = sc_infer_float, .grad = grad, .fold = fold};
