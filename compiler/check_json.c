// SPDX-License-Identifier: Apache-2.0
//
// --check for programs (docs/ir.md has the members).
#include "compiler/check.h"

#include <inttypes.h>

static void key(struct sc_str *out, const char *before, const char *name)
{
    sc_str_append(out, before);
    sc_str_append_json(out, name);
    sc_str_append(out, ": ");
}

static void text(struct sc_str *out, const char *before, const char *name, const char *value)
{
    key(out, before, name);
    if (value)
        sc_str_append_json(out, value);
    else
        sc_str_append(out, "null");
}

static void number(struct sc_str *out, const char *before, const char *name, int64_t value)
{
    key(out, before, name);
    sc_str_printf(out, "%" PRId64, value);
}

static void flag(struct sc_str *out, const char *before, const char *name, bool value)
{
    key(out, before, name);
    sc_str_append(out, value ? "true" : "false");
}

static void print_ports(const struct sc_onnx_facts *f, bool are_inputs, struct sc_str *out)
{
    const char *separator = "\n      ";
    key(out, ",\n     ", are_inputs ? "inputs" : "outputs");
    sc_str_append(out, "[");
    for (size_t i = 0; i < f->n_ports; i++) {
        const struct sc_onnx_port *const p = &f->ports[i];
        if (p->is_input != are_inputs) continue;
        sc_str_append(out, separator);
        text(out, "{", "name", p->name);
        text(out, ", ", "declared", p->declared);
        text(out, ", ", "here", p->here);
        text(out, ", ", "bindings", p->bindings);
        sc_str_append(out, "}");
        separator = ",\n      ";
    }
    sc_str_append(out, "]");
}

static void print_operators(const struct sc_onnx_facts *f, struct sc_str *out)
{
    key(out, ",\n     ", "operators");
    sc_str_append(out, "[");
    for (size_t i = 0; i < f->n_operators; i++) {
        const struct sc_onnx_operator *const o = &f->operators[i];
        sc_str_append(out, i > 0 ? ",\n      " : "\n      ");
        text(out, "{", "domain", o->domain);
        text(out, ", ", "name", o->name);
        number(out, ", ", "nodes", (int64_t)o->n_nodes);
        text(out, ", ", "support", sc_support_words[o->support]);
        text(out, ", ", "why_refused", o->support == SC_SUPPORT_refused ? o->why : NULL);
        key(out, ", ", "gradient");
        sc_str_append(out, o->n_made == 0 ? "null" : o->why_no_grad ? "false" : "true");
        text(out, ", ", "why_no_gradient", o->why_no_grad);
        sc_str_append(out, "}");
    }
    sc_str_append(out, "]");
}

static void print_model(const struct sc_onnx_facts *f, const char *part, struct sc_str *out)
{
    text(out, "    {", "part", part);
    text(out, ", ", "file", f->file);
    number(out, ", ", "ir_version", f->ir_version);
    text(out, ", ", "opsets", f->opsets);
    text(out, ", ", "producer", f->producer);
    text(out, ",\n     ", "graph", f->graph);
    number(out, ", ", "nodes", (int64_t)f->n_nodes);
    number(out, ", ", "functions", (int64_t)f->n_functions);
    number(out, ", ", "initializers", (int64_t)f->n_initializers);
    number(out, ", ", "initializer_bytes", (int64_t)f->initializer_bytes);
    key(out, ",\n     ", "external_data");
    sc_str_append(out, "[");
    for (size_t i = 0; i < f->n_sidecars; i++) {
        text(out, i > 0 ? ", {" : "{", "location", f->sidecars[i].location);
        flag(out, ", ", "is_there", f->sidecars[i].is_there);
        number(out, ", ", "bytes", (int64_t)f->sidecars[i].size);
        sc_str_append(out, "}");
    }
    sc_str_append(out, "]");
    print_ports(f, true, out);
    print_ports(f, false, out);
    print_operators(f, out);
    sc_str_append(out, "}");
}

static void print_cost(struct sc_str *out, const char *before, const char *name, bool is_known,
                       const struct sc_cost *c)
{
    key(out, before, name);
    if (is_known)
        sc_str_printf(out, "{\"flops\": %.0f, \"macs\": %.0f}", c->flops, c->macs);
    else
        sc_str_append(out, "null");
}

static void print_numbers(const struct sc_check *k, struct sc_str *out)
{
    key(out, "  ", "parameters");
    for (size_t i = 0; i < sizeof k->roles / sizeof *k->roles; i++) {
        const struct sc_check_role *const r = &k->roles[i];
        key(out, i > 0 ? ", " : "{", r->name);
        number(out, "{", "tensors", (int64_t)r->n_tensors);
        number(out, ", ", "elements", (int64_t)r->n_elements);
        number(out, ", ", "bytes", (int64_t)r->n_bytes);
        sc_str_append(out, "}");
    }
    text(out, "},\n  ", "h", k->h);
    if (k->h_dim > 0)
        number(out, ", ", "h_width", k->h_dim);
    else
        text(out, ", ", "h_width", NULL);
    number(out, ",\n  ", "batch", k->batch);
    number(out, ", ", "rows", k->rows);
    print_cost(out, ",\n  ", "h_of_one_image", k->has_encoder, &k->encoder);
    print_cost(out, ",\n  ", "forward", k->has_forward, &k->forward);
    print_cost(out, ",\n  ", "training", k->has_training, &k->training);
    key(out, ",\n  ", "memory");
    if (k->has_plan) {
        number(out, "{", "persistent_bytes", (int64_t)k->persistent_bytes);
        number(out, ", ", "arena_bytes", (int64_t)k->arena_bytes);
        sc_str_append(out, "}");
    } else {
        sc_str_append(out, "null");
    }
}

void sc_check_print_json(const struct sc_check *k, struct sc_str *out)
{
    static const char *const severities[] = {"error", "warning", "note", "hint"};
    sc_str_append(out, "{\n  \"version\": 1");
    flag(out, ",\n  ", "compiles", k->would_compile);
    flag(out, ", ", "trainable", k->would_compile && k->is_trained);
    number(out, ",\n  ", "errors", k->n_errors);
    number(out, ", ", "warnings", k->n_warnings);
    sc_str_append(out, ",\n  \"models\": [\n");
    for (size_t i = 0; i < k->n_models; i++) {
        print_model(&k->models[i], k->parts[i], out);
        sc_str_append(out, i + 1 < k->n_models ? ",\n" : "\n");
    }
    sc_str_append(out, "  ],\n");
    print_numbers(k, out);
    key(out, ",\n  ", "messages");
    sc_str_append(out, "[");
    for (size_t i = 0; i < k->n_messages; i++) {
        text(out, i > 0 ? ",\n    {" : "\n    {", "severity",
             severities[k->messages[i].severity]);
        text(out, ", ", "text", k->messages[i].line);
        sc_str_append(out, "}");
    }
    sc_str_append(out, "]\n}\n");
}
