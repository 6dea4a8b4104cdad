// SPDX-License-Identifier: Apache-2.0
//
// Inputs of the models: their types, and what stands for symbolic extents.
#include "compiler/onnx/link.h"

#include <inttypes.h>
#include <string.h>

typedef Onnx__TensorShapeProto__Dimension dimension;

static const Onnx__TypeProto__Tensor *tensor_type(const Onnx__ValueInfoProto *info)
{
    const bool is_tensor =
        info->type && info->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    return is_tensor ? info->type->tensor_type : NULL;
}

struct sc_ports sc_link_ports(struct sc_link *l, const struct sc_onnx_model *model)
{
    const Onnx__GraphProto *const graph = model->graph;
    struct sc_ports ports = {0};
    for (size_t i = 0; i < graph->n_input; i++) {
        const Onnx__ValueInfoProto *const info = graph->input[i];
        const char *const name = sc_onnx_text(info->name);
        if (sc_onnx_initializer(graph, name)) continue;
        const Onnx__TypeProto__Tensor *const type = tensor_type(info);
        const int element = type ? type->elem_type : 0;
        const struct sc_onnx_dtype *const dtype = sc_onnx_dtype(element);
        if (element == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT && ports.n_images < SC_MAX_PORTS)
            ports.images[ports.n_images++] = info;
        else if ((element == ONNX__TENSOR_PROTO__DATA_TYPE__INT64 ||
                  element == ONNX__TENSOR_PROTO__DATA_TYPE__INT32) &&
                 ports.n_labels < SC_MAX_PORTS)
            ports.labels[ports.n_labels++] = info;
        else
            sc_link_fail(l, model,
                         "input '%s' has elements of type %s, expected float, or "
                         "int64 for labels",
                         name, dtype ? dtype->name : "unknown");
    }
    return ports;
}

static const struct simclr_binding *find_binding(const struct sc_link *l, const char *name)
{
    for (size_t i = 0; i < l->options->n_bindings; i++) {
        if (!strcmp(l->options->bindings[i].name, name)) return &l->options->bindings[i];
    }
    return NULL;
}

// The name of a symbolic extent; "" if it has none.
static const char *symbol(const dimension *dim)
{
    return dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
               ? sc_onnx_text(dim->dim_param)
               : "";
}

static bool is_number(const dimension *dim)
{
    return dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
}

// An extent of the images; 0 after reporting that nothing says what it is.
static int64_t image_extent(struct sc_link *l, const struct sc_onnx_model *model,
                            const Onnx__ValueInfoProto *info, const dimension *dim, int axis)
{
    static const char *const names[] = {"rows", "channels", "height", "width"};
    const int64_t size = axis >= 2 ? l->options->image_size : 0;
    if (is_number(dim)) {
        if (dim->dim_value < 1)
            sc_link_fail(l, model, "input '%s' has %" PRId64 " %s, expected at least 1",
                         info->name, dim->dim_value, names[axis]);
        return size > 0 ? size : dim->dim_value;
    }
    const struct simclr_binding *const binding = find_binding(l, symbol(dim));
    if (binding && binding->value > 0) return binding->value;
    if (size > 0) return size;
    const char *const name = *symbol(dim) ? symbol(dim) : "?";
    sc_link_fail(l, model, "input '%s' has the symbolic %s '%s', expected a number", info->name,
                 names[axis], name);
    if (axis >= 2)
        sc_link_hint(l, model, "give --image-size, or --bind %s=SIZE", name);
    else
        sc_link_hint(l, model, "give --bind %s=NUMBER", name);
    return 0;
}

// The batch is ours to choose; files exported with a fixed one say so in vain,
// unless the graph has it in its shapes, which shows later.
static void check_rows(struct sc_link *l, const struct sc_onnx_model *model,
                       const Onnx__ValueInfoProto *info, const dimension *dim)
{
    if (is_number(dim) && dim->dim_value != l->out->rows)
        sc_report(l->m->diag, SIMCLR_NOTE, model->name,
                  "input '%s' has the fixed batch %" PRId64 ", imported with %" PRId64 " rows",
                  info->name, dim->dim_value, l->out->rows);
}

void sc_link_images(struct sc_link *l, struct sc_scope *s, const Onnx__ValueInfoProto *info)
{
    const Onnx__TensorShapeProto *const declared = tensor_type(info)->shape;
    struct sc_bound *const bound = sc_scope_bound(s, sc_onnx_text(info->name));
    bound->is_unknown = true;
    if (!declared || declared->n_dim != 4) {
        sc_link_fail(l, s->model, "input '%s' has %s%zu, expected images of rank 4 [N,C,H,W]",
                     sc_onnx_text(info->name), declared ? "rank " : "no shape, rank ",
                     declared ? declared->n_dim : 0);
        return;
    }
    struct simclr_shape shape = {4, {l->out->rows}};
    bool known = true;
    check_rows(l, s->model, info, declared->dim[0]);
    for (int i = 1; i < 4; i++) {
        shape.dim[i] = image_extent(l, s->model, info, declared->dim[i], i);
        known = known && shape.dim[i] > 0;
    }
    if (!known) return;
    l->out->channels = shape.dim[1];
    l->out->height = shape.dim[2];
    l->out->width = shape.dim[3];
    l->images =
        sc_graph_input(l->out->graph, info->name, SIMCLR_PORT_images, SIMCLR_f32, &shape);
    bound->is_unknown = false;
    sc_scope_bind(s, info->name, l->images);
}

void sc_link_labels(struct sc_link *l, struct sc_scope *s, const Onnx__ValueInfoProto *info)
{
    const Onnx__TypeProto__Tensor *const type = tensor_type(info);
    const struct simclr_shape shape = {1, {l->out->rows}};
    if (type->shape && type->shape->n_dim != 1)
        sc_link_fail(l, s->model, "input '%s' has rank %zu, expected labels of rank 1",
                     info->name, type->shape->n_dim);
    l->labels =
        sc_graph_input(l->out->graph, info->name, SIMCLR_PORT_labels, SIMCLR_i64, &shape);
    struct sc_value *given = l->labels;
    if (type->elem_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT32)
        given = sc_cast(&s->b, given, SIMCLR_i32);
    sc_scope_bind(s, info->name, given);
}

void sc_link_feed(struct sc_link *l, struct sc_scope *s, const Onnx__ValueInfoProto *info,
                  struct sc_value *value, const char *giver)
{
    const char *const name = sc_onnx_text(info->name);
    const Onnx__TensorShapeProto *const declared = tensor_type(info)->shape;
    struct sc_bound *const bound = sc_scope_bound(s, name);
    bound->is_unknown = true;
    if (!value) return;
    if (declared && declared->n_dim != (size_t)value->shape.rank) {
        sc_link_fail(l, s->model, "input '%s' has rank %zu, %s gives rank %d", name,
                     declared->n_dim, giver, (int)value->shape.rank);
        return;
    }
    for (size_t i = 1; declared && i < declared->n_dim; i++) {
        const dimension *const dim = declared->dim[i];
        const struct simclr_binding *const binding = find_binding(l, symbol(dim));
        const int64_t want = is_number(dim) ? dim->dim_value : binding ? binding->value : -1;
        if (want >= 0 && want != value->shape.dim[i]) {
            sc_link_fail(l, s->model, "input '%s' has %" PRId64 " features, %s gives %" PRId64,
                         name, want, giver, value->shape.dim[i]);
            return;
        }
    }
    bound->is_unknown = false;
    sc_scope_bind(s, name, value);
}

static bool has_symbol(const struct sc_onnx_model *model, const char *name)
{
    const Onnx__GraphProto *const graph = model->graph;
    for (size_t i = 0; i < graph->n_input; i++) {
        const Onnx__TypeProto__Tensor *const type = tensor_type(graph->input[i]);
        for (size_t k = 0; type && type->shape && k < type->shape->n_dim; k++) {
            if (!strcmp(symbol(type->shape->dim[k]), name)) return true;
        }
    }
    return false;
}

void sc_link_check_bindings(struct sc_link *l)
{
    for (size_t i = 0; i < l->options->n_bindings; i++) {
        const char *const name = l->options->bindings[i].name;
        const bool found = has_symbol(l->encoder.model, name) ||
                           (l->has_head && has_symbol(l->head.model, name)) ||
                           (l->has_loss && has_symbol(l->loss.model, name));
        if (!found)
            sc_report(l->m->diag, SIMCLR_WARNING, NULL,
                      "--bind %s: no input has an extent of that name", name);
    }
}
