// SPDX-License-Identifier: Apache-2.0
//
// Reductions. Axes are an attribute in old opsets and an input in new ones
// (ReduceSum since 13, the others since 18); no axes mean all of them, unless
// noop_with_empty_axes says none.
#include "compiler/onnx/importer.h"

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

// before(x) is reduced by `op`; what follows the reduction is up to the caller.
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

struct sc_value *sc_import_reduce_mean(struct sc_scope *s)
{
    return reduce(s, SIMCLR_OP_reduce_mean, sc_in(s, 0));
}

struct sc_value *sc_import_reduce_max(struct sc_scope *s)
{
    return reduce(s, SIMCLR_OP_reduce_max, sc_in(s, 0));
}

struct sc_value *sc_import_reduce_min(struct sc_scope *s)
{
    struct sc_value *const negative = sc_make(s, SIMCLR_OP_neg, NULL, sc_in(s, 0));
    return sc_make(s, SIMCLR_OP_neg, NULL, reduce(s, SIMCLR_OP_reduce_max, negative));
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

struct sc_value *sc_import_reduce_l2(struct sc_scope *s)
{
    return sc_make(s, SIMCLR_OP_sqrt, NULL, sc_import_reduce_sum_square(s));
}

// max + log sum exp(x - max), which does not overflow. The maximum is subtracted
// along the reduced axes and added to the result, whose gradient with respect to
// it is zero.
struct sc_value *sc_import_reduce_log_sum_exp(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    struct simclr_dims axes;
    if (!x) return NULL;
    if (!read_axes(s, x->shape.rank, &axes)) return x;
    struct sc_value *const top = sc_make_reduce(s, SIMCLR_OP_reduce_max, x, &axes, true);
    struct sc_value *y = sc_make(s, SIMCLR_OP_sub, NULL, x, top);
    y = sc_make(s, SIMCLR_OP_exp, NULL, y);
    y = sc_make_reduce(s, SIMCLR_OP_reduce_sum, y, &axes, true);
    y = sc_make(s, SIMCLR_OP_add, NULL, sc_make(s, SIMCLR_OP_log, NULL, y), top);
    if (!y || sc_attr_i(s, "keepdims", 1)) return y;
    struct simclr_shape shape = {0};
    int64_t next = 0;
    for (int32_t i = 0; i < x->shape.rank; i++) {
        if (next < axes.n && axes.v[next] == i)
            next++;
        else
            shape.dim[shape.rank++] = x->shape.dim[i];
    }
    return sc_make_reshape(s, y, &shape);
}
