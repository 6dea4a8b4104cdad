// SPDX-License-Identifier: Apache-2.0
//
// floor, ceil: the nearest integer not above, not below x. round: the nearest
// integer, of two the even one, as in ONNX. All are flat wherever they are
// differentiable, so no gradient flows.
#include "compiler/ops/rules.h"

#include <math.h>

static void eval_floor(const struct sc_node *n, const struct sc_tensor *const *in,
                       struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, floor, NULL);
}

static void eval_ceil(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, ceil, NULL);
}

static void eval_round(const struct sc_node *n, const struct sc_tensor *const *in,
                       struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, nearbyint, NULL);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    (void)b, (void)n, (void)dy, (void)dx;
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    const bool is_whole = sc_made_by(n->in[0], SIMCLR_OP_floor) ||
                          sc_made_by(n->in[0], SIMCLR_OP_ceil) ||
                          sc_made_by(n->in[0], SIMCLR_OP_round);
    return is_whole ? n->in[0] : NULL;
}

const struct sc_op_info sc_op_info_floor = {
    .eval = eval_floor, .infer = sc_infer_float, .grad = grad, .fold = fold};
const struct sc_op_info sc_op_info_ceil = {
    .eval = eval_ceil, .infer = sc_infer_float, .grad = grad, .fold = fold};
const struct sc_op_info sc_op_info_round = {
    .eval = eval_round, .infer = sc_infer_float, .grad = grad, .fold = fold};
