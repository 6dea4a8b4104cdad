// SPDX-License-Identifier: Apache-2.0
//
// Parts of tensors: Concat, Slice, Split, Gather.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

#include <inttypes.h>

struct sc_value *sc_import_concat(struct sc_scope *s)
{
    const struct sc_value *const first = sc_in(s, 0);
    if (!first) return NULL;
    if (!sc_has_attr(s, "axis")) return sc_bad_node(s, "attribute 'axis' is missing");
    const int n = sc_n_in(s);
    struct sc_value **const in = SC_NEW_ARRAY(s->m->arena, struct sc_value *, (size_t)n);
    for (int i = 0; i < n; i++)
        in[i] = sc_in(s, i);
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_concat);
    attr.axis.axis = sc_axis(s, sc_attr_i(s, "axis", 0), first->shape.rank);
    return sc_make_node(s, SIMCLR_OP_concat, &attr, in, n);
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

// One axis of a Slice: from `start` to before `end` (numpy's rule for what is
// outside), as first element, number of elements, step.
static void slice_axis(union simclr_attr *attr, int64_t axis, int64_t extent, int64_t start,
                       int64_t end, int64_t step)
{
    if (step < -INT64_MAX) step = -INT64_MAX; // no axis is that long
    if (start < 0) start = start < -extent ? -1 : start + extent;
    if (end < 0) end = end < -extent ? -1 : end + extent;
    int64_t size = 0;
    if (step > 0) {
        start = clamp(start, 0, extent);
        end = clamp(end, 0, extent);
        if (end > start) size = (end - start - 1) / step + 1;
    } else {
        start = clamp(start, -1, extent - 1);
        end = clamp(end, -1, extent - 1);
        if (start > end) size = (start - end - 1) / -step + 1;
    }
    attr->slice.starts.v[axis] = size > 0 ? start : 0;
    attr->slice.sizes.v[axis] = size;
    attr->slice.steps.v[axis] = size > 1 ? step : 1;
}

static union simclr_attr whole_slice(const struct simclr_shape *shape)
{
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_slice);
    attr.slice.starts.n = attr.slice.sizes.n = attr.slice.steps.n = shape->rank;
    for (int32_t i = 0; i < shape->rank; i++) {
        attr.slice.sizes.v[i] = shape->dim[i];
        attr.slice.steps.v[i] = 1;
    }
    return attr;
}

static struct sc_value *slice(struct sc_scope *s, const struct sc_ints *starts,
                              const struct sc_ints *ends, const struct sc_ints *axes,
                              const struct sc_ints *steps)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x || s->failed) return NULL;
    if (starts->n != ends->n || (axes->v && axes->n != starts->n) ||
        (steps->v && steps->n != starts->n) || starts->n > x->shape.rank)
        return sc_bad_node(s,
                           "it has %" PRId64 " starts, %" PRId64 " ends and %" PRId64
                           " axes, expected as many of each, at most %d",
                           starts->n, ends->n, axes->v ? axes->n : starts->n,
                           (int)x->shape.rank);
    union simclr_attr attr = whole_slice(&x->shape);
    bool is_sliced[SIMCLR_MAX_RANK] = {false};
    for (int64_t i = 0; i < starts->n; i++) {
        const int64_t axis = sc_axis(s, axes->v ? axes->v[i] : i, x->shape.rank);
        const int64_t step = steps->v ? steps->v[i] : 1;
        if (s->failed) return NULL;
        if (step == 0)
            return sc_bad_node(s, "the step along axis %" PRId64 " is 0, expected another",
                               axis);
        if (is_sliced[axis])
            return sc_bad_node(s, "axis %" PRId64 " is given twice, expected once", axis);
        is_sliced[axis] = true;
        slice_axis(&attr, axis, x->shape.dim[axis], starts->v[i], ends->v[i], step);
    }
    return sc_make(s, SIMCLR_OP_slice, &attr, x);
}

struct sc_value *sc_import_slice_old(struct sc_scope *s)
{
    struct sc_ints starts, ends, axes, steps = {0};
    if (!sc_attr_ints(s, "starts", &starts) || !sc_attr_ints(s, "ends", &ends))
        return sc_bad_node(s, "attribute 'starts' or 'ends' is missing");
    (void)sc_attr_ints(s, "axes", &axes);
    return slice(s, &starts, &ends, &axes, &steps);
}

struct sc_value *sc_import_slice(struct sc_scope *s)
{
    struct sc_ints starts, ends, axes = {0}, steps = {0};
    (void)sc_in_ints(s, 1, "starts", &starts);
    (void)sc_in_ints(s, 2, "ends", &ends);
    if (sc_has_in(s, 3)) (void)sc_in_ints(s, 3, "axes", &axes);
    if (sc_has_in(s, 4)) (void)sc_in_ints(s, 4, "steps", &steps);
    return slice(s, &starts, &ends, &axes, &steps);
}

// Pieces of the lengths given (NULL: as equal as can be) along the axis.
static struct sc_value *split(struct sc_scope *s, const struct sc_ints *lengths)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x || s->failed) return NULL;
    const int64_t n = (int64_t)s->node->n_output;
    const int64_t axis = sc_axis(s, sc_attr_i(s, "axis", 0), x->shape.rank);
    if (s->failed) return NULL;
    const int64_t extent = x->shape.dim[axis], even = (extent + n - 1) / n;
    if (lengths && lengths->n != n)
        return sc_bad_node(s, "it has %" PRId64 " lengths, expected %" PRId64, lengths->n, n);
    if (!lengths && extent % n != 0 && s->opset < 18)
        return sc_bad_node(
            s, "%" PRId64 " elements along axis %" PRId64 " do not split evenly into %" PRId64,
            extent, axis, n);
    int64_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t left = extent - at;
        const int64_t size = lengths ? lengths->v[i] : even < left ? even : left;
        if (size < 0 || size > left || (i + 1 == n && size < left))
            return sc_bad_node(
                s, "the lengths do not add up to the %" PRId64 " elements along axis %" PRId64,
                extent, axis);
        union simclr_attr attr = whole_slice(&x->shape);
        attr.slice.starts.v[axis] = size > 0 ? at : 0;
        attr.slice.sizes.v[axis] = size;
        s->out[i] = sc_make(s, SIMCLR_OP_slice, &attr, x);
        at += size;
    }
    return s->out[0];
}

struct sc_value *sc_import_split_old(struct sc_scope *s)
{
    struct sc_ints lengths;
    return split(s, sc_attr_ints(s, "split", &lengths) ? &lengths : NULL);
}

struct sc_value *sc_import_split(struct sc_scope *s)
{
    struct sc_ints lengths;
    const int64_t n = (int64_t)s->node->n_output;
    const int64_t given = s->opset >= 18 ? sc_attr_i(s, "num_outputs", n) : n;
    if (given != n)
        return sc_bad_node(
            s, "attribute 'num_outputs' is %" PRId64 ", but it has %" PRId64 " outputs", given,
            n);
    if (!sc_has_in(s, 1)) return split(s, NULL);
    return sc_in_ints(s, 1, "split", &lengths) ? split(s, &lengths) : NULL;
}

static struct sc_value *gather(struct sc_scope *s, enum simclr_op op)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    const int64_t axis = sc_axis(s, sc_attr_i(s, "axis", 0), x->shape.rank);
    return sc_make_gather(s, op, x, sc_in_indices(s, 1, "indices"), axis);
}

struct sc_value *sc_import_gather(struct sc_scope *s)
{
    return gather(s, SIMCLR_OP_gather);
}

struct sc_value *sc_import_gather_elements(struct sc_scope *s)
{
    return gather(s, SIMCLR_OP_gather_elements);
}
