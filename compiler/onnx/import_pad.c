// SPDX-License-Identifier: Apache-2.0
//
// Pad. What negative pads remove goes first; what is added lies around the rest.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

// Pads of all axes: what to remove and what to add at each end.
struct pads {
    int64_t cut[2][SIMCLR_MAX_RANK], added[2][SIMCLR_MAX_RANK];
};

// More than this is a mistake in a file.
enum { MAX_PAD = 1 << 24 };

static bool read_pads(struct sc_scope *s, const struct simclr_shape *x,
                      const struct sc_ints *list, const struct sc_ints *axes, struct pads *pads)
{
    const int64_t n = axes->v ? axes->n : x->rank;
    bool is_taken[SIMCLR_MAX_RANK] = {false};
    *pads = (struct pads){0};
    if (list->n != 2 * n) {
        (void)sc_bad_node(s, "it has %" PRId64 " pads, expected %" PRId64, list->n, 2 * n);
        return false;
    }
    for (int64_t i = 0; i < n; i++) {
        const int64_t axis = sc_axis(s, axes->v ? axes->v[i] : i, x->rank);
        const int64_t both[2] = {list->v[i], list->v[n + i]};
        if (s->failed) return false;
        if (is_taken[axis]) {
            (void)sc_bad_node(s, "axis %" PRId64 " is given twice, expected once", axis);
            return false;
        }
        is_taken[axis] = true;
        if (both[0] > MAX_PAD || both[1] > MAX_PAD) {
            (void)sc_bad_node(s,
                              "the pads of axis %" PRId64 " are %" PRId64 " and %" PRId64
                              ", expected at most %d",
                              axis, both[0], both[1], MAX_PAD);
            return false;
        }
        int64_t left = x->dim[axis];
        for (int end = 0; end < 2; end++) {
            if (both[end] < -left) {
                (void)sc_bad_node(s,
                                  "the pads of axis %" PRId64 " are %" PRId64 " and %" PRId64
                                  " and remove more than its %" PRId64 " elements",
                                  axis, both[0], both[1], x->dim[axis]);
                return false;
            }
            pads->cut[end][axis] = both[end] < 0 ? -both[end] : 0;
            pads->added[end][axis] = both[end] > 0 ? both[end] : 0;
            left -= pads->cut[end][axis];
        }
    }
    return true;
}

static struct sc_value *cut(struct sc_scope *s, struct sc_value *x, const struct pads *pads)
{
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_slice);
    struct simclr_shape shape = x->shape;
    attr.slice.starts.n = attr.slice.sizes.n = attr.slice.steps.n = shape.rank;
    for (int32_t i = 0; i < shape.rank; i++) {
        shape.dim[i] -= pads->cut[0][i] + pads->cut[1][i];
        attr.slice.starts.v[i] = shape.dim[i] > 0 ? pads->cut[0][i] : 0;
        attr.slice.sizes.v[i] = shape.dim[i];
        attr.slice.steps.v[i] = 1;
    }
    if (simclr_shape_equal(&shape, &x->shape)) return x;
    return sc_make(s, SIMCLR_OP_slice, &attr, x);
}

// ---- A constant around x ----

// Zeros around x are what a slice's gradient looks like.
static struct sc_value *zeros_around(struct sc_scope *s, struct sc_value *x,
                                     const struct pads *pads)
{
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_slice_grad);
    struct sc_attr_slice_grad *const a = &attr.slice_grad;
    a->starts.n = a->steps.n = a->shape.n = x->shape.rank;
    bool is_same = true;
    for (int32_t i = 0; i < x->shape.rank; i++) {
        const int64_t added = pads->added[0][i] + pads->added[1][i];
        a->starts.v[i] = pads->added[0][i];
        a->steps.v[i] = 1;
        a->shape.v[i] = x->shape.dim[i] + added;
        is_same = is_same && added == 0;
    }
    return is_same ? x : sc_make(s, SIMCLR_OP_slice_grad, &attr, x);
}

// Any other value, which may be computed: pieces of it before and after, axis by axis.
static struct sc_value *value_around(struct sc_scope *s, struct sc_value *x,
                                     struct sc_value *value, const struct pads *pads)
{
    for (int32_t axis = 0; x && axis < x->shape.rank; axis++) {
        struct sc_value *piece[3];
        int n = 0;
        struct simclr_shape shape = x->shape;
        for (int end = 0; end < 2; end++) {
            shape.dim[axis] = pads->added[end][axis];
            if (end == 1) piece[n++] = x;
            if (shape.dim[axis] > 0) piece[n++] = sc_make_expand(s, value, &shape);
        }
        union simclr_attr attr = sc_attr_default(SIMCLR_OP_concat);
        attr.axis.axis = axis;
        if (n > 1) x = sc_make_node(s, SIMCLR_OP_concat, &attr, piece, n);
    }
    return x;
}

static bool is_zero(const struct sc_value *v)
{
    double value;
    return sc_constant_scalar(v, &value) && value == 0 && !signbit(value);
}

// ---- Elements of x around x ----

enum source { REFLECT, EDGE, WRAP, N_SOURCES };
static const char *const sources[N_SOURCES] = {"reflect", "edge", "wrap"};

// The element of an axis of n that stands at position i, before 0 or from n on.
static int64_t position(enum source source, int64_t i, int64_t n)
{
    if (source == EDGE) return i < 0 ? 0 : i < n ? i : n - 1;
    const int64_t period = source == WRAP ? n : n > 1 ? 2 * n - 2 : 1;
    const int64_t at = (i % period + period) % period;
    return at < n ? at : period - at;
}

static struct sc_value *elements_around(struct sc_scope *s, struct sc_value *x,
                                        enum source source, const struct pads *pads)
{
    for (int32_t axis = 0; x && axis < x->shape.rank; axis++) {
        const int64_t n = x->shape.dim[axis], before = pads->added[0][axis];
        const int64_t added = before + pads->added[1][axis];
        if (added == 0) continue;
        if (n == 0)
            return sc_bad_node(s, "axis %d has no elements to pad with, mode is '%s'",
                               (int)axis, sources[source]);
        int64_t *const index = SC_NEW_ARRAY(s->m->arena, int64_t, (size_t)(n + added));
        for (int64_t i = 0; i < n + added; i++)
            index[i] = position(source, i - before, n);
        x = sc_make_select(s, x, axis, index, n + added);
    }
    return x;
}

// `value` NULL is zero.
static struct sc_value *pad(struct sc_scope *s, const struct sc_ints *list,
                            const struct sc_ints *axes, struct sc_value *value)
{
    struct sc_value *x = sc_in(s, 0);
    struct pads pads;
    const char *const mode = sc_attr_s(s, "mode", "constant");
    if (!x || s->failed || !read_pads(s, &x->shape, list, axes, &pads)) return NULL;
    x = cut(s, x, &pads);
    if (!strcmp(mode, "constant"))
        return value && !is_zero(value) ? value_around(s, x, value, &pads)
                                        : zeros_around(s, x, &pads);
    const int n_sources = s->opset >= 19 ? N_SOURCES : WRAP;
    for (int i = 0; i < n_sources; i++) {
        if (!strcmp(mode, sources[i])) return elements_around(s, x, (enum source)i, &pads);
    }
    return sc_bad_node(s, "attribute 'mode' is '%s', expected constant, reflect%s", mode,
                       n_sources > WRAP ? ", edge or wrap" : " or edge");
}

struct sc_value *sc_import_pad_old(struct sc_scope *s)
{
    struct sc_ints pads;
    const struct sc_ints axes = {0};
    const struct sc_value *const x = sc_in(s, 0);
    const double value = sc_attr_f(s, "value", 0);
    if (!sc_attr_ints(s, "pads", &pads)) return sc_bad_node(s, "attribute 'pads' is missing");
    if (!x || s->failed) return NULL;
    return pad(s, &pads, &axes, value != 0 ? sc_make_scalar(s, value, x->dtype) : NULL);
}

struct sc_value *sc_import_pad(struct sc_scope *s)
{
    struct sc_ints pads, axes = {0};
    if (!sc_in_ints(s, 1, "pads", &pads)) return NULL;
    if (sc_has_in(s, 3) && !sc_in_ints(s, 3, "axes", &axes)) return NULL;
    struct sc_value *const value = sc_has_in(s, 2) ? sc_in(s, 2) : NULL;
    if (!value) return pad(s, &pads, &axes, NULL);
    if (simclr_shape_count(&value->shape) != 1)
        return sc_bad_node(s, "'constant_value' has %" PRId64 " values, expected 1",
                           simclr_shape_count(&value->shape));
    const struct simclr_shape scalar = sc_shape_scalar();
    return pad(s, &pads, &axes, sc_make_reshape(s, value, &scalar));
}
