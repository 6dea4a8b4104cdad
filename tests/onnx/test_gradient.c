// SPDX-License-Identifier: Apache-2.0
//
// Gradients of imported models: for each of ONNX's own tests, the loss sum(r y) over
// every element y of the float outputs, with random r, is differentiated by our pass with
// respect to every float input and parameter, and the result, interpreted in double, is
// compared with central differences at a few elements of each.
//
// Steps h and h/2 tell kinks from slopes: where the function is smooth, the difference of
// the slopes to either side of x is h f'' and halves with h; across a kink, it does not.
// Such elements are passed over and counted. What has no gradient is listed in
// gradients.txt in the build's folder with the operation that has none and its reason.
// SIMCLR_VERBOSE=1 prints every name.
#include "tests/onnx/run.h"
#include "tests/onnx/testdata.h"

#include "compiler/ir/op.h"
#include "compiler/ir/verify.h"
#include "compiler/passes/passes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Raise it when more passes, never lower it.
enum { LEAST_PASSED = 714 };
enum { SAMPLES = 4 }; // elements of each input

enum outcome {
    PASSED,
    NO_GRADIENT,
    REFUSED,
    NO_FLOATS,
    KINKS_ONLY,
    NOT_FINITE,
    WRONG,
    N_OUTCOMES
};
static const char *const words[N_OUTCOMES] = {
    "passed",         "without a gradient", "refused", "without float inputs and outputs",
    "kinks at every", "not finite",         "WRONG"};

struct tally {
    FILE *list;
    int n[N_OUTCOMES];
    int n_elements, n_kinks;
};

// One case: the model with its float inputs as parameters, and the loss.
struct trial {
    struct run r;
    // By input, NULL for a constant; behind them the model's own, with values in r.in too.
    struct sc_param *params[RUN_MAX_TENSORS];
    struct sc_graph *forward, *backward;
    int n_elements, n_kinks;
};

// ---- the graph ----

static void *stored(struct sc_module *m, const struct sc_tensor *t)
{
    void *const data = sc_arena_alloc(m->arena, (size_t)t->count, simclr_dtype_size(t->dtype));
    sc_tensor_store(t, data);
    return data;
}

static struct sc_value *bind_input(struct trial *t, int i, const char *name, bool is_param)
{
    struct run *const r = &t->r;
    const struct sc_tensor *const x = r->in[i];
    t->params[i] = NULL;
    if (!is_param)
        return sc_graph_constant(r->graph, x->dtype, &x->shape,
                                 x->count > 0 ? stored(r->m, x) : NULL, name);
    t->params[i] = sc_module_add_param(r->m, name, &x->shape);
    assert_non_null(t->params[i]);
    return sc_graph_param(r->graph, t->params[i]);
}

// Imports with the float inputs, or only the first of all, as parameters.
static bool import(struct trial *t, bool only_first)
{
    struct run *const r = &t->r;
    const Onnx__ValueInfoProto *infos[RUN_MAX_TENSORS];
    const int n_in = run_inputs(r->model, infos);
    r->graph = sc_graph_new(r->m, "forward");
    sc_scope_init(&r->scope, r->m, r->graph, r->model, SIMCLR_PART_encoder, false);
    r->scope.is_as_written = true;
    for (int i = 0; i < n_in; i++) {
        const bool is_param = simclr_dtype_is_float(r->in[i]->dtype) && (i == 0 || !only_first);
        const char *const name = infos[i]->name;
        sc_scope_bind(&r->scope, name, bind_input(t, i, name, is_param));
    }
    sc_scope_prepare(&r->scope);
    for (size_t i = 0; i < r->graph->n_outputs; i++)
        r->graph->outputs[i].value = NULL;
    const Onnx__GraphProto *const g = r->model->graph;
    for (size_t i = 0; i < g->n_output; i++) {
        struct sc_value *const v = sc_scope_import_output(&r->scope, g->output[i]->name);
        if (v) sc_graph_output(r->graph, g->output[i]->name, SIMCLR_PORT_tensor, v, NULL);
    }
    return !r->scope.any_failed;
}

// The model's own parameters, as far as there is room, take part like inputs.
static void adopt_params(struct trial *t)
{
    struct run *const r = &t->r;
    int n = r->n_in;
    for (uint32_t i = 0; i < r->m->n_params && n < RUN_MAX_TENSORS; i++) {
        struct sc_param *const p = r->m->params[i];
        bool is_input = false;
        for (int k = 0; k < r->n_in; k++)
            is_input = is_input || t->params[k] == p;
        if (is_input || p->role != SIMCLR_ROLE_trainable) continue;
        r->in[n] = sc_tensor_new(p->dtype, &p->shape);
        sc_eval_init(p, 0, r->in[n]);
        t->params[n++] = p;
    }
}

// sum(r y), with r in [-1, 1] exact in single precision.
static struct sc_value *weigh(struct sc_builder *b, struct sc_value *y, uint32_t seed)
{
    const int64_t count = simclr_shape_count(&y->shape);
    float *const r = SC_NEW_ARRAY(b->graph->module->arena, float, (size_t)count + 1);
    uint64_t state = seed * UINT64_C(2654435761) + 1;
    for (int64_t i = 0; i < count; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        r[i] = (float)((int64_t)(state >> 40) - (1 << 23)) / (1 << 23);
    }
    struct sc_value *const weights =
        sc_graph_constant(b->graph, SIMCLR_f32, &y->shape, count > 0 ? r : NULL, NULL);
    struct simclr_dims axes = {.n = y->shape.rank};
    for (int32_t i = 0; i < y->shape.rank; i++)
        axes.v[i] = i;
    return sc_reduce_sum(b, sc_mul(b, y, weights), &axes, false);
}

// Says which operations lead from floats to what is none.
static void say_why(const struct sc_graph *g, struct sc_str *why)
{
    SC_FOR_EACH_NODE(g, n)
    {
        const char *const reason = sc_op_table[n->op].info->why_no_grad;
        if (reason) sc_str_printf(why, "%s: %s; ", sc_op_table[n->op].name, reason);
    }
}

// Replaces the outputs by the loss; false if none is of floats.
static bool make_loss(struct trial *t)
{
    struct sc_graph *const g = t->r.graph;
    struct sc_builder b = {.graph = g, .origin = {.made_by = "test"}};
    struct sc_value *loss = NULL;
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        struct sc_value *const y = g->outputs[i].value;
        if (y->dtype != SIMCLR_f32) continue;
        struct sc_value *const part = weigh(&b, y, i + 1);
        loss = loss ? sc_add(&b, loss, part) : part;
    }
    g->n_outputs = 0;
    if (!loss) return false;
    sc_graph_output(g, "loss", SIMCLR_PORT_loss, loss, NULL);
    (void)sc_graph_remove_dead(g);
    return true;
}

// ---- its values ----

// Runs `g`; results by value id, to be freed by free_results.
static struct sc_tensor **evaluate(struct trial *t, const struct sc_graph *g)
{
    struct sc_tensor **const given = calloc(g->n_values + 1u, sizeof *given);
    struct sc_tensor **const result = calloc(g->n_values + 1u, sizeof *result);
    assert_true(given && result);
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct sc_value *const v = g->values[i];
        if (v->kind != SC_VALUE_param) continue;
        for (int k = 0; k < RUN_MAX_TENSORS; k++) {
            if (t->params[k] == v->param) given[i] = t->r.in[k];
        }
        if (given[i]) continue; // else a parameter of the model's own
        given[i] = sc_tensor_new(v->dtype, &v->shape);
        sc_eval_init(v->param, 0, given[i]);
    }
    sc_eval_graph(g, given, result);
    for (uint32_t i = 0; i < g->n_values; i++) {
        bool is_ours = given[i] != NULL;
        for (int k = 0; k < RUN_MAX_TENSORS; k++)
            is_ours = is_ours && given[i] != t->r.in[k];
        if (is_ours) sc_tensor_free(given[i]);
    }
    free(given);
    return result;
}

static void free_results(const struct sc_graph *g, struct sc_tensor **result)
{
    for (uint32_t i = 0; i < g->n_values; i++)
        sc_tensor_free(result[i]);
    free(result);
}

static double loss_at(struct trial *t, double *x, double value)
{
    const double saved = *x;
    *x = value;
    struct sc_tensor **const result = evaluate(t, t->forward);
    const double loss = result[t->forward->outputs[0].value->id]->f[0];
    free_results(t->forward, result);
    *x = saved;
    return loss;
}

// The slope at *x by central differences; false at a kink.
static bool slope_at(struct trial *t, double *x, double loss, double *slope)
{
    const double x0 = *x, h = 1e-4 * fmax(1, fabs(x0));
    const double a2 = loss_at(t, x, x0 - h), b2 = loss_at(t, x, x0 + h);
    const double a1 = loss_at(t, x, x0 - h / 2), b1 = loss_at(t, x, x0 + h / 2);
    const double wide = (b2 - a2) / (2 * h), narrow = (b1 - a1) / h;
    const double bend2 = fabs((b2 - 2 * loss + a2) / h),
                 bend1 = fabs((b1 - 2 * loss + a1) / (h / 2));
    const double scale = fmax(1, fabs(wide));
    *slope = (4 * narrow - wide) / 3; // the terms of h^2 cancel
    const double noise = 1e-10 * fmax(1, fabs(loss)) / h;
    return bend1 <= 0.75 * bend2 + noise + 1e-7 * scale &&
           fabs(wide - narrow) <= 1e-4 * scale + noise;
}

// The gradient with respect to input i among the results; NULL: it has none.
static const struct sc_tensor *gradient_of(const struct trial *t, int i,
                                           struct sc_tensor *const *result)
{
    for (uint32_t k = 0; k < t->backward->n_outputs; k++) {
        if (t->backward->outputs[k].param == t->params[i])
            return result[t->backward->outputs[k].value->id];
    }
    return NULL;
}

static bool check_element(struct trial *t, int i, int64_t at, const struct sc_tensor *grad,
                          double loss, struct sc_str *why)
{
    double slope;
    if (!slope_at(t, &t->r.in[i]->f[at], loss, &slope)) {
        t->n_kinks++;
        return true;
    }
    t->n_elements++;
    const double found = grad ? grad->f[at] : 0;
    if (fabs(found - slope) <= 1e-5 * fmax(1, fabs(slope))) return true;
    sc_str_printf(why, "d loss / d input %d [%lld] is %.9g, by differences %.9g", i,
                  (long long)at, found, slope);
    return false;
}

static bool check_input(struct trial *t, int i, const struct sc_tensor *grad, double loss,
                        struct sc_str *why)
{
    const int64_t count = t->r.in[i]->count;
    const int64_t n = count < SAMPLES ? count : SAMPLES;
    for (int64_t k = 0; k < n; k++) {
        // Spread over the tensor, off the corners of its axes.
        const int64_t at =
            count <= SAMPLES ? k : (count * (2 * k + 1) / (2 * n) + k * k) % count;
        if (!isfinite(t->r.in[i]->f[at])) continue;
        if (!check_element(t, i, at, grad, loss, why)) return false;
    }
    return true;
}

static enum outcome compare(struct trial *t, struct sc_str *why)
{
    struct sc_tensor **const result = evaluate(t, t->backward);
    const double loss = result[t->backward->outputs[0].value->id]->f[0];
    enum outcome outcome = isfinite(loss) ? PASSED : NOT_FINITE;
    for (int i = 0; i < RUN_MAX_TENSORS && outcome == PASSED; i++) {
        if (!t->params[i]) continue;
        if (!check_input(t, i, gradient_of(t, i, result), loss, why)) outcome = WRONG;
    }
    free_results(t->backward, result);
    if (outcome == PASSED && t->n_elements == 0) return t->n_kinks > 0 ? KINKS_ONLY : NO_FLOATS;
    return outcome;
}

// ---- cases ----

static bool open_case(struct trial *t, const char *dir)
{
    char path[600];
    const Onnx__ValueInfoProto *infos[RUN_MAX_TENSORS];
    run_init(&t->r);
    (void)snprintf(path, sizeof path, "%s/model.onnx", dir);
    if (sc_onnx_open(t->r.m, path, &t->r.model) != SIMCLR_OK) return false;
    t->r.n_in = run_inputs(t->r.model, infos);
    for (int i = 0; i < t->r.n_in; i++) {
        (void)snprintf(path, sizeof path, "%s/test_data_set_0/input_%d.pb", dir, i);
        t->r.in[i] = testdata_load(t->r.m, path);
        if (!t->r.in[i]) return false;
    }
    return true;
}

static bool has_param(const struct trial *t)
{
    for (int i = 0; i < RUN_MAX_TENSORS; i++) {
        if (t->params[i]) return true;
    }
    return false;
}

static enum outcome run_once(struct trial *t, const char *dir, bool only_first,
                             struct sc_str *why)
{
    if (!open_case(t, dir)) return REFUSED;
    if (!import(t, only_first)) {
        sc_str_append(why, sc_str_text(&t->r.messages));
        return REFUSED;
    }
    adopt_params(t);
    if (!make_loss(t) || !has_param(t)) {
        say_why(t->r.graph, why);
        return NO_FLOATS;
    }
    const struct sc_pass_context ctx = {.entry = SC_ENTRY_grad};
    t->forward = sc_clone(t->r.graph, "forward");
    t->backward = sc_clone(t->r.graph, "backward");
    (void)sc_pass_differentiate(t->backward, &ctx);
    if (t->r.diag.n_errors > 0) {
        sc_str_append(why, sc_str_text(&t->r.messages));
        return NO_GRADIENT;
    }
    return compare(t, why);
}

static enum outcome run_twice(const char *dir, struct sc_str *why, struct tally *all)
{
    enum outcome outcome = REFUSED;
    for (int only_first = 0; only_first < 2; only_first++) {
        struct trial t = {.n_kinks = 0};
        sc_str_clear(why);
        outcome = run_once(&t, dir, only_first, why);
        all->n_elements += t.n_elements;
        all->n_kinks += t.n_kinks;
        run_deinit(&t.r);
        const bool may_be_fixed = strstr(sc_str_text(why), "must be known at compile time");
        if (outcome != REFUSED || !may_be_fixed) break;
    }
    return outcome;
}

// Tests whose gradients we mean to differ from slopes.
static bool is_exception(const char *name)
{
    // Rounding is a staircase; its gradient is handed through, as everybody does.
    return strstr(name, "_to_FLOAT16") != NULL;
}

static void run_case(void *user, const char *dir, const char *name)
{
    if (is_exception(name)) return;
    struct tally *const all = user;
    struct sc_str why = {0};
    const enum outcome outcome = run_twice(dir, &why, all);
    all->n[outcome]++;
    const bool is_listed = outcome == NO_GRADIENT || outcome == NO_FLOATS ||
                           outcome == KINKS_ONLY || outcome == NOT_FINITE;
    if (is_listed)
        (void)fprintf(all->list, "%s\t%s\t%.*s\n", name, words[outcome],
                      (int)strcspn(sc_str_text(&why), "\n"), sc_str_text(&why));
    if (outcome == WRONG || getenv("SIMCLR_VERBOSE"))
        print_message("%s %s: %s\n", words[outcome], name, sc_str_text(&why));
    sc_str_free(&why);
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    struct tally all = {.list = fopen(SC_TEST_OUTPUT "/gradients.txt", "w")};
    assert_non_null(all.list);
    const bool is_here = testdata_each(NULL, run_case, &all);
    for (int i = 0; i < N_OUTCOMES; i++)
        print_message("%6d %s\n", all.n[i], words[i]);
    print_message("%6d elements compared, %d passed over at kinks\n", all.n_elements,
                  all.n_kinks);
    assert_int_equal(fclose(all.list), 0);
    if (!is_here) skip();
    assert_int_equal(all.n[WRONG], 0);
    assert_true(all.n[PASSED] >= LEAST_PASSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gradients_are_slopes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
