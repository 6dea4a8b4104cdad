// SPDX-License-Identifier: Apache-2.0
//
// select-entry: keeps of the forward graph what the entry computes: its outputs,
// what they need, and the inputs that this needs. Entry run keeps every output, and
// every input, used or not: they are the model's own.
#include "compiler/passes/passes.h"

static bool is_wanted(enum sc_entry_kind entry, enum simclr_port_role role)
{
    const bool is_training = entry == SC_ENTRY_train || entry == SC_ENTRY_grad;
    if (is_training) return role == SIMCLR_PORT_loss || role == SIMCLR_PORT_metrics;
    if (entry == SC_ENTRY_project) return role == SIMCLR_PORT_projection;
    return role == SIMCLR_PORT_embedding;
}

static bool drop_outputs(struct sc_graph *g, enum sc_entry_kind entry)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        if (is_wanted(entry, g->outputs[i].role)) g->outputs[n++] = g->outputs[i];
    }
    const bool changed = n < g->n_outputs;
    g->n_outputs = n;
    return changed;
}

// Images stay even if nothing depends on them: every entry takes them.
static bool drop_inputs(struct sc_graph *g)
{
    const uint32_t *const n_uses = sc_graph_count_uses(g);
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        struct sc_value *const v = g->inputs[i];
        if (n_uses[v->id] > 0 || v->role == SIMCLR_PORT_images) g->inputs[n++] = v;
    }
    const bool changed = n < g->n_inputs;
    g->n_inputs = n;
    return changed;
}

bool sc_pass_select_entry(struct sc_graph *g, const struct sc_pass_context *ctx)
{
    if (ctx->entry == SC_ENTRY_run) return sc_graph_remove_dead(g);
    bool changed = drop_outputs(g, ctx->entry);
    if (g->n_outputs == 0)
        sc_report(g->module->diag, SIMCLR_ERROR, NULL, "the model has no output for entry '%s'",
                  g->name);
    changed |= sc_graph_remove_dead(g); // first what used the inputs
    if (drop_inputs(g)) {
        (void)sc_graph_remove_dead(g); // then their values
        changed = true;
    }
    return changed;
}
