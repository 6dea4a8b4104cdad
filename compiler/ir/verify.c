// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/verify.h"

#include "compiler/ir/attr.h"
#include "compiler/ir/spell.h"
#include "compiler/ir/text.h"
#include "runtime/base/checked.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The first complaint is the one that is kept.
struct check {
    const struct sc_graph *graph;
    bool *is_defined;           // by value id
    bool *is_seen;              // by node id
    bool *is_updated;           // by parameter index
    const struct sc_node *node; // under which to complain
    char complaint[600];
};

static bool complain(struct check *c, const struct sc_node *n, const char *fmt, ...)
    SC_PRINTF(3, 4);

static bool complain(struct check *c, const struct sc_node *n, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(c->complaint, sizeof c->complaint, fmt, args);
    va_end(args);
    c->node = n;
    return false;
}

static bool is_in_graph(const struct sc_graph *g, const struct sc_value *v)
{
    return v && v->id < g->n_values && g->values[v->id] == v;
}

static bool is_in_module(const struct sc_module *m, const struct sc_param *p)
{
    return p && p->index < m->n_params && m->params[p->index] == p;
}

static bool check_value(struct check *c, uint32_t i)
{
    const struct sc_graph *const g = c->graph;
    const struct sc_value *const v = g->values[i];
    size_t n_bytes;
    if (v->id != i) return complain(c, NULL, "value %" PRIu32 " has id %" PRIu32, i, v->id);
    if (v->dtype >= SIMCLR_N_DTYPES || !sc_checked_nbytes(SIMCLR_f64, &v->shape, &n_bytes))
        return complain(c, NULL, "value %" PRIu32 " has no valid type", i);
    switch (v->kind) {
    case SC_VALUE_input:
    case SC_VALUE_result: return true;
    case SC_VALUE_constant:
        if (!v->data && n_bytes > 0)
            return complain(c, NULL, "constant %" PRIu32 " has no data", i);
        break;
    case SC_VALUE_param:
        if (!is_in_module(g->module, v->param) || v->param->index >= g->n_param_values ||
            g->param_values[v->param->index] != v)
            return complain(c, NULL, "value %" PRIu32 " is not the one of its parameter", i);
        if (v->dtype != v->param->dtype || !simclr_shape_equal(&v->shape, &v->param->shape))
            return complain(c, NULL, "value of parameter '%s' has another type than it",
                            v->param->name);
        break;
    }
    c->is_defined[i] = true;
    return true;
}

static bool check_values(struct check *c)
{
    const struct sc_graph *const g = c->graph;
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (!check_value(c, i)) return false;
    }
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        if (!is_in_graph(g, g->inputs[i]) || g->inputs[i]->kind != SC_VALUE_input)
            return complain(c, NULL, "input %" PRIu32 " is no input value of the graph", i);
        c->is_defined[g->inputs[i]->id] = true;
    }
    return true;
}

static bool check_types(struct check *c, const struct sc_node *n)
{
    struct sc_infer infer = {.node = n};
    if (!sc_op_table[n->op].info->infer(&infer)) return complain(c, n, "%s", infer.error);
    for (int i = 0; i < n->n_out; i++) {
        const struct sc_value *const v = n->out[i];
        if (v->dtype == infer.dtype[i] && simclr_shape_equal(&v->shape, &infer.shape[i]))
            continue;
        struct sc_str text = {0};
        sc_str_append_type(&text, v->dtype, &v->shape);
        sc_str_printf(&text, ", %s makes ", sc_op_table[n->op].name);
        sc_str_append_type(&text, infer.dtype[i], &infer.shape[i]);
        (void)complain(c, n, "result %d is %s", i, sc_str_text(&text));
        sc_str_free(&text);
        return false;
    }
    return true;
}

static bool check_inputs(struct check *c, const struct sc_node *n)
{
    const struct sc_op_row *const row = &sc_op_table[n->op];
    if (n->n_in < row->min_in || (row->max_in >= 0 && n->n_in > row->max_in))
        return complain(c, n, "%d inputs, %d to %d expected", n->n_in, row->min_in,
                        row->max_in);
    for (int i = 0; i < n->n_in; i++) {
        if (!is_in_graph(c->graph, n->in[i]))
            return complain(c, n, "input %d is not in the graph", i);
        if (!c->is_defined[n->in[i]->id])
            return complain(c, n, "input %d is used before its definition", i);
    }
    return true;
}

static bool check_outputs(struct check *c, const struct sc_node *n)
{
    if (n->n_out != sc_op_table[n->op].n_out)
        return complain(c, n, "%d results, %d expected", n->n_out, sc_op_table[n->op].n_out);
    for (int i = 0; i < n->n_out; i++) {
        const struct sc_value *const v = n->out[i];
        if (!is_in_graph(c->graph, v) || v->kind != SC_VALUE_result || v->def != n ||
            v->out != i)
            return complain(c, n, "result %d does not know its definition", i);
        c->is_defined[v->id] = true;
    }
    return true;
}

static bool check_node(struct check *c, const struct sc_node *n)
{
    if (n->op >= SIMCLR_N_OPS)
        return complain(c, NULL, "node %" PRIu32 " has no valid operation", n->id);
    if (n->id >= c->graph->next_node_id || c->is_seen[n->id])
        return complain(c, n, "node has the id of another, or a future one");
    c->is_seen[n->id] = true;
    return check_inputs(c, n) && check_outputs(c, n) && check_types(c, n);
}

// What leaves the graph: an output or an update.
static bool check_leaving(struct check *c, const char *what, uint32_t i,
                          const struct sc_value *v, const struct sc_param *param)
{
    if (!is_in_graph(c->graph, v) || !c->is_defined[v->id])
        return complain(c, NULL, "%s %" PRIu32 " is not defined in the graph", what, i);
    if (!param) return true;
    if (!is_in_module(c->graph->module, param))
        return complain(c, NULL, "%s %" PRIu32 " is of no parameter of the module", what, i);
    if (v->dtype != param->dtype || !simclr_shape_equal(&v->shape, &param->shape))
        return complain(c, NULL, "%s of parameter '%s' has another type than it", what,
                        param->name);
    return true;
}

static bool check_updates(struct check *c)
{
    const struct sc_graph *const g = c->graph;
    for (uint32_t i = 0; i < g->n_updates; i++) {
        const struct sc_param *const param = g->updates[i].param;
        if (!param) return complain(c, NULL, "update %" PRIu32 " has no parameter", i);
        if (!check_leaving(c, "update", i, g->updates[i].value, param)) return false;
        if (c->is_updated[param->index])
            return complain(c, NULL, "parameter '%s' is updated twice", param->name);
        c->is_updated[param->index] = true;
    }
    return true;
}

static bool check_graph(struct check *c)
{
    const struct sc_graph *const g = c->graph;
    if (!check_values(c)) return false;
    SC_FOR_EACH_NODE(g, n)
    {
        if (!check_node(c, n)) return false;
    }
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (!c->is_defined[i])
            return complain(c, NULL, "value %" PRIu32 " has no definition", i);
    }
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const struct sc_output *const o = &g->outputs[i];
        if (!check_leaving(c, "output", i, o->value,
                           o->role == SIMCLR_PORT_grad ? o->param : NULL))
            return false;
    }
    return check_updates(c);
}

void sc_verify(const struct sc_graph *g, const char *pass)
{
    struct sc_arena *const arena = sc_arena_new();
    struct check c = {.graph = g,
                      .is_defined = SC_NEW_ARRAY(arena, bool, g->n_values),
                      .is_seen = SC_NEW_ARRAY(arena, bool, g->next_node_id),
                      .is_updated = SC_NEW_ARRAY(arena, bool, g->module->n_params)};
    if (!check_graph(&c)) {
        struct sc_str text = {0};
        sc_print_complaint(g, c.node, c.complaint, &text);
        (void)fprintf(stderr, "%s\nsimclrc: internal error: graph '%s' is wrong after %s: %s\n",
                      sc_str_text(&text), g->name, pass, c.complaint);
        abort();
    }
    sc_arena_free(arena);
}

// Prints the first line that differs, and aborts.
static void expect_equal(const struct sc_graph *g, const char *pass, const char *what,
                         const struct sc_str *expected, const struct sc_str *found)
{
    const char *a = sc_str_text(expected);
    const char *b = sc_str_text(found);
    if (strcmp(a, b) == 0) return;
    const char *line_a = a;
    const char *line_b = b;
    for (; *a && *a == *b; a++, b++) {
        if (*a == '\n') {
            line_a = a + 1;
            line_b = b + 1;
        }
    }
    (void)fprintf(stderr,
                  "graph:  %.*s\n%s: %.*s\nsimclrc: internal error: graph '%s' is not what "
                  "its %s is, after %s\n",
                  (int)strcspn(line_a, "\n"), line_a, what, (int)strcspn(line_b, "\n"), line_b,
                  g->name, what, pass);
    abort();
}

static void print_parsed(const struct sc_str *text, const char *pass, struct sc_str *out)
{
    struct sc_module *const m = sc_module_new(NULL);
    struct sc_graph **graphs = NULL;
    uint32_t n_graphs = 0;
    if (sc_parse_text(m, pass, sc_str_text(text), text->size, &graphs, &n_graphs) !=
            SIMCLR_OK ||
        n_graphs != 1) {
        (void)fprintf(stderr, "simclrc: internal error: the text does not parse after %s\n",
                      pass);
        abort();
    }
    sc_print_text(graphs[0], out);
    sc_module_free(m);
}

void sc_verify_thoroughly(const struct sc_graph *g, const char *pass)
{
    sc_verify(g, pass);
    struct sc_str text = {0};
    struct sc_str again = {0};
    sc_print_text(g, &text);
    sc_print_text(sc_clone(g, NULL), &again);
    expect_equal(g, pass, "clone", &text, &again);
    sc_str_clear(&again);
    print_parsed(&text, pass, &again);
    expect_equal(g, pass, "parsed text", &text, &again);
    sc_str_free(&again);
    sc_str_free(&text);
}
