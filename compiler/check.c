// SPDX-License-Identifier: Apache-2.0
//
// --check: explains models to their owner. They are compiled as far as they can be;
// what is known then is collected, and messages that were given on the way with it.
#include "compiler/check.h"

#include "compiler/ir/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct collector {
    struct simclr_diag *caller;
    struct sc_arena *arena;
    struct sc_check *check;
};

static void collect(void *user, enum simclr_severity severity, const char *line)
{
    struct collector *const to = user;
    SC_PUSH(to->arena, to->check->messages, to->check->n_messages) = (struct sc_check_message){
        .severity = severity, .line = sc_arena_strdup(to->arena, line)};
    if (to->caller && to->caller->sink)
        to->caller->sink(to->caller->user, severity, line);
    else
        fprintf(stderr, "%s\n", line);
}

static bool is_ours(const char *name)
{
    for (size_t i = 0; simclr_model_name(i); i++) {
        if (!strcmp(simclr_model_name(i), name)) return true;
    }
    return false;
}

static void describe_models(const struct simclr_compilation *c, struct sc_check *k)
{
    static const char *const parts[SC_MAX_MODELS] = {"encoder", "head", "loss"};
    const bool is_alone = !k->is_trained || (c->models[0] && !c->options.encoder &&
                                             sc_onnx_has_loss(c->models[0]));
    for (size_t i = 0; i < SC_MAX_MODELS; i++) {
        if (!c->models[i]) continue;
        k->parts[k->n_models] = i == 0 && is_alone ? "model" : parts[i];
        k->models[k->n_models] =
            sc_onnx_describe(c->models[i], c->imported ? c->imported : c->import.graph);
        k->is_ours[k->n_models] = is_ours(k->models[k->n_models].file);
        k->n_models++;
    }
    if (c->models[0] && k->is_trained) k->h_dim = sc_onnx_width_of_h(c->models[0], &k->h);
}

static void count_params(const struct sc_module *m, struct sc_check *k)
{
    for (size_t role = 0; role < SIMCLR_ROLE_slot; role++)
        k->roles[role].name = sc_role_words[role];
    for (uint32_t i = 0; i < m->n_params; i++) {
        const struct sc_param *const p = m->params[i];
        if (p->role == SIMCLR_ROLE_slot) continue;
        struct sc_check_role *const role = &k->roles[p->role];
        const uint64_t n = (uint64_t)simclr_shape_count(&p->shape);
        role->n_tensors++;
        role->n_elements += n;
        role->n_bytes += n * simclr_dtype_size(p->dtype);
    }
}

// A graph as the definitions have it, but without what is computed twice or for nobody.
static const struct sc_graph *counted(const struct simclr_compilation *c,
                                      enum sc_entry_kind entry)
{
    return c->graphs[entry][SIMCLR_STAGE_opt];
}

static void add_costs(const struct simclr_compilation *c, struct sc_check *k)
{
    const struct sc_graph *const train = counted(c, SC_ENTRY_train);
    const struct sc_graph *const embed = counted(c, SC_ENTRY_embed);
    const struct sc_graph *const run = counted(c, SC_ENTRY_run);
    if (train) {
        k->has_forward = k->has_training = true;
        k->forward = sc_cost_of(c->import.graph);
        k->training = sc_cost_of(train);
    } else if (run) {
        k->has_forward = true;
        k->forward = sc_cost_of(run);
    }
    if (embed && embed->n_inputs > 0 && embed->inputs[0]->shape.dim[0] > 0) {
        const double rows = (double)embed->inputs[0]->shape.dim[0];
        k->has_encoder = true;
        k->encoder = sc_cost_of(embed);
        k->encoder.macs /= rows;
        k->encoder.flops /= rows;
    }
}

static void add_memory(const struct simclr_compilation *c, struct sc_check *k)
{
    uint64_t *offsets;
    k->persistent_bytes = sc_layout_params(c->module, &offsets);
    for (int e = 0; e < SC_N_ENTRIES; e++) {
        const struct sc_graph *const g = c->graphs[e][SIMCLR_STAGE_plan];
        if (!g) continue;
        k->has_plan = true;
        if (g->arena_bytes > k->arena_bytes) k->arena_bytes = g->arena_bytes;
    }
}

static void examine(const struct simclr_compilation *c, struct sc_check *k)
{
    k->is_trained = !(c->options.loss && !strcmp(c->options.loss, "none"));
    describe_models(c, k);
    count_params(c->module, k);
    k->batch = c->import.batch;
    k->rows = c->import.rows;
    if (k->would_compile) {
        add_costs(c, k);
        add_memory(c, k);
    }
}

static char *print(const struct sc_check *k, const char *format)
{
    struct sc_str text = {0};
    (strcmp(format, "json") == 0 ? sc_check_print_json : sc_check_print_text)(k, &text);
    char *const copy = malloc(text.size + 1);
    if (copy) memcpy(copy, sc_str_text(&text), text.size + 1);
    sc_str_free(&text);
    return copy;
}

simclr_status simclr_check(const struct simclr_compile_options *options, const char *format,
                           struct simclr_diag *diag, char **report)
{
    *report = NULL;
    if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return sc_fail(diag, SIMCLR_USAGE, NULL,
                       "a check cannot be printed as '%s', expected text or json", format);
    struct sc_check check = {0};
    struct collector to = {.caller = diag, .arena = sc_arena_new(), .check = &check};
    struct simclr_diag own = {.sink = collect,
                              .user = &to,
                              .program = diag ? diag->program : NULL,
                              .max_errors = diag ? diag->max_errors : 0};
    struct simclr_compilation *c = NULL;
    const simclr_status status = sc_compile(options, SIMCLR_STAGE_plan, &own, &c);
    check.would_compile = status == SIMCLR_OK;
    check.n_errors = own.n_errors;
    check.n_warnings = own.n_warnings;
    if (diag) {
        diag->n_errors += own.n_errors;
        diag->n_warnings += own.n_warnings;
    }
    if (c && status != SIMCLR_USAGE) {
        examine(c, &check);
        *report = print(&check, format);
    }
    const bool is_lost = c && status != SIMCLR_USAGE && !*report;
    simclr_compilation_free(c);
    sc_arena_free(to.arena);
    return is_lost ? SIMCLR_NO_MEMORY : status;
}
