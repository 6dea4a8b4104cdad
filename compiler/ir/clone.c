// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/verify.h"

// What the copies of values and nodes are found by.
struct copies {
    struct sc_arena *arena;
    struct sc_value **value; // by the original's id
};

static struct sc_value **copy_list(const struct copies *c, struct sc_value *const *list, int n)
{
    struct sc_value **const copy = SC_NEW_ARRAY(c->arena, struct sc_value *, (size_t)n);
    for (int i = 0; i < n; i++)
        copy[i] = c->value[list[i]->id];
    return copy;
}

static struct sc_node *copy_node(const struct copies *c, const struct sc_node *n)
{
    struct sc_node *const copy = SC_NEW(c->arena, struct sc_node);
    *copy = *n;
    copy->in = copy_list(c, n->in, n->n_in);
    copy->out = copy_list(c, n->out, n->n_out);
    for (int i = 0; i < n->n_out; i++)
        copy->out[i]->def = copy;
    return copy;
}

// Arrays grow by SC_PUSH, which finds their capacity by their length: so they
// are copied element by element.
static void copy_values(struct sc_graph *copy, const struct sc_graph *g, struct copies *c)
{
    for (uint32_t i = 0; i < g->n_values; i++) {
        struct sc_value *const v = SC_NEW(c->arena, struct sc_value);
        *v = *g->values[i];
        c->value[i] = v;
        SC_PUSH(c->arena, copy->values, copy->n_values) = v;
    }
    for (uint32_t i = 0; i < g->n_inputs; i++)
        SC_PUSH(c->arena, copy->inputs, copy->n_inputs) = c->value[g->inputs[i]->id];
    copy->n_param_values = g->n_param_values;
    copy->param_values = SC_NEW_ARRAY(c->arena, struct sc_value *, g->n_param_values);
    for (uint32_t i = 0; i < g->n_param_values; i++) {
        if (g->param_values[i]) copy->param_values[i] = c->value[g->param_values[i]->id];
    }
}

struct sc_graph *sc_clone(const struct sc_graph *g, const char *name)
{
    struct sc_graph *const copy = sc_graph_new(g->module, name ? name : g->name);
    struct sc_arena *const arena = g->module->arena;
    struct copies c = {.arena = arena,
                       .value = SC_NEW_ARRAY(arena, struct sc_value *, g->n_values)};
    copy_values(copy, g, &c);
    SC_FOR_EACH_NODE(g, n)
    {
        SC_PUSH(arena, copy->nodes, copy->n_nodes) = copy_node(&c, n);
    }
    copy->next_node_id = g->next_node_id;
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        struct sc_output o = g->outputs[i];
        o.value = c.value[o.value->id];
        SC_PUSH(arena, copy->outputs, copy->n_outputs) = o;
    }
    for (uint32_t i = 0; i < g->n_updates; i++)
        sc_graph_update(copy, g->updates[i].param, c.value[g->updates[i].value->id]);
    copy->is_lowered = g->is_lowered;
    copy->is_planned = g->is_planned;
    copy->arena_bytes = g->arena_bytes;
    return copy;
}
