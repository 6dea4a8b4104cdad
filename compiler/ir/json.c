// SPDX-License-Identifier: Apache-2.0
//
// The graph as JSON, for other people's tools; docs/ir.md has the schema. Values
// are referred to by the names they have in the text. Elements of constants are
// given up to SC_MAX_LISTED of them.
#include "compiler/ir/spell.h"

#include "compiler/ir/attr.h"
#include "compiler/ir/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { SCHEMA_VERSION = 1 };

// Separates the elements of an array or object: nothing before the first.
static void separate(struct sc_str *out, bool *is_first, const char *separator)
{
    sc_str_append(out, *is_first ? "" : separator);
    *is_first = false;
}

static void append_member(struct sc_str *out, const char *key, const char *text)
{
    sc_str_printf(out, ",\"%s\":", key);
    sc_str_append_json(out, text);
}

static void append_number(struct sc_str *out, double value)
{
    if (isfinite(value)) {
        sc_str_append_f64(out, value);
    } else { // not among JSON's numbers
        sc_str_append(out, "\"");
        sc_str_append_f64(out, value);
        sc_str_append(out, "\"");
    }
}

static void append_type(struct sc_str *out, simclr_dtype dtype,
                        const struct simclr_shape *shape)
{
    sc_str_printf(out, "\"dtype\":\"%s\",\"shape\":", simclr_dtype_name(dtype));
    sc_str_append_shape(out, shape);
}

static void append_definition(const struct sc_spelling *s, const struct sc_value *v,
                              struct sc_str *out)
{
    sc_str_append(out, "{\"value\":");
    sc_str_append_json(out, sc_spell(s, v));
    sc_str_append(out, ",");
    append_type(out, v->dtype, &v->shape);
    if (v->name) append_member(out, "name", v->name);
    if (s->graph->is_planned)
        sc_str_printf(out, ",\"space\":\"%s\",\"offset\":%" PRIu64, sc_space_words[v->space],
                      v->offset);
}

static void print_inputs(const struct sc_spelling *s, struct sc_str *out)
{
    bool is_first = true;
    sc_str_append(out, ",\n\"inputs\":[");
    for (uint32_t i = 0; i < s->graph->n_inputs; i++) {
        const struct sc_value *const v = s->graph->inputs[i];
        separate(out, &is_first, ",\n");
        append_definition(s, v, out);
        sc_str_printf(out, ",\"role\":\"%s\"}", sc_port_words[v->role]);
    }
    sc_str_append(out, "]");
}

static void print_param(const struct sc_param *p, bool is_read, struct sc_str *out)
{
    sc_str_append(out, "{\"name\":");
    sc_str_append_json(out, p->name);
    sc_str_append(out, ",");
    append_type(out, p->dtype, &p->shape);
    append_member(out, "role", sc_role_words[p->role]);
    append_member(out, "part", sc_part_words[p->part]);
    sc_str_printf(out, ",\"excluded\":%s", p->excluded ? "true" : "false");
    append_member(out, "init", sc_init_words[p->init]);
    if (p->init != SIMCLR_INIT_stored) {
        sc_str_append(out, ",\"a\":");
        append_number(out, p->a);
        sc_str_append(out, ",\"b\":");
        append_number(out, p->b);
    }
    if (p->of) append_member(out, "of", p->of->name);
    sc_str_printf(out, ",\"read\":%s", is_read ? "true" : "false");
}

static void print_params(const struct sc_spelling *s, struct sc_str *out)
{
    bool is_first = true;
    sc_str_append(out, ",\n\"params\":[");
    for (uint32_t i = 0; i < s->n_params; i++) {
        const struct sc_param *const p = s->params[i];
        separate(out, &is_first, ",\n");
        print_param(p, i < s->n_read, out);
        if (i < s->n_read)
            append_member(out, "value", sc_spell(s, s->graph->param_values[p->index]));
        sc_str_append(out, "}");
    }
    sc_str_append(out, "]");
}

static void append_elements(const struct sc_value *v, struct sc_str *out)
{
    struct sc_str text = {0};
    sc_append_elements(&text, v);
    append_member(out, "data", sc_str_text(&text));
    sc_str_free(&text);
}

static void print_constants(const struct sc_spelling *s, struct sc_str *out)
{
    bool is_first = true;
    sc_str_append(out, ",\n\"constants\":[");
    for (uint32_t i = 0; i < s->graph->n_values; i++) {
        const struct sc_value *const v = s->graph->values[i];
        if (v->kind != SC_VALUE_constant) continue;
        separate(out, &is_first, ",\n");
        append_definition(s, v, out);
        if (simclr_shape_count(&v->shape) <= SC_MAX_LISTED) append_elements(v, out);
        sc_str_append(out, "}");
    }
    sc_str_append(out, "]");
}

static void append_attr(struct sc_str *out, const struct sc_attr_field *f, const void *at)
{
    sc_str_printf(out, "\"%s\":", f->name);
    if (f->kind == SIMCLR_ATTR_f64) {
        append_number(out, *(const double *)at);
    } else if (f->kind == SIMCLR_ATTR_dtype) {
        sc_str_append(out, "\"");
        sc_append_attr(out, f->kind, at);
        sc_str_append(out, "\"");
    } else {
        sc_append_attr(out, f->kind, at); // integers, lists and a quoted string
    }
}

static void append_attrs(const struct sc_node *n, struct sc_str *out)
{
    bool is_first = true;
    sc_str_append(out, ",\"attrs\":{");
    for (const struct sc_attr_field *f = sc_attr_fields(sc_op_table[n->op].attrs); f->name;
         f++) {
        separate(out, &is_first, ",");
        append_attr(out, f, (const char *)&n->attr + f->offset);
    }
    sc_str_append(out, "}");
}

static void append_origin(const struct sc_origin *o, struct sc_str *out)
{
    const struct {
        const char *key, *text;
    } members[] = {
        {"file", o->file}, {"node", o->node}, {"op_type", o->op_type}, {"made_by", o->made_by}};
    bool is_first = true;
    sc_str_append(out, ",\"origin\":{");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!members[i].text) continue;
        separate(out, &is_first, ",");
        sc_str_printf(out, "\"%s\":", members[i].key);
        sc_str_append_json(out, members[i].text);
    }
    sc_str_append(out, "}");
}

static void append_kernel(const struct sc_node *n, struct sc_str *out)
{
    const struct sc_kernel_choice *const k = &n->kernel;
    const char *const name = sc_kernel_name(n->op, k->kernel);
    append_member(out, "kernel", name ? name : "");
    sc_str_printf(out,
                  ",\"tile\":%" PRId64 ",\"scratch_bytes\":%" PRIu64
                  ",\"workspace_bytes\":%" PRIu64 ",\"workspace_offset\":%" PRIu64,
                  k->tile, k->scratch_bytes, k->workspace_bytes, k->workspace_offset);
}

static void print_node(const struct sc_spelling *s, const struct sc_node *n, struct sc_str *out)
{
    bool is_first = true;
    sc_str_printf(out, "{\"op\":\"%s\",\"in\":[", sc_op_table[n->op].name);
    for (int i = 0; i < n->n_in; i++) {
        separate(out, &is_first, ",");
        sc_str_append_json(out, sc_spell(s, n->in[i]));
    }
    is_first = true;
    sc_str_append(out, "],\"out\":[");
    for (int i = 0; i < n->n_out; i++) {
        separate(out, &is_first, ",");
        append_definition(s, n->out[i], out);
        sc_str_append(out, "}");
    }
    sc_str_append(out, "]");
    append_attrs(n, out);
    if (s->graph->is_lowered) append_kernel(n, out);
    append_origin(&n->origin, out);
    sc_str_append(out, "}");
}

static void print_nodes(const struct sc_spelling *s, struct sc_str *out)
{
    bool is_first = true;
    sc_str_append(out, ",\n\"nodes\":[");
    SC_FOR_EACH_NODE(s->graph, n)
    {
        separate(out, &is_first, ",\n");
        print_node(s, n, out);
    }
    sc_str_append(out, "]");
}

static void print_leaving(const struct sc_spelling *s, struct sc_str *out)
{
    const struct sc_graph *const g = s->graph;
    bool is_first = true;
    sc_str_append(out, ",\n\"outputs\":[");
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const struct sc_output *const o = &g->outputs[i];
        separate(out, &is_first, ",\n");
        sc_str_append(out, "{\"name\":");
        sc_str_append_json(out, o->name);
        append_member(out, "role", sc_port_words[o->role]);
        append_member(out, "value", sc_spell(s, o->value));
        if (o->param) append_member(out, "param", o->param->name);
        sc_str_append(out, "}");
    }
    is_first = true;
    sc_str_append(out, "],\n\"updates\":[");
    for (uint32_t i = 0; i < g->n_updates; i++) {
        separate(out, &is_first, ",\n");
        sc_str_append(out, "{\"param\":");
        sc_str_append_json(out, g->updates[i].param->name);
        append_member(out, "value", sc_spell(s, g->updates[i].value));
        sc_str_append(out, "}");
    }
    sc_str_append(out, "]");
}

void sc_print_json(const struct sc_graph *g, struct sc_str *out)
{
    struct sc_spelling s;
    sc_spelling_init(&s, g);
    sc_str_printf(out, "{\"version\":%d", (int)SCHEMA_VERSION);
    append_member(out, "graph", g->name);
    sc_str_printf(out, ",\"lowered\":%s,\"planned\":%s,\"arena_bytes\":%" PRIu64,
                  g->is_lowered ? "true" : "false", g->is_planned ? "true" : "false",
                  g->arena_bytes);
    print_inputs(&s, out);
    print_params(&s, out);
    print_constants(&s, out);
    print_nodes(&s, out);
    print_leaving(&s, out);
    sc_str_append(out, "}\n");
    sc_spelling_deinit(&s);
}
