// SPDX-License-Identifier: Apache-2.0
//
// Spellings of NT-Xent that fuse-nt-xent must see through, and losses that only
// look like it. Each spelling is the part of a graph between S = u u^T, called
// %s and 6 by 6, and the loss, called %loss.
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

#define HEAD                                                                                   \
    "graph @model {\n"                                                                         \
    "  input %u : f32[6,3] {role=images}\n"                                                    \
    "  const %one : f32[] = 1\n"                                                               \
    "  const %two : f32[] = 2\n"                                                               \
    "  const %minus : f32[] = -1\n"                                                            \
    "  const %tau : f32[] = 0.1\n"                                                             \
    "  const %beta : f32[] = 14.2857141\n"                                                     \
    "  const %big : f32[] = 1e+09\n"                                                           \
    "  const %low : f32[] = -1e+09\n"                                                          \
    "  const %ramp : i64[6,1] = [0,1,2,3,4,5]\n"                                               \
    "  const %across : i64[1,6] = [0,1,2,3,4,5]\n"                                             \
    "  const %beside : i64[6,1] = [1,0,3,2,5,4]\n"                                             \
    "  const %opposite : i64[6,1] = [3,4,5,0,1,2]\n"                                           \
    "  const %next : i64[6,1] = [1,2,3,4,5,0]\n"                                               \
    "  %is_self : bool[6,6] = equal(%ramp, %across)\n"                                         \
    "  %eye : f32[6,6] = cast(%is_self) {to=f32}\n"                                            \
    "  %s : f32[6,6] = matmul(%u, %u) {trans_b=1}\n"
#define TAIL                                                                                   \
    "  output loss = %loss {role=loss}\n"                                                      \
    "}\n"
#define MEAN(x) "  %loss : f32[] = reduce_mean(" x ") {axes=[0,1], keepdims=0}\n"

// sim - eye 1e9, log-softmax, gather, mean of the negative.
static const char log_softmax_and_gather[] =
    HEAD "  %sim : f32[6,6] = div(%s, %tau)\n"
         "  %off : f32[6,6] = mul(%eye, %big)\n"
         "  %masked : f32[6,6] = sub(%sim, %off)\n"
         "  %p : f32[6,6] = log_softmax(%masked) {axis=1}\n"
         "  %picked : f32[6,1] = gather_elements(%p, %beside) {axis=1}\n"
         "  %nll : f32[6,1] = neg(%picked)\n" MEAN("%nll") TAIL;

// where(eye, -1e9, sim), log-sum-exp by hand, positives by a one-hot mask; the
// temperature as a factor; views in halves.
static const char log_sum_exp_and_one_hot[] =
    HEAD "  %sim : f32[6,6] = mul(%s, %beta)\n"
         "  %masked : f32[6,6] = where(%is_self, %low, %sim)\n"
         "  %max : f32[6,1] = reduce_max(%masked) {axes=[1]}\n"
         "  %shifted : f32[6,6] = sub(%masked, %max)\n"
         "  %exp : f32[6,6] = exp(%shifted)\n"
         "  %sum : f32[6,1] = reduce_sum(%exp) {axes=[1]}\n"
         "  %log : f32[6,1] = log(%sum)\n"
         "  %lse : f32[6,1] = add(%log, %max)\n"
         "  %is_pos : bool[6,6] = equal(%opposite, %across)\n"
         "  %hot : f32[6,6] = cast(%is_pos) {to=f32}\n"
         "  %kept : f32[6,6] = mul(%sim, %hot)\n"
         "  %pos : f32[6,1] = reduce_sum(%kept) {axes=[1]}\n"
         "  %each : f32[6,1] = sub(%lse, %pos)\n" MEAN("%each") TAIL;

// exp(sim) (1 - eye) without any shift, -log(numerator / denominator), positives by
// slices of the two off-diagonal blocks; a sum over rows.
static const char quotient_and_slices[] =
    HEAD "  %sim : f32[6,6] = div(%s, %tau)\n"
         "  %exp : f32[6,6] = exp(%sim)\n"
         "  %off : f32[6,6] = sub(%one, %eye)\n"
         "  %others : f32[6,6] = mul(%exp, %off)\n"
         "  %sum : f32[6,1] = reduce_sum(%others) {axes=[1]}\n"
         "  %right : f32[3,3] = slice(%exp) {starts=[0,3], sizes=[3,3], steps=[1,1]}\n"
         "  %left : f32[3,3] = slice(%exp) {starts=[3,0], sizes=[3,3], steps=[1,1]}\n"
         "  %both : f32[6,3] = concat(%right, %left) {axis=0}\n"
         "  const %third : i64[6,1] = [0,1,2,0,1,2]\n"
         "  %pos : f32[6,1] = gather_elements(%both, %third) {axis=1}\n"
         "  %ratio : f32[6,1] = div(%pos, %sum)\n"
         "  %log : f32[6,1] = log(%ratio)\n"
         "  %nll : f32[6,1] = neg(%log)\n"
         "  %loss : f32[] = reduce_sum(%nll) {axes=[0,1], keepdims=0}\n" TAIL;

// Four blocks of the two views' similarities and two cross-entropies, as in the
// authors' TensorFlow code; the sum of two means.
static const char blocks_of_two_views[] =
    "graph @model {\n"
    "  input %u : f32[6,3] {role=images}\n"
    "  const %tau : f32[] = 0.25\n"
    "  const %far : f32[3,3] = [1e9,0,0, 0,1e9,0, 0,0,1e9]\n"
    "  const %labels : i64[3,1] = [0,1,2]\n"
    "  %a : f32[3,3] = slice(%u) {starts=[0,0], sizes=[3,3], steps=[1,1]}\n"
    "  %b : f32[3,3] = slice(%u) {starts=[3,0], sizes=[3,3], steps=[1,1]}\n"
    "  %aa : f32[3,3] = matmul(%a, %a) {trans_b=1}\n"
    "  %bb : f32[3,3] = matmul(%b, %b) {trans_b=1}\n"
    "  %ab : f32[3,3] = matmul(%a, %b) {trans_b=1}\n"
    "  %ba : f32[3,3] = matmul(%b, %a) {trans_b=1}\n"
    "  %aa1 : f32[3,3] = div(%aa, %tau)\n"
    "  %bb1 : f32[3,3] = div(%bb, %tau)\n"
    "  %ab1 : f32[3,3] = div(%ab, %tau)\n"
    "  %ba1 : f32[3,3] = div(%ba, %tau)\n"
    "  %aa2 : f32[3,3] = sub(%aa1, %far)\n"
    "  %bb2 : f32[3,3] = sub(%bb1, %far)\n"
    "  %la : f32[3,6] = concat(%ab1, %aa2) {axis=1}\n"
    "  %lb : f32[3,6] = concat(%ba1, %bb2) {axis=1}\n"
    "  %pa : f32[3,6] = log_softmax(%la) {axis=1}\n"
    "  %pb : f32[3,6] = log_softmax(%lb) {axis=1}\n"
    "  %ga : f32[3,1] = gather_elements(%pa, %labels) {axis=1}\n"
    "  %gb : f32[3,1] = gather_elements(%pb, %labels) {axis=1}\n"
    "  %na : f32[3,1] = neg(%ga)\n"
    "  %nb : f32[3,1] = neg(%gb)\n"
    "  %ma : f32[] = reduce_mean(%na) {axes=[0,1], keepdims=0}\n"
    "  %mb : f32[] = reduce_mean(%nb) {axes=[0,1], keepdims=0}\n"
    "  %loss : f32[] = add(%ma, %mb)\n" TAIL;

// The self entry is not masked out.
static const char self_is_kept[] =
    HEAD "  %sim : f32[6,6] = div(%s, %tau)\n"
         "  %p : f32[6,6] = log_softmax(%sim) {axis=1}\n"
         "  %picked : f32[6,1] = gather_elements(%p, %beside) {axis=1}\n"
         "  %nll : f32[6,1] = neg(%picked)\n" MEAN("%nll") TAIL;

// The positives are nobody's other view.
static const char other_pairs[] =
    HEAD "  %sim : f32[6,6] = div(%s, %tau)\n"
         "  %off : f32[6,6] = mul(%eye, %big)\n"
         "  %masked : f32[6,6] = sub(%sim, %off)\n"
         "  %p : f32[6,6] = log_softmax(%masked) {axis=1}\n"
         "  %picked : f32[6,1] = gather_elements(%p, %next) {axis=1}\n"
         "  %nll : f32[6,1] = neg(%picked)\n" MEAN("%nll") TAIL;

// Something is added to it.
static const char with_a_penalty[] =
    HEAD "  %sim : f32[6,6] = div(%s, %tau)\n"
         "  %off : f32[6,6] = mul(%eye, %big)\n"
         "  %masked : f32[6,6] = sub(%sim, %off)\n"
         "  %p : f32[6,6] = log_softmax(%masked) {axis=1}\n"
         "  %picked : f32[6,1] = gather_elements(%p, %beside) {axis=1}\n"
         "  %nll : f32[6,1] = neg(%picked)\n"
         "  %xent : f32[] = reduce_mean(%nll) {axes=[0,1], keepdims=0}\n"
         "  %square : f32[6,3] = mul(%u, %u)\n"
         "  %size : f32[] = reduce_sum(%square) {axes=[0,1], keepdims=0}\n"
         "  %loss : f32[] = add(%xent, %size)\n" TAIL;

static double loss_of(const struct sc_graph *g)
{
    struct sc_tensor **const given = calloc(g->n_values, sizeof *given);
    struct sc_tensor **const result = calloc(g->n_values, sizeof *result);
    assert_true(given && result);
    struct sc_tensor *const u = sc_tensor_new(g->inputs[0]->dtype, &g->inputs[0]->shape);
    struct sc_rng rng;
    sc_rng_init(&rng, 3, 0, 0);
    for (int64_t i = 0; i < u->count; i++)
        u->f[i] = 0.3 * sc_rng_normal(&rng);
    given[g->inputs[0]->id] = u;
    sc_eval_graph(g, given, result);
    const double loss = result[g->outputs[0].value->id]->f[0];
    for (uint32_t i = 0; i < g->n_values; i++)
        sc_tensor_free(result[i]);
    sc_tensor_free(u);
    free(given);
    free(result);
    return loss;
}

static const struct sc_node *find_node(const struct sc_graph *g, enum simclr_op op)
{
    SC_FOR_EACH_NODE(g, n)
    {
        if (n->op == op) return n;
    }
    return NULL;
}

static void expect_fused(const char *text, double temperature, int halves)
{
    struct parsed p;
    parsed_init(&p, text);
    if (!p.graphs) fail_msg("%s", sc_str_text(&p.messages));
    struct sc_graph *const g = p.graphs[0];
    const double before = loss_of(g);
    assert_true(sc_pass_fuse_nt_xent(g, NULL));
    sc_verify_thoroughly(g, "fuse-nt-xent");
    const struct sc_node *const n = find_node(g, SIMCLR_OP_nt_xent);
    assert_non_null(n);
    assert_null(find_node(g, SIMCLR_OP_matmul));
    assert_true(n->attr.nt_xent.temperature == temperature);
    assert_int_equal(n->attr.nt_xent.halves, halves);
    assert_int_equal(g->n_outputs, 2);
    assert_string_equal(g->outputs[1].name, "metrics");
    assert_int_equal(g->outputs[1].role, SIMCLR_PORT_metrics);
    // The model's temperature is rounded to single precision, ours is not.
    assert_true(fabs(loss_of(g) - before) <= 1e-6 * fabs(before));
    assert_string_equal(sc_str_text(&p.messages), "");
    parsed_deinit(&p);
}

static void spellings_of_nt_xent_are_fused(void **state)
{
    (void)state;
    expect_fused(log_softmax_and_gather, 0.1, 0);
    expect_fused(log_sum_exp_and_one_hot, 0.07, 1);
    expect_fused(quotient_and_slices, 0.1, 1);
    expect_fused(blocks_of_two_views, 0.25, 1);
}

static void expect_unfused(const char *text)
{
    struct parsed p;
    parsed_init(&p, text);
    if (!p.graphs) fail_msg("%s", sc_str_text(&p.messages));
    assert_false(sc_pass_fuse_nt_xent(p.graphs[0], NULL));
    sc_verify_thoroughly(p.graphs[0], "fuse-nt-xent");
    assert_string_equal(
        sc_str_text(&p.messages),
        "simclr: note: the loss is not a known spelling of NT-Xent: it runs unfused\n");
    parsed_deinit(&p);
}

static void losses_that_only_look_like_it_are_left(void **state)
{
    (void)state;
    expect_unfused(self_is_kept);
    expect_unfused(other_pairs);
    expect_unfused(with_a_penalty);
}

static void losses_without_similarities_are_left_in_silence(void **state)
{
    (void)state;
    struct parsed p;
    parsed_init(&p, "graph @model {\n"
                    "  input %u : f32[6,3]\n"
                    "  %0 : f32[] = reduce_sum(%u) {axes=[0,1], keepdims=0}\n"
                    "  output loss = %0 {role=loss}\n"
                    "}\n");
    assert_false(sc_pass_fuse_nt_xent(p.graphs[0], NULL));
    assert_string_equal(sc_str_text(&p.messages), "");
    parsed_deinit(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_of_nt_xent_are_fused),
        cmocka_unit_test(losses_that_only_look_like_it_are_left),
        cmocka_unit_test(losses_without_similarities_are_left_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
