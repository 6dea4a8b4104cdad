// SPDX-License-Identifier: Apache-2.0
//
// Changing a graph that is built: replacing values, putting nodes back in
// order, removing what nobody uses. All of it is linear in the graph's size.
#include "compiler/ir/graph.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct sc_value **sc_graph_new_map(struct sc_graph *g)
{
    return SC_NEW_ARRAY(g->module->arena, struct sc_value *, g->n_values);
}

// What finally stands for `v`. The chain behind v is shortened to one step, so
// that all look-ups together stay linear.
static struct sc_value *resolve(struct sc_value **map, uint32_t n, struct sc_value *v)
{
    struct sc_value *last = v;
    for (uint32_t steps = 0; last->id < n && map[last->id]; steps++) {
        assert(steps <= n && "replacements go in a circle");
        last = map[last->id];
    }
    while (v != last) {
        struct sc_value *const next = map[v->id];
        map[v->id] = last;
        v = next;
    }
    return last;
}

void sc_graph_apply_map(struct sc_graph *g, struct sc_value **map, uint32_t n)
{
    SC_FOR_EACH_NODE(g, node)
    {
        for (int i = 0; i < node->n_in; i++)
            node->in[i] = resolve(map, n, node->in[i]);
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        g->outputs[i].value = resolve(map, n, g->outputs[i].value);
    for (uint32_t i = 0; i < g->n_updates; i++)
        g->updates[i].value = resolve(map, n, g->updates[i].value);
}

enum { NOT_SEEN, ON_STACK, PLACED };

struct visit {
    struct sc_node *node;
    int next_in;
};

// A depth-first walk that places a node behind the definitions of its inputs.
struct walk {
    uint8_t *state; // by node id
    struct visit *stack;
    uint32_t depth;
    struct sc_node **order;
    uint32_t n_placed;
};

static void enter(struct walk *w, struct sc_node *n)
{
    w->state[n->id] = ON_STACK;
    w->stack[w->depth++] = (struct visit){.node = n};
}

static void step(struct walk *w)
{
    struct visit *const top = &w->stack[w->depth - 1];
    if (top->next_in == top->node->n_in) {
        w->state[top->node->id] = PLACED;
        w->order[w->n_placed++] = top->node;
        w->depth--;
        return;
    }
    const struct sc_value *const v = top->node->in[top->next_in++];
    if (v->kind != SC_VALUE_result || w->state[v->def->id] == PLACED) return;
    if (w->state[v->def->id] == ON_STACK) {
        (void)fprintf(stderr, "simclrc: internal error: a node uses its own result\n");
        abort();
    }
    enter(w, v->def);
}

void sc_graph_sort(struct sc_graph *g)
{
    struct sc_arena *const arena = g->module->arena;
    struct walk w = {.state = SC_NEW_ARRAY(arena, uint8_t, g->next_node_id),
                     .stack = SC_NEW_ARRAY(arena, struct visit, g->n_nodes),
                     .order = SC_NEW_ARRAY(arena, struct sc_node *, g->n_nodes)};
    SC_FOR_EACH_NODE(g, node)
    {
        if (w.state[node->id] == NOT_SEEN) enter(&w, node);
        while (w.depth > 0)
            step(&w);
    }
    assert(w.n_placed == g->n_nodes && "a definition is missing from the graph");
    for (uint32_t i = 0; i < g->n_nodes; i++)
        g->nodes[i] = w.order[i];
}

uint32_t *sc_graph_count_uses(struct sc_graph *g)
{
    uint32_t *const n_uses = SC_NEW_ARRAY(g->module->arena, uint32_t, g->n_values);
    SC_FOR_EACH_NODE(g, node)
    {
        for (int i = 0; i < node->n_in; i++)
            n_uses[node->in[i]->id]++;
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        n_uses[g->outputs[i].value->id]++;
    for (uint32_t i = 0; i < g->n_updates; i++)
        n_uses[g->updates[i].value->id]++;
    return n_uses;
}

// Drops a node whose results have no use left, and with it its own uses.
static bool drop_if_dead(const struct sc_node *n, uint32_t *n_uses)
{
    for (int i = 0; i < n->n_out; i++) {
        if (n_uses[n->out[i]->id] > 0) return false;
    }
    for (int i = 0; i < n->n_in; i++)
        n_uses[n->in[i]->id]--;
    return true;
}

// Keeps the values for which `is_kept` says so, in order, and renumbers them.
static void compact_values(struct sc_graph *g, const bool *is_kept)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_values; i++) {
        struct sc_value *const v = g->values[i];
        if (is_kept[i]) {
            v->id = n;
            g->values[n++] = v;
        } else if (v->kind == SC_VALUE_param) {
            g->param_values[v->param->index] = NULL;
        }
    }
    g->n_values = n;
}

bool sc_graph_remove_dead(struct sc_graph *g)
{
    uint32_t *const n_uses = sc_graph_count_uses(g);
    bool *const is_dead = SC_NEW_ARRAY(g->module->arena, bool, g->n_nodes);
    for (uint32_t i = g->n_nodes; i-- > 0;)
        is_dead[i] = drop_if_dead(g->nodes[i], n_uses);

    bool *const is_kept = SC_NEW_ARRAY(g->module->arena, bool, g->n_values);
    for (uint32_t i = 0; i < g->n_values; i++)
        is_kept[i] = n_uses[i] > 0;
    for (uint32_t i = 0; i < g->n_inputs; i++)
        is_kept[g->inputs[i]->id] = true;
    uint32_t n_nodes = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        struct sc_node *const n = g->nodes[i];
        if (is_dead[i]) continue;
        g->nodes[n_nodes++] = n;
        for (int k = 0; k < n->n_out; k++) // the unused results of a node in use stay
            is_kept[n->out[k]->id] = true;
    }
    const uint32_t n_before = g->n_values;
    g->n_nodes = n_nodes;
    compact_values(g, is_kept);
    return g->n_values < n_before; // a removed node takes its results along
}
