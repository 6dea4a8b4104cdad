// SPDX-License-Identifier: Apache-2.0
//
// Linear maps along one axis with few taps for each output, as tables: what Resize,
// Pad and LRN have in common.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

struct sc_taps sc_taps_new(struct sc_scope *s, int64_t n_out, int64_t n_taps)
{
    const size_t n = (size_t)n_out * (size_t)n_taps;
    struct sc_taps taps = {.n_out = n_out,
                           .n_taps = n_taps,
                           .index = SC_NEW_ARRAY(s->m->arena, int64_t, n),
                           .weight = SC_NEW_ARRAY(s->m->arena, double, n)};
    for (size_t i = 0; i < n; i++)
        taps.index[i] = -1;
    return taps;
}

static bool is_tap(const struct sc_taps *taps, int64_t i)
{
    return taps->index[i] >= 0 && taps->weight[i] != 0;
}

// The same map with the taps that count moved to the front of each row.
static struct sc_taps compacted(struct sc_scope *s, const struct sc_taps *taps)
{
    int64_t most = 0;
    for (int64_t i = 0; i < taps->n_out; i++) {
        int64_t n = 0;
        for (int64_t t = 0; t < taps->n_taps; t++)
            n += is_tap(taps, i * taps->n_taps + t);
        if (n > most) most = n;
    }
    struct sc_taps to = sc_taps_new(s, taps->n_out, most);
    for (int64_t i = 0; i < taps->n_out; i++) {
        int64_t n = i * most;
        for (int64_t t = i * taps->n_taps; t < (i + 1) * taps->n_taps; t++) {
            if (!is_tap(taps, t)) continue;
            to.index[n] = taps->index[t];
            to.weight[n++] = taps->weight[t];
        }
    }
    return to;
}

static bool is_identity(const struct sc_taps *taps, int64_t n_in)
{
    if (taps->n_out != n_in || taps->n_taps != 1) return false;
    for (int64_t i = 0; i < n_in; i++) {
        if (taps->index[i] != i || taps->weight[i] != 1) return false;
    }
    return true;
}

struct sc_value *sc_make_resample(struct sc_scope *s, struct sc_value *x, int64_t axis,
                                  const struct sc_taps *taps)
{
    if (!x || s->failed) return NULL;
    const struct sc_taps t = compacted(s, taps);
    if (is_identity(&t, x->shape.dim[axis])) return x;
    const struct simclr_shape shape = {2, {t.n_out, t.n_taps}};
    const int64_t count = simclr_shape_count(&shape);
    float *const weight = SC_NEW_ARRAY(s->m->arena, float, (size_t)count);
    for (int64_t i = 0; i < count; i++)
        weight[i] = (float)t.weight[i];
    struct sc_graph *const g = s->b.graph;
    struct sc_value *const table =
        sc_graph_constant(g, SIMCLR_i64, &shape, count > 0 ? t.index : NULL, NULL);
    struct sc_value *const by =
        sc_graph_constant(g, SIMCLR_f32, &shape, count > 0 ? weight : NULL, NULL);
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_resample);
    attr.axis.axis = axis;
    return sc_make(s, SIMCLR_OP_resample, &attr, x, table, by);
}

// Floats are resampled with one tap of weight 1: that copies them, and its gradient,
// unlike that of a gather, runs on all threads.
struct sc_value *sc_make_select(struct sc_scope *s, struct sc_value *x, int64_t axis,
                                const int64_t *index, int64_t n)
{
    if (!x || s->failed) return NULL;
    if (x->dtype == SIMCLR_f32) {
        const struct sc_taps taps = sc_taps_new(s, n, 1);
        for (int64_t i = 0; i < n; i++) {
            taps.index[i] = index[i];
            taps.weight[i] = 1;
        }
        return sc_make_resample(s, x, axis, &taps);
    }
    bool is_same = n == x->shape.dim[axis];
    for (int64_t i = 0; i < n; i++)
        is_same = is_same && index[i] == i;
    if (is_same) return x;
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_gather);
    attr.axis.axis = axis;
    return sc_make(s, SIMCLR_OP_gather, &attr, x, sc_ints(&s->b, index, n));
}
