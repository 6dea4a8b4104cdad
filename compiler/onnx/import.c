// SPDX-License-Identifier: Apache-2.0
//
// Importing one model: which nodes are needed, in which order, by which importer.
// A mistake in one node makes its outputs unknown, and what depends on unknown
// values is passed over in silence, so that one run reports every independent
// mistake and no echo of one.
#include "compiler/onnx/importer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NEWEST = SC_OPSET_NEWEST }; // as import.def calls it

static const struct sc_import_row rows[] = {
#define ONNX(op_type, since, until, fn, min_in, max_in, max_out, slots)                        \
    {#op_type, since, until, min_in, max_in, max_out, slots, sc_import_##fn},
#include "compiler/onnx/import.def"
#undef ONNX
};
enum { N_ROWS = sizeof rows / sizeof *rows };

void sc_scope_init(struct sc_scope *s, struct sc_module *m, struct sc_graph *g,
                   struct sc_onnx_model *model, enum simclr_part part, bool is_loss)
{
    *s = (struct sc_scope){
        .m = m,
        .model = model,
        .graph = model->graph,
        .opset = sc_onnx_opset(model),
        .part = part,
        .is_loss = is_loss,
        .bounds = sc_names_new(m->arena),
        .is_imported = SC_NEW_ARRAY(m->arena, bool, model->graph->n_node),
        .b = {.graph = g},
    };
}

static void check_opset(struct sc_scope *s)
{
    const char *const file = s->model->name;
    s->any_failed = s->is_unreadable = true;
    if (s->opset == 0)
        sc_report(s->m->diag, SIMCLR_ERROR, file, "the model imports no standard operators");
    else if (s->opset > SC_OPSET_NEWEST)
        sc_report(s->m->diag, SIMCLR_ERROR, file,
                  "opset %" PRId64 " is newer than %d, the newest simclrc knows", s->opset,
                  SC_OPSET_NEWEST);
    else if (s->opset < SC_OPSET_OLDEST)
        sc_report(s->m->diag, SIMCLR_ERROR, file,
                  "opset %" PRId64 " is older than %d, the oldest simclrc knows", s->opset,
                  SC_OPSET_OLDEST);
    else
        s->any_failed = s->is_unreadable = false;
}

void sc_scope_prepare(struct sc_scope *s)
{
    check_opset(s);
    for (size_t i = 0; i < s->graph->n_initializer; i++) {
        const Onnx__TensorProto *const t = s->graph->initializer[i];
        if (*sc_onnx_text(t->name)) sc_scope_bound(s, t->name)->tensor = t;
    }
    // What nobody feeds has been reported by who should have.
    for (size_t i = 0; i < s->graph->n_input; i++) {
        struct sc_bound *const bound =
            sc_scope_bound(s, sc_onnx_text(s->graph->input[i]->name));
        if (!bound->value && !bound->tensor) bound->is_unknown = true;
    }
    for (size_t i = 0; i < s->graph->n_node; i++) {
        const Onnx__NodeProto *const node = s->graph->node[i];
        for (size_t k = 0; k < node->n_output; k++) {
            if (!*sc_onnx_text(node->output[k])) continue;
            struct sc_bound *const bound = sc_scope_bound(s, node->output[k]);
            if (bound->maker || bound->tensor || bound->is_computed) {
                sc_report(s->m->diag, SIMCLR_ERROR, s->model->name,
                          "'%s' is made twice, expected one node", node->output[k]);
                s->any_failed = true;
            }
            bound->maker = node;
        }
    }
    sc_weights_find(s);
}

const struct sc_import_row *sc_import_find(const struct sc_scope *s,
                                           const Onnx__NodeProto *node)
{
    if (!sc_onnx_is_standard_domain(node->domain)) return NULL;
    for (size_t i = 0; i < N_ROWS; i++) {
        if (s->opset >= rows[i].since && s->opset <= rows[i].until &&
            !strcmp(rows[i].op_type, sc_onnx_text(node->op_type)))
            return &rows[i];
    }
    return NULL;
}

// Why there is no row.
static void report_operator(struct sc_scope *s)
{
    if (!sc_onnx_is_standard_domain(s->node->domain)) {
        (void)sc_bad_node(s, "operators of domain '%s' are not supported", s->node->domain);
        return;
    }
    int since = 0;
    for (size_t i = 0; i < N_ROWS; i++) {
        const bool is_it = !strcmp(rows[i].op_type, sc_onnx_text(s->node->op_type));
        if (is_it && rows[i].since > s->opset && (!since || rows[i].since < since))
            since = rows[i].since;
    }
    if (since)
        (void)sc_bad_node(s,
                          "the model imports opset %" PRId64 ", expected at least %d for "
                          "this operator",
                          s->opset, since);
    else
        (void)sc_bad_node(s, "operator is not supported");
}

static bool check_arity(struct sc_scope *s)
{
    const struct sc_import_row *const row = s->row;
    const int n = sc_n_in(s);
    bool ok = row->max_in < 0 || n <= row->max_in;
    for (int i = 0; i < row->min_in; i++)
        ok = ok && sc_has_in(s, i);
    for (int i = 0; row->max_in < 0 && i < n; i++)
        ok = ok && sc_has_in(s, i);
    if (ok) return true;
    if (row->max_in < 0)
        (void)sc_bad_node(s, "it has %d inputs, expected at least %d, none empty", n,
                          row->min_in);
    else if (row->min_in == row->max_in)
        (void)sc_bad_node(s, "it has %d inputs, expected %d", n, row->min_in);
    else
        (void)sc_bad_node(s, "it has %d inputs, expected %d to %d", n, row->min_in,
                          row->max_in);
    return false;
}

// False if an input is unknown, in which case there is nothing to say, or not
// there at all, which is reported.
static bool inputs_are_known(struct sc_scope *s)
{
    bool known = true;
    for (int i = 0; i < sc_n_in(s); i++) {
        if (!sc_has_in(s, i)) continue;
        const struct sc_bound *const bound = sc_scope_find(s, sc_in_name(s, i));
        const char *const name = sc_in_name(s, i);
        if (!bound) {
            (void)sc_bad_node(s,
                              "input '%s' is neither an input, an initializer nor made by "
                              "a node",
                              name);
            known = false;
        } else if (bound->is_unknown) {
            known = false;
        } else if (bound->maker && !bound->is_computed) {
            (void)sc_bad_node(s, "input '%s' is made by a later node, expected an earlier one",
                              name);
            known = false;
        } else if (!bound->value && !bound->tensor && !bound->weight) {
            (void)sc_bad_node(s, "input '%s' is an output of '%s' that is not supported", name,
                              bound->maker ? sc_onnx_text(bound->maker->op_type) : "the model");
            known = false;
        }
    }
    return known;
}

static void bind_outputs(struct sc_scope *s)
{
    for (size_t i = 0; i < s->node->n_output; i++) {
        const char *const name = sc_onnx_text(s->node->output[i]);
        if (!*name) continue;
        sc_scope_bind(s, name, s->out[i]);
        sc_scope_bound(s, name)->is_unknown = s->failed;
    }
}

// What messages and dumps call a node: its name, or what it makes, or its place.
static const char *name_of(struct sc_scope *s, const Onnx__NodeProto *node, size_t index)
{
    if (*sc_onnx_text(node->name)) return node->name;
    if (node->n_output > 0 && *sc_onnx_text(node->output[0])) return node->output[0];
    return sc_arena_printf(s->m->arena, "#%zu", index + 1);
}

static void import_node(struct sc_scope *s, size_t index)
{
    s->node = s->graph->node[index];
    s->node_name = name_of(s, s->node, index);
    s->failed = false;
    s->is_imported[index] = true;
    s->out = SC_NEW_ARRAY(s->m->arena, struct sc_value *, s->node->n_output);
    s->row = sc_import_find(s, s->node);
    s->b.origin = (struct sc_origin){
        .file = s->model->name, .node = s->node_name, .op_type = s->node->op_type};
    bool ok = s->row != NULL;
    if (!ok) report_operator(s);
    ok = ok && check_arity(s) && inputs_are_known(s);
    if (ok) {
        struct sc_value *const first = s->row->import(s);
        if (s->node->n_output > 0) s->out[0] = first;
    }
    s->failed = s->failed || !ok;
    bind_outputs(s);
    s->node = NULL;
}

// The nodes that `name` depends on and that are not imported yet. A work list
// instead of recursion: models are as deep as they like.
static void mark_needed(struct sc_scope *s, const char *name, bool *needed)
{
    const size_t n_nodes = s->graph->n_node;
    struct sc_names *const index_of = sc_names_new(s->m->arena);
    for (size_t i = 0; i < n_nodes; i++) {
        for (size_t k = 0; k < s->graph->node[i]->n_output; k++)
            *sc_names_slot(index_of, sc_onnx_text(s->graph->node[i]->output[k])) = &needed[i];
    }
    bool *const first = sc_names_find(index_of, name);
    if (first) *first = true;
    // Definitions come before uses, so one sweep from the end finds everything.
    for (size_t i = n_nodes; i-- > 0;) {
        const Onnx__NodeProto *const node = s->graph->node[i];
        for (size_t k = 0; needed[i] && k < node->n_input; k++) {
            bool *const maker = sc_names_find(index_of, sc_onnx_text(node->input[k]));
            if (maker) *maker = true;
        }
    }
}

struct sc_value *sc_scope_import(struct sc_scope *s, const char *name)
{
    if (s->is_unreadable) return NULL;
    bool *const needed = SC_NEW_ARRAY(s->m->arena, bool, s->graph->n_node);
    mark_needed(s, name, needed);
    for (size_t i = 0; i < s->graph->n_node; i++) {
        if (needed[i] && !s->is_imported[i]) import_node(s, i);
    }
    struct sc_bound *const bound = sc_scope_find(s, name);
    if (!bound || (!bound->maker && !bound->value && !bound->tensor)) {
        sc_report(s->m->diag, SIMCLR_ERROR, s->model->name, "there is no tensor '%s'", name);
        s->any_failed = true;
        return NULL;
    }
    if (bound->is_unknown) return NULL;
    if (!bound->value) {
        sc_report(s->m->diag, SIMCLR_ERROR, s->model->name,
                  "'%s' is not computed by the model, expected the output of a node", name);
        s->any_failed = true;
    }
    return bound->value;
}

struct sc_value *sc_scope_import_output(struct sc_scope *s, const char *name)
{
    struct sc_bound *const bound = s->is_unreadable ? NULL : sc_scope_find(s, name);
    if (!bound || bound->maker || bound->value || bound->is_unknown)
        return sc_scope_import(s, name);
    if (bound->weight && sc_weight_is_param(s, bound->weight))
        return sc_weight_itself(s, bound->weight);
    if (bound->tensor) bound->value = sc_import_tensor(s, bound->tensor, name);
    return bound->value;
}
