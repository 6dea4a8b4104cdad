// SPDX-License-Identifier: Apache-2.0
//
// Whole models through differentiate and the passes before and after it: the
// gradients, interpreted in double, against central differences of the loss.
#include "compiler/ir/eval.h"
#include "compiler/ir/verify.h"
#include "compiler/passes/passes.h"
#include "runtime/base/rng.h"
#include "tests/unit/ir_parse.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

// Inputs and parameters by id; integers are small labels.
static struct sc_tensor **make_tensors(const struct sc_graph *g)
{
    struct sc_tensor **const given = calloc(g->n_values, sizeof *given);
    assert_non_null(given);
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct sc_value *const v = g->values[i];
        if (v->kind != SC_VALUE_input && v->kind != SC_VALUE_param) continue;
        given[i] = sc_tensor_new(v->dtype, &v->shape);
        struct sc_rng rng;
        sc_rng_init(&rng, 7, sc_hash_text(v->name), 0);
        for (int64_t k = 0; k < given[i]->count; k++) {
            if (given[i]->f)
                given[i]->f[k] = sc_rng_normal(&rng);
            else
                given[i]->i[k] = sc_rng_below(&rng, 3);
        }
    }
    return given;
}

static void free_tensors(struct sc_tensor **tensors, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        sc_tensor_free(tensors[i]);
    free(tensors);
}

static struct sc_tensor **run(const struct sc_graph *g, struct sc_tensor **given)
{
    struct sc_tensor **const result = calloc(g->n_values, sizeof *result);
    assert_non_null(result);
    sc_eval_graph(g, given, result);
    return result;
}

static double loss_of(const struct sc_graph *g, struct sc_tensor **given)
{
    struct sc_tensor **const result = run(g, given);
    const double loss = result[g->outputs[0].value->id]->f[0];
    free_tensors(result, g->n_values);
    return loss;
}

// Compares every element of every gradient output.
static void check_gradients(const struct sc_graph *g)
{
    struct sc_tensor **const given = make_tensors(g);
    struct sc_tensor **const result = run(g, given);
    int n_checked = 0;
    assert_int_equal(g->outputs[0].role, SIMCLR_PORT_loss);
    for (uint32_t i = 1; i < g->n_outputs; i++) {
        const struct sc_output *const o = &g->outputs[i];
        if (o->role != SIMCLR_PORT_grad) continue;
        const struct sc_tensor *const grad = result[o->value->id];
        struct sc_tensor *const w = given[g->param_values[o->param->index]->id];
        for (int64_t k = 0; k < w->count; k++) {
            const double step = 1e-5;
            const double at = w->f[k];
            w->f[k] = at + step;
            const double above = loss_of(g, given);
            w->f[k] = at - step;
            const double below = loss_of(g, given);
            w->f[k] = at;
            const double slope = (above - below) / (2 * step);
            // Differences are good to step^2; a rule's constants, such as 1/5, are
            // single precision, which is 6e-8 for each on the way.
            if (!(fabs(slope - grad->f[k]) <= 1e-6 * (1 + fabs(slope))))
                fail_msg("%s[%d]: %.12g by the rules, %.12g by differences", o->name, (int)k,
                         grad->f[k], slope);
            n_checked++;
        }
    }
    assert_true(n_checked > 0);
    free_tensors(result, g->n_values);
    free_tensors(given, g->n_values);
}

typedef bool pass_fn(struct sc_graph *g, const struct sc_pass_context *ctx);

static void check_model(const char *text)
{
    struct pass {
        const char *name;
        pass_fn *run;
    };
    static const struct pass passes[] = {
        {"fuse-nt-xent", sc_pass_fuse_nt_xent},
        {"select-entry", sc_pass_select_entry},
        {"lower-batch-norm", sc_pass_lower_batch_norm},
        {"differentiate", sc_pass_differentiate},
        {"insert-optimizer", sc_pass_insert_optimizer},
        {"fold-constants", sc_pass_fold_constants},
        {"eliminate-common", sc_pass_eliminate_common},
        {"eliminate-dead", sc_pass_eliminate_dead},
        {"fuse-pointwise", sc_pass_fuse_pointwise},
        {"schedule", sc_pass_schedule},
    };
    const struct sc_pass_context ctx = {.entry = SC_ENTRY_grad};
    struct parsed p;
    parsed_init(&p, text);
    if (!p.graphs) fail_msg("%s", sc_str_text(&p.messages));
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        (void)passes[i].run(p.graphs[0], &ctx);
        sc_verify_thoroughly(p.graphs[0], passes[i].name);
        if (p.graphs[0]->n_outputs > 1 && i >= 3) check_gradients(p.graphs[0]);
    }
    assert_int_equal(p.diag.n_errors, 0);
    parsed_deinit(&p);
}

static void mlp_with_labels(void **state)
{
    (void)state;
    check_model("graph @mlp {\n"
                "  input %x : f32[5,4] {role=images}\n"
                "  input %labels : i64[5] {role=labels}\n"
                "  param %w1 : f32[4,6]\n"
                "  param %b1 : f32[6]\n"
                "  param %w2 : f32[6,3]\n"
                "  const %minus : f32[] = -1\n"
                "  %0 : f32[5,6] = matmul(%x, %w1)\n"
                "  %1 : f32[5,6] = add(%0, %b1)\n"
                "  %2 : f32[5,6] = tanh(%1)\n"
                "  %3 : f32[5,3] = matmul(%2, %w2)\n"
                "  %4 : f32[5,3] = log_softmax(%3) {axis=1}\n"
                "  %5 : i64[5,1] = reshape(%labels) {shape=[5,1]}\n"
                "  %6 : f32[5,1] = gather_elements(%4, %5) {axis=1}\n"
                "  %7 : f32[] = reduce_mean(%6) {axes=[0,1], keepdims=0}\n"
                "  %8 : f32[] = mul(%7, %minus)\n"
                "  output h = %2 {role=embedding}\n"
                "  output loss = %8 {role=loss}\n"
                "}\n");
}

// A residual block with batch normalisation, pooling, a tied weight, the norm and
// the similarity matrix spelled out, and NT-Xent by log-softmax with a mask.
static void convnet_with_nt_xent(void **state)
{
    (void)state;
    check_model(
        "graph @net {\n"
        "  input %x : f32[4,2,6,6] {role=images}\n"
        "  param %w1 : f32[3,2,3,3]\n"
        "  param %scale : f32[3] {excluded}\n"
        "  param %bias : f32[3] {excluded}\n"
        "  param %mean : f32[3] {role=statistic}\n"
        "  param %var : f32[3] {role=statistic, init=constant(1)}\n"
        "  param %w2 : f32[3,3,3,3]\n"
        "  param %head : f32[3,3]\n"
        "  const %tau : f32[] = 0.5\n"
        "  const %minus : f32[] = -1\n"
        "  const %mask : f32[4,4] = [-10000,0,0,0, 0,-10000,0,0, 0,0,-10000,0, 0,0,0,-10000]\n"
        "  const %pos : i64[4,1] = [1,0,3,2]\n"
        "  %0 : f32[4,3,6,6] = conv2d(%x, %w1) {pads=[1,1,1,1]}\n"
        "  %1 : f32[4,3,6,6] = batch_norm(%0, %scale, %bias, %mean, %var)\n"
        "  %2 : f32[4,3,6,6] = sigmoid(%1)\n"
        "  %3 : f32[4,3,6,6] = conv2d(%2, %w2) {pads=[1,1,1,1]}\n"
        "  %4 : f32[4,3,6,6] = add(%3, %2)\n"
        "  %5 : f32[4,3,3,3] = avg_pool2d(%4) {kernel=[2,2], strides=[2,2]}\n"
        "  %6 : f32[4,3] = reduce_mean(%5) {axes=[2,3], keepdims=0}\n"
        "  %7 : f32[4,3] = matmul(%6, %head)\n"
        "  %8 : f32[4,3] = matmul(%7, %head)\n"
        "  %9 : f32[4,3] = mul(%8, %8)\n"
        "  %10 : f32[4,1] = reduce_sum(%9) {axes=[1]}\n"
        "  %11 : f32[4,1] = sqrt(%10)\n"
        "  %12 : f32[4,3] = div(%8, %11)\n"
        "  %13 : f32[3,4] = transpose(%12) {perm=[1,0]}\n"
        "  %14 : f32[4,4] = matmul(%12, %13)\n"
        "  %15 : f32[4,4] = div(%14, %tau)\n"
        "  %16 : f32[4,4] = add(%15, %mask)\n"
        "  %17 : f32[4,4] = log_softmax(%16) {axis=1}\n"
        "  %18 : f32[4,1] = gather_elements(%17, %pos) {axis=1}\n"
        "  %19 : f32[] = reduce_mean(%18) {axes=[0,1], keepdims=0}\n"
        "  %20 : f32[] = mul(%19, %minus)\n"
        "  output h = %6 {role=embedding}\n"
        "  output z = %8 {role=projection}\n"
        "  output loss = %20 {role=loss}\n"
        "}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mlp_with_labels),
        cmocka_unit_test(convnet_with_nt_xent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
