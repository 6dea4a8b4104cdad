// SPDX-License-Identifier: Apache-2.0
//
// A model in ONNX's textual syntax, as text_parse.c reads it. Tensors of more
// than MAX_ELEMENTS elements print as {...}: such text parses, prints the same
// and shows the whole structure, but its weights are gone, and the importer says
// so. What the syntax cannot say (sequences, maps, sparse tensors, training
// information) is left out with a comment.
#include "compiler/onnx/import.h"

#include "compiler/onnx/functions.h"
#include "runtime/base/integer.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum { MAX_ELEMENTS = 16 };

struct printer {
    struct sc_onnx_model *model;
    struct sc_str *out;
    int indent;
};

static void quoted(struct sc_str *out, const char *text, size_t n)
{
    sc_str_append(out, "\"");
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '"' || text[i] == '\\') sc_str_append(out, "\\");
        sc_str_append_n(out, text + i, 1);
    }
    sc_str_append(out, "\"");
}

static void string(struct sc_str *out, const char *text)
{
    quoted(out, text, strlen(text));
}

// A name as it is if it reads as one, else in quotes.
static void name(struct sc_str *out, const char *text)
{
    const char *c = text;
    bool plain = isalpha((unsigned char)*c) || *c == '_';
    for (; plain && *c; c++)
        plain = isalnum((unsigned char)*c) || *c == '_';
    if (plain && !sc_onnx_dtype_named(text))
        sc_str_append(out, text);
    else
        string(out, text);
}

static void line(const struct printer *p)
{
    sc_str_append(p->out, "\n");
    for (int i = 0; i < p->indent; i++)
        sc_str_append(p->out, "  ");
}

// A float that reads back as a float: with a point or an exponent.
static void number(struct sc_str *out, float value)
{
    const size_t start = out->size;
    sc_str_append_f32(out, value);
    if (!strpbrk(sc_str_text(out) + start, ".en")) sc_str_append(out, ".0");
}

static const char *dtype_name(int number)
{
    const struct sc_onnx_dtype *const dtype = sc_onnx_dtype(number);
    return dtype ? dtype->name : "undefined";
}

static void type(struct sc_str *out, const Onnx__TypeProto *t)
{
    if (!t || t->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) return;
    const Onnx__TensorShapeProto *const shape = t->tensor_type->shape;
    sc_str_append(out, dtype_name(t->tensor_type->elem_type));
    if (!shape) sc_str_append(out, "[]");
    for (size_t i = 0; shape && i < shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *const dim = shape->dim[i];
        sc_str_append(out, i == 0 ? "[" : ",");
        if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
            sc_str_printf(out, "%" PRId64, dim->dim_value);
        else if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM)
            name(out, sc_onnx_text(dim->dim_param));
        else
            sc_str_append(out, "?");
        if (i + 1 == shape->n_dim) sc_str_append(out, "]");
    }
    sc_str_append(out, " ");
}

static void value_infos(const struct printer *p, Onnx__ValueInfoProto *const *list, size_t n)
{
    sc_str_append(p->out, "(");
    for (size_t i = 0; i < n; i++) {
        if (i > 0) sc_str_append(p->out, ", ");
        type(p->out, list[i]->type);
        name(p->out, sc_onnx_text(list[i]->name));
    }
    sc_str_append(p->out, ")");
}

static void elements(const struct printer *p, simclr_dtype dtype, const void *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0) sc_str_append(p->out, ", ");
        if (dtype == SIMCLR_f32)
            number(p->out, ((const float *)data)[i]);
        else if (dtype == SIMCLR_f64)
            sc_str_append_f64(p->out, ((const double *)data)[i]);
        else if (dtype == SIMCLR_u64)
            sc_str_printf(p->out, "%" PRIu64, ((const uint64_t *)data)[i]);
        else
            sc_str_printf(p->out, "%" PRId64, sc_int_load(dtype, data, i));
    }
}

static void entries(struct sc_str *out, Onnx__StringStringEntryProto *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sc_str_append(out, i == 0 ? "[" : ", ");
        string(out, sc_onnx_text(list[i]->key));
        sc_str_append(out, ": ");
        string(out, sc_onnx_text(list[i]->value));
    }
    sc_str_append(out, "]");
}

// The element type is that of the file; values of half precision are elided, for
// the syntax has only their bits.
static void tensor_values(const struct printer *p, const Onnx__TensorProto *t)
{
    struct sc_onnx_tensor info;
    char error[SC_ONNX_ERROR];
    const bool is_half = t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 ||
                         t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
    const void *values = NULL;
    if (t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) {
        entries(p->out, t->external_data, t->n_external_data);
        return;
    }
    if (!is_half && !sc_onnx_tensor_is_elided(t) && sc_onnx_tensor_type(t, &info, error) &&
        info.count <= MAX_ELEMENTS)
        values = sc_onnx_tensor_values(p->model, t, info.dtype, true, error);
    sc_str_append(p->out, "{");
    if (values)
        elements(p, info.dtype, values, info.count);
    else
        sc_str_append(p->out, "...");
    sc_str_append(p->out, "}");
}

static void tensor_type(const struct printer *p, const Onnx__TensorProto *t)
{
    sc_str_append(p->out, dtype_name(t->data_type));
    for (size_t i = 0; i < t->n_dims; i++)
        sc_str_printf(p->out, "%s%" PRId64, i == 0 ? "[" : ",", t->dims[i]);
    sc_str_append(p->out, t->n_dims > 0 ? "] " : " ");
}

static void tensor(const struct printer *p, const Onnx__TensorProto *t)
{
    tensor_type(p, t);
    tensor_values(p, t);
}

static void graph(struct printer *p, const Onnx__GraphProto *g);
static void nodes(struct printer *p, Onnx__NodeProto *const *list, size_t n);

static void list_attribute(const struct printer *p, const Onnx__AttributeProto *a)
{
    struct sc_str *const out = p->out;
    const char *separator = "";
    sc_str_append(out, "[");
    for (size_t i = 0; i < a->n_ints; i++, separator = ", ")
        sc_str_printf(out, "%s%" PRId64, separator, a->ints[i]);
    for (size_t i = 0; i < a->n_floats; i++, separator = ", ") {
        sc_str_append(out, separator);
        number(out, a->floats[i]);
    }
    for (size_t i = 0; i < a->n_strings; i++, separator = ", ") {
        sc_str_append(out, separator);
        quoted(out, (const char *)a->strings[i].data, a->strings[i].len);
    }
    for (size_t i = 0; i < a->n_tensors; i++, separator = ", ") {
        sc_str_append(out, separator);
        tensor(p, a->tensors[i]);
    }
    sc_str_append(out, "]");
}

// Empty lists need their type said.
static const char *list_type(const Onnx__AttributeProto *a)
{
    if (a->n_ints + a->n_floats + a->n_strings + a->n_tensors > 0) return "";
    switch ((int)a->type) {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS: return ": floats";
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS: return ": strings";
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSORS: return ": tensors";
    default: return ": ints";
    }
}

static void attribute(struct printer *p, const Onnx__AttributeProto *a)
{
    struct sc_str *const out = p->out;
    name(out, sc_onnx_text(a->name));
    if (a->t) {
        sc_str_append(out, " = ");
        tensor(p, a->t);
    } else if (a->g) {
        sc_str_append(out, " = ");
        graph(p, a->g);
    } else if (*sc_onnx_text(a->ref_attr_name)) {
        sc_str_append(out, " = @");
        name(out, a->ref_attr_name);
    } else if (a->has_s) {
        sc_str_append(out, " = ");
        quoted(out, (const char *)a->s.data, a->s.len);
    } else if (a->has_f) {
        sc_str_append(out, " = ");
        number(out, a->f);
    } else if (a->has_i) {
        sc_str_printf(out, " = %" PRId64, a->i);
    } else {
        sc_str_append(out, list_type(a));
        sc_str_append(out, " = ");
        list_attribute(p, a);
    }
}

static void names(struct sc_str *out, char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0) sc_str_append(out, ", ");
        name(out, sc_onnx_text(list[i]));
    }
}

static void node(struct printer *p, const Onnx__NodeProto *n)
{
    struct sc_str *const out = p->out;
    line(p);
    if (*sc_onnx_text(n->name)) {
        sc_str_append(out, "[");
        name(out, n->name);
        sc_str_append(out, "] ");
    }
    names(out, n->output, n->n_output);
    sc_str_append(out, " = ");
    if (*sc_onnx_text(n->domain)) sc_str_printf(out, "%s.", n->domain);
    sc_str_append(out, sc_onnx_text(n->op_type));
    for (size_t i = 0; i < n->n_attribute; i++) {
        sc_str_append(out, i == 0 ? " <" : ", ");
        attribute(p, n->attribute[i]);
    }
    if (n->n_attribute > 0) sc_str_append(out, ">");
    sc_str_append(out, " (");
    names(out, n->input, n->n_input);
    sc_str_append(out, ")");
}

static void initializers(struct printer *p, const Onnx__GraphProto *g)
{
    const char *separator = "";
    p->indent++;
    sc_str_append(p->out, " <");
    for (size_t i = 0; i < g->n_initializer; i++, separator = ",") {
        const Onnx__TensorProto *const t = g->initializer[i];
        sc_str_append(p->out, separator);
        line(p);
        tensor_type(p, t);
        name(p->out, sc_onnx_text(t->name));
        sc_str_append(p->out, " = ");
        tensor_values(p, t);
    }
    for (size_t i = 0; i < g->n_value_info; i++, separator = ",") {
        sc_str_append(p->out, separator);
        line(p);
        type(p->out, g->value_info[i]->type);
        name(p->out, sc_onnx_text(g->value_info[i]->name));
    }
    p->indent--;
    line(p);
    sc_str_append(p->out, ">");
}

static void graph(struct printer *p, const Onnx__GraphProto *g)
{
    name(p->out, sc_onnx_text(g->name));
    sc_str_append(p->out, " ");
    value_infos(p, g->input, g->n_input);
    sc_str_append(p->out, " => ");
    value_infos(p, g->output, g->n_output);
    if (g->n_initializer + g->n_value_info > 0) initializers(p, g);
    if (g->n_sparse_initializer > 0) {
        line(p);
        sc_str_printf(p->out, "# and %zu sparse initializers", g->n_sparse_initializer);
    }
    nodes(p, g->node, g->n_node);
}

static void nodes(struct printer *p, Onnx__NodeProto *const *list, size_t n)
{
    line(p);
    sc_str_append(p->out, "{");
    p->indent++;
    for (size_t i = 0; i < n; i++)
        node(p, list[i]);
    p->indent--;
    line(p);
    sc_str_append(p->out, "}");
}

static void opsets(struct sc_str *out, Onnx__OperatorSetIdProto *const *list, size_t n)
{
    sc_str_append(out, "opset_import: [");
    for (size_t i = 0; i < n; i++) {
        if (i > 0) sc_str_append(out, ", ");
        string(out, sc_onnx_text(list[i]->domain));
        sc_str_printf(out, ": %" PRId64, list[i]->version);
    }
    sc_str_append(out, "]");
}

// "<name, name = default>"
static void parameters(struct printer *p, const Onnx__FunctionProto *f)
{
    const Onnx__AttributeProto *a;
    const char *separator = " <";
    for (size_t i = 0; i < f->n_attribute; i++, separator = ", ") {
        sc_str_append(p->out, separator);
        name(p->out, sc_onnx_text(f->attribute[i]));
    }
    for (size_t i = 0; (a = sc_onnx_function_default(p->model, f, i)); i++, separator = ", ") {
        sc_str_append(p->out, separator);
        attribute(p, a);
    }
    if (*separator == ',') sc_str_append(p->out, ">");
}

static void function(struct printer *p, const Onnx__FunctionProto *f)
{
    struct sc_str *const out = p->out;
    sc_str_append(out, "<domain: ");
    string(out, sc_onnx_text(f->domain));
    sc_str_append(out, ", ");
    opsets(out, f->opset_import, f->n_opset_import);
    sc_str_append(out, ">\n");
    name(out, sc_onnx_text(f->name));
    parameters(p, f);
    sc_str_append(out, " (");
    names(out, f->input, f->n_input);
    sc_str_append(out, ") => (");
    names(out, f->output, f->n_output);
    sc_str_append(out, ")");
    nodes(p, f->node, f->n_node);
    sc_str_append(out, "\n");
}

static void field(struct sc_str *out, const char *key, const char *text)
{
    if (!*sc_onnx_text(text)) return;
    sc_str_printf(out, ",\n  %s: ", key);
    string(out, text);
}

static void header(struct sc_str *out, const Onnx__ModelProto *m)
{
    sc_str_printf(out, "<\n  ir_version: %" PRId64 ",\n  ", m->ir_version);
    opsets(out, m->opset_import, m->n_opset_import);
    field(out, "producer_name", m->producer_name);
    field(out, "producer_version", m->producer_version);
    field(out, "domain", m->domain);
    if (m->has_model_version)
        sc_str_printf(out, ",\n  model_version: %" PRId64, m->model_version);
    field(out, "doc_string", m->doc_string);
    if (m->n_metadata_props > 0) {
        sc_str_append(out, ",\n  metadata_props: ");
        entries(out, m->metadata_props, m->n_metadata_props);
    }
    sc_str_append(out, "\n>\n");
}

void sc_onnx_print(const struct sc_onnx_model *model, struct sc_str *out)
{
    // Printing maps external data and converts small tensors into the arena.
    struct printer p = {.model = (struct sc_onnx_model *)(uintptr_t)model, .out = out};
    header(out, model->proto);
    graph(&p, model->proto->graph);
    sc_str_append(out, "\n");
    for (size_t i = 0; i < model->proto->n_functions; i++)
        function(&p, model->proto->functions[i]);
    if (model->proto->n_training_info > 0) sc_str_append(out, "# and training information\n");
}
