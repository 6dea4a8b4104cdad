// SPDX-License-Identifier: Apache-2.0
//
// Conversion of element types. Floats of every precision are computed as float; a
// cast to half precision rounds its values to what that type holds, so that what
// overflows there is infinite here too. The types behind it are float again: what
// such a model computes in half precision is computed with more digits, which one
// note per model says.
#include "compiler/onnx/importer.h"

#include <string.h>

// The element type the file declares for a name, 0 if it declares none.
static int declared_in(Onnx__ValueInfoProto *const *infos, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        const Onnx__TypeProto *const type = infos[i]->type;
        if (type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE &&
            !strcmp(sc_onnx_text(infos[i]->name), name))
            return type->tensor_type->elem_type;
    }
    return 0;
}

static int declared_type(const struct sc_scope *s, const char *name)
{
    const Onnx__GraphProto *const g = s->graph;
    const struct sc_bound *const bound = sc_scope_find(s, name);
    if (bound && bound->tensor) return bound->tensor->data_type;
    int type = declared_in(g->input, g->n_input, name);
    if (!type) type = declared_in(g->value_info, g->n_value_info, name);
    return type ? type : declared_in(g->output, g->n_output, name);
}

static struct sc_value *cast(struct sc_scope *s, const struct sc_onnx_dtype *to)
{
    if (!simclr_dtype_is_float(to->dtype)) return sc_make_cast(s, sc_in(s, 0), to->dtype);
    struct sc_value *const y = sc_make_cast(s, sc_in(s, 0), SIMCLR_f32);
    sc_scope_count_float(s, sc_onnx_text(s->node->output[0]), to);
    if (to->number == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16)
        return sc_make(s, SIMCLR_OP_round_f16, NULL, y);
    if (to->number == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16)
        return sc_make(s, SIMCLR_OP_round_bf16, NULL, y);
    return y;
}

struct sc_value *sc_import_cast(struct sc_scope *s)
{
    if (!sc_has_attr(s, "to")) return sc_bad_node(s, "attribute 'to' is missing");
    const int64_t to = sc_attr_i(s, "to", 0);
    const struct sc_onnx_dtype *const dtype =
        to >= 0 && to <= INT32_MAX ? sc_onnx_dtype((int)to) : NULL;
    if (!dtype || !dtype->supported)
        return sc_bad_node(s, "elements of type %s are not supported",
                           dtype ? dtype->name : "unknown");
    return cast(s, dtype);
}

// To the type of the second input: what the file declares or, where it declares
// nothing, what we compute.
struct sc_value *sc_import_cast_like(struct sc_scope *s)
{
    const struct sc_value *const like = sc_in(s, 1);
    if (!like) return NULL;
    const struct sc_onnx_dtype *const declared =
        sc_onnx_dtype(declared_type(s, sc_in_name(s, 1)));
    const bool is_half = declared && declared->supported && like->dtype == SIMCLR_f32 &&
                         simclr_dtype_is_float(declared->dtype);
    return is_half ? cast(s, declared) : sc_make_cast(s, sc_in(s, 0), like->dtype);
}
