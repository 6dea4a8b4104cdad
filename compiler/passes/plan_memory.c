// SPDX-License-Identifier: Apache-2.0
//
// plan-memory: every value gets its place before the first step runs.
//
// An updated parameter's new value is written straight over the old one if all
// readers of the old one are done by then (the schedule sees to it); where that
// is impossible, a copy at the end of the graph does it. A pointwise or in-place
// operation writes over an operand that dies there. What remains is a set of
// byte blocks with lifetimes, packed by place_blocks.c.
//
// Offsets of parameters and constants are not known here: their values get the
// space, `param` and `data` of what they share storage with, and the emitter
// knows where that is.
#include "compiler/passes/passes.h"
#include "compiler/passes/plan.h"

#include "compiler/ir/builder.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Nodes' positions, by node id.
static uint32_t *node_positions(const struct sc_graph *g)
{
    uint32_t *const position = SC_NEW_ARRAY(g->module->arena, uint32_t, g->next_node_id);
    for (uint32_t i = 0; i < g->n_nodes; i++)
        position[g->nodes[i]->id] = i;
    return position;
}

// True if output `out` of n may be written over the parameter in class `root`
// although n itself reads it.
static bool may_write_over(const struct sc_liveness *l, const struct sc_node *n, int out,
                           uint32_t root)
{
    const int operand = sc_optimizer_operand(n->op, out);
    for (int k = 0; k < n->n_in; k++) {
        if (sc_liveness_root(l, n->in[k]) != root) continue;
        const bool fits = operand >= 0 ? k == operand : out == 0 && sc_may_overwrite(n, k);
        if (!fits) return false;
    }
    return true;
}

// True if the new value of an update can be made in the parameter's own storage.
static bool is_in_place(const struct sc_liveness *l, const uint32_t *position,
                        const struct sc_update *u, const struct sc_value *old)
{
    const struct sc_value *const v = u->value;
    if (v->kind != SC_VALUE_result || sc_liveness_root(l, v) != v->id) return false;
    const uint32_t at = position[v->def->id];
    const uint32_t last_read = l->end[old->id];
    return last_read < at || (last_read == at && may_write_over(l, v->def, v->out, old->id));
}

// Results that go over an operand which dies.
static void reuse_operands(const struct sc_graph *g, struct sc_liveness *l)
{
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct sc_node *const n = g->nodes[i];
        if (sc_optimizer_operand(n->op, 0) >= 0) continue;
        if (sc_liveness_root(l, n->out[0]) != n->out[0]->id) continue;
        for (int k = 0; k < n->n_in; k++) {
            const uint32_t root = sc_liveness_root(l, n->in[k]);
            if (!sc_is_transient(g->values[root]) || l->end[root] != i) continue;
            if (!sc_may_overwrite(n, k)) continue;
            sc_liveness_share(l, n->out[0], n->in[k]);
            break;
        }
    }
}

struct sc_liveness sc_plan_storage(struct sc_graph *g)
{
    for (uint32_t i = 0; i < g->n_updates; i++)
        (void)sc_graph_param(g, g->updates[i].param); // so that there is a class to join
    struct sc_liveness l = sc_liveness_compute(g);
    const uint32_t *const position = node_positions(g);
    for (uint32_t i = 0; i < g->n_updates; i++) {
        const struct sc_update *const u = &g->updates[i];
        const struct sc_value *const old = sc_graph_param(g, u->param);
        if (is_in_place(&l, position, u, old))
            sc_liveness_share(&l, u->value, old);
        else
            l.end[sc_liveness_root(&l, u->value)] = g->n_nodes;
    }
    reuse_operands(g, &l);
    return l;
}

uint64_t sc_plan_peak(struct sc_graph *g)
{
    const struct sc_liveness l = sc_plan_storage(g);
    return sc_liveness_peak(g, &l);
}

static const struct sc_origin origin = {.made_by = "plan-memory"};

// A copy of `v` as the graph's last node.
static struct sc_value *append_copy(struct sc_graph *g, struct sc_value *v)
{
    struct sc_builder b = {.graph = g, .origin = origin};
    return sc_build(&b, SIMCLR_OP_copy, NULL, v);
}

// A copy of `v`, which is a parameter or a view of one, as the graph's first
// nodes: the value the parameter has at the start, kept for the end.
static struct sc_value *prepend_copy(struct sc_graph *g, struct sc_value *v)
{
    struct sc_builder b = {.graph = g, .origin = origin};
    const uint32_t n_before = g->n_nodes;
    struct sc_value *const copy = sc_reshape(&b, append_copy(g, sc_storage_of(v)), &v->shape);
    const uint32_t n_new = g->n_nodes - n_before;
    struct sc_node *first[2] = {NULL, NULL};
    assert(n_new <= 2);
    memcpy(first, g->nodes + n_before, n_new * sizeof *first);
    memmove(g->nodes + n_new, g->nodes, n_before * sizeof *first);
    memcpy(g->nodes, first, n_new * sizeof *first);
    return copy;
}

static bool *updated_params(const struct sc_graph *g)
{
    bool *const is_updated = SC_NEW_ARRAY(g->module->arena, bool, g->module->n_params);
    for (uint32_t i = 0; i < g->n_updates; i++)
        is_updated[g->updates[i].param->index] = true;
    return is_updated;
}

// Old values that are asked for at the end, by an output or as the new value of
// another parameter, are saved from the updates.
static void save_old_values(struct sc_graph *g)
{
    const bool *const is_updated = updated_params(g);
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const struct sc_value *const root = sc_storage_of(g->outputs[i].value);
        if (root->kind == SC_VALUE_param && is_updated[root->param->index])
            g->outputs[i].value = prepend_copy(g, g->outputs[i].value);
    }
    for (uint32_t i = 0; i < g->n_updates; i++) {
        const struct sc_value *const root = sc_storage_of(g->updates[i].value);
        if (root->kind == SC_VALUE_param && is_updated[root->param->index])
            g->updates[i].value = prepend_copy(g, g->updates[i].value);
    }
}

static void drop_idle_updates(struct sc_graph *g)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_updates; i++) {
        const struct sc_update u = g->updates[i];
        if (u.value != sc_graph_param(g, u.param)) g->updates[n++] = u;
    }
    g->n_updates = n;
}

// Gives every update that cannot be done in place a copy at the end of the graph.
static void settle_updates(struct sc_graph *g)
{
    drop_idle_updates(g);
    save_old_values(g);
    const struct sc_liveness l = sc_plan_storage(g);
    for (uint32_t i = 0; i < g->n_updates; i++) {
        struct sc_update *const u = &g->updates[i];
        const uint32_t old = sc_graph_param(g, u->param)->id;
        if (sc_liveness_root(&l, u->value) != old) u->value = append_copy(g, u->value);
    }
}

// What has to be placed: one block per transient class, then one per workspace.
struct demand {
    struct sc_block *blocks;
    uint32_t n_blocks;
    uint32_t *of_value; // block by id of a root
};

static struct demand collect(const struct sc_graph *g, const struct sc_liveness *l)
{
    struct sc_arena *const arena = g->module->arena;
    struct demand d = {
        .blocks = SC_NEW_ARRAY(arena, struct sc_block, (size_t)g->n_values + g->n_nodes),
        .of_value = SC_NEW_ARRAY(arena, uint32_t, g->n_values)};
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (sc_liveness_root(l, g->values[i]) != i || !sc_is_transient(g->values[i])) continue;
        d.of_value[i] = d.n_blocks;
        d.blocks[d.n_blocks++] =
            (struct sc_block){.size = l->bytes[i], .begin = l->begin[i], .end = l->end[i]};
    }
    for (uint32_t i = 0; i < g->n_nodes; i++)
        d.blocks[d.n_blocks++] =
            (struct sc_block){.size = sc_workspace_bytes(g->nodes[i]), .begin = i, .end = i};
    return d;
}

static void assign(struct sc_value *v, struct sc_value *root, const struct demand *d)
{
    if (sc_is_transient(root)) {
        v->space = SIMCLR_SPACE_arena;
        v->offset = d->blocks[d->of_value[root->id]].offset;
        return;
    }
    const bool is_param = root->kind == SC_VALUE_param;
    v->space = is_param ? SIMCLR_SPACE_persistent : SIMCLR_SPACE_constant;
    v->param = root->param;
    v->data = root->data;
    v->offset = 0;
}

// A wrong plan would make wrong numbers: it costs little to look, always.
static void insist(const struct sc_graph *g)
{
    struct sc_str complaint = {0};
    if (!sc_plan_check(g, &complaint)) {
        (void)fprintf(stderr, "simclrc: internal error: the plan of graph '%s' is wrong:\n%s",
                      g->name, sc_str_text(&complaint));
        abort();
    }
    sc_str_free(&complaint);
}

bool sc_pass_plan_memory(struct sc_graph *g, const struct sc_pass_context *ctx)
{
    (void)ctx;
    settle_updates(g);
    const struct sc_liveness l = sc_plan_storage(g);
    const struct demand d = collect(g, &l);
    g->arena_bytes = sc_place_blocks(g->module->arena, d.blocks, d.n_blocks);
    for (uint32_t i = 0; i < g->n_values; i++)
        assign(g->values[i], g->values[sc_liveness_root(&l, g->values[i])], &d);
    const struct sc_block *const workspaces = d.blocks + d.n_blocks - g->n_nodes;
    for (uint32_t i = 0; i < g->n_nodes; i++)
        g->nodes[i]->kernel.workspace_offset = workspaces[i].offset;
    g->is_planned = true;
    insist(g);
    return true;
}
