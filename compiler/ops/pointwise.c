// SPDX-License-Identifier: Apache-2.0
//
// pointwise: the steps of a micro-program, each an operation with trait P, run one
// after the other on every element of the broadcast operands; the output is what
// the last step writes. The definition runs each step's own definition, so that a
// fused chain means exactly what the chain meant.
#include "compiler/ops/rules.h"

#include "compiler/ir/eval.h"

#include <assert.h>

static const struct sc_op_row *step_row(const struct simclr_code_step *step)
{
    return step->op < SIMCLR_N_OPS ? &sc_op_table[step->op] : NULL;
}

static struct sc_tensor *run_step(const struct simclr_code_step *step,
                                  const struct sc_tensor *const *reg,
                                  const struct simclr_shape *shape)
{
    const struct sc_tensor *const in[] = {reg[step->a], reg[step->b]};
    struct sc_tensor *out = sc_tensor_new(SIMCLR_f32, shape);
    const struct sc_node n = {.op = (enum simclr_op)step->op, .n_out = 1};
    step_row(step)->info->eval(&n, in, &out);
    return out;
}

static struct sc_tensor *broadcast_to(const struct sc_tensor *x,
                                      const struct simclr_shape *shape)
{
    struct sc_tensor *y = sc_tensor_new(x->dtype, shape);
    struct sc_walk w = sc_walk_broadcast(&x->shape, shape);
    for (int64_t i = 0; i < y->count; i++) {
        sc_copy_element(x, w.offset, y, i);
        sc_walk_next(&w);
    }
    return y;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    enum { MAX_OPERANDS = 8 };
    const struct simclr_code *code = &n->attr.pointwise.code;
    struct sc_tensor *reg[MAX_OPERANDS + SIMCLR_MAX_CODE] = {NULL};
    int n_reg = 0;
    assert(n->n_in <= MAX_OPERANDS);
    while (n_reg < n->n_in) {
        reg[n_reg] = broadcast_to(in[n_reg], &out[0]->shape);
        n_reg++;
    }
    for (int64_t i = 0; i < code->n_steps; i++) {
        reg[n_reg] =
            run_step(&code->step[i], (const struct sc_tensor *const *)reg, &out[0]->shape);
        n_reg++;
    }
    for (int64_t i = 0; i < out[0]->count; i++)
        sc_copy_element(reg[n_reg - 1], i, out[0], i);
    while (n_reg > 0)
        sc_tensor_free(reg[--n_reg]);
}

static bool check_step(struct sc_infer *ctx, int64_t i)
{
    const struct simclr_code_step *step = &ctx->node->attr.pointwise.code.step[i];
    const struct sc_op_row *row = step_row(step);
    const int64_t n_ready = ctx->node->n_in + i; // registers written so far
    if (!row || !(row->traits & SC_TRAIT_P))
        return sc_infer_fail(ctx, "step %lld is no pointwise operation", (long long)i + 1);
    if (step->a >= n_ready || (row->min_in == 2 && step->b >= n_ready))
        return sc_infer_fail(ctx, "step %lld reads a register that is not written yet",
                             (long long)i + 1);
    return true;
}

static bool infer(struct sc_infer *ctx)
{
    const int64_t n_steps = ctx->node->attr.pointwise.code.n_steps;
    if (n_steps < 1 || n_steps > SIMCLR_MAX_CODE)
        return sc_infer_fail(ctx, "micro-program has %lld steps, expected 1 to %d",
                             (long long)n_steps, (int)SIMCLR_MAX_CODE);
    for (int64_t i = 0; i < n_steps; i++) {
        if (!check_step(ctx, i)) return false;
    }
    return sc_infer_float(ctx);
}

const struct sc_op_info sc_op_info_pointwise = {
    .eval = eval,
    .infer = infer,
    .why_no_grad = "it is a fusion, made after gradients are derived"};
