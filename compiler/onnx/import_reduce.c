// SPDX-License-Identifier: Apache-2.0
//
// Reductions and running sums. Axes are an attribute in old opsets and an input in
// new ones (ReduceSum since 13, the others since 18); no axes mean all of them, unless
// noop_with_empty_axes says none: then what comes before and after the reduction is
// done without it. The reduction of no elements is what ONNX says since opset 18.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

#include <float.h>

static bool given_axes(struct sc_scope *s, struct sc_ints *out)
{
    if (s->row->max_in == 2) return sc_has_in(s, 1) && sc_in_ints(s, 1, "axes", out);
    return sc_attr_ints(s, "axes", out);
}

// Sorted, none negative. False if nothing is to be reduced.
static bool read_axes(struct sc_scope *s, int32_t rank, struct simclr_dims *axes)
{
    bool is_reduced[SIMCLR_MAX_RANK] = {false};
    struct sc_ints list = {0};
    const bool given = given_axes(s, &list) && list.n > 0;
    if (!given && s->row->max_in == 2 && sc_attr_i(s, "noop_with_empty_axes", 0)) return false;
    for (int64_t i = 0; i < list.n; i++) {
        const int64_t axis = sc_axis(s, list.v[i], rank);
        if (s->failed) return false;
        is_reduced[axis] = true;
    }
    *axes = (struct simclr_dims){0};
    for (int32_t i = 0; i < rank; i++) {
        if (!given || is_reduced[i]) axes->v[axes->n++] = i;
    }
    return true;
}

// x reduced by `op`; what precedes and follows the reduction is up to the caller.
static struct sc_value *reduce(struct sc_scope *s, enum simclr_op op, struct sc_value *x)
{
    struct simclr_dims axes;
    if (!x) return NULL;
    if (!read_axes(s, x->shape.rank, &axes)) return x;
    return sc_make_reduce(s, op, x, &axes, sc_attr_i(s, "keepdims", 1) != 0);
}

struct sc_value *sc_import_reduce_sum(struct sc_scope *s)
{
    return reduce(s, SIMCLR_OP_reduce_sum, sc_in(s, 0));
}

// Of integers, the sum over the number of elements without its fraction.
struct sc_value *sc_import_reduce_mean(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    struct simclr_dims axes;
    if (!x || simclr_dtype_is_float(x->dtype)) return reduce(s, SIMCLR_OP_reduce_mean, x);
    if (!read_axes(s, x->shape.rank, &axes)) return x;
    double n = 1;
    for (int64_t i = 0; i < axes.n; i++)
        n *= (double)x->shape.dim[axes.v[i]];
    struct sc_value *const sum = reduce(s, SIMCLR_OP_reduce_sum, x);
    return sc_make(s, SIMCLR_OP_div, NULL, sum, sc_make_scalar(s, n, x->dtype));
}

struct sc_value *sc_import_reduce_max(struct sc_scope *s)
{
    return reduce(s, SIMCLR_OP_reduce_max, sc_in(s, 0));
}

struct sc_value *sc_import_reduce_min(struct sc_scope *s)
{
    return reduce(s, SIMCLR_OP_reduce_min, sc_in(s, 0));
}

struct sc_value *sc_import_reduce_prod(struct sc_scope *s)
{
    return reduce(s, SIMCLR_OP_reduce_prod, sc_in(s, 0));
}

struct sc_value *sc_import_reduce_l1(struct sc_scope *s)
{
    return reduce(s, SIMCLR_OP_reduce_sum, sc_make(s, SIMCLR_OP_abs, NULL, sc_in(s, 0)));
}

struct sc_value *sc_import_reduce_sum_square(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    return reduce(s, SIMCLR_OP_reduce_sum, sc_make(s, SIMCLR_OP_mul, NULL, x, x));
}

// Roots and logarithms are of floats; what integers give becomes an integer again.
static struct sc_value *in_floats(struct sc_scope *s, enum simclr_op op, struct sc_value *x)
{
    if (!x) return NULL;
    struct sc_value *const y = sc_make(s, op, NULL, sc_make_cast(s, x, SIMCLR_f32));
    return sc_make_cast(s, y, x->dtype);
}

struct sc_value *sc_import_reduce_l2(struct sc_scope *s)
{
    return in_floats(s, SIMCLR_OP_sqrt, sc_import_reduce_sum_square(s));
}

struct sc_value *sc_import_reduce_log_sum(struct sc_scope *s)
{
    return in_floats(s, SIMCLR_OP_log, reduce(s, SIMCLR_OP_reduce_sum, sc_in(s, 0)));
}

// top + log sum exp(x - top), which does not overflow if top is the largest element,
// nor is it inf - inf if that is first brought to a finite number. The gradient with
// respect to top is zero.
struct sc_value *sc_import_reduce_log_sum_exp(struct sc_scope *s)
{
    struct sc_value *const given = sc_in(s, 0), *const x = sc_make_cast(s, given, SIMCLR_f32);
    struct simclr_dims axes;
    if (!x) return NULL;
    if (!read_axes(s, x->shape.rank, &axes)) return given;
    struct sc_value *top = sc_make_reduce(s, SIMCLR_OP_reduce_max, x, &axes, true);
    top = sc_make(s, SIMCLR_OP_min, NULL, top, sc_make_scalar(s, (double)FLT_MAX, SIMCLR_f32));
    top = sc_make(s, SIMCLR_OP_max, NULL, top, sc_make_scalar(s, -(double)FLT_MAX, SIMCLR_f32));
    struct sc_value *y = sc_make(s, SIMCLR_OP_sub, NULL, x, top);
    y = sc_make(s, SIMCLR_OP_exp, NULL, y);
    y = sc_make_reduce(s, SIMCLR_OP_reduce_sum, y, &axes, true);
    y = sc_make(s, SIMCLR_OP_add, NULL, sc_make(s, SIMCLR_OP_log, NULL, y), top);
    if (!sc_attr_i(s, "keepdims", 1)) y = sc_make_without_axes(s, y, &axes);
    return sc_make_cast(s, y, given->dtype);
}

struct sc_value *sc_import_cumsum(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_cumsum);
    attr.cumsum.axis = sc_axis(s, sc_in_int(s, 1, "axis"), x->shape.rank);
    attr.cumsum.exclusive = sc_attr_i(s, "exclusive", 0) != 0;
    attr.cumsum.reverse = sc_attr_i(s, "reverse", 0) != 0;
    return sc_make(s, SIMCLR_OP_cumsum, &attr, x);
}
