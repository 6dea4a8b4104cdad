// SPDX-License-Identifier: Apache-2.0
//
// Inputs of the models: their types, and what stands for symbolic extents.
#include "compiler/onnx/link.h"

#include "runtime/base/checked.h"
#include "runtime/base/npy.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

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
        const bool is_float = dtype && dtype->supported && simclr_dtype_is_float(dtype->dtype);
        if (is_float && ports.n_images < SC_MAX_PORTS)
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
static void check_rows(struct sc_link *l, struct sc_scope *s, const Onnx__ValueInfoProto *info,
                       const dimension *dim, int64_t rows)
{
    if (!is_number(dim) || dim->dim_value == rows) return;
    s->is_rebound = true;
    sc_report(l->m->diag, SIMCLR_NOTE, s->model->name,
              "input '%s' has the fixed batch %" PRId64 ", imported with %" PRId64 " rows",
              info->name, dim->dim_value, rows);
}

bool sc_link_image_shape(struct sc_link *l, struct sc_scope *s,
                         const Onnx__ValueInfoProto *info, int64_t rows,
                         struct simclr_shape *shape)
{
    const Onnx__TensorShapeProto *const declared = tensor_type(info)->shape;
    bool known = true;
    if (!declared || declared->n_dim != 4) {
        sc_link_fail(l, s->model, "input '%s' has %s%zu, expected images of rank 4 [N,C,H,W]",
                     sc_onnx_text(info->name), declared ? "rank " : "no shape, rank ",
                     declared ? declared->n_dim : 0);
        return false;
    }
    *shape = (struct simclr_shape){4, {rows}};
    check_rows(l, s, info, declared->dim[0], rows);
    for (int i = 1; i < 4; i++) {
        const dimension *const dim = declared->dim[i];
        shape->dim[i] = image_extent(l, s->model, info, dim, i);
        known = known && shape->dim[i] > 0;
        s->is_rebound = s->is_rebound || (is_number(dim) && dim->dim_value != shape->dim[i]);
    }
    if (known) sc_scope_count_float(s, info->name, sc_onnx_dtype(tensor_type(info)->elem_type));
    return known;
}

void sc_link_make_images(struct sc_link *l, const char *name, const struct simclr_shape *shape)
{
    l->out->channels = shape->dim[1];
    l->out->height = shape->dim[2];
    l->out->width = shape->dim[3];
    l->images = sc_graph_input(l->out->graph, name, SIMCLR_PORT_images, SIMCLR_f32, shape);
}

void sc_link_images(struct sc_link *l, struct sc_scope *s, const Onnx__ValueInfoProto *info)
{
    struct sc_bound *const bound = sc_scope_bound(s, sc_onnx_text(info->name));
    struct simclr_shape shape;
    bound->is_unknown = !sc_link_image_shape(l, s, info, l->out->rows, &shape);
    if (bound->is_unknown) return;
    sc_link_make_images(l, info->name, &shape);
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
    for (size_t i = 0; declared && i < declared->n_dim; i++) {
        const dimension *const dim = declared->dim[i];
        s->is_rebound =
            s->is_rebound || (is_number(dim) && dim->dim_value != value->shape.dim[i]);
        if (i == 0) continue; // the batch is ours to choose
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

// ---- a model that is not trained: any tensor, by its declared type ----

// What exporters call the batch; an extent without a name may be one.
static bool is_batch_name(const char *name)
{
    return !*name || !strcasecmp(name, "n") || !strcasecmp(name, "b") ||
           !strcasecmp(name, "bs") || !strncasecmp(name, "batch", 5);
}

// What --bind calls an extent: its symbol, or "x.1", counted from 0, if it has none.
static const char *extent_name(struct sc_arena *arena, const Onnx__ValueInfoProto *info,
                               const dimension *dim, size_t axis)
{
    return *symbol(dim) ? symbol(dim)
                        : sc_arena_printf(arena, "%s.%zu", sc_onnx_text(info->name), axis);
}

// An extent of a model that is not trained; -1 if nothing says what it is.
static int64_t find_extent(struct sc_link *l, const Onnx__ValueInfoProto *info,
                           const dimension *dim, size_t axis)
{
    if (is_number(dim)) return dim->dim_value;
    const struct simclr_binding *const binding =
        find_binding(l, extent_name(l->m->arena, info, dim, axis));
    if (binding) return binding->value;
    if (axis > 0 || l->options->batch == 0 || !is_batch_name(symbol(dim))) return -1;
    l->took_batch = true;
    return l->options->batch;
}

static bool read_extents(struct sc_link *l, struct sc_scope *s,
                         const Onnx__ValueInfoProto *info,
                         const Onnx__TensorShapeProto *declared, struct simclr_shape *shape)
{
    size_t n_bytes;
    *shape = (struct simclr_shape){.rank = (int32_t)declared->n_dim};
    for (size_t i = 0; i < declared->n_dim; i++) {
        const dimension *const dim = declared->dim[i];
        shape->dim[i] = find_extent(l, info, dim, i);
        if (shape->dim[i] >= 0) continue;
        if (is_number(dim)) {
            sc_link_fail(l, s->model, "input '%s' has extent %" PRId64 ", expected at least 0",
                         info->name, dim->dim_value);
            return false;
        }
        const char *const name = extent_name(l->m->arena, info, dim, i);
        sc_link_fail(l, s->model, "input '%s' has the symbolic extent '%s', expected a number",
                     info->name, name);
        sc_link_hint(l, s->model, "give %s--bind %s=NUMBER",
                     i == 0 && is_batch_name(symbol(dim)) ? "--batch NUMBER or " : "", name);
        return false;
    }
    if (sc_checked_nbytes(SIMCLR_f64, shape, &n_bytes)) return true;
    sc_link_fail(l, s->model, "input '%s' has too many elements", info->name);
    return false;
}

static const struct simclr_fixed_input *find_fixed(const struct sc_link *l, const char *name)
{
    for (size_t i = 0; i < l->options->n_fixed; i++) {
        if (!strcmp(l->options->fixed[i].name, name)) return &l->options->fixed[i];
    }
    return NULL;
}

// Whether an array has a declared shape; symbolic extents are whatever it has.
static bool suits(struct sc_link *l, const Onnx__ValueInfoProto *info,
                  const Onnx__TensorShapeProto *declared, const struct simclr_shape *found)
{
    if (!declared) return true;
    if (declared->n_dim != (size_t)found->rank) return false;
    for (size_t i = 0; i < declared->n_dim; i++) {
        const int64_t expected = find_extent(l, info, declared->dim[i], i);
        if (expected >= 0 && expected != found->dim[i]) return false;
    }
    return true;
}

// "i64[3]", "f32[N,2]".
static void append_declared(struct sc_str *out, simclr_dtype dtype,
                            const Onnx__TensorShapeProto *declared)
{
    sc_str_printf(out, "%s[", simclr_dtype_name(dtype));
    for (size_t i = 0; declared && i < declared->n_dim; i++) {
        const dimension *const dim = declared->dim[i];
        sc_str_append(out, i > 0 ? "," : "");
        if (is_number(dim))
            sc_str_printf(out, "%" PRId64, dim->dim_value);
        else
            sc_str_append(out, *symbol(dim) ? symbol(dim) : "?");
    }
    sc_str_append(out, declared ? "]" : "...]");
}

static void refuse_fixed(struct sc_link *l, const char *file, const struct sc_numbers *found,
                         const Onnx__ValueInfoProto *info, simclr_dtype dtype)
{
    struct sc_str text = {0};
    sc_str_printf(&text, "is %s", sc_numbers_type(found).s);
    sc_str_append_shape(&text, &found->shape);
    sc_str_printf(&text, ", input '%s' is ", sc_onnx_text(info->name));
    append_declared(&text, dtype, tensor_type(info)->shape);
    sc_report(l->m->diag, SIMCLR_ERROR, file, "%s", sc_str_text(&text));
    sc_str_free(&text);
    l->failed = true;
}

// The array of a file as a constant; NULL after reporting.
static struct sc_value *read_fixed(struct sc_link *l, const char *file,
                                   const Onnx__ValueInfoProto *info, simclr_dtype dtype)
{
    struct sc_npy_any npy;
    struct sc_value *value = NULL;
    int64_t bad;
    const simclr_status status = sc_npy_open_any(l->m->diag, file, &npy);
    if (status != SIMCLR_OK) {
        if (l->file_status == SIMCLR_OK) l->file_status = status;
        l->failed = true;
        return NULL;
    }
    const struct sc_numbers *const found = &npy.numbers;
    void *const data =
        sc_arena_alloc(l->m->arena, (size_t)found->count, simclr_dtype_size(dtype));
    if (!sc_numbers_convertible(found, dtype) ||
        !suits(l, info, tensor_type(info)->shape, &found->shape)) {
        refuse_fixed(l, file, found, info, dtype);
    } else if (!sc_numbers_convert(found, dtype, data, &bad)) {
        sc_report(l->m->diag, SIMCLR_ERROR, file,
                  "element %" PRId64 " is %.17g, which input '%s', %s, does not hold", bad,
                  sc_number_real(sc_numbers_get(found, bad)), sc_onnx_text(info->name),
                  simclr_dtype_name(dtype));
        l->failed = true;
    } else {
        value = sc_graph_constant(l->out->graph, dtype, &found->shape,
                                  found->count > 0 ? data : NULL, info->name);
    }
    sc_npy_close_any(&npy);
    return value;
}

// "input 'x' of node 'y' (Op)": the first that reads it.
static const char *input_of_node(const struct sc_scope *s, const char *name)
{
    const Onnx__GraphProto *const g = s->model->proto->graph;
    for (size_t i = 0; i < g->n_node; i++) {
        for (size_t k = 0; k < g->node[i]->n_input; k++) {
            if (!strcmp(sc_onnx_text(g->node[i]->input[k]), name))
                return sc_arena_printf(s->m->arena, "input '%s' of node '%s' (%s)", name,
                                       sc_node_name(s, g->node[i], i),
                                       sc_onnx_text(g->node[i]->op_type));
        }
    }
    return sc_arena_printf(s->m->arena, "input '%s'", name);
}

static struct sc_value *make_tensor(struct sc_link *l, struct sc_scope *s,
                                    const Onnx__ValueInfoProto *info, const char *name)
{
    const Onnx__TypeProto__Tensor *const type = tensor_type(info);
    const struct sc_onnx_dtype *const element = type ? sc_onnx_dtype(type->elem_type) : NULL;
    struct simclr_shape shape;
    if (!type) {
        sc_link_fail(l, s->model, "%s is no tensor, expected one", input_of_node(s, name));
        return NULL;
    }
    if (!element || !element->supported) {
        sc_link_fail(l, s->model, "%s has elements of type %s, expected numbers",
                     input_of_node(s, name), element ? element->name : "unknown");
        return NULL;
    }
    sc_scope_count_float(s, name, element);
    const simclr_dtype dtype = element->dtype == SIMCLR_f64 ? SIMCLR_f32 : element->dtype;
    const struct simclr_fixed_input *const fixed = find_fixed(l, name);
    if (fixed) return read_fixed(l, fixed->file, info, dtype);
    if (!type->shape || type->shape->n_dim > SIMCLR_MAX_RANK) {
        sc_link_fail(l, s->model, "input '%s' has %s, expected at most rank %d", name,
                     type->shape ? sc_arena_printf(l->m->arena, "rank %zu", type->shape->n_dim)
                                 : "no declared shape",
                     SIMCLR_MAX_RANK);
        return NULL;
    }
    if (!read_extents(l, s, info, type->shape, &shape)) return NULL;
    return sc_graph_input(l->out->graph, name, SIMCLR_PORT_tensor, dtype, &shape);
}

void sc_link_tensor(struct sc_link *l, struct sc_scope *s, const Onnx__ValueInfoProto *info)
{
    const char *const name = sc_onnx_text(info->name);
    struct sc_value *const value = make_tensor(l, s, info, name);
    if (value)
        sc_scope_bind(s, name, value);
    else
        sc_scope_bound(s, name)->is_unknown = true;
}

// ---- all models ----

static bool has_symbol(const struct sc_link *l, const struct sc_onnx_model *model,
                       const char *name)
{
    const Onnx__GraphProto *const graph = model->graph;
    for (size_t i = 0; i < graph->n_input; i++) {
        const Onnx__TypeProto__Tensor *const type = tensor_type(graph->input[i]);
        for (size_t k = 0; type && type->shape && k < type->shape->n_dim; k++) {
            const dimension *const dim = type->shape->dim[k];
            const char *const known = l->encoder.is_as_written
                                          ? extent_name(l->m->arena, graph->input[i], dim, k)
                                          : symbol(dim);
            if (!is_number(dim) && !strcmp(known, name)) return true;
        }
    }
    return false;
}

void sc_link_check_bindings(struct sc_link *l)
{
    for (size_t i = 0; i < l->options->n_bindings; i++) {
        const char *const name = l->options->bindings[i].name;
        const bool found = has_symbol(l, l->encoder.model, name) ||
                           (l->has_head && has_symbol(l, l->head.model, name)) ||
                           (l->has_loss && has_symbol(l, l->loss.model, name));
        if (!found)
            sc_report(l->m->diag, SIMCLR_WARNING, NULL,
                      "--bind %s: no input has an extent of that name", name);
    }
}
