// SPDX-License-Identifier: Apache-2.0
//
// Pieces of which importers compose operators that we have no operation for.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

#include <inttypes.h>

bool sc_fits_rank(struct sc_scope *s, int64_t rank)
{
    if (rank <= SIMCLR_MAX_RANK) return true;
    (void)sc_bad_node(s, "result has rank %" PRId64 ", at most %d is supported", rank,
                      SIMCLR_MAX_RANK);
    return false;
}

struct sc_value *sc_make_counting(struct sc_scope *s, int64_t first, int64_t n, int32_t rank,
                                  int64_t axis)
{
    enum { MAX_COUNT = 1 << 22 };
    if (n > MAX_COUNT)
        return sc_bad_node(s, "it has %" PRId64 " elements along an axis, expected at most %d",
                           n, MAX_COUNT);
    int64_t *const v = SC_NEW_ARRAY(s->m->arena, int64_t, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        v[i] = first + i;
    struct simclr_shape shape = {.rank = rank};
    for (int32_t i = 0; i < rank; i++)
        shape.dim[i] = i == axis ? n : 1;
    return sc_graph_constant(s->b.graph, SIMCLR_i64, &shape, n > 0 ? v : NULL, NULL);
}

struct sc_value *sc_make_transpose(struct sc_scope *s, struct sc_value *x,
                                   const struct simclr_dims *perm)
{
    bool is_identity = true;
    for (int64_t i = 0; i < perm->n; i++)
        is_identity = is_identity && perm->v[i] == i;
    if (!x || is_identity) return x;
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_transpose);
    attr.transpose.perm = *perm;
    return sc_make(s, SIMCLR_OP_transpose, &attr, x);
}

struct sc_value *sc_make_part(struct sc_scope *s, struct sc_value *x, int64_t axis,
                              int64_t first, int64_t n, int64_t step)
{
    if (!x) return NULL;
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_slice);
    attr.slice.starts.n = attr.slice.sizes.n = attr.slice.steps.n = x->shape.rank;
    for (int32_t i = 0; i < x->shape.rank; i++) {
        attr.slice.starts.v[i] = i == axis ? first : 0;
        attr.slice.sizes.v[i] = i == axis ? n : x->shape.dim[i];
        attr.slice.steps.v[i] = i == axis ? step : 1;
    }
    return sc_make(s, SIMCLR_OP_slice, &attr, x);
}

struct sc_value *sc_make_gather(struct sc_scope *s, enum simclr_op op, struct sc_value *x,
                                struct sc_value *indices, int64_t axis)
{
    union simclr_attr attr = sc_attr_default(op);
    attr.axis.axis = axis;
    return sc_make(s, op, &attr, x, indices);
}

struct sc_value *sc_in_indices(struct sc_scope *s, int i, const char *what)
{
    struct sc_value *const v = sc_in(s, i);
    if (!v || v->dtype == SIMCLR_i64 || v->dtype == SIMCLR_i32)
        return sc_make_cast(s, v, SIMCLR_i64);
    struct sc_str type = {0};
    sc_str_append_type(&type, v->dtype, &v->shape);
    (void)sc_bad_node(s, "'%s' is %s, expected i64 or i32", what, sc_str_text(&type));
    sc_str_free(&type);
    return NULL;
}

struct sc_value *sc_make_without_axes(struct sc_scope *s, struct sc_value *y,
                                      const struct simclr_dims *axes)
{
    struct simclr_shape shape = {0};
    int64_t next = 0;
    if (!y) return NULL;
    for (int32_t i = 0; i < y->shape.rank; i++) {
        if (next < axes->n && axes->v[next] == i)
            next++;
        else
            shape.dim[shape.rank++] = y->shape.dim[i];
    }
    return sc_make_reshape(s, y, &shape);
}

struct sc_value *sc_in_matrix(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    const int64_t axis = sc_axis(s, sc_attr_i(s, "axis", 1), x->shape.rank);
    struct simclr_shape matrix = {2, {1, 1}};
    for (int32_t i = 0; i < x->shape.rank; i++)
        matrix.dim[i >= axis] *= x->shape.dim[i];
    return s->failed ? NULL : sc_make_reshape(s, x, &matrix);
}
