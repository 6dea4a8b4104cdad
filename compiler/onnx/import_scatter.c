// SPDX-License-Identifier: Apache-2.0
//
// GatherND, ScatterND, ScatterElements (and Scatter, its older name): tuples of
// indices. They become positions in the tensor seen as a list of rows, of which our
// gather and scatter take one each. A tuple with an index outside its axis becomes the
// position behind the last, which is outside for them too; it must not reach another
// row. Where the indices are known they are looked at here, and an index outside is a
// mistake.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"
#include "compiler/ir/eval.h"

#include <inttypes.h>
#include <string.h>

// Axes first .. first + n - 1 of a shape, each of which an index of a tuple counts on.
struct indexed {
    const struct simclr_shape *shape;
    int32_t first, n;
};

static int64_t product(const struct simclr_shape *shape, int32_t begin, int32_t end)
{
    int64_t p = 1;
    for (int32_t i = begin; i < end; i++)
        p *= shape->dim[i];
    return p;
}

// The place an index names on an axis; reports one that is outside.
static int64_t place_of(struct sc_scope *s, int64_t index, int64_t axis, int64_t extent)
{
    if (index >= -extent && index < extent) return index < 0 ? index + extent : index;
    (void)sc_bad_node(
        s, "index %" PRId64 " is outside axis %" PRId64 ", which has %" PRId64 " elements",
        index, axis, extent);
    return 0;
}

static struct sc_value *whole(struct sc_scope *s, int64_t value)
{
    return sc_make_scalar(s, (double)value, SIMCLR_i64);
}

// An index of run time as a place; *is_outside tells those that are none.
static struct sc_value *place_at_run_time(struct sc_scope *s, struct sc_value *index,
                                          int64_t extent, struct sc_value **is_outside)
{
    struct sc_value *const zero = whole(s, 0);
    struct sc_value *const from_end = sc_make(s, SIMCLR_OP_add, NULL, index, whole(s, extent));
    struct sc_value *const at =
        sc_make(s, SIMCLR_OP_where, NULL, sc_make(s, SIMCLR_OP_less, NULL, index, zero),
                from_end, index);
    struct sc_value *const is_before = sc_make(s, SIMCLR_OP_less, NULL, at, zero);
    struct sc_value *const is_behind =
        sc_make(s, SIMCLR_OP_less, NULL, whole(s, extent - 1), at);
    *is_outside = sc_make(s, SIMCLR_OP_or, NULL, is_before, is_behind);
    return at;
}

// Tuples [batch, count, n] known at compile time.
static struct sc_value *known_positions(struct sc_scope *s, int input,
                                        const struct indexed *axes, int64_t batch,
                                        int64_t count)
{
    struct sc_tensor *const t = sc_in_constant(s, input, "indices");
    if (!t) return NULL;
    int64_t *const v = SC_NEW_ARRAY(s->m->arena, int64_t, (size_t)(batch * count));
    for (int64_t i = 0; i < batch * count; i++) {
        v[i] = i / count;
        for (int32_t k = 0; k < axes->n; k++) {
            const int64_t extent = axes->shape->dim[axes->first + k];
            v[i] = v[i] * extent + place_of(s, t->i[i * axes->n + k], axes->first + k, extent);
        }
    }
    sc_tensor_free(t);
    return s->failed ? NULL : sc_ints(&s->b, v, batch * count);
}

// The same of tuples that are computed.
static struct sc_value *computed_positions(struct sc_scope *s, struct sc_value *indices,
                                           const struct indexed *axes, int64_t batch,
                                           int64_t count)
{
    const struct simclr_shape tuples = {3, {batch, count, axes->n}};
    const struct simclr_shape one = {2, {batch, count}}, flat = {1, {batch * count}};
    struct sc_value *at = sc_make_counting(s, 0, batch, 2, 0), *is_outside = NULL;
    indices = sc_make_reshape(s, indices, &tuples);
    int64_t n_positions = batch;
    for (int32_t k = 0; k < axes->n; k++) {
        const int64_t extent = axes->shape->dim[axes->first + k];
        struct sc_value *bad;
        struct sc_value *const index =
            sc_make_reshape(s, sc_make_part(s, indices, 2, k, 1, 1), &one);
        struct sc_value *const place = place_at_run_time(s, index, extent, &bad);
        at = sc_make(s, SIMCLR_OP_mul, NULL, at, whole(s, extent));
        at = sc_make(s, SIMCLR_OP_add, NULL, at, place);
        is_outside = is_outside ? sc_make(s, SIMCLR_OP_or, NULL, is_outside, bad) : bad;
        n_positions *= extent;
    }
    at = sc_make(s, SIMCLR_OP_where, NULL, is_outside, whole(s, n_positions), at);
    return sc_make_reshape(s, at, &flat);
}

// Tuples of indices (input 1) of a tensor x with `n_batch` leading axes in common, as
// positions in x seen as `rows`, whose first axis joins the batch and indexed axes.
static struct sc_value *positions(struct sc_scope *s, const struct sc_value *x, int32_t n_batch,
                                  struct simclr_shape *rows)
{
    struct sc_value *const indices = sc_in_indices(s, 1, "indices");
    if (!indices) return NULL;
    const struct simclr_shape *const shape = &indices->shape;
    const int32_t last = shape->rank - 1;
    if (last < n_batch || shape->dim[last] < 1 || shape->dim[last] > x->shape.rank - n_batch)
        return sc_bad_node(s, "tuples of %" PRId64 " indices are given, expected 1 to %d",
                           last < n_batch ? 0 : shape->dim[last],
                           (int)(x->shape.rank - n_batch));
    const struct indexed axes = {&x->shape, n_batch, (int32_t)shape->dim[last]};
    const int32_t end = n_batch + axes.n;
    *rows = (struct simclr_shape){
        2, {product(&x->shape, 0, end), product(&x->shape, end, x->shape.rank)}};
    const int64_t batch = product(shape, 0, n_batch), count = product(shape, n_batch, last);
    return sc_in(s, 1)->kind == SC_VALUE_constant
               ? known_positions(s, 1, &axes, batch, count)
               : computed_positions(s, indices, &axes, batch, count);
}

// The indices' axes but the tuple's, then the axes of x that are not indexed.
static struct simclr_shape tuples_shape(const struct simclr_shape *x,
                                        const struct simclr_shape *indices, int32_t n_batch)
{
    struct simclr_shape y = {0};
    for (int32_t i = 0; i < indices->rank - 1; i++)
        y.dim[y.rank++] = indices->dim[i];
    const int64_t first = n_batch + indices->dim[indices->rank - 1];
    for (int32_t i = (int32_t)first; i < x->rank && y.rank < SIMCLR_MAX_RANK; i++)
        y.dim[y.rank++] = x->dim[i];
    return y;
}

struct sc_value *sc_import_gather_nd(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0), *const indices = sc_in(s, 1);
    struct simclr_shape rows;
    if (!x || !indices) return NULL;
    const int64_t n_batch = s->opset >= 12 ? sc_attr_i(s, "batch_dims", 0) : 0;
    const int32_t least =
        x->shape.rank < indices->shape.rank ? x->shape.rank : indices->shape.rank;
    if (n_batch < 0 || n_batch >= least)
        return sc_bad_node(s, "attribute 'batch_dims' is %" PRId64 ", expected 0 to %d",
                           n_batch, (int)least - 1);
    for (int32_t i = 0; i < n_batch; i++) {
        if (x->shape.dim[i] != indices->shape.dim[i])
            return sc_bad_node(s,
                               "batch axis %d has %" PRId64 " elements in 'data' and %" PRId64
                               " in 'indices', expected as many",
                               (int)i, x->shape.dim[i], indices->shape.dim[i]);
    }
    struct sc_value *const at = positions(s, x, (int32_t)n_batch, &rows);
    if (!at) return NULL;
    const int64_t n_indexed = indices->shape.dim[indices->shape.rank - 1];
    const int64_t rank = indices->shape.rank - 1 + x->shape.rank - n_batch - n_indexed;
    if (!sc_fits_rank(s, rank)) return NULL;
    const struct simclr_shape y = tuples_shape(&x->shape, &indices->shape, (int32_t)n_batch);
    return sc_make_reshape(
        s, sc_make_gather(s, SIMCLR_OP_gather, sc_make_reshape(s, x, &rows), at, 0), &y);
}

static int64_t read_reduction(struct sc_scope *s)
{
    static const char *const names[SIMCLR_N_SCATTERS] = {
        [SIMCLR_SCATTER_set] = "none", [SIMCLR_SCATTER_add] = "add",
        [SIMCLR_SCATTER_mul] = "mul",  [SIMCLR_SCATTER_max] = "max",
        [SIMCLR_SCATTER_min] = "min",
    };
    if (s->opset < 16) return SIMCLR_SCATTER_set;
    const char *const name = sc_attr_s(s, "reduction", "none");
    for (int64_t i = 0; i < SIMCLR_N_SCATTERS; i++) {
        if (!strcmp(name, names[i])) return i;
    }
    (void)sc_bad_node(
        s, "attribute 'reduction' is '%s', expected 'none', 'add', 'mul', 'max' or 'min'",
        name);
    return SIMCLR_SCATTER_set;
}

// Rows of x at the positions get, or are combined with, those of the updates.
static struct sc_value *scatter(struct sc_scope *s, struct sc_value *x,
                                const struct simclr_shape *rows, struct sc_value *at,
                                struct sc_value *updates)
{
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_scatter);
    attr.scatter.reduction = read_reduction(s);
    if (!at || !x || !updates || s->failed) return NULL;
    struct simclr_shape wide = *rows;
    wide.dim[0] = simclr_shape_count(&at->shape);
    struct sc_value *const u = sc_make_reshape(s, updates, &wide);
    struct sc_value *const y =
        sc_make(s, SIMCLR_OP_scatter, &attr, sc_make_reshape(s, x, rows), at, u);
    return sc_make_reshape(s, y, &x->shape);
}

static bool check_updates(struct sc_scope *s, const struct sc_value *updates,
                          simclr_dtype dtype, const struct simclr_shape *shape)
{
    if (updates->dtype == dtype && simclr_shape_equal(&updates->shape, shape)) return true;
    struct sc_str found = {0}, expected = {0};
    sc_str_append_type(&found, updates->dtype, &updates->shape);
    sc_str_append_type(&expected, dtype, shape);
    (void)sc_bad_node(s, "'updates' is %s, expected %s", sc_str_text(&found),
                      sc_str_text(&expected));
    sc_str_free(&found);
    sc_str_free(&expected);
    return false;
}

struct sc_value *sc_import_scatter_nd(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0), *const indices = sc_in(s, 1);
    struct sc_value *const updates = sc_in(s, 2);
    struct simclr_shape rows;
    if (!x || !indices || !updates) return NULL;
    struct sc_value *const at = positions(s, x, 0, &rows);
    if (!at) return NULL;
    const struct simclr_shape expected = tuples_shape(&x->shape, &indices->shape, 0);
    if (!check_updates(s, updates, x->dtype, &expected)) return NULL;
    return scatter(s, x, &rows, at, updates);
}

// ScatterElements: the position of an element of the indices is its own in x, but for
// the coordinate along the axis, which is the index.

static struct sc_value *known_elements(struct sc_scope *s, const struct simclr_shape *x,
                                       int64_t axis)
{
    struct sc_tensor *const t = sc_in_constant(s, 1, "indices");
    if (!t) return NULL;
    int64_t *const v = SC_NEW_ARRAY(s->m->arena, int64_t, (size_t)t->count);
    for (int64_t i = 0; i < t->count; i++) {
        int64_t rest = i, stride = 1;
        for (int32_t k = x->rank - 1; k >= 0; k--) {
            const int64_t own = rest % t->shape.dim[k];
            v[i] += stride * (k == axis ? place_of(s, t->i[i], axis, x->dim[k]) : own);
            rest /= t->shape.dim[k];
            stride *= x->dim[k];
        }
    }
    const int64_t n = t->count;
    sc_tensor_free(t);
    return s->failed ? NULL : sc_ints(&s->b, v, n);
}

static struct sc_value *computed_elements(struct sc_scope *s, const struct simclr_shape *x,
                                          struct sc_value *indices, int64_t axis)
{
    struct sc_value *is_outside;
    struct sc_value *at = place_at_run_time(s, indices, x->dim[axis], &is_outside);
    int64_t stride = 1;
    at = sc_make(s, SIMCLR_OP_mul, NULL, at, whole(s, product(x, (int32_t)axis + 1, x->rank)));
    for (int32_t k = x->rank - 1; k >= 0; k--) {
        struct sc_value *own = sc_make_counting(s, 0, indices->shape.dim[k], x->rank, k);
        own = sc_make(s, SIMCLR_OP_mul, NULL, own, whole(s, stride));
        if (k != axis) at = sc_make(s, SIMCLR_OP_add, NULL, at, own);
        stride *= x->dim[k];
    }
    at = sc_make(s, SIMCLR_OP_where, NULL, is_outside, whole(s, stride), at);
    const struct simclr_shape flat = {1, {simclr_shape_count(&indices->shape)}};
    return sc_make_reshape(s, at, &flat);
}

struct sc_value *sc_import_scatter_elements(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0), *const indices = sc_in_indices(s, 1, "indices");
    struct sc_value *const updates = sc_in(s, 2);
    if (!x || !indices || !updates) return NULL;
    const int64_t axis = sc_axis(s, sc_attr_i(s, "axis", 0), x->shape.rank);
    if (s->failed) return NULL;
    if (indices->shape.rank != x->shape.rank)
        return sc_bad_node(s, "'indices' has rank %d, expected %d, that of 'data'",
                           (int)indices->shape.rank, (int)x->shape.rank);
    for (int32_t i = 0; i < x->shape.rank; i++) {
        if (i != axis && indices->shape.dim[i] > x->shape.dim[i])
            return sc_bad_node(s,
                               "'indices' has %" PRId64
                               " elements along axis %d, expected at most %" PRId64,
                               indices->shape.dim[i], (int)i, x->shape.dim[i]);
    }
    if (!check_updates(s, updates, x->dtype, &indices->shape)) return NULL;
    const struct simclr_shape rows = {1, {simclr_shape_count(&x->shape)}};
    struct sc_value *const at = sc_in(s, 1)->kind == SC_VALUE_constant
                                    ? known_elements(s, &x->shape, axis)
                                    : computed_elements(s, &x->shape, indices, axis);
    return scatter(s, x, &rows, at, updates);
}
