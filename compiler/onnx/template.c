// SPDX-License-Identifier: Apache-2.0
//
// The encoder as it will be exported. The nodes that h needs, as the user wrote
// them, with BatchNormalization in inference form, without Dropout, and with
// Identity only where it copies data; weights become initializers whose values
// are holes. The model is packed once, by protobuf-c, with pointers in place of
// the values that the buffer recognises: so lengths and offsets are exact.
#include "compiler/onnx/importer.h"

#include <inttypes.h>
#include <string.h>

struct maker {
    struct sc_module *m;
    struct sc_onnx_model *encoder;
    struct sc_scope *scope;
    const struct sc_import *import;
    Onnx__GraphProto *graph;
    struct sc_names *alias; // by name of an output that goes: the name it stands for
    bool *is_added;         // by parameter: it has its initializer
    uint8_t *holes;         // holes + i stands for the values of parameter i
    int64_t opset;
    bool failed;
};

#define NEW(t, type, init, name)                                                               \
    type *const name = SC_NEW((t)->m->arena, type);                                            \
    init(name)

static char *copy_text(struct maker *t, const char *text)
{
    return sc_arena_strdup(t->m->arena, text);
}

// What a name stands for after nodes that only pass a value on are gone.
static const char *resolve(const struct maker *t, const char *name)
{
    const char *next;
    while ((next = sc_names_find(t->alias, name)))
        name = next;
    return name;
}

// An initializer of the parameter's name and shape, whose values are a hole.
static void add_param(struct maker *t, const struct sc_param *p)
{
    if (t->is_added[p->index]) return;
    t->is_added[p->index] = true;
    NEW(t, Onnx__TensorProto, onnx__tensor_proto__init, tensor);
    tensor->name = copy_text(t, p->name);
    tensor->has_data_type = 1;
    tensor->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    for (int32_t i = 0; i < p->shape.rank; i++)
        SC_PUSH(t->m->arena, tensor->dims, tensor->n_dims) = p->shape.dim[i];
    tensor->has_raw_data = 1;
    tensor->raw_data.len = (size_t)simclr_shape_count(&p->shape) * sizeof(float);
    tensor->raw_data.data = t->holes + p->index;
    SC_PUSH(t->m->arena, t->graph->initializer, t->graph->n_initializer) = tensor;
}

// Double and half precision, which are computed, and exported, as float.
static bool is_other_float(int type)
{
    const struct sc_onnx_dtype *const dtype = sc_onnx_dtype(type);
    return dtype && dtype->supported && simclr_dtype_is_float(dtype->dtype) &&
           type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
}

// The bytes of a tensor of the file, as it is exported; false after writing `error`.
static bool exported_bytes(struct maker *t, const Onnx__TensorProto *from, const uint8_t **data,
                           size_t *size, char *error)
{
    struct sc_onnx_tensor info;
    if (!is_other_float(from->data_type))
        return sc_onnx_tensor_raw(t->encoder, from, data, size, error);
    if (!sc_onnx_tensor_type(from, &info, error)) return false;
    *data = sc_onnx_tensor_values(t->encoder, from, SIMCLR_f32, true, error);
    *size = info.count * sizeof(float);
    return *data != NULL;
}

// A copy of a tensor of the file with its bytes in it.
static Onnx__TensorProto *copy_tensor(struct maker *t, const Onnx__TensorProto *from)
{
    NEW(t, Onnx__TensorProto, onnx__tensor_proto__init, tensor);
    *tensor = *from;
    const bool is_external = from->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    const bool is_converted = is_other_float(from->data_type);
    if (!from->has_raw_data && !is_external && !is_converted) return tensor;
    const uint8_t *data;
    size_t size;
    char error[SC_ONNX_ERROR];
    if (!exported_bytes(t, from, &data, &size, error)) {
        sc_report(t->m->diag, SIMCLR_ERROR, t->encoder->name, "tensor '%s': %s",
                  sc_onnx_text(from->name), error);
        t->failed = true;
        return tensor;
    }
    if (is_converted) {
        tensor->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
        tensor->n_int32_data = tensor->n_double_data = 0;
    }
    uint8_t *const copy = sc_arena_alloc(t->m->arena, size, 1);
    if (size > 0) memcpy(copy, data, size);
    tensor->has_raw_data = 1;
    tensor->raw_data = (ProtobufCBinaryData){size, copy};
    tensor->has_data_location = 0;
    tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT;
    tensor->n_external_data = 0;
    return tensor;
}

static void add_constant(struct maker *t, const Onnx__TensorProto *from)
{
    for (size_t i = 0; i < t->graph->n_initializer; i++) {
        if (!strcmp(t->graph->initializer[i]->name, sc_onnx_text(from->name))) return;
    }
    SC_PUSH(t->m->arena, t->graph->initializer, t->graph->n_initializer) = copy_tensor(t, from);
}

// Attributes that only say how to train.
static bool is_of_training(const Onnx__NodeProto *node, const char *name)
{
    if (strcmp(sc_onnx_text(node->op_type), "BatchNormalization") != 0) return false;
    return !strcmp(name, "training_mode") || !strcmp(name, "is_test");
}

static void copy_attributes(struct maker *t, const Onnx__NodeProto *from, Onnx__NodeProto *node)
{
    node->attribute = NULL;
    node->n_attribute = 0;
    for (size_t i = 0; i < from->n_attribute; i++) {
        const Onnx__AttributeProto *const a = from->attribute[i];
        if (is_of_training(from, sc_onnx_text(a->name))) continue;
        NEW(t, Onnx__AttributeProto, onnx__attribute_proto__init, copy);
        *copy = *a;
        if (a->t) copy->t = copy_tensor(t, a->t);
        const bool is_type =
            !strcmp(sc_onnx_text(a->name), "to") || !strcmp(sc_onnx_text(a->name), "dtype");
        if (is_type && a->has_i && a->i > 0 && a->i <= INT32_MAX && is_other_float((int)a->i))
            copy->i = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
        SC_PUSH(t->m->arena, node->attribute, node->n_attribute) = copy;
    }
    // Without it, opset 6 would train.
    if (!strcmp(sc_onnx_text(from->op_type), "BatchNormalization") && t->opset == 6) {
        NEW(t, Onnx__AttributeProto, onnx__attribute_proto__init, is_test);
        is_test->name = copy_text(t, "is_test");
        is_test->has_type = 1;
        is_test->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
        is_test->has_i = 1;
        is_test->i = 1;
        SC_PUSH(t->m->arena, node->attribute, node->n_attribute) = is_test;
    }
}

// A cast to half precision rounds; what follows is float. So it is exported as one
// there and back.
static void add_rounding(struct maker *t, Onnx__NodeProto *back, const Onnx__NodeProto *from)
{
    const Onnx__AttributeProto *const to = sc_onnx_attribute(from, "to");
    if (strcmp(sc_onnx_text(from->op_type), "Cast") != 0 || !to ||
        (to->i != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 &&
         to->i != ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16))
        return;
    NEW(t, Onnx__NodeProto, onnx__node_proto__init, there);
    NEW(t, Onnx__AttributeProto, onnx__attribute_proto__init, copy);
    char *const half = sc_arena_printf(t->m->arena, "%s.half", from->output[0]);
    *copy = *to;
    there->op_type = copy_text(t, "Cast");
    SC_PUSH(t->m->arena, there->attribute, there->n_attribute) = copy;
    SC_PUSH(t->m->arena, there->input, there->n_input) = back->input[0];
    SC_PUSH(t->m->arena, there->output, there->n_output) = half;
    SC_PUSH(t->m->arena, t->graph->node, t->graph->n_node) = there;
    back->input[0] = half;
}

// Does the node only pass its first input on?
static bool is_transparent(const Onnx__NodeProto *node)
{
    return !strcmp(sc_onnx_text(node->op_type), "Dropout") ||
           !strcmp(sc_onnx_text(node->op_type), "Identity");
}

static void add_node(struct maker *t, const Onnx__NodeProto *from)
{
    NEW(t, Onnx__NodeProto, onnx__node_proto__init, node);
    *node = *from;
    copy_attributes(t, from, node);
    node->input = NULL;
    node->n_input = 0;
    for (size_t i = 0; i < from->n_input; i++) {
        const struct sc_param *const p = sc_weight_param(t->scope, from, (int)i);
        const char *const name = p ? p->name : resolve(t, sc_onnx_text(from->input[i]));
        const struct sc_bound *const bound = sc_scope_find(t->scope, name);
        if (p)
            add_param(t, p);
        else if (bound && bound->tensor)
            add_constant(t, bound->tensor);
        SC_PUSH(t->m->arena, node->input, node->n_input) = copy_text(t, name);
    }
    // Running statistics leave BatchNormalization in training form only.
    if (!strcmp(sc_onnx_text(from->op_type), "BatchNormalization")) node->n_output = 1;
    add_rounding(t, node, from);
    SC_PUSH(t->m->arena, t->graph->node, t->graph->n_node) = node;
}

// Marks what `h` needs, from the end; weights need nothing.
static void mark(struct maker *t, const char *h, bool *needed)
{
    const Onnx__GraphProto *const g = t->scope->graph;
    struct sc_names *const wanted = sc_names_new(t->m->arena);
    *sc_names_slot(wanted, h) = t;
    for (size_t i = g->n_node; i-- > 0;) {
        const Onnx__NodeProto *const node = g->node[i];
        for (size_t k = 0; k < node->n_output; k++)
            needed[i] = needed[i] || sc_names_find(wanted, sc_onnx_text(node->output[k]));
        for (size_t k = 0; needed[i] && k < node->n_input; k++) {
            const char *const name = sc_onnx_text(node->input[k]);
            const bool is_mode = is_transparent(node) && k > 0; // ratio and the like
            if (*name && !is_mode && !sc_weight_param(t->scope, node, (int)k))
                *sc_names_slot(wanted, name) = t;
        }
    }
}

// The first needed node that has not at `opset` the form it was imported in.
static const Onnx__NodeProto *first_other_form(const struct maker *t, const bool *needed,
                                               int64_t opset)
{
    const Onnx__GraphProto *const g = t->scope->graph;
    for (size_t i = 0; i < g->n_node; i++) {
        if (needed[i] &&
            sc_import_row(g->node[i], opset) != sc_import_find(t->scope, g->node[i]))
            return g->node[i];
    }
    return NULL;
}

// Functions may import another opset than the model; an export has one for all.
static void choose_opset(struct maker *t, const bool *needed)
{
    t->opset = t->encoder->origin.opset;
    const Onnx__NodeProto *const other = first_other_form(t, needed, t->opset);
    if (!other) return;
    for (int64_t opset = SC_OPSET_NEWEST; opset >= SC_OPSET_OLDEST; opset--) {
        if (first_other_form(t, needed, opset)) continue;
        t->opset = opset;
        return;
    }
    sc_report(t->m->diag, SIMCLR_ERROR, t->encoder->name,
              "the encoder cannot be exported: '%s' (%s) is of opset %" PRId64
              " and has another form in opset %" PRId64 ", which the model imports",
              other->output[0], sc_onnx_text(other->op_type),
              sc_onnx_origin(t->encoder, other)->opset, t->opset);
    t->failed = true;
}

static void add_nodes(struct maker *t, const char *h)
{
    const Onnx__GraphProto *const g = t->scope->graph;
    bool *const needed = SC_NEW_ARRAY(t->m->arena, bool, g->n_node);
    mark(t, h, needed);
    choose_opset(t, needed);
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *const node = g->node[i];
        const bool is_h = node->n_output > 0 && !strcmp(sc_onnx_text(node->output[0]), h);
        if (!needed[i]) continue;
        if (is_transparent(node) && !is_h) {
            *sc_names_slot(t->alias, node->output[0]) = node->input[0];
            continue;
        }
        add_node(t, node);
        if (is_transparent(node)) {
            Onnx__NodeProto *const last = t->graph->node[t->graph->n_node - 1];
            last->op_type = copy_text(t, "Identity");
            last->n_input = last->n_output = 1;
            last->n_attribute = 0;
        }
    }
}

// A float tensor type whose first extent is the symbolic "N".
static Onnx__ValueInfoProto *new_port(struct maker *t, const char *name)
{
    NEW(t, Onnx__ValueInfoProto, onnx__value_info_proto__init, info);
    NEW(t, Onnx__TypeProto, onnx__type_proto__init, type);
    NEW(t, Onnx__TypeProto__Tensor, onnx__type_proto__tensor__init, tensor);
    NEW(t, Onnx__TensorShapeProto, onnx__tensor_shape_proto__init, shape);
    NEW(t, Onnx__TensorShapeProto__Dimension, onnx__tensor_shape_proto__dimension__init, dim);
    info->name = copy_text(t, name);
    info->type = type;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = shape;
    dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    dim->dim_param = copy_text(t, "N");
    SC_PUSH(t->m->arena, shape->dim, shape->n_dim) = dim;
    return info;
}

static void add_extent(struct maker *t, Onnx__ValueInfoProto *port, int64_t extent)
{
    Onnx__TensorShapeProto *const shape = port->type->tensor_type->shape;
    NEW(t, Onnx__TensorShapeProto__Dimension, onnx__tensor_shape_proto__dimension__init, dim);
    dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    dim->dim_value = extent;
    SC_PUSH(t->m->arena, shape->dim, shape->n_dim) = dim;
}

// The images. Extents the user's file leaves open stay open; fixed ones are
// those of the import, which --image-size may have changed.
static void add_input(struct maker *t)
{
    const Onnx__GraphProto *const g = t->scope->graph;
    for (size_t i = 0; i < g->n_input; i++) {
        const Onnx__ValueInfoProto *const info = g->input[i];
        const struct sc_bound *const bound = sc_scope_find(t->scope, sc_onnx_text(info->name));
        const bool is_images = bound && bound->value && bound->value->kind == SC_VALUE_input &&
                               bound->value->role == SIMCLR_PORT_images;
        if (!is_images) continue;
        Onnx__ValueInfoProto *const port = new_port(t, info->name);
        const Onnx__TensorShapeProto *const declared = info->type->tensor_type->shape;
        Onnx__TensorShapeProto *const shape = port->type->tensor_type->shape;
        for (size_t k = 1; k < declared->n_dim; k++) {
            if (declared->dim[k]->value_case ==
                ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
                add_extent(t, port, bound->value->shape.dim[k]);
            else
                SC_PUSH(t->m->arena, shape->dim, shape->n_dim) = declared->dim[k];
        }
        SC_PUSH(t->m->arena, t->graph->input, t->graph->n_input) = port;
    }
}

// h as a matrix, under its own name if it is one in the user's model.
static void add_output(struct maker *t, const char *h)
{
    const struct sc_bound *const bound = sc_scope_find(t->scope, h);
    const char *name = h;
    if (bound->value->shape.rank != 2) {
        name = sc_arena_printf(t->m->arena, "%s.rows", h);
        NEW(t, Onnx__NodeProto, onnx__node_proto__init, flatten);
        flatten->op_type = copy_text(t, "Flatten");
        SC_PUSH(t->m->arena, flatten->input, flatten->n_input) = copy_text(t, h);
        SC_PUSH(t->m->arena, flatten->output, flatten->n_output) = copy_text(t, name);
        SC_PUSH(t->m->arena, t->graph->node, t->graph->n_node) = flatten;
    }
    Onnx__ValueInfoProto *const port = new_port(t, name);
    add_extent(t, port, t->import->h_dim);
    SC_PUSH(t->m->arena, t->graph->output, t->graph->n_output) = port;
}

// Packing.

struct packer {
    ProtobufCBuffer base; // first, so that the callback finds the rest
    const struct maker *t;
    struct sc_str bytes;
    struct sc_template *out;
    size_t n_segments;
};

static struct simclr_segment *new_segment(struct packer *p)
{
    return &SC_PUSH(p->t->m->arena, p->out->segments, p->n_segments);
}

static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *data)
{
    struct packer *const p = (struct packer *)buffer;
    const uint8_t *const holes = p->t->holes;
    if (data >= holes && data < holes + p->t->m->n_params) {
        *new_segment(p) =
            (struct simclr_segment){.param = (uint32_t)(data - holes), .size = size};
        return;
    }
    struct simclr_segment *last =
        p->n_segments > 0 ? &p->out->segments[p->n_segments - 1] : NULL;
    if (!last || last->param != SIMCLR_SEGMENT_LITERAL) {
        last = new_segment(p);
        *last =
            (struct simclr_segment){.param = SIMCLR_SEGMENT_LITERAL, .offset = p->bytes.size};
    }
    last->size += size;
    sc_str_append_n(&p->bytes, (const char *)data, size);
}

static void pack(const struct maker *t, const Onnx__ModelProto *model, struct sc_template *out)
{
    struct packer p = {.base = {append}, .t = t, .out = out};
    (void)protobuf_c_message_pack_to_buffer(&model->base, &p.base);
    out->n_segments = (uint32_t)p.n_segments;
    out->n_bytes = p.bytes.size;
    out->bytes = sc_arena_alloc(t->m->arena, p.bytes.size, 1);
    memcpy(out->bytes, sc_str_text(&p.bytes), p.bytes.size);
    sc_str_free(&p.bytes);
}

simclr_status sc_onnx_template(struct sc_module *m, struct sc_onnx_model *encoder,
                               const struct sc_import *import, struct sc_template *out)
{
    const Onnx__ModelProto *const from = encoder->proto;
    struct maker t = {.m = m,
                      .encoder = encoder,
                      .scope = encoder->scope,
                      .import = import,
                      .alias = sc_names_new(m->arena),
                      .is_added = SC_NEW_ARRAY(m->arena, bool, m->n_params),
                      .holes = SC_NEW_ARRAY(m->arena, uint8_t, m->n_params)};
    *out = (struct sc_template){0};
    NEW(&t, Onnx__GraphProto, onnx__graph_proto__init, graph);
    NEW(&t, Onnx__ModelProto, onnx__model_proto__init, model);
    NEW(&t, Onnx__OperatorSetIdProto, onnx__operator_set_id_proto__init, opset);
    t.graph = graph;
    graph->name =
        copy_text(&t, *sc_onnx_text(from->graph->name) ? from->graph->name : "encoder");
    add_input(&t);
    add_nodes(&t, encoder->h);
    add_output(&t, encoder->h);
    if (t.failed) return SIMCLR_BAD_INPUT;
    // Before IR version 4 every initializer had to be an input too.
    model->has_ir_version = 1;
    model->ir_version = from->ir_version < 4 ? 4 : from->ir_version;
    model->producer_name = copy_text(&t, "simclr");
    opset->domain = copy_text(&t, "");
    opset->has_version = 1;
    opset->version = t.opset;
    SC_PUSH(m->arena, model->opset_import, model->n_opset_import) = opset;
    model->graph = graph;
    pack(&t, model, out);
    return SIMCLR_OK;
}
