// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic of two or more operands.
#include "compiler/onnx/importer.h"

#include <float.h>
#include <inttypes.h>
#include <string.h>

struct sc_value *sc_old_operand(struct sc_scope *s)
{
    const struct sc_value *const a = sc_in(s, 0);
    struct sc_value *const b = sc_in(s, 1);
    if (!a || !b) return NULL;
    if (!sc_attr_i(s, "broadcast", 0)) {
        if (!simclr_shape_equal(&a->shape, &b->shape))
            return sc_bad_node(s, "operands have different shapes and attribute 'broadcast' "
                                  "is not set");
        return b;
    }
    if (!sc_has_attr(s, "axis")) return b;
    const int64_t axis = sc_axis(s, sc_attr_i(s, "axis", 0), a->shape.rank);
    if (s->failed) return NULL;
    if (axis + b->shape.rank > a->shape.rank)
        return sc_bad_node(s, "operand of rank %d does not fit at axis %" PRId64 " of rank %d",
                           (int)b->shape.rank, axis, (int)a->shape.rank);
    struct simclr_shape shape = {.rank = a->shape.rank};
    for (int32_t i = 0; i < shape.rank; i++)
        shape.dim[i] = i >= axis && i - axis < b->shape.rank ? b->shape.dim[i - axis] : 1;
    return sc_make_reshape(s, b, &shape);
}

SC_IMPORT_BINARY(add)
SC_IMPORT_BINARY(sub)
SC_IMPORT_BINARY(mul)
SC_IMPORT_BINARY(div)

// The exponent may have another type than the base since opset 12; the result has
// the base's. Integers to the power of integers are computed in 64 bits and wrap.
static struct sc_value *power(struct sc_scope *s, struct sc_value *x, struct sc_value *y)
{
    if (!x || !y) return NULL;
    const bool is_int = !simclr_dtype_is_float(x->dtype) && !simclr_dtype_is_float(y->dtype);
    const simclr_dtype wide = y->dtype == SIMCLR_u64 ? SIMCLR_u64 : SIMCLR_i64;
    const simclr_dtype dtype = is_int ? wide : SIMCLR_f32;
    if (x->dtype == SIMCLR_bool || y->dtype == SIMCLR_bool)
        return sc_bad_node(s, "base is %s and exponent %s, expected numbers",
                           simclr_dtype_name(x->dtype), simclr_dtype_name(y->dtype));
    struct sc_value *const z =
        sc_make(s, SIMCLR_OP_pow, NULL, sc_make_cast(s, x, dtype), sc_make_cast(s, y, dtype));
    return sc_make_cast(s, z, x->dtype);
}

struct sc_value *sc_import_pow(struct sc_scope *s)
{
    return power(s, sc_in(s, 0), sc_in(s, 1));
}

struct sc_value *sc_import_pow_old(struct sc_scope *s)
{
    return power(s, sc_in(s, 0), sc_old_operand(s));
}

// The sign is the dividend's with fmod, else the divisor's, which is for integers.
struct sc_value *sc_import_mod(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0), *const y = sc_in(s, 1);
    const int64_t is_fmod = sc_attr_i(s, "fmod", 0);
    if (!x || !y) return NULL;
    if (is_fmod != 0 && is_fmod != 1)
        return sc_bad_node(s, "attribute 'fmod' is %" PRId64 ", expected 0 or 1", is_fmod);
    const bool is_float = simclr_dtype_is_float(x->dtype);
    if (is_float && !is_fmod)
        return sc_bad_node(s, "attribute 'fmod' is 0, expected 1 for elements of type float");
    if (is_float) return sc_make(s, SIMCLR_OP_fmod, NULL, x, y);
    if (!is_fmod) return sc_make(s, SIMCLR_OP_mod, NULL, x, y);
    struct sc_value *const quotient = sc_make(s, SIMCLR_OP_div, NULL, x, y);
    return sc_make(s, SIMCLR_OP_sub, NULL, x, sc_make(s, SIMCLR_OP_mul, NULL, quotient, y));
}

// x 2^y or x / 2^y; bits that are shifted out are lost, and 2^y that are too large
// are 0, by which to divide gives 0.
struct sc_value *sc_import_bit_shift(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0), *const y = sc_in(s, 1);
    const char *const direction = sc_attr_s(s, "direction", "");
    if (!x || !y) return NULL;
    const bool is_left = !strcmp(direction, "LEFT");
    if (!is_left && strcmp(direction, "RIGHT") != 0)
        return sc_bad_node(s, "attribute 'direction' is '%s', expected 'LEFT' or 'RIGHT'",
                           direction);
    if (x->dtype != SIMCLR_u8 && x->dtype != SIMCLR_u16 && x->dtype != SIMCLR_u32 &&
        x->dtype != SIMCLR_u64)
        return sc_bad_node(s, "operand 1 is %s, expected an unsigned integer type",
                           simclr_dtype_name(x->dtype));
    struct sc_value *const two = sc_make_scalar(s, 2, x->dtype);
    return sc_make(s, is_left ? SIMCLR_OP_mul : SIMCLR_OP_div, NULL, x,
                   sc_make(s, SIMCLR_OP_pow, NULL, two, y));
}

static struct sc_value *chain(struct sc_scope *s, enum simclr_op op)
{
    struct sc_value *all = sc_in(s, 0);
    for (int i = 1; i < sc_n_in(s); i++)
        all = sc_make(s, op, NULL, all, sc_in(s, i));
    return all;
}

struct sc_value *sc_import_sum(struct sc_scope *s)
{
    return chain(s, SIMCLR_OP_add);
}

struct sc_value *sc_import_mean(struct sc_scope *s)
{
    struct sc_value *const sum = chain(s, SIMCLR_OP_add);
    if (!sum) return NULL;
    if (sum->dtype != SIMCLR_f32)
        return sc_bad_node(s, "operands are %s, expected f32", simclr_dtype_name(sum->dtype));
    return sc_make(s, SIMCLR_OP_div, NULL, sum, sc_make_scalar(s, sc_n_in(s), SIMCLR_f32));
}

struct sc_value *sc_import_max(struct sc_scope *s)
{
    return chain(s, SIMCLR_OP_max);
}

struct sc_value *sc_import_min(struct sc_scope *s)
{
    return chain(s, SIMCLR_OP_min);
}

// min(max(x, low), high); a missing bound is none.
static struct sc_value *clip(struct sc_scope *s, struct sc_value *low, struct sc_value *high)
{
    struct sc_value *x = sc_in(s, 0);
    if (low) x = sc_make(s, SIMCLR_OP_max, NULL, x, low);
    if (high) x = sc_make(s, SIMCLR_OP_min, NULL, x, high);
    return x;
}

struct sc_value *sc_import_clip_old(struct sc_scope *s)
{
    const double least = -(double)FLT_MAX, most = (double)FLT_MAX;
    const double low = sc_attr_f(s, "min", least), high = sc_attr_f(s, "max", most);
    return clip(s, low > least ? sc_make_scalar(s, low, SIMCLR_f32) : NULL,
                high < most ? sc_make_scalar(s, high, SIMCLR_f32) : NULL);
}

// ONNX asks for a scalar; a list of one is as clear.
static struct sc_value *bound(struct sc_scope *s, int i, const char *what)
{
    const struct simclr_shape scalar = {.rank = 0};
    struct sc_value *const v = sc_in(s, i);
    if (!v) return NULL;
    const int64_t n = simclr_shape_count(&v->shape);
    if (n != 1) return sc_bad_node(s, "'%s' has %" PRId64 " values, expected 1", what, n);
    return sc_make_reshape(s, v, &scalar);
}

struct sc_value *sc_import_clip(struct sc_scope *s)
{
    return clip(s, bound(s, 1, "min"), bound(s, 2, "max"));
}
