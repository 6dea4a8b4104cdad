// SPDX-License-Identifier: Apache-2.0
//
// relu: y = x where x > 0, else 0. NaN stays NaN, so that a diverged network shows.
// relu_grad(y, dy): dy where y > 0, else 0; y is relu's output, which is positive
// exactly where its input is, so the input need not be kept.
#include "compiler/ops/rules.h"

static double relu(double x)
{
    return x < 0 ? 0 : x;
}

static double relu_grad(double y, double dy)
{
    return y > 0 ? dy : 0;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, relu, NULL);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    dx[0] = sc_build(b, SIMCLR_OP_relu_grad, NULL, n->out[0], dy[0]);
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    return sc_made_by(n->in[0], SIMCLR_OP_relu) ? n->in[0] : NULL;
}

const struct sc_op_info sc_op_info_relu = {
    .eval = eval, .infer = sc_infer_float, .grad = grad, .fold = fold};

static void grad_eval(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_binary(in, out, relu_grad, NULL);
}

// Linear in dy; flat in y wherever it is differentiable.
static void grad_grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                      struct sc_value **dx)
{
    struct sc_value *masked = sc_build(b, SIMCLR_OP_relu_grad, NULL, n->in[0], dy[0]);
    dx[1] = sc_sum_to(b, masked, &n->in[1]->shape);
}

const struct sc_op_info sc_op_info_relu_grad = {
    .eval = grad_eval, .infer = sc_infer_float, .grad = grad_grad};
