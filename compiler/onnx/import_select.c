// SPDX-License-Identifier: Apache-2.0
//
// Choosing elements by what they are: ArgMax, TopK, Hardmax; and by conditions that
// must be known at compile time, because extents depend on them: NonZero, Compress.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"
#include "compiler/ir/eval.h"

#include <inttypes.h>

// Where the k best elements along the axis are.
static struct sc_value *places(struct sc_scope *s, struct sc_value *x, int64_t axis, int64_t k,
                               bool smallest)
{
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_top_k);
    attr.top_k.axis = axis;
    attr.top_k.k = k;
    attr.top_k.smallest = smallest;
    return sc_make(s, SIMCLR_OP_top_k, &attr, x);
}

// The last among equals is the first of the reversed axis.
static struct sc_value *arg_best(struct sc_scope *s, bool smallest)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    const int64_t axis = sc_axis(s, sc_attr_i(s, "axis", 0), x->shape.rank);
    if (s->failed) return NULL;
    const int64_t n = x->shape.dim[axis];
    if (n == 0)
        return sc_bad_node(s, "axis %" PRId64 " has no elements, expected at least one", axis);
    const bool is_last = s->opset >= 12 && sc_attr_i(s, "select_last_index", 0);
    struct sc_value *const from = is_last ? sc_make_part(s, x, axis, n - 1, n, -1) : x;
    struct sc_value *y = places(s, from, axis, 1, smallest);
    if (is_last)
        y = sc_make(s, SIMCLR_OP_sub, NULL, sc_make_scalar(s, (double)(n - 1), SIMCLR_i64), y);
    return sc_attr_i(s, "keepdims", 1)
               ? y
               : sc_make_without_axes(s, y, &(struct simclr_dims){1, {axis}});
}

struct sc_value *sc_import_arg_max(struct sc_scope *s)
{
    return arg_best(s, false);
}

struct sc_value *sc_import_arg_min(struct sc_scope *s)
{
    return arg_best(s, true);
}

// Elements in order, whether or not `sorted` asks for it.
static struct sc_value *top_k(struct sc_scope *s, int64_t k)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    const int64_t axis = sc_axis(s, sc_attr_i(s, "axis", -1), x->shape.rank);
    const bool smallest = s->opset >= 11 && !sc_attr_i(s, "largest", 1);
    struct sc_value *const at = s->failed ? NULL : places(s, x, axis, k, smallest);
    if (s->node->n_output > 1) s->out[1] = at;
    return sc_make_gather(s, SIMCLR_OP_gather_elements, x, at, axis);
}

struct sc_value *sc_import_top_k_old(struct sc_scope *s)
{
    if (!sc_has_attr(s, "k")) return sc_bad_node(s, "attribute 'k' is missing");
    return top_k(s, sc_attr_i(s, "k", 1));
}

struct sc_value *sc_import_top_k(struct sc_scope *s)
{
    return top_k(s, sc_in_int(s, 1, "K"));
}

// 1 at the first of the largest elements along the axis, else 0.
static struct sc_value *hardmax(struct sc_scope *s, struct sc_value *x, int64_t axis)
{
    if (!x || s->failed || simclr_shape_count(&x->shape) == 0) return x;
    struct sc_value *const at = places(s, x, axis, 1, false);
    struct sc_value *const all =
        sc_make_counting(s, 0, x->shape.dim[axis], x->shape.rank, axis);
    return sc_make_cast(s, sc_make(s, SIMCLR_OP_equal, NULL, all, at), x->dtype);
}

struct sc_value *sc_import_hardmax(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    return hardmax(s, x, sc_axis(s, sc_attr_i(s, "axis", -1), x->shape.rank));
}

struct sc_value *sc_import_hardmax_old(struct sc_scope *s)
{
    const struct sc_value *const x = sc_in(s, 0);
    struct sc_value *const matrix = sc_in_matrix(s);
    return matrix ? sc_make_reshape(s, hardmax(s, matrix, 1), &x->shape) : NULL;
}

// The coordinates of the elements that are not zero: [axes, elements], in row-major
// order. Of a scalar, which has no axes, no coordinates.
struct sc_value *sc_import_non_zero(struct sc_scope *s)
{
    struct sc_tensor *const x = sc_in_constant(s, 0, "X");
    if (!x) return NULL;
    const int32_t rank = x->shape.rank;
    int64_t n = 0, next = 0;
    for (int64_t i = 0; i < x->count; i++)
        n += x->f ? x->f[i] != 0 : x->i[i] != 0;
    int64_t *const at = SC_NEW_ARRAY(s->m->arena, int64_t, (size_t)(rank * n));
    for (int64_t i = 0; i < x->count; i++) {
        if (x->f ? x->f[i] == 0 : x->i[i] == 0) continue;
        int64_t rest = i;
        for (int32_t k = rank - 1; k >= 0; k--) {
            at[k * n + next] = rest % x->shape.dim[k];
            rest /= x->shape.dim[k];
        }
        next++;
    }
    sc_tensor_free(x);
    const struct simclr_shape shape = {2, {rank, n}};
    return sc_graph_constant(s->b.graph, SIMCLR_i64, &shape, rank * n > 0 ? at : NULL, NULL);
}

// The parts along `axis` (without it: of the flattened tensor) whose condition holds;
// what is beyond the conditions is left out.
struct sc_value *sc_import_compress(struct sc_scope *s)
{
    struct sc_value *x = sc_in(s, 0);
    struct sc_ints list;
    if (!x || !sc_in_ints(s, 1, "condition", &list)) return NULL;
    int64_t axis = 0;
    if (sc_has_attr(s, "axis")) {
        axis = sc_axis(s, sc_attr_i(s, "axis", 0), x->shape.rank);
    } else {
        const struct simclr_shape flat = {1, {simclr_shape_count(&x->shape)}};
        x = sc_make_reshape(s, x, &flat);
    }
    if (s->failed || !x) return NULL;
    if (list.n > x->shape.dim[axis])
        return sc_bad_node(s, "'condition' has %" PRId64 " values, expected at most %" PRId64,
                           list.n, x->shape.dim[axis]);
    int64_t *const at = SC_NEW_ARRAY(s->m->arena, int64_t, (size_t)list.n), n = 0;
    for (int64_t i = 0; i < list.n; i++) {
        if (list.v[i]) at[n++] = i;
    }
    return sc_make_gather(s, SIMCLR_OP_gather, x, sc_ints(&s->b, at, n), axis);
}
