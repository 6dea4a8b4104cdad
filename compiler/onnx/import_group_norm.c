// SPDX-License-Identifier: Apache-2.0
//
// Normalisation by the statistics of what is normalised: LayerNormalization,
// InstanceNormalization, GroupNormalization, RMSNormalization and
// MeanVarianceNormalization. They differ in the axes they take their statistics over.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

#include <inttypes.h>

static struct sc_value *scalar(struct sc_scope *s, double value)
{
    return sc_make_scalar(s, value, SIMCLR_f32);
}

struct moments {
    struct sc_value *mean, *centred, *variance; // the population's
};

static struct moments moments(struct sc_scope *s, struct sc_value *x,
                              const struct simclr_dims *axes)
{
    struct moments m = {.mean = sc_make_reduce(s, SIMCLR_OP_reduce_mean, x, axes, true)};
    m.centred = sc_make(s, SIMCLR_OP_sub, NULL, x, m.mean);
    m.variance =
        sc_make_reduce(s, SIMCLR_OP_reduce_mean,
                       sc_make(s, SIMCLR_OP_mul, NULL, m.centred, m.centred), axes, true);
    return m;
}

// 1 / sqrt(square + epsilon)
static struct sc_value *inverse_root(struct sc_scope *s, struct sc_value *square)
{
    struct sc_value *const sum =
        sc_make(s, SIMCLR_OP_add, NULL, square, scalar(s, sc_attr_f(s, "epsilon", 1e-5)));
    return sc_make(s, SIMCLR_OP_reciprocal, NULL, sc_make(s, SIMCLR_OP_sqrt, NULL, sum));
}

// y = (x - mean) / sqrt(var + epsilon)
static struct sc_value *standardised(struct sc_scope *s, struct sc_value *x,
                                     const struct simclr_dims *axes)
{
    const struct moments m = moments(s, x, axes);
    return sc_make(s, SIMCLR_OP_mul, NULL, m.centred, inverse_root(s, m.variance));
}

bool sc_check_precision(struct sc_scope *s, const char *attribute)
{
    const int64_t type = sc_attr_i(s, attribute, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    if (type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ||
        type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 ||
        type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE ||
        type == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16)
        return true;
    (void)sc_bad_node(s, "attribute '%s' is %" PRId64 ", expected 1, 10, 11 or 16", attribute,
                      type);
    return false;
}

static struct simclr_dims axes_from(int64_t first, int32_t rank)
{
    struct simclr_dims axes = {0};
    for (int64_t i = first; i < rank; i++)
        axes.v[axes.n++] = i;
    return axes;
}

// ---- Scale and bias ----

// y and input i, which may be broadcast to y but not y to it.
static struct sc_value *apply(struct sc_scope *s, enum simclr_op op, struct sc_value *y, int i)
{
    struct sc_value *const v = sc_in(s, i);
    struct simclr_shape both;
    if (!y || !v) return NULL;
    if (!sc_broadcast(&y->shape, &v->shape, &both) || !simclr_shape_equal(&both, &y->shape))
        return sc_bad_shape(s, i == 1 ? "scale" : "bias", i, "one that broadcasts to ",
                            &y->shape);
    return sc_make(s, op, NULL, y, v);
}

// Input i, a vector of n, along axis 1 of a tensor of `rank`.
static struct sc_value *along_channels(struct sc_scope *s, int i, int64_t n, int32_t rank)
{
    struct sc_value *const v = sc_in(s, i);
    const struct simclr_shape vector = {1, {n}};
    struct simclr_shape shape = {.rank = rank};
    if (!v) return NULL;
    if (!simclr_shape_equal(&v->shape, &vector))
        return sc_bad_shape(s, i == 1 ? "scale" : "bias", i, "", &vector);
    for (int32_t k = 0; k < rank; k++)
        shape.dim[k] = k == 1 ? n : 1;
    return sc_make_reshape(s, v, &shape);
}

static struct sc_value *scale_channels(struct sc_scope *s, struct sc_value *y, int64_t n)
{
    if (!y) return NULL;
    struct sc_value *const scale = along_channels(s, 1, n, y->shape.rank);
    struct sc_value *const bias = along_channels(s, 2, n, y->shape.rank);
    return sc_make(s, SIMCLR_OP_add, NULL, sc_make(s, SIMCLR_OP_mul, NULL, y, scale), bias);
}

// ---- The operators ----

struct sc_value *sc_import_layer_norm(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x || !sc_check_precision(s, "stash_type")) return NULL;
    const int64_t axis = sc_axis(s, sc_attr_i(s, "axis", -1), x->shape.rank);
    const struct simclr_dims axes = axes_from(axis, x->shape.rank);
    const struct moments m = moments(s, x, &axes);
    struct sc_value *const inverse = inverse_root(s, m.variance);
    if (sc_has_out(s, 1)) s->out[1] = m.mean;
    if (sc_has_out(s, 2)) s->out[2] = inverse;
    struct sc_value *const y =
        apply(s, SIMCLR_OP_mul, sc_make(s, SIMCLR_OP_mul, NULL, m.centred, inverse), 1);
    return sc_has_in(s, 2) ? apply(s, SIMCLR_OP_add, y, 2) : y;
}

// x over the root of its mean square (Zhang and Sennrich, 2019).
struct sc_value *sc_import_rms_norm(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x || !sc_check_precision(s, "stash_type")) return NULL;
    const int64_t axis = sc_axis(s, sc_attr_i(s, "axis", -1), x->shape.rank);
    const struct simclr_dims axes = axes_from(axis, x->shape.rank);
    struct sc_value *const square = sc_make_reduce(
        s, SIMCLR_OP_reduce_mean, sc_make(s, SIMCLR_OP_mul, NULL, x, x), &axes, true);
    return apply(s, SIMCLR_OP_mul, sc_make(s, SIMCLR_OP_mul, NULL, x, inverse_root(s, square)),
                 1);
}

struct sc_value *sc_import_instance_norm(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    if (x->shape.rank < 3)
        return sc_bad_node(s, "input '%s' has rank %d, expected at least 3", sc_in_name(s, 0),
                           (int)x->shape.rank);
    const struct simclr_dims axes = axes_from(2, x->shape.rank);
    return scale_channels(s, standardised(s, x, &axes), x->shape.dim[1]);
}

// Groups of neighbouring channels (Wu and He, 2018), seen as [n, groups, the rest]. Before
// opset 21 there is one scale and one bias for each group, afterwards for each channel.
static struct sc_value *group_norm(struct sc_scope *s, bool by_group)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x || !sc_check_precision(s, "stash_type")) return NULL;
    if (x->shape.rank < 2)
        return sc_bad_node(s, "input '%s' has rank %d, expected at least 2", sc_in_name(s, 0),
                           (int)x->shape.rank);
    if (!sc_has_attr(s, "num_groups"))
        return sc_bad_node(s, "attribute 'num_groups' is missing");
    const int64_t n_groups = sc_attr_i(s, "num_groups", 1), c = x->shape.dim[1];
    if (n_groups < 1 || c % n_groups != 0)
        return sc_bad_node(s,
                           "attribute 'num_groups' is %" PRId64
                           ", expected a divisor of the %" PRId64 " channels",
                           n_groups, c);
    struct simclr_shape grouped = {3, {x->shape.dim[0], n_groups, c / n_groups}};
    for (int32_t i = 2; i < x->shape.rank; i++)
        grouped.dim[2] *= x->shape.dim[i];
    const struct simclr_dims last = {1, {2}};
    struct sc_value *y = standardised(s, sc_make_reshape(s, x, &grouped), &last);
    if (by_group) return sc_make_reshape(s, scale_channels(s, y, n_groups), &x->shape);
    return scale_channels(s, sc_make_reshape(s, y, &x->shape), c);
}

struct sc_value *sc_import_group_norm_old(struct sc_scope *s)
{
    return group_norm(s, true);
}

struct sc_value *sc_import_group_norm(struct sc_scope *s)
{
    return group_norm(s, false);
}

// The axes of an attribute in ascending order.
static struct simclr_dims sorted_axes(struct sc_scope *s, const struct sc_ints *list,
                                      int32_t rank)
{
    bool is_taken[SIMCLR_MAX_RANK] = {false};
    struct simclr_dims axes = {0};
    for (int64_t i = 0; i < list->n && !s->failed; i++) {
        const int64_t axis = sc_axis(s, list->v[i], rank);
        if (!s->failed && is_taken[axis])
            (void)sc_bad_node(s, "axis %" PRId64 " is given twice, expected once", axis);
        is_taken[axis] = true;
    }
    for (int32_t i = 0; i < rank; i++) {
        if (is_taken[i]) axes.v[axes.n++] = i;
    }
    return axes;
}

// (x - mean) / (sqrt(var) + 1e-9). A variance of zero has no finite slope under the root:
// a floor far below the 1e-9 stands for it, and then no gradient flows there.
struct sc_value *sc_import_mean_variance_norm(struct sc_scope *s)
{
    static const int64_t usual[] = {0, 2, 3};
    struct sc_value *const x = sc_in(s, 0);
    struct sc_ints list;
    if (!x) return NULL;
    if (!sc_attr_ints(s, "axes", &list)) list = (struct sc_ints){usual, 3};
    const struct simclr_dims axes = sorted_axes(s, &list, x->shape.rank);
    const struct moments m = moments(s, x, &axes);
    struct sc_value *const floored =
        sc_make(s, SIMCLR_OP_max, NULL, m.variance, scalar(s, 1e-36));
    struct sc_value *const deviation = sc_make(s, SIMCLR_OP_sqrt, NULL, floored);
    return sc_make(s, SIMCLR_OP_div, NULL, m.centred,
                   sc_make(s, SIMCLR_OP_add, NULL, deviation, scalar(s, 1e-9)));
}
