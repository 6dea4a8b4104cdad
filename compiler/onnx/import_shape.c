// SPDX-License-Identifier: Apache-2.0
//
// The same elements under another shape. All extents are known here, so Shape and
// Size are constants.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"
#include "runtime/base/checked.h"

#include <inttypes.h>

// A weight passes as what it is, to be looked at where it is used.
struct sc_value *sc_import_identity(struct sc_scope *s)
{
    const struct sc_bound *const in = sc_scope_find(s, sc_in_name(s, 0));
    if (in->weight && sc_weight_is_param(s, in->weight)) return NULL;
    return sc_in(s, 0);
}

struct sc_value *sc_import_flatten(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    const int64_t given = sc_attr_i(s, "axis", 1);
    const int64_t axis = given == x->shape.rank ? given : sc_axis(s, given, x->shape.rank);
    struct simclr_shape shape = {2, {1, 1}};
    for (int32_t i = 0; i < x->shape.rank; i++)
        shape.dim[i >= axis] *= x->shape.dim[i];
    return sc_make_reshape(s, x, &shape);
}

// 0 copies an extent (unless allowzero), one -1 takes what is left.
struct sc_value *sc_import_reshape(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    struct sc_ints list;
    if (!x || !sc_in_ints(s, 1, "shape", &list) || !sc_fits_rank(s, list.n)) return NULL;
    const bool copies = !(s->opset >= 14 && sc_attr_i(s, "allowzero", 0));
    const int64_t count = simclr_shape_count(&x->shape);
    struct simclr_shape shape = {.rank = (int32_t)list.n};
    int64_t known = 1, rest = -1;
    for (int32_t i = 0; i < shape.rank; i++) {
        const bool is_copy = list.v[i] == 0 && copies;
        if (is_copy && i >= x->shape.rank)
            return sc_bad_node(s, "extent %d of the shape is 0, but the input has rank %d",
                               i + 1, (int)x->shape.rank);
        if (list.v[i] < -1 || (list.v[i] == -1 && rest >= 0))
            return sc_bad_node(s, "extent %d of the shape is %" PRId64 ", expected %s", i + 1,
                               list.v[i], rest >= 0 ? "one -1 at most" : "-1 or more");
        shape.dim[i] = is_copy ? x->shape.dim[i] : list.v[i];
        if (shape.dim[i] == -1)
            rest = i;
        else if (!sc_checked_mul_i64(known, shape.dim[i], &known))
            known = 0;
    }
    if (rest >= 0 && known == 0 && count == 0)
        return sc_bad_node(s, "extent %d of the shape is -1, but the others hold no elements",
                           (int)rest + 1);
    if (rest >= 0) shape.dim[rest] = known > 0 && count % known == 0 ? count / known : 1;
    return sc_make_reshape(s, x, &shape);
}

// The axes as an attribute before opset 13, as input 1 since.
static bool read_axes(struct sc_scope *s, struct sc_ints *axes)
{
    if (s->opset < 13) return sc_attr_ints(s, "axes", axes);
    return sc_has_in(s, 1) && sc_in_ints(s, 1, "axes", axes);
}

struct sc_value *sc_import_squeeze(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    struct sc_ints list;
    if (!x) return NULL;
    bool is_dropped[SIMCLR_MAX_RANK] = {false};
    if (read_axes(s, &list)) {
        for (int64_t i = 0; i < list.n; i++) {
            const int64_t axis = sc_axis(s, list.v[i], x->shape.rank);
            if (s->failed) return NULL;
            if (x->shape.dim[axis] != 1)
                return sc_bad_node(s, "axis %" PRId64 " has %" PRId64 " elements, expected 1",
                                   axis, x->shape.dim[axis]);
            is_dropped[axis] = true;
        }
    } else {
        for (int32_t i = 0; i < x->shape.rank; i++)
            is_dropped[i] = x->shape.dim[i] == 1;
    }
    struct simclr_shape shape = {0};
    for (int32_t i = 0; i < x->shape.rank; i++) {
        if (!is_dropped[i]) shape.dim[shape.rank++] = x->shape.dim[i];
    }
    return sc_make_reshape(s, x, &shape);
}

struct sc_value *sc_import_unsqueeze(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    struct sc_ints list;
    if (!x) return NULL;
    if (!read_axes(s, &list)) return sc_bad_node(s, "attribute 'axes' is missing");
    if (!sc_fits_rank(s, x->shape.rank + list.n)) return NULL;
    struct simclr_shape shape = {.rank = x->shape.rank + (int32_t)list.n};
    for (int64_t i = 0; i < list.n; i++) {
        const int64_t axis = sc_axis(s, list.v[i], shape.rank);
        if (s->failed) return NULL;
        if (shape.dim[axis] == 1)
            return sc_bad_node(s, "axis %" PRId64 " is given twice, expected once", axis);
        shape.dim[axis] = 1;
    }
    int32_t next = 0;
    for (int32_t i = 0; i < shape.rank; i++) {
        if (shape.dim[i] == 0) shape.dim[i] = x->shape.dim[next++];
    }
    return sc_make_reshape(s, x, &shape);
}

struct sc_value *sc_import_transpose(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    struct sc_ints list;
    if (!x) return NULL;
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_transpose);
    attr.transpose.perm.n = x->shape.rank;
    if (sc_attr_ints(s, "perm", &list) && list.n != x->shape.rank)
        return sc_bad_node(s, "attribute 'perm' has %" PRId64 " values, expected %d", list.n,
                           (int)x->shape.rank);
    for (int32_t i = 0; i < x->shape.rank; i++)
        attr.transpose.perm.v[i] = list.v ? list.v[i] : x->shape.rank - 1 - i;
    return sc_make(s, SIMCLR_OP_transpose, &attr, x);
}

static bool read_shape(struct sc_scope *s, int i, const char *what, struct simclr_shape *out)
{
    struct sc_ints list;
    if (!sc_in_ints(s, i, what, &list) || !sc_fits_rank(s, list.n)) return false;
    *out = (struct simclr_shape){.rank = (int32_t)list.n};
    for (int64_t k = 0; k < list.n; k++)
        out->dim[k] = list.v[k];
    return true;
}

// Both shapes broadcast: an extent 1 in the list keeps that of x.
struct sc_value *sc_import_expand(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    struct simclr_shape wanted, shape;
    if (!x || !read_shape(s, 1, "shape", &wanted)) return NULL;
    if (!sc_broadcast(&x->shape, &wanted, &shape)) {
        struct sc_str found = {0}, expected = {0};
        sc_str_append_shape(&found, &x->shape);
        sc_str_append_shape(&expected, &wanted);
        (void)sc_bad_node(s, "input of shape %s does not broadcast to %s", sc_str_text(&found),
                          sc_str_text(&expected));
        sc_str_free(&found);
        sc_str_free(&expected);
        return NULL;
    }
    return sc_make_expand(s, x, &shape);
}

// [a, b] tiled k times along b is [a, 1, b] expanded to [a, k, b], seen as [a, k b].
struct sc_value *sc_import_tile(struct sc_scope *s)
{
    struct sc_value *x = sc_in(s, 0);
    struct sc_ints list;
    if (!x || !sc_in_ints(s, 1, "repeats", &list)) return NULL;
    if (list.n != x->shape.rank)
        return sc_bad_node(s, "'repeats' has %" PRId64 " values, expected %d", list.n,
                           (int)x->shape.rank);
    for (int32_t axis = 0; axis < (int32_t)list.n && x; axis++) {
        const int64_t k = list.v[axis];
        if (k == 1) continue;
        if (k < 0)
            return sc_bad_node(s, "'repeats' has the value %" PRId64 ", expected 0 or more", k);
        struct simclr_shape view = {3, {1, 1, 1}}, tiled = x->shape;
        for (int32_t i = 0; i < x->shape.rank; i++)
            view.dim[i < axis ? 0 : 2] *= x->shape.dim[i];
        struct simclr_shape wide = view;
        wide.dim[1] = k;
        if (!sc_checked_mul_i64(tiled.dim[axis], k, &tiled.dim[axis]))
            return sc_bad_node(s, "'repeats' has the value %" PRId64 ", expected a smaller one",
                               k);
        x = sc_make_expand(s, sc_make_reshape(s, x, &view), &wide);
        x = sc_make_reshape(s, x, &tiled);
    }
    return x;
}

// The extents from `start` to `end` (attributes since opset 15).
struct sc_value *sc_import_shape(struct sc_scope *s)
{
    const struct sc_bound *const in = sc_scope_find(s, sc_in_name(s, 0));
    const struct sc_value *const x = sc_in(s, 0);
    if (!x || !in) return NULL;
    const int64_t rank = x->shape.rank;
    int64_t start = s->opset >= 15 ? sc_attr_i(s, "start", 0) : 0;
    int64_t end = s->opset >= 15 ? sc_attr_i(s, "end", rank) : rank;
    start = start < 0 ? start + rank : start;
    end = end < 0 ? end + rank : end;
    start = start < 0 ? 0 : start;
    end = end > rank ? rank : end;
    return sc_ints(&s->b, x->shape.dim + (start < end ? start : 0),
                   start < end ? end - start : 0);
}

struct sc_value *sc_import_size(struct sc_scope *s)
{
    const struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    int64_t *const count = SC_NEW(s->m->arena, int64_t);
    *count = simclr_shape_count(&x->shape);
    const struct simclr_shape shape = sc_shape_scalar();
    return sc_graph_constant(s->b.graph, SIMCLR_i64, &shape, count, NULL);
}
