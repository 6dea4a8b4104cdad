// SPDX-License-Identifier: Apache-2.0
//
// The gradient of the weight by Winograd's tiles, for one panel of output channels
// and some input channels: blocks of WIDTH tiles of both factors are transformed,
// x with channels as rows and tiles as columns, dy the other way round, and their 36
// products added to 36 sums in scratch, which are transformed back at the end.
#include "runtime/cpu/ops/panel.h"
#include "runtime/cpu/ops/winograd.h"
#include "runtime/cpu/shape.h"

#include <string.h>

enum {
    WIDTH = 32, // tiles of a block
    DY_POINT = WIDTH * SC_PANEL_WIDTH + SC_WINO_PAD,
    RESULTS = SC_WINO_OUT * SC_WINO_OUT
};

static int64_t x_point(int64_t channels)
{
    return channels * WIDTH + SC_WINO_PAD;
}

static int64_t sum_point(int64_t channels)
{
    return channels * SC_PANEL_WIDTH + SC_WINO_PAD;
}

int64_t SC_CPU_NAME(sc_wino_grad_scratch)(int64_t channels)
{
    return SC_WINO_POINTS * (x_point(channels) + DY_POINT + sum_point(channels));
}

// The elements of dy of one tile, channel by channel: element (i, k) of channel r to
// out[(i * 4 + k) * SC_PANEL_WIDTH + r], zeros beyond the edge.
static void gather_results(const struct sc_wino_grad *g, int64_t tile, float *out)
{
    const struct sc_wino_tiles *const t = &g->tiles;
    const int64_t s = tile / (t->th * t->tw), u = tile / t->tw % t->th, v = tile % t->tw;
    const int64_t rows = sc_min_i64(SC_WINO_OUT, t->oh - u * SC_WINO_OUT);
    const int64_t columns = sc_min_i64(SC_WINO_OUT, t->ow - v * SC_WINO_OUT);
    const int64_t plane = t->oh * t->ow;
    const float *from = g->dy + s * g->dy_sample + u * SC_WINO_OUT * t->ow + v * SC_WINO_OUT;
    if (rows < SC_WINO_OUT || columns < SC_WINO_OUT || g->rows < SC_PANEL_WIDTH)
        memset(out, 0, RESULTS * SC_PANEL_WIDTH * sizeof *out);
    for (int64_t r = 0; r < g->rows; r++, from += plane) {
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t k = 0; k < columns; k++)
                out[(i * SC_WINO_OUT + k) * SC_PANEL_WIDTH + r] = from[i * t->ow + k];
        }
    }
}

// A y A' of one vector of channels of one tile.
static void transform_results(const float *y, float *z)
{
    sc_vf rows[SC_WINO_IN][SC_WINO_OUT];
    for (int k = 0; k < SC_WINO_OUT; k++) {
        sc_vf column[SC_WINO_OUT], result[SC_WINO_IN];
        for (int i = 0; i < SC_WINO_OUT; i++)
            column[i] = sc_load(y + (i * SC_WINO_OUT + k) * SC_PANEL_WIDTH);
        sc_wino_gradient(column, result);
        for (int i = 0; i < SC_WINO_IN; i++)
            rows[i][k] = result[i];
    }
    for (int i = 0; i < SC_WINO_IN; i++) {
        sc_vf result[SC_WINO_IN];
        sc_wino_gradient(rows[i], result);
        for (int k = 0; k < SC_WINO_IN; k++)
            sc_store(z + (i * SC_WINO_IN + k) * DY_POINT, result[k]);
    }
}

// The panels of dy for a block of tiles: z[point][tile][channel].
static void transform_block(const struct sc_wino_grad *g, struct sc_block tiles, float *z)
{
    float results[RESULTS * SC_PANEL_WIDTH];
    for (int64_t j = 0; j < tiles.n; j++) {
        gather_results(g, tiles.first + j, results);
        for (int64_t r = 0; r < SC_PANEL_WIDTH; r += SC_LANES)
            transform_results(results + r, z + j * SC_PANEL_WIDTH + r);
    }
}

// G' s G of one vector of output channels: tap t to out[t * SC_PANEL_WIDTH].
static void transform_sums(const float *s, int64_t point, float *out)
{
    sc_vf rows[3][SC_WINO_IN];
    for (int j = 0; j < SC_WINO_IN; j++) {
        sc_vf column[SC_WINO_IN], result[3];
        for (int i = 0; i < SC_WINO_IN; i++)
            column[i] = sc_load(s + (i * SC_WINO_IN + j) * point);
        sc_wino_weight_adjoint(column, result);
        for (int i = 0; i < 3; i++)
            rows[i][j] = result[i];
    }
    for (int i = 0; i < 3; i++) {
        sc_vf result[3];
        sc_wino_weight_adjoint(rows[i], result);
        for (int j = 0; j < 3; j++)
            sc_store(out + (i * 3 + j) * SC_PANEL_WIDTH, result[j]);
    }
}

static void write_gradient(const struct sc_wino_grad *g, const float *sums)
{
    float taps[9 * SC_PANEL_WIDTH];
    for (int64_t c = 0; c < g->channels; c++) {
        for (int64_t r = 0; r < SC_PANEL_WIDTH; r += SC_LANES)
            transform_sums(sums + c * SC_PANEL_WIDTH + r, sum_point(g->channels), taps + r);
        for (int64_t r = 0; r < g->rows; r++) {
            for (int64_t t = 0; t < 9; t++)
                g->dw[r * g->dw_row + c * 9 + t] = taps[t * SC_PANEL_WIDTH + r];
        }
    }
}

void SC_CPU_NAME(sc_wino_grad_run)(const struct sc_wino_grad *g, struct sc_block tiles,
                                   float *scratch)
{
    const int64_t vp = x_point(g->channels), sp = sum_point(g->channels);
    float *const sums = scratch, *const z = sums + SC_WINO_POINTS * sp;
    float *const v = z + SC_WINO_POINTS * DY_POINT;
    for (int64_t done = 0; done < tiles.n; done += WIDTH) {
        const struct sc_block block = {tiles.first + done, sc_min_i64(WIDTH, tiles.n - done)};
        SC_CPU_NAME(sc_wino_transform_input)
        (&g->tiles, g->x, g->x_sample, g->channels, block, WIDTH, v, vp, WIDTH);
        transform_block(g, block, z);
        for (int64_t p = 0; p < SC_WINO_POINTS; p++) {
            for (int64_t c = 0; c < g->channels; c += SC_PANEL_ROWS)
                sc_panel_product((int)sc_min_i64(SC_PANEL_ROWS, g->channels - c), block.n,
                                 v + p * vp + c * WIDTH, WIDTH, z + p * DY_POINT,
                                 sums + p * sp + c * SC_PANEL_WIDTH, SC_PANEL_WIDTH, done > 0);
        }
    }
    write_gradient(g, sums);
}
