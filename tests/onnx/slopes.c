// SPDX-License-Identifier: Apache-2.0
#include "tests/onnx/slopes.h"

#include "tests/onnx/run.h"

#include "compiler/ir/verify.h"
#include "compiler/passes/passes.h"
#include "runtime/base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Inputs and parameters by id.
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
        for (int64_t k = 0; k < given[i]->count; k++)
            given[i]->f[k] = sc_rng_normal(&rng);
    }
    return given;
}

static void free_tensors(struct sc_tensor **tensors, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        sc_tensor_free(tensors[i]);
    free(tensors);
}

static struct sc_tensor **evaluate(const struct sc_graph *g, struct sc_tensor **given)
{
    struct sc_tensor **const result = calloc(g->n_values, sizeof *result);
    assert_non_null(result);
    sc_eval_graph(g, given, result);
    return result;
}

static double loss_of(const struct sc_graph *g, struct sc_tensor **given)
{
    struct sc_tensor **const result = evaluate(g, given);
    const double loss = result[g->outputs[0].value->id]->f[0];
    free_tensors(result, g->n_values);
    return loss;
}

static void check_gradient(const struct sc_graph *g, struct sc_tensor **given,
                           const struct sc_output *o, const struct sc_tensor *grad)
{
    struct sc_tensor *const w = given[g->param_values[o->param->index]->id];
    for (int64_t k = 0; k < w->count; k++) {
        const double step = 1e-5, at = w->f[k];
        w->f[k] = at + step;
        const double above = loss_of(g, given);
        w->f[k] = at - step;
        const double below = loss_of(g, given);
        w->f[k] = at;
        const double slope = (above - below) / (2 * step);
        // Differences are good to step^2; constants, such as 1/3, are single precision.
        if (!(fabs(slope - grad->f[k]) <= 1e-6 * (1 + fabs(slope))))
            fail_msg("%s[%d]: %.12g by the rules, %.12g by differences", o->name, (int)k,
                     grad->f[k], slope);
    }
}

void slopes_check(const char *text, int n_weights)
{
    struct sc_str model = {0};
    struct run r;
    run_init(&r);
    sc_str_printf(&model, "<ir_version: 10, opset_import: [\"\": 25]>\n%s", text);
    assert_int_equal(sc_onnx_open_bytes(r.m, "m.onnxtxt", model.data, model.size, &r.model),
                     SIMCLR_OK);
    run_declared(&r);
    run_import(&r, true);
    if (r.scope.any_failed) fail_msg("%s", sc_str_text(&r.messages));
    const struct sc_pass_context ctx = {.entry = SC_ENTRY_grad};
    r.graph->outputs[0].role = SIMCLR_PORT_loss;
    (void)sc_pass_differentiate(r.graph, &ctx);
    sc_verify_thoroughly(r.graph, "differentiate");
    struct sc_tensor **const given = make_tensors(r.graph);
    struct sc_tensor **const result = evaluate(r.graph, given);
    int n_checked = 0;
    for (uint32_t i = 1; i < r.graph->n_outputs; i++) {
        const struct sc_output *const o = &r.graph->outputs[i];
        check_gradient(r.graph, given, o, result[o->value->id]);
        n_checked++;
    }
    assert_int_equal(n_checked, n_weights);
    free_tensors(result, r.graph->n_values);
    free_tensors(given, r.graph->n_values);
    sc_str_free(&model);
    run_deinit(&r);
}
