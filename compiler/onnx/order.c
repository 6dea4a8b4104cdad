// SPDX-License-Identifier: Apache-2.0
//
// The order of nodes. ONNX wants definitions before uses; files that were edited
// often break it, so nodes are put in order, keeping the file's where it is one.
// Nodes in a circle are reported and count as unknown.
#include "compiler/onnx/importer.h"

#include <string.h>

enum { MAX_SHOWN = 8 };

struct edges { // the nodes a node needs
    size_t *to;
    size_t n;
};

struct sorter {
    struct sc_scope *s;
    struct sc_names *index_of; // by value: the address of its maker's number
    size_t *numbers;
    struct edges *needs;
    size_t n;
};

static void add_edge(struct sorter *o, size_t from, const char *name)
{
    const size_t *const to = *name ? sc_names_find(o->index_of, name) : NULL;
    if (to) SC_PUSH(o->s->m->arena, o->needs[from].to, o->needs[from].n) = *to;
}

// What a node reads, and what the graphs in its attributes read around them.
static void add_edges(struct sorter *o, size_t from, const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < node->n_input; i++)
        add_edge(o, from, sc_onnx_text(node->input[i]));
    for (size_t i = 0; i < node->n_attribute; i++) {
        const Onnx__GraphProto *const g = node->attribute[i]->g;
        for (size_t k = 0; g && k < g->n_node; k++)
            add_edges(o, from, g->node[k]);
        for (size_t k = 0; g && k < g->n_output; k++)
            add_edge(o, from, sc_onnx_text(g->output[k]->name));
    }
}

static struct sorter new_sorter(struct sc_scope *s)
{
    struct sc_arena *const arena = s->m->arena;
    const Onnx__GraphProto *const g = s->graph;
    struct sorter o = {.s = s,
                       .index_of = sc_names_new(arena),
                       .numbers = SC_NEW_ARRAY(arena, size_t, g->n_node),
                       .needs = SC_NEW_ARRAY(arena, struct edges, g->n_node),
                       .n = g->n_node};
    for (size_t i = 0; i < o.n; i++) {
        o.numbers[i] = i;
        for (size_t k = 0; k < g->node[i]->n_output; k++)
            *sc_names_slot(o.index_of, sc_onnx_text(g->node[i]->output[k])) = &o.numbers[i];
    }
    for (size_t i = 0; i < o.n; i++)
        add_edges(&o, i, g->node[i]);
    return o;
}

// The first node that needs a later one, or itself; o->n if all is in order.
static size_t first_too_early(const struct sorter *o, size_t *later)
{
    for (size_t i = 0; i < o->n; i++) {
        for (size_t k = 0; k < o->needs[i].n; k++) {
            *later = o->needs[i].to[k];
            if (*later >= i) return i;
        }
    }
    return o->n;
}

static const char *name_of(const struct sorter *o, size_t i)
{
    return sc_node_name(o->s, o->s->graph->node[i], i);
}

struct visit {
    size_t node;
    size_t next; // of its edges
};

// The nodes from `first` to the top of the stack form a circle.
static void report_circle(struct sorter *o, const struct visit *first, const struct visit *top)
{
    struct sc_str names = {0};
    const size_t n = (size_t)(top - first) + 1;
    for (const struct visit *v = first; v <= top; v++) {
        const Onnx__NodeProto *const node = o->s->graph->node[v->node];
        if (v - first < MAX_SHOWN)
            sc_str_printf(&names, "%s'%s'", v > first ? ", " : "", name_of(o, v->node));
        for (size_t k = 0; k < node->n_output; k++) {
            struct sc_bound *const bound = sc_scope_bound(o->s, sc_onnx_text(node->output[k]));
            bound->is_computed = bound->is_unknown = true;
        }
    }
    if (n == 1)
        sc_report(o->s->m->diag, SIMCLR_ERROR, o->s->model->name,
                  "node %s needs its own result", sc_str_text(&names));
    else
        sc_report(o->s->m->diag, SIMCLR_ERROR, o->s->model->name,
                  "%zu nodes in a circle, each needing the next: %s%s", n, sc_str_text(&names),
                  n > MAX_SHOWN ? ", ..." : "");
    o->s->any_failed = true;
    sc_str_free(&names);
}

// Depth first: what a node needs comes before it.
static void visit(struct sorter *o, size_t root, struct visit *stack, size_t *place,
                  Onnx__NodeProto **sorted, size_t *n_sorted)
{
    const size_t done = SIZE_MAX; // else the place on the stack, from 1
    size_t depth = 0;
    if (place[root] == 0) stack[depth++] = (struct visit){.node = root};
    while (depth > 0) {
        struct visit *const top = &stack[depth - 1];
        place[top->node] = depth;
        if (top->next == o->needs[top->node].n) {
            place[top->node] = done;
            sorted[(*n_sorted)++] = o->s->graph->node[top->node];
            depth--;
            continue;
        }
        const size_t to = o->needs[top->node].to[top->next++];
        if (place[to] == 0)
            stack[depth++] = (struct visit){.node = to};
        else if (place[to] != done)
            report_circle(o, &stack[place[to] - 1], top);
    }
}

void sc_scope_sort(struct sc_scope *s)
{
    struct sorter o = new_sorter(s);
    struct sc_arena *const arena = s->m->arena;
    size_t later = 0;
    const size_t early = first_too_early(&o, &later);
    if (early == o.n) return;
    struct visit *const stack = SC_NEW_ARRAY(arena, struct visit, o.n);
    size_t *const place = SC_NEW_ARRAY(arena, size_t, o.n);
    Onnx__NodeProto **const sorted = SC_NEW_ARRAY(arena, Onnx__NodeProto *, o.n);
    size_t n_sorted = 0;
    const bool had_failed = s->any_failed;
    s->any_failed = false;
    for (size_t i = 0; i < o.n; i++)
        visit(&o, i, stack, place, sorted, &n_sorted);
    if (!s->any_failed && !s->elder)
        sc_report(s->m->diag, SIMCLR_NOTE, s->model->name,
                  "node '%s' comes before '%s', which it needs: the nodes are put in order",
                  name_of(&o, early), name_of(&o, later));
    s->any_failed = s->any_failed || had_failed;
    s->graph->node = sorted;
}
