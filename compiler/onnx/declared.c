// SPDX-License-Identifier: Apache-2.0
//
// Types that the file declares for what nodes make. They are of no use to us, who
// infer them, but a contradiction means that the file and we disagree about what it
// computes. Extents may differ where the import gives inputs other extents than the
// file; a batch that only some declarations know is no contradiction either.
#include "compiler/onnx/importer.h"

#include <inttypes.h>
#include <string.h>

// Whoever writes a file by hand declares outputs without extents and means any: such
// declarations count for results within the graph only.
static void add(struct sc_scope *s, Onnx__ValueInfoProto *const *list, size_t n,
                bool are_outputs)
{
    for (size_t i = 0; i < n; i++) {
        const Onnx__TypeProto *const type = list[i]->type;
        const char *const name = sc_onnx_text(list[i]->name);
        const bool is_tensor =
            *name && type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
        const Onnx__TensorShapeProto *const shape = is_tensor ? type->tensor_type->shape : NULL;
        if (is_tensor && !(are_outputs && (!shape || shape->n_dim == 0)))
            *sc_names_slot(s->declared, name) = type->tensor_type;
    }
}

void sc_declared_find(struct sc_scope *s)
{
    s->declared = sc_names_new(s->m->arena);
    add(s, s->graph->value_info, s->graph->n_value_info, false);
    add(s, s->graph->output, s->graph->n_output, true);
}

static bool has_extent(const Onnx__TensorShapeProto__Dimension *dim)
{
    return dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
           dim->dim_value > 0;
}

static bool is_same_type(const struct sc_scope *s, const Onnx__TypeProto__Tensor *declared,
                         const struct sc_value *value)
{
    const struct sc_onnx_dtype *const dtype = sc_onnx_dtype(declared->elem_type);
    if (dtype && dtype->supported) {
        const simclr_dtype computed = dtype->dtype == SIMCLR_f64 ? SIMCLR_f32 : dtype->dtype;
        if (computed != value->dtype) return false;
    }
    const Onnx__TensorShapeProto *const shape = declared->shape;
    if (!shape) return true; // of unknown rank
    if (shape->n_dim != (size_t)value->shape.rank) return false;
    for (size_t i = 0; !s->is_rebound && i < shape->n_dim; i++) {
        if (has_extent(shape->dim[i]) && shape->dim[i]->dim_value != value->shape.dim[i])
            return false;
    }
    return true;
}

static void append_declared(struct sc_str *out, const Onnx__TypeProto__Tensor *declared)
{
    const struct sc_onnx_dtype *const dtype = sc_onnx_dtype(declared->elem_type);
    const Onnx__TensorShapeProto *const shape = declared->shape;
    sc_str_append(out, dtype ? dtype->name : "undefined");
    for (size_t i = 0; shape && i < shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *const dim = shape->dim[i];
        sc_str_append(out, i == 0 ? "[" : ",");
        if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM)
            sc_str_append(out, sc_onnx_text(dim->dim_param));
        else
            sc_str_printf(out, "%" PRId64, dim->dim_value);
    }
    if (shape && shape->n_dim > 0) sc_str_append(out, "]");
}

bool sc_declared_check(struct sc_scope *s, const char *name, const struct sc_value *value)
{
    const Onnx__TypeProto__Tensor *const declared = sc_names_find(s->declared, name);
    if (!declared || !value || s->failed || is_same_type(s, declared, value)) return true;
    struct sc_str found = {0}, expected = {0};
    sc_str_append_type(&found, value->dtype, &value->shape);
    append_declared(&expected, declared);
    (void)sc_bad_node(s, "'%s' is %s, the model declares %s", name, sc_str_text(&found),
                      sc_str_text(&expected));
    sc_str_free(&found);
    sc_str_free(&expected);
    return false;
}
