// SPDX-License-Identifier: Apache-2.0
//
// Pointwise operators: arithmetic, comparison, activation.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

// One operand: theirs and ours mean the same.
#define UNARY(onnx, ours)                                                                      \
    struct sc_value *sc_import_##onnx(struct sc_scope *s)                                      \
    {                                                                                          \
        return sc_make(s, SIMCLR_OP_##ours, NULL, sc_in(s, 0));                                \
    }
UNARY(relu, relu)
UNARY(neg, neg)
UNARY(abs, abs)
UNARY(sign, sign)
UNARY(sqrt, sqrt)
UNARY(exp, exp)
UNARY(log, log)
UNARY(reciprocal, reciprocal)
UNARY(sigmoid, sigmoid)
UNARY(tanh, tanh)
UNARY(erf, erf)
UNARY(not, not )

// Before opset 7 an operand broadcasts only if `broadcast` says so, and then B's
// axes stand at `axis` of A (default: at the end).
static struct sc_value *old_operand(struct sc_scope *s)
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

#define BINARY(onnx, ours)                                                                     \
    struct sc_value *sc_import_##onnx(struct sc_scope *s)                                      \
    {                                                                                          \
        return sc_make(s, SIMCLR_OP_##ours, NULL, sc_in(s, 0), sc_in(s, 1));                   \
    }                                                                                          \
    struct sc_value *sc_import_##onnx##_old(struct sc_scope *s)                                \
    {                                                                                          \
        return sc_make(s, SIMCLR_OP_##ours, NULL, sc_in(s, 0), old_operand(s));                \
    }
BINARY(add, add)
BINARY(sub, sub)
BINARY(mul, mul)
BINARY(div, div)
BINARY(equal, equal)
BINARY(less, less)
BINARY(and, and)
BINARY(or, or)

struct sc_value *sc_import_greater(struct sc_scope *s)
{
    return sc_make(s, SIMCLR_OP_less, NULL, sc_in(s, 1), sc_in(s, 0));
}

struct sc_value *sc_import_greater_old(struct sc_scope *s)
{
    return sc_make(s, SIMCLR_OP_less, NULL, old_operand(s), sc_in(s, 0));
}

// a <= b is not b < a, but for NaN; so it is a < b or a = b.
static struct sc_value *less_or_equal(struct sc_scope *s, struct sc_value *a,
                                      struct sc_value *b)
{
    return sc_make(s, SIMCLR_OP_or, NULL, sc_make(s, SIMCLR_OP_less, NULL, a, b),
                   sc_make(s, SIMCLR_OP_equal, NULL, a, b));
}

struct sc_value *sc_import_less_or_equal(struct sc_scope *s)
{
    return less_or_equal(s, sc_in(s, 0), sc_in(s, 1));
}

struct sc_value *sc_import_greater_or_equal(struct sc_scope *s)
{
    return less_or_equal(s, sc_in(s, 1), sc_in(s, 0));
}

// The exponent may have another type than the base since opset 12.
static struct sc_value *power(struct sc_scope *s, struct sc_value *x, struct sc_value *y)
{
    if (!x || !y) return NULL;
    struct sc_value *const exponent = sc_make_cast(s, y, SIMCLR_f32);
    if (x->dtype == SIMCLR_f32) return sc_make(s, SIMCLR_OP_pow, NULL, x, exponent);
    if (x->kind != SC_VALUE_constant)
        return sc_bad_node(s, "base is %s, expected f32", simclr_dtype_name(x->dtype));
    struct sc_value *const base = sc_make_cast(s, x, SIMCLR_f32);
    return sc_make_cast(s, sc_make(s, SIMCLR_OP_pow, NULL, base, exponent), x->dtype);
}

struct sc_value *sc_import_pow(struct sc_scope *s)
{
    return power(s, sc_in(s, 0), sc_in(s, 1));
}

struct sc_value *sc_import_pow_old(struct sc_scope *s)
{
    return power(s, sc_in(s, 0), old_operand(s));
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
    return sc_make(s, SIMCLR_OP_mul, NULL, sum,
                   sc_make_scalar(s, 1.0 / sc_n_in(s), sum->dtype));
}

struct sc_value *sc_import_max(struct sc_scope *s)
{
    return chain(s, SIMCLR_OP_max);
}

struct sc_value *sc_import_min(struct sc_scope *s)
{
    return chain(s, SIMCLR_OP_min);
}

struct sc_value *sc_import_where(struct sc_scope *s)
{
    return sc_make(s, SIMCLR_OP_where, NULL, sc_in(s, 0), sc_in(s, 1), sc_in(s, 2));
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

struct sc_value *sc_import_clip(struct sc_scope *s)
{
    return clip(s, sc_in(s, 1), sc_in(s, 2));
}

// Double and half precision are computed in single.
struct sc_value *sc_import_cast(struct sc_scope *s)
{
    if (!sc_has_attr(s, "to")) return sc_bad_node(s, "attribute 'to' is missing");
    const int64_t to = sc_attr_i(s, "to", 0);
    const struct sc_onnx_dtype *const dtype = sc_onnx_dtype((int)to);
    if (!dtype || !dtype->supported)
        return sc_bad_node(s, "elements of type %s are not supported",
                           dtype ? dtype->name : "unknown");
    return sc_make_cast(s, sc_in(s, 0), dtype->dtype == SIMCLR_f64 ? SIMCLR_f32 : dtype->dtype);
}

static struct sc_value *constant(struct sc_scope *s, double value)
{
    return sc_make_scalar(s, value, SIMCLR_f32);
}

// max(0, min(1, alpha x + beta))
static struct sc_value *hard_sigmoid(struct sc_scope *s, double alpha, double beta)
{
    struct sc_value *x = sc_make(s, SIMCLR_OP_mul, NULL, sc_in(s, 0), constant(s, alpha));
    x = sc_make(s, SIMCLR_OP_add, NULL, x, constant(s, beta));
    x = sc_make(s, SIMCLR_OP_min, NULL, x, constant(s, 1));
    return sc_make(s, SIMCLR_OP_max, NULL, x, constant(s, 0));
}

struct sc_value *sc_import_hard_sigmoid(struct sc_scope *s)
{
    return hard_sigmoid(s, sc_attr_f(s, "alpha", 0.2), sc_attr_f(s, "beta", 0.5));
}

struct sc_value *sc_import_hard_swish(struct sc_scope *s)
{
    return sc_make(s, SIMCLR_OP_mul, NULL, sc_in(s, 0), hard_sigmoid(s, 1.0 / 6, 0.5));
}

// max(x, 0) + alpha min(x, 0)
struct sc_value *sc_import_leaky_relu(struct sc_scope *s)
{
    struct sc_value *const below = sc_make(s, SIMCLR_OP_min, NULL, sc_in(s, 0), constant(s, 0));
    struct sc_value *const leak =
        sc_make(s, SIMCLR_OP_mul, NULL, below, constant(s, sc_attr_f(s, "alpha", 0.01)));
    return sc_make(s, SIMCLR_OP_add, NULL, sc_make(s, SIMCLR_OP_relu, NULL, sc_in(s, 0)), leak);
}

// x/2 (1 + erf(x / sqrt 2)), or with tanh(sqrt(2/pi) (x + 0.044715 x^3))
struct sc_value *sc_import_gelu(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    const char *const how = sc_attr_s(s, "approximate", "none");
    struct sc_value *inner;
    if (!strcmp(how, "none")) {
        inner = sc_make(s, SIMCLR_OP_mul, NULL, x, constant(s, 0.70710678118654752));
        inner = sc_make(s, SIMCLR_OP_erf, NULL, inner);
    } else if (!strcmp(how, "tanh")) {
        struct sc_value *const square = sc_make(s, SIMCLR_OP_mul, NULL, x, x);
        inner = sc_make(s, SIMCLR_OP_mul, NULL, square, constant(s, 0.044715));
        inner = sc_make(s, SIMCLR_OP_add, NULL, inner, constant(s, 1));
        inner = sc_make(s, SIMCLR_OP_mul, NULL, inner, x);
        inner = sc_make(s, SIMCLR_OP_mul, NULL, inner, constant(s, 0.79788456080286536));
        inner = sc_make(s, SIMCLR_OP_tanh, NULL, inner);
    } else {
        return sc_bad_node(s, "attribute 'approximate' is '%s', expected 'none' or 'tanh'",
                           how);
    }
    inner = sc_make(s, SIMCLR_OP_add, NULL, inner, constant(s, 1));
    return sc_make(s, SIMCLR_OP_mul, NULL, sc_make(s, SIMCLR_OP_mul, NULL, x, constant(s, 0.5)),
                   inner);
}
