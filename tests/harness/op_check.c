// SPDX-License-Identifier: Apache-2.0
//
// The tests that need the compiler alone: refusal, shape, definition, gradient.
#include "tests/harness/op_case.h"

#include "compiler/ir/eval.h"
#include "runtime/base/integer.h"
#include "runtime/base/rng.h"
#include "runtime/base/str.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

void op_test_refused(void **state)
{
    const struct op_case *c = *state;
    struct op_graph g;
    op_graph_init(&g, c);
    assert_null(g.node);
    assert_string_equal(g.error, c->error);
    op_graph_deinit(&g);
}

static void init_accepted(struct op_graph *g, const struct op_case *c)
{
    op_graph_init(g, c);
    if (!g->node) fail_msg("refused: %s", g->error);
}

void op_test_shape(void **state)
{
    const struct op_case *c = *state;
    struct op_graph g;
    init_accepted(&g, c);
    for (int i = 0; i < g.node->n_out; i++) {
        struct sc_str got = {0}, want = {0};
        sc_str_append_type(&got, g.node->out[i]->dtype, &g.node->out[i]->shape);
        sc_str_append_type(&want, c->dtype, &c->shape[i]);
        assert_string_equal(sc_str_text(&got), sc_str_text(&want));
        sc_str_free(&got);
        sc_str_free(&want);
    }
    op_graph_deinit(&g);
}

// Values by hand are written with about seven digits, and operands are rounded to
// f32 before the definition sees them.
static const double by_hand = 1e-6;

static bool is_close(double got, double want, double tolerance)
{
    if (isnan(want)) return isnan(got);
    if (isinf(want)) return got == want;
    return fabs(got - want) <= tolerance * (1 + fabs(want));
}

void op_test_definition(void **state)
{
    const struct op_case *c = *state;
    struct sc_tensor *in[OP_CASE_MAX_IN] = {NULL}, *out[SC_MAX_OUT] = {NULL};
    struct op_graph g;
    init_accepted(&g, c);
    op_case_operands(c, in);
    op_case_define(g.node, in, out);
    for (int k = 0; k < g.node->n_out; k++) {
        for (int64_t i = 0; c->expect[k] && i < out[k]->count; i++) {
            const double got =
                out[k]->f ? out[k]->f[i] : sc_int_to_real(out[k]->dtype, out[k]->i[i]);
            if (!is_close(got, c->expect[k][i], by_hand))
                fail_msg("output %d, element %lld: %.9g, by hand %.9g", k + 1, (long long)i,
                         got, c->expect[k][i]);
        }
    }
    op_tensors_free(in, c->n_in);
    op_tensors_free(out, g.node->n_out);
    op_graph_deinit(&g);
}

// The gradient is tested on L = sum of r_j y_j over the first output, with fixed
// random r: dL/dx is what the rule makes of dy = r.
static struct sc_tensor *random_weights(const struct op_case *c,
                                        const struct simclr_shape *shape)
{
    struct sc_rng rng;
    struct sc_tensor *r = sc_tensor_new(SIMCLR_f32, shape);
    sc_rng_init(&rng, 2, sc_hash_text(c->name), 0);
    for (int64_t i = 0; i < r->count; i++)
        r->f[i] = (double)sc_rng_uniform(&rng) - 0.4;
    return r;
}

static double weighted_output(const struct sc_node *n, struct sc_tensor *const *in,
                              const struct sc_tensor *r)
{
    struct sc_tensor *out[SC_MAX_OUT] = {NULL};
    double sum = 0;
    op_case_define(n, in, out);
    for (int64_t i = 0; i < r->count; i++)
        sum += r->f[i] * out[0]->f[i];
    op_tensors_free(out, n->n_out);
    return sum;
}

static double central_difference(const struct sc_node *n, struct sc_tensor *const *in,
                                 double *x, const struct sc_tensor *r)
{
    const double h = 1e-5, at = *x;
    *x = at + h;
    const double above = weighted_output(n, in, r);
    *x = at - h;
    const double below = weighted_output(n, in, r);
    *x = at;
    return (above - below) / (2 * h);
}

// The difference errs by about h^2 = 1e-10 in truncation and 1e-16 / h = 1e-11 in
// rounding; constants in rules are f32, which errs by 6e-8.
static const double of_differences = 1e-6;

static void compare_gradient(const struct sc_node *n, struct sc_tensor *const *in, int k,
                             const struct sc_tensor *dx, const struct sc_tensor *r)
{
    for (int64_t i = 0; i < in[k]->count; i++) {
        const double numeric = central_difference(n, in, &in[k]->f[i], r);
        const double got = dx ? dx->f[i] : 0; // no gradient means zero
        if (!is_close(got, numeric, of_differences))
            fail_msg("operand %d, element %lld: the rule gives %.9g, central differences %.9g",
                     k + 1, (long long)i, got, numeric);
    }
}

// What the rule made for each operand (NULL: no gradient), and its values by id.
struct rule_result {
    struct sc_value *made[OP_CASE_MAX_IN];
    struct sc_tensor **value;
    uint32_t n_values;
};

static struct rule_result apply_rule(struct op_graph *g, const struct op_case *c,
                                     struct sc_tensor *const *in, struct sc_tensor *r)
{
    struct rule_result result = {.value = NULL};
    struct sc_value *flow[SC_MAX_OUT] = {NULL};
    struct sc_builder b = {.graph = g->graph, .origin = {.node = c->name}};
    flow[0] = sc_graph_input(g->graph, "dy", SIMCLR_PORT_tensor, SIMCLR_f32, &r->shape);
    sc_op_table[c->op].info->grad(&b, g->node, flow, result.made);
    for (int k = 0; k < c->n_in; k++) {
        if (!result.made[k]) continue;
        assert_true(simclr_shape_equal(&result.made[k]->shape, &g->in[k]->shape));
        sc_graph_output(g->graph, "dx", SIMCLR_PORT_tensor, result.made[k], NULL);
    }
    result.n_values = g->graph->n_values;
    result.value = calloc(result.n_values, sizeof(struct sc_tensor *));
    struct sc_tensor **given = calloc(result.n_values, sizeof(struct sc_tensor *));
    assert_true(given && result.value);
    for (int k = 0; k < c->n_in; k++)
        given[g->in[k]->id] = in[k];
    given[flow[0]->id] = r;
    sc_eval_graph(g->graph, given, result.value);
    free(given);
    return result;
}

static void rule_result_free(struct rule_result *rule)
{
    for (uint32_t i = 0; i < rule->n_values; i++)
        sc_tensor_free(rule->value[i]);
    free(rule->value);
}

void op_test_gradient(void **state)
{
    const struct op_case *c = *state;
    struct sc_tensor *in[OP_CASE_MAX_IN] = {NULL};
    struct op_graph g;
    init_accepted(&g, c);
    op_case_operands(c, in);
    struct sc_tensor *r = random_weights(c, &g.node->out[0]->shape);
    struct rule_result rule = apply_rule(&g, c, in, r);
    for (int k = 0; k < c->n_in; k++) {
        const struct sc_value *dx = rule.made[k];
        if (in[k]->f && !c->in[k].is_constant)
            compare_gradient(g.node, in, k, dx ? rule.value[dx->id] : NULL, r);
    }
    rule_result_free(&rule);
    op_tensors_free(in, c->n_in);
    sc_tensor_free(r);
    op_graph_deinit(&g);
}

void op_test_rule(void **state)
{
    const struct op_case *c = *state;
    struct sc_tensor *in[OP_CASE_MAX_IN] = {NULL};
    struct op_graph g;
    init_accepted(&g, c);
    op_case_operands(c, in);
    struct sc_tensor *ones = sc_tensor_new(SIMCLR_f32, &g.node->out[0]->shape);
    for (int64_t i = 0; i < ones->count; i++)
        ones->f[i] = 1;
    struct rule_result rule = apply_rule(&g, c, in, ones);
    assert_non_null(rule.made[0]);
    const struct sc_tensor *dx = rule.value[rule.made[0]->id];
    for (int64_t i = 0; i < dx->count; i++) {
        if (!is_close(dx->f[i], c->gradient[i], by_hand))
            fail_msg("element %lld: the rule gives %.9g, by hand %.9g", (long long)i, dx->f[i],
                     c->gradient[i]);
    }
    rule_result_free(&rule);
    op_tensors_free(in, c->n_in);
    sc_tensor_free(ones);
    op_graph_deinit(&g);
}
