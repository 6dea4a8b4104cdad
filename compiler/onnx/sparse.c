// SPDX-License-Identifier: Apache-2.0
//
// SparseTensorProto: the elements that are not zero and where they are, either by
// position in the flattened tensor ([n]) or by coordinates ([n, rank]).
#include "compiler/onnx/model.h"

#include "runtime/base/checked.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DENSE = 1 << 26 }; // elements

static bool fail(char *error, const char *fmt, ...) SC_PRINTF(2, 3);
static bool fail(char *error, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(error, SC_ONNX_ERROR, fmt, args);
    va_end(args);
    return false;
}

struct sparse {
    struct simclr_shape shape;
    int64_t count;     // of the dense tensor
    int64_t n;         // elements that are there
    const int64_t *at; // [n] or [n, rank]
    bool has_coordinates;
};

static bool read_shape(const Onnx__SparseTensorProto *t, struct sparse *out, char *error)
{
    size_t bytes;
    if (t->n_dims > SIMCLR_MAX_RANK)
        return fail(error, "rank is %zu, at most %d is supported", t->n_dims, SIMCLR_MAX_RANK);
    out->shape.rank = (int32_t)t->n_dims;
    for (size_t i = 0; i < t->n_dims; i++)
        out->shape.dim[i] = t->dims[i];
    if (!sc_checked_nbytes(SIMCLR_i64, &out->shape, &bytes) || bytes / 8 > MAX_DENSE)
        return fail(error, "an extent is negative or there are more than %d elements",
                    MAX_DENSE);
    out->count = (int64_t)(bytes / 8);
    return true;
}

static bool read_places(struct sc_onnx_model *model, const Onnx__SparseTensorProto *t,
                        struct sparse *out, char *error)
{
    struct sc_onnx_tensor values, indices;
    if (!t->values || !t->indices) return fail(error, "it has no values or no indices");
    if (!sc_onnx_tensor_type(t->values, &values, error) ||
        !sc_onnx_tensor_type(t->indices, &indices, error))
        return false;
    const struct simclr_shape *const at = &indices.shape;
    out->n = (int64_t)values.count;
    out->has_coordinates = at->rank == 2;
    const bool fits = values.shape.rank == 1 && indices.dtype == SIMCLR_i64 &&
                      (at->rank == 1 || (at->rank == 2 && at->dim[1] == out->shape.rank)) &&
                      at->dim[0] == out->n;
    if (!fits)
        return fail(error,
                    "values and indices do not fit, expected %" PRId64
                    " places in a tensor of rank %d",
                    out->n, (int)out->shape.rank);
    out->at = sc_onnx_tensor_values(model, t->indices, SIMCLR_i64, true, error);
    return out->at != NULL;
}

// The position of element `i` in the dense tensor; -1 if it is outside.
static int64_t position(const struct sparse *s, int64_t i)
{
    if (!s->has_coordinates) return s->at[i] < s->count ? s->at[i] : -1;
    int64_t at = 0;
    for (int32_t k = 0; k < s->shape.rank; k++) {
        const int64_t c = s->at[i * s->shape.rank + k];
        if (c < 0 || c >= s->shape.dim[k]) return -1;
        at = at * s->shape.dim[k] + c;
    }
    return at;
}

// Values are read as the widest of their kind and kept in the field for it, which
// the dense tensor's type reads: all integers but 64-bit and unsigned ones share one.
enum field { FLOATS, DOUBLES, INT32S, INT64S, UINT64S };

static enum field field_of(int type)
{
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16: return FLOATS;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE: return DOUBLES;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: return INT64S;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64: return UINT64S;
    default: return INT32S;
    }
}

static simclr_dtype widest(enum field field)
{
    return field == FLOATS ? SIMCLR_f32 : field == DOUBLES ? SIMCLR_f64 : SIMCLR_i64;
}

// A tensor of zeros. Halves become floats.
static Onnx__TensorProto *new_zeros(struct sc_arena *arena, const Onnx__SparseTensorProto *t,
                                    enum field field, size_t n)
{
    Onnx__TensorProto *const dense = SC_NEW(arena, Onnx__TensorProto);
    onnx__tensor_proto__init(dense);
    dense->name = t->values->name;
    dense->n_dims = t->n_dims;
    dense->dims = t->dims;
    dense->has_data_type = 1;
    dense->data_type =
        field == FLOATS ? ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT : t->values->data_type;
    switch (field) {
    case FLOATS:
        dense->n_float_data = n;
        dense->float_data = SC_NEW_ARRAY(arena, float, n);
        break;
    case DOUBLES:
        dense->n_double_data = n;
        dense->double_data = SC_NEW_ARRAY(arena, double, n);
        break;
    case INT32S:
        dense->n_int32_data = n;
        dense->int32_data = SC_NEW_ARRAY(arena, int32_t, n);
        break;
    case INT64S:
        dense->n_int64_data = n;
        dense->int64_data = SC_NEW_ARRAY(arena, int64_t, n);
        break;
    case UINT64S:
        dense->n_uint64_data = n;
        dense->uint64_data = SC_NEW_ARRAY(arena, uint64_t, n);
        break;
    }
    return dense;
}

static void put(Onnx__TensorProto *dense, enum field field, int64_t at, const void *values,
                int64_t i)
{
    switch (field) {
    case FLOATS: dense->float_data[at] = ((const float *)values)[i]; break;
    case DOUBLES: dense->double_data[at] = ((const double *)values)[i]; break;
    case INT32S: dense->int32_data[at] = (int32_t)((const int64_t *)values)[i]; break;
    case INT64S: dense->int64_data[at] = ((const int64_t *)values)[i]; break;
    case UINT64S: dense->uint64_data[at] = (uint64_t)((const int64_t *)values)[i]; break;
    }
}

Onnx__TensorProto *sc_onnx_densify(struct sc_onnx_model *model,
                                   const Onnx__SparseTensorProto *t, char *error)
{
    struct sparse s = {0};
    if (!read_shape(t, &s, error) || !read_places(model, t, &s, error)) return NULL;
    const enum field field = field_of(t->values->data_type);
    const void *const values =
        sc_onnx_tensor_values(model, t->values, widest(field), true, error);
    if (!values) return NULL;
    Onnx__TensorProto *const dense = new_zeros(model->module->arena, t, field, (size_t)s.count);
    for (int64_t i = 0; i < s.n; i++) {
        const int64_t at = position(&s, i);
        if (at < 0) {
            (void)fail(error, "element %" PRId64 " is outside the tensor", i);
            return NULL;
        }
        put(dense, field, at, values, i);
    }
    return dense;
}
