// SPDX-License-Identifier: Apache-2.0
//
// The graph for Graphviz: a box per node, an arrow per use with its type, and a
// frame around what belongs to the forward pass, the backward pass and the
// optimizer. Constants are left out; what is read and written hangs outside.
#include "compiler/ir/spell.h"

#include "compiler/ir/text.h"

#include <inttypes.h>
#include <string.h>

enum phase { PHASE_forward, PHASE_backward, PHASE_optimizer, N_PHASES };

static const char *const phase_names[] = {
    [PHASE_forward] = "forward",
    [PHASE_backward] = "backward",
    [PHASE_optimizer] = "optimizer",
};

// Who makes nodes that are not of the forward pass.
struct maker {
    const char *made_by;
    enum phase phase;
};

static const struct maker makers[] = {
    {"autodiff", PHASE_backward},
    {"insert-optimizer", PHASE_optimizer},
};

static enum phase phase_of(const struct sc_node *n)
{
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        if (n->origin.made_by && strcmp(n->origin.made_by, makers[i].made_by) == 0)
            return makers[i].phase;
    }
    return PHASE_forward;
}

// A string of the DOT language: the double quote alone is special, and within
// labels the backslash.
static void append_string(struct sc_str *out, const char *text)
{
    sc_str_append(out, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') sc_str_append(out, "\\");
        sc_str_append_n(out, *text == '\n' ? " " : text, 1);
    }
    sc_str_append(out, "\"");
}

static void print_box(const struct sc_node *n, struct sc_str *out)
{
    struct sc_str label = {0};
    sc_str_append(&label, sc_op_table[n->op].name);
    if (n->origin.node) sc_str_printf(&label, " (%s)", n->origin.node);
    sc_str_printf(out, "    n%" PRIu32 " [label=", n->id);
    append_string(out, sc_str_text(&label));
    sc_str_append(out, "];\n");
    sc_str_free(&label);
}

static void print_phase(const struct sc_graph *g, enum phase phase, struct sc_str *out)
{
    bool is_open = false;
    SC_FOR_EACH_NODE(g, n)
    {
        if (phase_of(n) != phase) continue;
        if (!is_open)
            sc_str_printf(out, "  subgraph cluster_%s {\n    label=%s;\n", phase_names[phase],
                          phase_names[phase]);
        is_open = true;
        print_box(n, out);
    }
    if (is_open) sc_str_append(out, "  }\n");
}

// The box an arrow begins at.
static void append_source(struct sc_str *out, const struct sc_value *v)
{
    if (v->kind == SC_VALUE_result)
        sc_str_printf(out, "n%" PRIu32, v->def->id);
    else
        sc_str_printf(out, "v%" PRIu32, v->id);
}

static void print_arrow(const struct sc_value *from, const char *to, uint32_t i,
                        struct sc_str *out)
{
    if (from->kind == SC_VALUE_constant) return;
    sc_str_append(out, "  ");
    append_source(out, from);
    sc_str_printf(out, " -> %s%" PRIu32 " [label=\"", to, i);
    sc_str_append_type(out, from->dtype, &from->shape);
    sc_str_append(out, "\"];\n");
}

static void print_end(const char *prefix, uint32_t i, const char *label, const char *shape,
                      struct sc_str *out)
{
    sc_str_printf(out, "  %s%" PRIu32 " [shape=%s, label=", prefix, i, shape);
    append_string(out, label);
    sc_str_append(out, "];\n");
}

static void print_ends(const struct sc_spelling *s, struct sc_str *out)
{
    const struct sc_graph *const g = s->graph;
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct sc_value *const v = g->values[i];
        if (v->kind == SC_VALUE_input)
            print_end("v", i, sc_spell(s, v), "invhouse", out);
        else if (v->kind == SC_VALUE_param)
            print_end("v", i, sc_spell(s, v), "cylinder", out);
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        print_end("o", i, g->outputs[i].name, "house", out);
    for (uint32_t i = 0; i < g->n_updates; i++)
        print_end("u", i, g->updates[i].param->name, "cylinder", out);
}

void sc_print_dot(const struct sc_graph *g, struct sc_str *out)
{
    struct sc_spelling s;
    sc_spelling_init(&s, g);
    sc_str_append(out, "digraph ");
    append_string(out, g->name);
    sc_str_append(out, " {\n  node [shape=box];\n");
    for (enum phase phase = 0; phase < N_PHASES; phase++)
        print_phase(g, phase, out);
    print_ends(&s, out);
    SC_FOR_EACH_NODE(g, n)
    {
        for (int i = 0; i < n->n_in; i++)
            print_arrow(n->in[i], "n", n->id, out);
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        print_arrow(g->outputs[i].value, "o", i, out);
    for (uint32_t i = 0; i < g->n_updates; i++)
        print_arrow(g->updates[i].value, "u", i, out);
    sc_str_append(out, "}\n");
    sc_spelling_deinit(&s);
}
