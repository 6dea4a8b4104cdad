// SPDX-License-Identifier: Apache-2.0
//
// Activations. Those that bend at 0 are the sum of what they are above and below, so
// that each half keeps its digits; below 0, e^x - 1 is expm1.
#include "compiler/onnx/importer.h"

#include <inttypes.h>
#include <string.h>

#define UNARY(function)                                                                        \
    struct sc_value *sc_import_##function(struct sc_scope *s)                                  \
    {                                                                                          \
        return sc_make(s, SIMCLR_OP_##function, NULL, sc_in(s, 0));                            \
    }
UNARY(sigmoid)
UNARY(tanh)
UNARY(softplus)

static struct sc_value *constant(struct sc_scope *s, double value)
{
    return sc_make_scalar(s, value, SIMCLR_f32);
}

static struct sc_value *scaled(struct sc_scope *s, struct sc_value *x, double factor)
{
    return factor == 1 ? x : sc_make(s, SIMCLR_OP_mul, NULL, x, constant(s, factor));
}

// max(x, 0) and min(x, 0) of any type; the slope at 0 is that of min.
static struct sc_value *above(struct sc_scope *s, struct sc_value *x)
{
    if (!x || x->dtype == SIMCLR_f32) return sc_make(s, SIMCLR_OP_relu, NULL, x);
    return sc_make(s, SIMCLR_OP_max, NULL, x, sc_make_scalar(s, 0, x->dtype));
}

static struct sc_value *below(struct sc_scope *s, struct sc_value *x)
{
    return x ? sc_make(s, SIMCLR_OP_min, NULL, x, sc_make_scalar(s, 0, x->dtype)) : NULL;
}

struct sc_value *sc_import_relu(struct sc_scope *s)
{
    return above(s, sc_in(s, 0));
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

// x max(0, min(6, x + 3)) / 6, in which every number is a float: 1/6 is none.
struct sc_value *sc_import_hard_swish(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    struct sc_value *gate = sc_make(s, SIMCLR_OP_add, NULL, x, constant(s, 3));
    gate = sc_make(s, SIMCLR_OP_min, NULL, gate, constant(s, 6));
    gate = sc_make(s, SIMCLR_OP_max, NULL, gate, constant(s, 0));
    gate = sc_make(s, SIMCLR_OP_div, NULL, gate, constant(s, 6)); // first: 6 x may overflow
    return sc_make(s, SIMCLR_OP_mul, NULL, x, gate);
}

// max(x, 0) + alpha min(x, 0)
struct sc_value *sc_import_leaky_relu(struct sc_scope *s)
{
    const double alpha = sc_attr_f(s, "alpha", 0.01);
    struct sc_value *const leak =
        sc_make(s, SIMCLR_OP_mul, NULL, below(s, sc_in(s, 0)), constant(s, alpha));
    return sc_make(s, SIMCLR_OP_add, NULL, sc_make(s, SIMCLR_OP_relu, NULL, sc_in(s, 0)), leak);
}

// max(x, 0) + slope min(x, 0), where the slope stretches to x, but not x to it.
static struct sc_value *prelu(struct sc_scope *s, struct sc_value *slope)
{
    struct sc_value *const x = sc_in(s, 0);
    struct simclr_shape both;
    if (!x || !slope) return NULL;
    if (!sc_broadcast(&slope->shape, &x->shape, &both) ||
        !simclr_shape_equal(&both, &x->shape)) {
        struct sc_str text = {0};
        sc_str_append_shape(&text, &slope->shape);
        sc_str_append(&text, ", expected one that broadcasts to ");
        sc_str_append_shape(&text, &x->shape);
        (void)sc_bad_node(s, "slope has shape %s", sc_str_text(&text));
        sc_str_free(&text);
        return NULL;
    }
    struct sc_value *const leak = sc_make(s, SIMCLR_OP_mul, NULL, below(s, x), slope);
    return sc_make(s, SIMCLR_OP_add, NULL, above(s, x), leak);
}

struct sc_value *sc_import_prelu(struct sc_scope *s)
{
    return prelu(s, sc_in(s, 1));
}

// Before opset 7 the slope is one number, or one per channel.
struct sc_value *sc_import_prelu_old(struct sc_scope *s)
{
    const struct sc_value *const x = sc_in(s, 0);
    struct sc_value *const slope = sc_in(s, 1);
    if (!x || !slope) return NULL;
    const int64_t n = simclr_shape_count(&slope->shape);
    const int64_t n_channels = x->shape.rank > 1 ? x->shape.dim[1] : 1;
    if (n != 1 && n != n_channels)
        return sc_bad_node(s, "slope has %" PRId64 " values, expected 1 or %" PRId64, n,
                           n_channels);
    struct simclr_shape shape = {.rank = n == 1 ? 0 : x->shape.rank - 1};
    for (int32_t i = 0; i < shape.rank; i++)
        shape.dim[i] = i == 0 ? n : 1;
    return prelu(s, sc_make_reshape(s, slope, &shape));
}

// max(x, 0) + alpha (e^min(x, 0) - 1)
static struct sc_value *elu(struct sc_scope *s, double alpha)
{
    struct sc_value *const x = sc_in(s, 0);
    struct sc_value *const fall = sc_make(s, SIMCLR_OP_expm1, NULL, below(s, x));
    return sc_make(s, SIMCLR_OP_add, NULL, sc_make(s, SIMCLR_OP_relu, NULL, x),
                   scaled(s, fall, alpha));
}

struct sc_value *sc_import_elu(struct sc_scope *s)
{
    return elu(s, sc_attr_f(s, "alpha", 1));
}

struct sc_value *sc_import_selu(struct sc_scope *s)
{
    const double alpha = sc_attr_f(s, "alpha", 1.67326319217681884765625);
    return scaled(s, elu(s, alpha), sc_attr_f(s, "gamma", 1.05070102214813232421875));
}

// max(x, 0) + alpha (e^(min(x, 0) / alpha) - 1)
struct sc_value *sc_import_celu(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    const double alpha = sc_attr_f(s, "alpha", 1);
    if (alpha == 0) return sc_bad_node(s, "attribute 'alpha' is 0, expected another number");
    struct sc_value *fall = below(s, x);
    if (alpha != 1) fall = sc_make(s, SIMCLR_OP_div, NULL, fall, constant(s, alpha));
    fall = scaled(s, sc_make(s, SIMCLR_OP_expm1, NULL, fall), alpha);
    return sc_make(s, SIMCLR_OP_add, NULL, sc_make(s, SIMCLR_OP_relu, NULL, x), fall);
}

// x / (1 + |x|)
struct sc_value *sc_import_softsign(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    struct sc_value *const size = sc_make(s, SIMCLR_OP_abs, NULL, x);
    return sc_make(s, SIMCLR_OP_div, NULL, x,
                   sc_make(s, SIMCLR_OP_add, NULL, size, constant(s, 1)));
}

// x tanh(ln(1 + e^x))
struct sc_value *sc_import_mish(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    struct sc_value *const gate =
        sc_make(s, SIMCLR_OP_tanh, NULL, sc_make(s, SIMCLR_OP_softplus, NULL, x));
    return sc_make(s, SIMCLR_OP_mul, NULL, x, gate);
}

// x sigmoid(alpha x)
struct sc_value *sc_import_swish(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    struct sc_value *const slow = scaled(s, x, sc_attr_f(s, "alpha", 1));
    return sc_make(s, SIMCLR_OP_mul, NULL, x, sc_make(s, SIMCLR_OP_sigmoid, NULL, slow));
}

// x where x > alpha, else 0.
struct sc_value *sc_import_thresholded_relu(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    struct sc_value *const alpha = constant(s, sc_attr_f(s, "alpha", 1));
    return sc_make(s, SIMCLR_OP_where, NULL, sc_make(s, SIMCLR_OP_less, NULL, alpha, x), x,
                   constant(s, 0));
}

// x + bias where x < -lambd, x - bias where x > lambd, else 0. Integers are computed
// as floats.
struct sc_value *sc_import_shrink(struct sc_scope *s)
{
    struct sc_value *const given = sc_in(s, 0);
    if (!given) return NULL;
    struct sc_value *const x = sc_make_cast(s, given, SIMCLR_f32);
    struct sc_value *const bias = constant(s, sc_attr_f(s, "bias", 0));
    const double lambd = sc_attr_f(s, "lambd", 0.5);
    struct sc_value *const is_low = sc_make(s, SIMCLR_OP_less, NULL, x, constant(s, -lambd));
    struct sc_value *const is_high = sc_make(s, SIMCLR_OP_less, NULL, constant(s, lambd), x);
    struct sc_value *const high = sc_make(s, SIMCLR_OP_sub, NULL, x, bias);
    struct sc_value *const low = sc_make(s, SIMCLR_OP_add, NULL, x, bias);
    struct sc_value *const rest =
        sc_make(s, SIMCLR_OP_where, NULL, is_high, high, constant(s, 0));
    return sc_make_cast(s, sc_make(s, SIMCLR_OP_where, NULL, is_low, low, rest), given->dtype);
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
