// SPDX-License-Identifier: Apache-2.0
//
// docs/ops.md is what the tables say: each row of import.def and of ops.def, and of
// which of our operations each ONNX operator is made, as seen on the models of
// tests/onnx/golden. So every operator must occur in one of them.
// SIMCLR_UPDATE_GOLDEN=1 in the environment writes the file anew.
#include "tests/onnx/run.h"

#include "compiler/ir/op.h"
#include "runtime/base/file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char folder[] = "tests/onnx/golden";
static const char document[] = "docs/ops.md";

enum { NEWEST = SC_OPSET_NEWEST };
static const struct row {
    const char *op_type;
    int since, until;
    sc_import_fn *import;
} rows[] = {
#define ONNX(op_type, since, until, importer, min_in, max_in, max_out, slots)                  \
    {#op_type, since, until, sc_import_##importer},
#include "compiler/onnx/import.def"
#undef ONNX
};
enum { N_ROWS = sizeof rows / sizeof *rows };

// What the golden models show of one operator.
struct operator_doc {
    const char *op_type;
    bool is_seen, is_body;
    bool uses[SIMCLR_N_OPS];
    bool has_float;      // a float result
    bool has_gradient;   // which carries a derivative
    const char *why_not; // where a derivative ends
};

static struct operator_doc docs[N_ROWS];
static size_t n_docs;

static struct operator_doc *doc_of(const char *op_type)
{
    for (size_t i = 0; i < n_docs; i++) {
        if (!strcmp(docs[i].op_type, op_type)) return &docs[i];
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct operator_doc *)a)->op_type,
                  ((const struct operator_doc *)b)->op_type);
}

static void list_operators(void)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if (!doc_of(rows[i].op_type))
            docs[n_docs++] = (struct operator_doc){.op_type = rows[i].op_type,
                                                   .is_body = rows[i].import == sc_import_body};
    }
    qsort(docs, n_docs, sizeof *docs, by_name);
}

static bool is_of(const struct sc_value *v, const char *op_type, const char *node)
{
    return v->kind == SC_VALUE_result && v->def->origin.op_type &&
           !strcmp(v->def->origin.op_type, op_type) &&
           !strcmp(v->def->origin.node ? v->def->origin.node : "", node);
}

// Whether a derivative by a float that comes from outside the ONNX node reaches v.
static bool carries(struct operator_doc *doc, const struct sc_value *v, const char *node)
{
    if (!simclr_dtype_is_float(v->dtype) || v->kind == SC_VALUE_constant) return false;
    if (!is_of(v, doc->op_type, node)) return true;
    bool any = false;
    for (int i = 0; i < v->def->n_in; i++)
        any = carries(doc, v->def->in[i], node) || any;
    const struct sc_op_info *const info = sc_op_table[v->def->op].info;
    if (any && !info->grad) doc->why_not = info->why_no_grad;
    return any && info->grad;
}

static void mark_seen(const Onnx__GraphProto *g)
{
    for (size_t i = 0; i < g->n_node; i++) {
        struct operator_doc *const doc = doc_of(sc_onnx_text(g->node[i]->op_type));
        if (doc) doc->is_seen = true;
    }
}

static void look_at_nodes(const struct run *r)
{
    for (uint32_t i = 0; i < r->graph->n_nodes; i++) {
        const struct sc_node *const n = r->graph->nodes[i];
        struct operator_doc *const doc = n->origin.op_type ? doc_of(n->origin.op_type) : NULL;
        if (doc) doc->uses[n->op] = true;
    }
    const Onnx__GraphProto *const g = r->model->proto->graph;
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *const node = g->node[i];
        struct operator_doc *const doc = doc_of(sc_onnx_text(node->op_type));
        const struct sc_bound *const bound =
            node->n_output ? sc_scope_find(&r->scope, node->output[0]) : NULL;
        if (!doc || !bound || !bound->value) continue;
        const struct sc_value *const v = bound->value;
        if (!simclr_dtype_is_float(v->dtype)) continue;
        doc->has_float = true;
        const char *const name = v->kind == SC_VALUE_result ? v->def->origin.node : "";
        if (carries(doc, v, name ? name : "")) doc->has_gradient = true;
    }
}

static void look_at_file(const char *path)
{
    struct sc_map map;
    struct run r;
    assert_int_equal(sc_map_open(NULL, path, &map), SIMCLR_OK);
    char *const text = calloc(map.size + 1, 1);
    assert_non_null(text);
    memcpy(text, map.data, map.size);
    sc_map_close(&map);
    run_init(&r);
    const bool is_alone =
        !strncmp(text, "# RUN: eval", 11) || !strncmp(text, "# RUN: import", 13);
    const bool is_model =
        sc_onnx_open_bytes(r.m, "m", text, strlen(text), &r.model) == SIMCLR_OK;
    if (is_model) mark_seen(r.model->proto->graph);
    if (is_model && is_alone) {
        run_make_inputs(&r, text);
        run_import(&r, true);
        look_at_nodes(&r);
    }
    run_deinit(&r);
    free(text);
}

static int is_case(const struct dirent *entry)
{
    return strstr(entry->d_name, ".onnxtxt") != NULL;
}

static void look_at_all(void)
{
    struct dirent **entries = NULL;
    const int n = scandir(folder, &entries, is_case, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        look_at_file(path);
        free(entries[i]);
    }
    free(entries);
}

// "6, 7-10, 11": where each form begins; the last goes on to the newest opset unless said.
static void append_opsets(struct sc_str *out, const char *op_type)
{
    int last = 0;
    const char *comma = "";
    for (size_t i = 0; i < N_ROWS; i++) {
        if (strcmp(rows[i].op_type, op_type) != 0) continue;
        const int since = rows[i].since < SC_OPSET_OLDEST ? SC_OPSET_OLDEST : rows[i].since;
        sc_str_printf(out, "%s%d", comma, since);
        comma = ", ";
        last = rows[i].until;
    }
    if (last < SC_OPSET_NEWEST) sc_str_printf(out, " to %d", last);
}

static void append_uses(struct sc_str *out, const struct operator_doc *doc, bool *on_cpu,
                        bool *on_vulkan)
{
    const char *comma = "";
    *on_cpu = *on_vulkan = true;
    for (int op = 0; op < SIMCLR_N_OPS; op++) {
        if (!doc->uses[op]) continue;
        sc_str_printf(out, "%s%s", comma, sc_op_table[op].name);
        *on_cpu = *on_cpu && sc_op_table[op].on_cpu;
        *on_vulkan = *on_vulkan && sc_op_table[op].on_vulkan;
        comma = ", ";
    }
    if (!*comma) sc_str_append(out, doc->has_float ? "its input" : "a constant");
}

static const char *yes(bool is)
{
    return is ? "yes" : "no";
}

static void append_operator(struct sc_str *out, const struct operator_doc *doc)
{
    bool on_cpu, on_vulkan;
    sc_str_printf(out, "| %s | ", doc->op_type);
    append_opsets(out, doc->op_type);
    sc_str_append(out, doc->is_body ? " | a body: " : " | ");
    append_uses(out, doc, &on_cpu, &on_vulkan);
    if (doc->has_gradient)
        sc_str_append(out, " | yes");
    else if (doc->why_not)
        sc_str_printf(out, " | no: %s", doc->why_not);
    else
        sc_str_append(out, " | none");
    sc_str_printf(out, " | %s | %s |\n", yes(on_cpu), yes(on_vulkan));
}

static void append_operation(struct sc_str *out, const struct sc_op_row *row)
{
    sc_str_printf(out, "| %s | ", row->name);
    if (row->info->grad)
        sc_str_append(out, "yes");
    else
        sc_str_printf(out, "no: %s", row->info->why_no_grad);
    sc_str_printf(out, " | %s | %s |\n", yes(row->on_cpu), yes(row->on_vulkan));
}

static void write_document(struct sc_str *out)
{
    sc_str_append(
        out,
        "# Operators\n\n"
        "Written by `tests/onnx/test_operators.c` from `compiler/onnx/import.def` and\n"
        "`include/simclr/ops.def`; `SIMCLR_UPDATE_GOLDEN=1 ctest -R onnx/operators` writes it anew.\n\n");
    sc_str_printf(
        out,
        "## ONNX's: %zu of them, opsets %d to %d\n\n"
        "*Opsets* lists where each form begins that we tell apart. *Made of* names our operations, as seen\n"
        "on the models of `tests/onnx/golden`: what is known at compile time is computed there. *Gradient*\n"
        "is `none` where no float depends on a float.\n\n"
        "| operator | opsets | made of | gradient | CPU | Vulkan |\n|---|---|---|---|---|---|\n",
        n_docs, (int)SC_OPSET_OLDEST, (int)SC_OPSET_NEWEST);
    for (size_t i = 0; i < n_docs; i++)
        append_operator(out, &docs[i]);
    sc_str_printf(out,
                  "\n## Ours: %d of them\n\n"
                  "What each computes stands at the head of `compiler/ops/<operation>.c`.\n\n"
                  "| operation | gradient | CPU | Vulkan |\n|---|---|---|---|\n",
                  (int)SIMCLR_N_OPS);
    for (int op = 0; op < SIMCLR_N_OPS; op++)
        append_operation(out, &sc_op_table[op]);
}

static void every_operator_occurs_in_a_golden_model(void **state)
{
    (void)state;
    int n_missing = 0;
    for (size_t i = 0; i < n_docs; i++) {
        if (docs[i].is_seen) continue;
        print_error("%s occurs in no model of %s\n", docs[i].op_type, folder);
        n_missing++;
    }
    assert_int_equal(n_missing, 0);
}

static void the_document_is_what_the_tables_say(void **state)
{
    (void)state;
    struct sc_str now = {0};
    struct sc_map map = {0};
    write_document(&now);
    const bool exists =
        sc_path_exists(document) && sc_map_open(NULL, document, &map) == SIMCLR_OK;
    const bool is_fresh =
        exists && map.size == now.size && !memcmp(map.data, now.data, map.size);
    if (exists) sc_map_close(&map);
    if (!is_fresh && getenv("SIMCLR_UPDATE_GOLDEN")) {
        FILE *const f = fopen(document, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(now.data, 1, now.size, f), now.size);
        assert_int_equal(fclose(f), 0);
    } else if (!is_fresh) {
        fail_msg("%s is out of date; SIMCLR_UPDATE_GOLDEN=1 writes it anew", document);
    }
    sc_str_free(&now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_occurs_in_a_golden_model),
        cmocka_unit_test(the_document_is_what_the_tables_say),
    };
    list_operators();
    look_at_all();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
