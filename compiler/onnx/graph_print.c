// SPDX-License-Identifier: Apache-2.0
//
// Models as they were read, for tools: JSON (docs/ir.md has the schema) and DOT.
// Both show structure; of tensors they give type and shape, never values.
#include "compiler/onnx/import.h"

#include "compiler/onnx/model.h"

#include <inttypes.h>
#include <math.h>

static const char *dtype_name(int number)
{
    const struct sc_onnx_dtype *const dtype = sc_onnx_dtype(number);
    return dtype ? dtype->name : "undefined";
}

// JSON.

static void key(struct sc_str *out, const char *separator, const char *name)
{
    sc_str_append(out, separator);
    sc_str_append_json(out, name);
    sc_str_append(out, ": ");
}

static void texts(struct sc_str *out, char *const *list, size_t n)
{
    sc_str_append(out, "[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0) sc_str_append(out, ", ");
        sc_str_append_json(out, sc_onnx_text(list[i]));
    }
    sc_str_append(out, "]");
}

// JSON has no infinities and no NaN: they become text.
static void number(struct sc_str *out, float value)
{
    struct sc_str text = {0};
    sc_str_append_f32(&text, value);
    if (isfinite(value))
        sc_str_append(out, sc_str_text(&text));
    else
        sc_str_append_json(out, sc_str_text(&text));
    sc_str_free(&text);
}

static void bytes(struct sc_str *out, struct sc_arena *arena, const ProtobufCBinaryData *b)
{
    sc_str_append_json(out, sc_arena_strndup(arena, (const char *)b->data, b->len));
}

static void tensor(struct sc_str *out, const Onnx__TensorProto *t)
{
    key(out, "{", "dtype");
    sc_str_append_json(out, dtype_name(t->data_type));
    key(out, ", ", "shape");
    sc_str_append(out, "[");
    for (size_t i = 0; i < t->n_dims; i++)
        sc_str_printf(out, "%s%" PRId64, i > 0 ? ", " : "", t->dims[i]);
    sc_str_append(out, "]}");
}

static void attribute(struct sc_str *out, struct sc_arena *arena, const Onnx__AttributeProto *a)
{
    const char *separator = "";
    if (a->t) {
        tensor(out, a->t);
    } else if (a->g) {
        sc_str_append_json(out, sc_onnx_text(a->g->name));
    } else if (*sc_onnx_text(a->ref_attr_name)) {
        sc_str_append_json(out, a->ref_attr_name);
    } else if (a->has_s) {
        bytes(out, arena, &a->s);
    } else if (a->has_f) {
        number(out, a->f);
    } else if (a->has_i) {
        sc_str_printf(out, "%" PRId64, a->i);
    } else {
        sc_str_append(out, "[");
        for (size_t i = 0; i < a->n_ints; i++, separator = ", ")
            sc_str_printf(out, "%s%" PRId64, separator, a->ints[i]);
        for (size_t i = 0; i < a->n_floats; i++, separator = ", ") {
            sc_str_append(out, separator);
            number(out, a->floats[i]);
        }
        for (size_t i = 0; i < a->n_strings; i++, separator = ", ") {
            sc_str_append(out, separator);
            bytes(out, arena, &a->strings[i]);
        }
        sc_str_append(out, "]");
    }
}

static void node(struct sc_str *out, struct sc_arena *arena, const Onnx__NodeProto *n)
{
    key(out, "      {", "name");
    sc_str_append_json(out, sc_onnx_text(n->name));
    key(out, ", ", "domain");
    sc_str_append_json(out, sc_onnx_text(n->domain));
    key(out, ", ", "op");
    sc_str_append_json(out, sc_onnx_text(n->op_type));
    key(out, ", ", "in");
    texts(out, n->input, n->n_input);
    key(out, ", ", "out");
    texts(out, n->output, n->n_output);
    key(out, ", ", "attrs");
    sc_str_append(out, "{");
    for (size_t i = 0; i < n->n_attribute; i++) {
        key(out, i > 0 ? ", " : "", sc_onnx_text(n->attribute[i]->name));
        attribute(out, arena, n->attribute[i]);
    }
    sc_str_append(out, "}}");
}

static void value_infos(struct sc_str *out, Onnx__ValueInfoProto *const *list, size_t n)
{
    sc_str_append(out, "[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0) sc_str_append(out, ", ");
        sc_str_append_json(out, sc_onnx_text(list[i]->name));
    }
    sc_str_append(out, "]");
}

static void model_json(const struct sc_onnx_model *model, struct sc_str *out)
{
    const Onnx__GraphProto *const g = model->proto->graph;
    key(out, "    {", "model");
    sc_str_append_json(out, model->name);
    sc_str_printf(out, ", \"opset\": %" PRId64, sc_onnx_opset(model));
    key(out, ",\n     ", "inputs");
    value_infos(out, g->input, g->n_input);
    key(out, ", ", "outputs");
    value_infos(out, g->output, g->n_output);
    key(out, ",\n     ", "initializers");
    sc_str_append(out, "{");
    for (size_t i = 0; i < g->n_initializer; i++) {
        key(out, i > 0 ? ", " : "", sc_onnx_text(g->initializer[i]->name));
        tensor(out, g->initializer[i]);
    }
    sc_str_append(out, "},\n     \"nodes\": [\n");
    for (size_t i = 0; i < g->n_node; i++) {
        node(out, model->module->arena, g->node[i]);
        sc_str_append(out, i + 1 < g->n_node ? ",\n" : "\n");
    }
    sc_str_append(out, "    ]}");
}

void sc_onnx_print_json(struct sc_onnx_model *const *models, size_t n, struct sc_str *out)
{
    sc_str_append(out, "{\n  \"version\": 1,\n  \"models\": [\n");
    for (size_t i = 0; i < n; i++) {
        model_json(models[i], out);
        sc_str_append(out, i + 1 < n ? ",\n" : "\n");
    }
    sc_str_append(out, "  ]\n}\n");
}

// DOT: a cluster for each model, a box for each node, an ellipse for each tensor
// that comes from outside. Tensors are told apart by model, as their names are.

static void dot_name(struct sc_str *out, size_t model, const char *tensor_name)
{
    struct sc_str text = {0};
    sc_str_printf(&text, "%zu %s", model, tensor_name);
    sc_str_append_json(out, sc_str_text(&text));
    sc_str_free(&text);
}

static void dot_tensor(struct sc_str *out, size_t model, const char *name)
{
    sc_str_append(out, "    ");
    dot_name(out, model, name);
    sc_str_append(out, " [label=");
    sc_str_append_json(out, name);
    sc_str_append(out, "];\n");
}

static void dot_node(struct sc_str *out, size_t model, size_t index, const Onnx__NodeProto *n)
{
    sc_str_printf(out, "    n%zu_%zu [shape=box, label=", model, index);
    sc_str_append_json(out, sc_onnx_text(n->op_type));
    sc_str_append(out, "];\n");
    for (size_t i = 0; i < n->n_input; i++) {
        if (!*sc_onnx_text(n->input[i])) continue;
        sc_str_append(out, "    ");
        dot_name(out, model, n->input[i]);
        sc_str_printf(out, " -> n%zu_%zu;\n", model, index);
    }
    for (size_t i = 0; i < n->n_output; i++) {
        if (!*sc_onnx_text(n->output[i])) continue;
        sc_str_printf(out, "    n%zu_%zu -> ", model, index);
        dot_name(out, model, n->output[i]);
        sc_str_append(out, ";\n");
        dot_tensor(out, model, n->output[i]);
    }
}

void sc_onnx_print_dot(struct sc_onnx_model *const *models, size_t n, struct sc_str *out)
{
    sc_str_append(out, "digraph onnx {\n");
    for (size_t m = 0; m < n; m++) {
        const Onnx__GraphProto *const g = models[m]->proto->graph;
        sc_str_printf(out, "  subgraph cluster_%zu {\n    label=", m);
        sc_str_append_json(out, models[m]->name);
        sc_str_append(out, ";\n");
        for (size_t i = 0; i < g->n_input; i++)
            dot_tensor(out, m, sc_onnx_text(g->input[i]->name));
        for (size_t i = 0; i < g->n_initializer; i++)
            dot_tensor(out, m, sc_onnx_text(g->initializer[i]->name));
        for (size_t i = 0; i < g->n_node; i++)
            dot_node(out, m, i, g->node[i]);
        sc_str_append(out, "  }\n");
    }
    sc_str_append(out, "}\n");
}
