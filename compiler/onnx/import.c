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

static const struct {
    const char *op_type, *hint;
} refused[] = {
#define ONNX(...)
#define REFUSED(op_type, hint) {#op_type, hint},
#include "compiler/onnx/import.def"
#undef ONNX
};

void sc_scope_init(struct sc_scope *s, struct sc_module *m, struct sc_graph *g,
                   struct sc_onnx_model *model, enum simclr_part part, bool is_loss)
{
    Onnx__GraphProto *const copy = SC_NEW(m->arena, Onnx__GraphProto);
    *copy = *model->graph;
    copy->node =
        sc_arena_grow(m->arena, copy->node, copy->n_node, copy->n_node, sizeof *copy->node);
    copy->initializer = sc_arena_grow(m->arena, copy->initializer, copy->n_initializer,
                                      copy->n_initializer, sizeof *copy->initializer);
    *s = (struct sc_scope){
        .m = m,
        .model = model,
        .graph = copy,
        .opset = sc_onnx_opset(model),
        .part = part,
        .is_loss = is_loss,
        .bounds = sc_names_new(m->arena),
        .b = {.graph = g},
    };
}

// How many nodes are standard operators, and which comes first.
static size_t count_standard(const struct sc_scope *s, size_t *first)
{
    size_t n = 0;
    for (size_t i = s->graph->n_node; i-- > 0;) {
        const Onnx__NodeProto *const node = s->graph->node[i];
        const bool is_standard = sc_onnx_is_standard_domain(node->domain) &&
                                 sc_onnx_origin(s->model, node)->opset == s->opset;
        n += is_standard;
        if (is_standard) *first = i;
    }
    return n;
}

static void check_opset(struct sc_scope *s)
{
    const char *const file = s->model->name;
    size_t first = 0;
    const size_t n = count_standard(s, &first);
    if (n == 0 || (s->opset >= SC_OPSET_OLDEST && s->opset <= SC_OPSET_NEWEST)) return;
    const Onnx__NodeProto *const node = s->graph->node[first];
    const char *const users = sc_arena_printf(
        s->m->arena, "%zu %s it, first '%s' (%s)", n, n > 1 ? "nodes need" : "node needs",
        sc_node_name(s, node, first), sc_onnx_text(node->op_type));
    s->any_failed = s->is_unreadable = true;
    if (s->opset == 0)
        sc_report(s->m->diag, SIMCLR_ERROR, file,
                  "the model imports no standard operators, expected opset %d to %d: %s",
                  SC_OPSET_OLDEST, SC_OPSET_NEWEST, users);
    else if (s->opset > SC_OPSET_NEWEST)
        sc_report(s->m->diag, SIMCLR_ERROR, file,
                  "opset %" PRId64 " is newer than %d, the newest simclrc knows: %s", s->opset,
                  SC_OPSET_NEWEST, users);
    else
        sc_report(s->m->diag, SIMCLR_ERROR, file,
                  "opset %" PRId64 " is older than %d, the oldest simclrc knows: %s", s->opset,
                  SC_OPSET_OLDEST, users);
}

static void report_twice(struct sc_scope *s, const char *what, const char *name)
{
    s->any_failed = true;
    sc_report(s->m->diag, SIMCLR_ERROR, s->model->name, "%s '%s' is given twice, expected once",
              what, name);
}

static void declare_initializers(struct sc_scope *s, size_t first)
{
    for (size_t i = first; i < s->graph->n_initializer; i++) {
        const Onnx__TensorProto *const t = s->graph->initializer[i];
        if (!*sc_onnx_text(t->name)) continue;
        struct sc_bound *const bound = sc_scope_bound(s, t->name);
        if (bound->tensor) report_twice(s, "initializer", t->name);
        bound->tensor = t;
    }
}

static void declare_node(struct sc_scope *s, const Onnx__NodeProto *node)
{
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

void sc_scope_declare(struct sc_scope *s, size_t first_initializer,
                      Onnx__NodeProto *const *nodes, size_t n_nodes)
{
    declare_initializers(s, first_initializer);
    for (size_t i = 0; i < n_nodes; i++)
        declare_node(s, nodes[i]);
    sc_weights_find(s, first_initializer, nodes, n_nodes);
}

static void declare_inputs(struct sc_scope *s)
{
    struct sc_names *const seen = sc_names_new(s->m->arena);
    for (size_t i = 0; i < s->graph->n_input; i++) {
        const char *const name = sc_onnx_text(s->graph->input[i]->name);
        void **const slot = sc_names_slot(seen, name);
        if (*slot) report_twice(s, "input", name);
        *slot = s;
        // What nobody feeds has been reported by who should have.
        struct sc_bound *const bound = sc_scope_bound(s, name);
        if (!bound->value && !bound->tensor) bound->is_unknown = true;
    }
}

void sc_scope_prepare(struct sc_scope *s)
{
    check_opset(s);
    declare_initializers(s, 0);
    declare_inputs(s);
    for (size_t i = 0; i < s->graph->n_node; i++)
        declare_node(s, s->graph->node[i]);
    sc_scope_sort(s);
    sc_weights_find(s, 0, s->graph->node, s->graph->n_node);
    sc_declared_find(s);
}

const struct sc_import_row *sc_import_row(const Onnx__NodeProto *node, int64_t opset)
{
    if (!sc_onnx_is_standard_domain(node->domain)) return NULL;
    for (size_t i = 0; i < N_ROWS; i++) {
        if (opset >= rows[i].since && opset <= rows[i].until &&
            !strcmp(rows[i].op_type, sc_onnx_text(node->op_type)))
            return &rows[i];
    }
    return NULL;
}

const struct sc_import_row *sc_import_find(const struct sc_scope *s,
                                           const Onnx__NodeProto *node)
{
    return sc_import_row(node, sc_onnx_origin(s->model, node)->opset);
}

int sc_import_since(const char *op_type, int64_t opset)
{
    int since = 0;
    for (size_t i = 0; i < N_ROWS; i++) {
        const bool is_it = !strcmp(rows[i].op_type, op_type);
        if (is_it && rows[i].since > opset && (!since || rows[i].since < since))
            since = rows[i].since;
    }
    return since;
}

const char *sc_import_refusal(const char *op_type)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (!strcmp(refused[i].op_type, op_type)) return refused[i].hint;
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
    const int since = sc_import_since(sc_onnx_text(s->node->op_type), s->opset);
    const char *const hint = sc_import_refusal(sc_onnx_text(s->node->op_type));
    if (since)
        (void)sc_bad_node(s,
                          "the %s imports opset %" PRId64 ", expected at least %d for "
                          "this operator",
                          s->opset == s->model->origin.opset ? "model" : "function", s->opset,
                          since);
    else
        (void)sc_bad_node(s, "operator is not supported");
    if (hint) sc_hint_node(s, "%s", hint);
}

static bool has_in(const Onnx__NodeProto *node, int i)
{
    return (size_t)i < node->n_input && *sc_onnx_text(node->input[i]);
}

bool sc_import_arity_fits(const struct sc_import_row *row, const Onnx__NodeProto *node)
{
    const int n = (int)node->n_input;
    bool ok = row->max_in < 0 || n <= row->max_in;
    for (int i = 0; i < row->min_in; i++)
        ok = ok && has_in(node, i);
    for (int i = 0; row->max_in < 0 && i < n; i++)
        ok = ok && has_in(node, i);
    return ok;
}

static bool check_arity(struct sc_scope *s)
{
    const struct sc_import_row *const row = s->row;
    const int n = sc_n_in(s);
    if (sc_import_arity_fits(row, s->node)) return true;
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
        sc_scope_bound(s, name)->is_unknown =
            s->failed || !sc_declared_check(s, name, s->out[i]);
    }
}

const char *sc_node_name(const struct sc_scope *s, const Onnx__NodeProto *node, size_t index)
{
    if (*sc_onnx_text(node->name)) return node->name;
    if (node->n_output > 0 && *sc_onnx_text(node->output[0])) return node->output[0];
    return sc_arena_printf(s->m->arena, "#%zu", index + 1);
}

bool sc_scope_has_imported(const struct sc_scope *s, const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < node->n_output; i++) {
        const char *const name = sc_onnx_text(node->output[i]);
        if (*name) return sc_scope_find(s, name)->is_computed;
    }
    return true; // it gives nothing
}

static void begin_node(struct sc_scope *s, size_t index)
{
    s->node = s->graph->node[index];
    const struct sc_onnx_origin *const origin = sc_onnx_origin(s->model, s->node);
    s->opset = origin->opset;
    s->node_name = origin->node ? origin->node : sc_node_name(s, s->node, index);
    s->node_type = origin->node ? origin->op_type : sc_onnx_text(s->node->op_type);
    s->failed = false;
    s->out = SC_NEW_ARRAY(s->m->arena, struct sc_value *, s->node->n_output);
    s->row = sc_import_find(s, s->node);
    s->b.origin = (struct sc_origin){
        .file = s->model->name, .node = s->node_name, .op_type = s->node_type};
}

static bool import_node(struct sc_scope *s)
{
    if (!s->row) {
        report_operator(s);
        return false;
    }
    if (!check_arity(s) || !inputs_are_known(s)) return false;
    struct sc_value *const first = s->row->import(s);
    if (s->node->n_output > 0) s->out[0] = first;
    return !s->failed;
}

// Marks the nodes that `name` depends on. Of an If only the condition is wanted:
// what its branch needs shows when the branch has taken its place.
static bool *find_needed(struct sc_scope *s, const char *name)
{
    const Onnx__GraphProto *const g = s->graph;
    bool *const needed = SC_NEW_ARRAY(s->m->arena, bool, g->n_node);
    struct sc_names *const index_of = sc_names_new(s->m->arena);
    for (size_t i = 0; i < g->n_node; i++) {
        for (size_t k = 0; k < g->node[i]->n_output; k++)
            *sc_names_slot(index_of, sc_onnx_text(g->node[i]->output[k])) = &needed[i];
    }
    bool *const first = sc_names_find(index_of, name);
    if (first) *first = true;
    // Definitions come before uses, so one sweep from the end finds everything.
    for (size_t i = g->n_node; i-- > 0;) {
        const Onnx__NodeProto *const node = g->node[i];
        for (size_t k = 0; needed[i] && k < node->n_input; k++) {
            bool *const maker = sc_names_find(index_of, sc_onnx_text(node->input[k]));
            if (maker) *maker = true;
        }
    }
    return needed;
}

// Imports what is needed; false when it has come to a branch that is taken, after
// which more may be needed.
static bool import_needed(struct sc_scope *s, const bool *needed)
{
    for (size_t i = 0; i < s->graph->n_node; i++) {
        if (!needed[i] || sc_scope_has_imported(s, s->graph->node[i])) continue;
        begin_node(s, i);
        const bool is_if = sc_is_if(s->node);
        const bool ok = is_if ? inputs_are_known(s) && sc_take_branch(s, i) : import_node(s);
        if (!is_if || !ok) {
            s->failed = s->failed || !ok;
            bind_outputs(s);
        }
        s->node = NULL;
        if (is_if && ok) return false;
    }
    return true;
}

// An output of the model that its node's importer does not give.
static void report_output(struct sc_scope *s, const Onnx__NodeProto *maker, const char *name)
{
    size_t index = 0;
    while (s->graph->node[index] != maker)
        index++;
    begin_node(s, index);
    (void)sc_bad_node(s, "output '%s' is not supported", name);
    s->node = NULL;
}

struct sc_value *sc_scope_import(struct sc_scope *s, const char *name)
{
    if (s->is_unreadable) return NULL;
    while (!import_needed(s, find_needed(s, name))) {
    }
    struct sc_bound *const bound = sc_scope_find(s, name);
    if (!bound || (!bound->maker && !bound->value && !bound->tensor)) {
        sc_report(s->m->diag, SIMCLR_ERROR, s->model->name, "there is no tensor '%s'", name);
        s->any_failed = true;
        return NULL;
    }
    if (bound->is_unknown) return NULL;
    if (!bound->value && bound->maker) {
        report_output(s, bound->maker, name);
    } else if (!bound->value) {
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
