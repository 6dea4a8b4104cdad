// SPDX-License-Identifier: Apache-2.0
//
// resample(x, index, weight; axis): a sparse linear map along one axis. Row i of
// the tables names the taps of output i:
//     y[o, i, k] = sum over t with index[i, t] >= 0 of weight[i, t] x[o, index[i, t], k],
// in the order of t; an index of -1 is no tap, so that rows may differ in length.
// Interpolation, padding by reflection and sums over a window of channels are such
// maps. Both tables are constants: the gradient is resample with the transposed map.
#include "compiler/ops/rules.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_axis_view from = sc_axis_view(&in[0]->shape, n->attr.axis.axis);
    const int64_t n_out = in[1]->shape.dim[0], n_taps = in[1]->shape.dim[1];
    for (int64_t i = 0; i < out[0]->count; i++) {
        const int64_t k = i % from.inner, row = i / from.inner % n_out;
        const int64_t o = i / from.inner / n_out;
        double sum = 0;
        for (int64_t t = row * n_taps; t < (row + 1) * n_taps; t++) {
            const int64_t at = in[1]->i[t];
            if (at >= 0) sum += in[2]->f[t] * in[0]->f[(o * from.n + at) * from.inner + k];
        }
        out[0]->f[i] = sum;
    }
}

static bool check_tables(struct sc_infer *ctx, int64_t axis, int64_t n)
{
    const struct sc_value *const index = ctx->node->in[1], *const weight = ctx->node->in[2];
    if (!sc_infer_dtype(ctx, 1, SIMCLR_i64) || !sc_infer_rank(ctx, 1, 2) ||
        !sc_infer_dtype(ctx, 2, SIMCLR_f32) || !sc_infer_same_shape(ctx, 2, 1))
        return false;
    for (int i = 1; i <= 2; i++) {
        if (ctx->node->in[i]->kind != SC_VALUE_constant)
            return sc_infer_fail(ctx, "operand %d is computed, expected a constant", i + 1);
    }
    const int64_t *const at = index->data;
    for (int64_t i = 0; i < simclr_shape_count(&weight->shape); i++) {
        if (at[i] < -1 || at[i] >= n)
            return sc_infer_fail(ctx,
                                 "index %lld is outside axis %lld, which has %lld elements",
                                 (long long)at[i], (long long)axis, (long long)n);
    }
    return true;
}

static bool infer(struct sc_infer *ctx)
{
    const int64_t axis = ctx->node->attr.axis.axis;
    struct simclr_shape y = ctx->node->in[0]->shape;
    if (!sc_infer_dtype(ctx, 0, SIMCLR_f32) || !sc_infer_axis(ctx, axis, y.rank) ||
        !check_tables(ctx, axis, y.dim[axis]))
        return false;
    y.dim[axis] = ctx->node->in[1]->shape.dim[0];
    return sc_infer_set(ctx, 0, SIMCLR_f32, &y);
}

// How many taps the longest row of the transposed map has.
static int64_t most_uses(const int64_t *index, int64_t count, int64_t *n_uses)
{
    int64_t most = 0;
    for (int64_t i = 0; i < count; i++) {
        if (index[i] >= 0 && ++n_uses[index[i]] > most) most = n_uses[index[i]];
    }
    return most;
}

// dx[j] = sum over the taps that read x[j], in the order of the outputs.
static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_arena *const arena = b->graph->module->arena;
    const int64_t *const index = n->in[1]->data;
    const float *const weight = n->in[2]->data;
    const int64_t n_taps = n->in[1]->shape.dim[1], count = simclr_shape_count(&n->in[1]->shape);
    const int64_t n_in = n->in[0]->shape.dim[n->attr.axis.axis];
    int64_t *const n_uses = SC_NEW_ARRAY(arena, int64_t, (size_t)n_in);
    const struct simclr_shape table = {2, {n_in, most_uses(index, count, n_uses)}};
    const size_t size = (size_t)simclr_shape_count(&table);
    int64_t *const back = SC_NEW_ARRAY(arena, int64_t, size);
    float *const back_weight = SC_NEW_ARRAY(arena, float, size);
    for (size_t i = 0; i < size; i++)
        back[i] = -1;
    for (int64_t i = count; i-- > 0;) {
        if (index[i] < 0) continue;
        const int64_t at = index[i] * table.dim[1] + --n_uses[index[i]];
        back[at] = i / n_taps;
        back_weight[at] = weight[i];
    }
    struct sc_value *const from =
        sc_graph_constant(b->graph, SIMCLR_i64, &table, size > 0 ? back : NULL, NULL);
    struct sc_value *const by =
        sc_graph_constant(b->graph, SIMCLR_f32, &table, size > 0 ? back_weight : NULL, NULL);
    dx[0] = sc_build(b, SIMCLR_OP_resample, &n->attr, dy[0], from, by);
}

const struct sc_op_info sc_op_info_resample = {.eval = eval, .infer = infer, .grad = grad};
