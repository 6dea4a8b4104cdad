// SPDX-License-Identifier: Apache-2.0
//
// A panel of tiles is gathered channel by channel, 36 taps to 36 rows; from there on
// everything is arithmetic on vectors of tiles. There are two ways through the
// product. With many panels, a task is one panel: it transforms the inputs of all
// channels into its scratch and goes through the rows, whose transformed weights all
// tasks share in the workspace. With few panels (small maps, which have large
// weights), a task is a block of rows: it transforms its weights into its scratch and
// goes through the panels, whose transformed inputs are shared. Either way, what
// passes between the steps for a few rows at a time stays in cache.
#include "runtime/cpu/ops/winograd.h"

#include "runtime/cpu/ops/panel.h"
#include "runtime/cpu/shape.h"

#include <string.h>

bool SC_CPU_NAME(sc_wino_fits)(const struct sc_conv *v)
{
    return v->kh == 3 && v->kw == 3 && v->stride_h == 1 && v->stride_w == 1 &&
           v->dilation_h == 1 && v->dilation_w == 1 && v->group == 1 && v->top <= 2 &&
           v->left <= 2;
}

struct sc_wino_tiles SC_CPU_NAME(sc_wino_tiles)(int64_t n, int64_t h, int64_t w, int64_t oh,
                                                int64_t ow, int64_t top, int64_t left)
{
    return (struct sc_wino_tiles){.n = n,
                                  .h = h,
                                  .w = w,
                                  .oh = oh,
                                  .ow = ow,
                                  .th = sc_n_blocks(oh, SC_WINO_OUT),
                                  .tw = sc_n_blocks(ow, SC_WINO_OUT),
                                  .top = top,
                                  .left = left};
}

// ---- input ----

// Where a tile of a panel reads: its first element, as an offset from the channel's
// plane of the first sample, and the taps that are inside the plane.
struct place {
    int64_t offset;
    int8_t i, i_end, j, j_end;
};

static struct place place_of(const struct sc_wino_tiles *t, int64_t sample, int64_t tile)
{
    const int64_t s = tile / (t->th * t->tw), u = tile / t->tw % t->th, v = tile % t->tw;
    const int64_t row = u * SC_WINO_OUT - t->top, column = v * SC_WINO_OUT - t->left;
    return (struct place){.offset = s * sample + row * t->w + column,
                          .i = (int8_t)sc_max_i64(0, -row),
                          .i_end = (int8_t)sc_max_i64(0, sc_min_i64(SC_WINO_IN, t->h - row)),
                          .j = (int8_t)sc_max_i64(0, -column),
                          .j_end =
                              (int8_t)sc_max_i64(0, sc_min_i64(SC_WINO_IN, t->w - column))};
}

// The taps of one tile, `width` elements apart. Those outside are left alone.
static void gather_tile(const struct place *p, const float *x, int64_t w, int64_t width,
                        float *d)
{
    int64_t at = p->offset + p->i * w;
    if (p->i == 0 && p->j == 0 && p->i_end == SC_WINO_IN && p->j_end == SC_WINO_IN) {
        for (int i = 0; i < SC_WINO_IN; i++, at += w) {
            for (int j = 0; j < SC_WINO_IN; j++)
                d[(i * SC_WINO_IN + j) * width] = x[at + j];
        }
        return;
    }
    for (int i = p->i; i < p->i_end; i++, at += w) {
        for (int j = p->j; j < p->j_end; j++)
            d[(i * SC_WINO_IN + j) * width] = x[at + j];
    }
}

// B' d B of one vector of tiles.
static void transform_tiles(const float *d, int64_t width, float *v, int64_t point)
{
    sc_vf rows[SC_WINO_IN][SC_WINO_IN];
    for (int j = 0; j < SC_WINO_IN; j++) {
        sc_vf column[SC_WINO_IN], result[SC_WINO_IN];
        for (int i = 0; i < SC_WINO_IN; i++)
            column[i] = sc_load(d + (i * SC_WINO_IN + j) * width);
        sc_wino_input(column, result);
        for (int i = 0; i < SC_WINO_IN; i++)
            rows[i][j] = result[i];
    }
    for (int i = 0; i < SC_WINO_IN; i++) {
        sc_vf result[SC_WINO_IN];
        sc_wino_input(rows[i], result);
        for (int j = 0; j < SC_WINO_IN; j++)
            sc_store(v + (i * SC_WINO_IN + j) * point, result[j]);
    }
}

void SC_CPU_NAME(sc_wino_transform_input)(const struct sc_wino_tiles *t, const float *x,
                                          int64_t sample, int64_t channels,
                                          struct sc_block tiles, int64_t width, float *v,
                                          int64_t point, int64_t pitch)
{
    struct place places[SC_PANEL_WIDTH];
    float d[SC_WINO_POINTS * SC_PANEL_WIDTH];
    // Zero once: what is outside for one channel is outside for all.
    memset(d, 0, sizeof d);
    for (int64_t j = 0; j < tiles.n; j++)
        places[j] = place_of(t, sample, tiles.first + j);
    for (int64_t c = 0; c < channels; c++) {
        for (int64_t j = 0; j < tiles.n; j++)
            gather_tile(&places[j], x + c * t->h * t->w, t->w, width, d + j);
        for (int64_t j = 0; j < width; j += SC_LANES)
            transform_tiles(d + j, width, v + c * pitch + j, point);
    }
}

// ---- output ----

// A' m A of one vector of tiles: result (i, k) to out[(i * 4 + k) * SC_PANEL_WIDTH].
static void transform_back(const float *m, int64_t point, float *out)
{
    sc_vf rows[SC_WINO_OUT][SC_WINO_IN];
    for (int j = 0; j < SC_WINO_IN; j++) {
        sc_vf column[SC_WINO_IN], result[SC_WINO_OUT];
        for (int i = 0; i < SC_WINO_IN; i++)
            column[i] = sc_load(m + (i * SC_WINO_IN + j) * point);
        sc_wino_output(column, result);
        for (int i = 0; i < SC_WINO_OUT; i++)
            rows[i][j] = result[i];
    }
    for (int i = 0; i < SC_WINO_OUT; i++) {
        sc_vf result[SC_WINO_OUT];
        sc_wino_output(rows[i], result);
        for (int k = 0; k < SC_WINO_OUT; k++)
            sc_store(out + (i * SC_WINO_OUT + k) * SC_PANEL_WIDTH, result[k]);
    }
}

// Puts the results of one tile, `tile` of the buffer, to their places.
static void scatter_tile(const struct sc_wino_tiles *t, const float *results, int64_t u,
                         int64_t v, float *plane)
{
    const int64_t rows = sc_min_i64(SC_WINO_OUT, t->oh - u * SC_WINO_OUT);
    const int64_t columns = sc_min_i64(SC_WINO_OUT, t->ow - v * SC_WINO_OUT);
    float *to = plane + u * SC_WINO_OUT * t->ow + v * SC_WINO_OUT;
    for (int64_t i = 0; i < rows; i++, to += t->ow) {
        const float *const from = results + i * SC_WINO_OUT * SC_PANEL_WIDTH;
        if (columns == SC_WINO_OUT) {
            to[0] = from[0];
            to[1] = from[SC_PANEL_WIDTH];
            to[2] = from[2 * SC_PANEL_WIDTH];
            to[3] = from[3 * SC_PANEL_WIDTH];
            continue;
        }
        for (int64_t k = 0; k < columns; k++)
            to[k] = from[k * SC_PANEL_WIDTH];
    }
}

// Row `row` of y for one panel of tiles, from its 36 products.
static void write_row(const struct sc_wino_product *p, const float *m, int64_t point,
                      int64_t row, struct sc_block tiles)
{
    const struct sc_wino_tiles *const t = &p->tiles;
    const int64_t plane = t->oh * t->ow;
    float results[SC_WINO_OUT * SC_WINO_OUT * SC_PANEL_WIDTH];
    for (int64_t j = 0; j < SC_PANEL_WIDTH; j += SC_LANES)
        transform_back(m + j, point, results + j);
    int64_t s = tiles.first / (t->th * t->tw), u = tiles.first / t->tw % t->th,
            v = tiles.first % t->tw;
    for (int64_t j = 0; j < tiles.n; j++) {
        scatter_tile(t, results + j, u, v, p->y + (s * p->rows + row) * plane);
        if (++v < t->tw) continue;
        v = 0;
        if (++u < t->th) continue;
        u = 0;
        s++;
    }
}

// ---- weights ----

// G g G' of one vector of weights: point p to u[p].
static void transform_taps(const sc_vf g[9], sc_vf u[SC_WINO_POINTS])
{
    sc_vf half[SC_WINO_IN][3];
    for (int j = 0; j < 3; j++) {
        const sc_vf column[3] = {g[j], g[3 + j], g[6 + j]};
        sc_vf result[SC_WINO_IN];
        sc_wino_weight(column, result);
        for (int i = 0; i < SC_WINO_IN; i++)
            half[i][j] = result[i];
    }
    for (int i = 0; i < SC_WINO_IN; i++)
        sc_wino_weight(half[i], u + i * SC_WINO_IN);
}

// One row: element k of a point goes to u[k], points `point` floats apart. Row r and
// element k stand for (m, c) or, turned around, for (c, m) with the taps reversed.
static void transform_weights(const struct sc_wino_product *p, int64_t row, float *u,
                              int64_t point)
{
    for (int64_t k = 0; k < p->depth; k += SC_LANES) {
        const int n = (int)sc_min_i64(SC_LANES, p->depth - k);
        sc_vf g[9] = {{0}}, result[SC_WINO_POINTS];
        for (int lane = 0; lane < n; lane++) {
            const int64_t pair =
                p->turned ? (k + lane) * p->rows + row : row * p->depth + k + lane;
            for (int i = 0; i < 9; i++)
                g[i][lane] = p->w[pair * 9 + (p->turned ? 8 - i : i)];
        }
        transform_taps(g, result);
        for (int i = 0; i < SC_WINO_POINTS; i++)
            memcpy(u + i * point + k, &result[i], (size_t)n * sizeof(float));
    }
}

// ---- product ----

enum { ROWS = 24, RESULT_POINT = ROWS * SC_PANEL_WIDTH + SC_WINO_PAD };

// Floats from point to point: of one panel of inputs, of all weights, of ROWS of them.
static int64_t input_point(const struct sc_wino_product *p)
{
    return p->depth * SC_PANEL_WIDTH + SC_WINO_PAD;
}

static int64_t weight_point(const struct sc_wino_product *p)
{
    return p->rows * p->depth + SC_WINO_PAD;
}

static int64_t block_point(const struct sc_wino_product *p)
{
    return ROWS * p->depth + SC_WINO_PAD;
}

static int64_t n_tiles(const struct sc_wino_product *p)
{
    return p->tiles.n * p->tiles.th * p->tiles.tw;
}

static int64_t n_panels(const struct sc_wino_product *p)
{
    return sc_n_blocks(n_tiles(p), SC_PANEL_WIDTH);
}

static struct sc_block tiles_of(const struct sc_wino_product *p, int64_t panel)
{
    const int64_t first = panel * SC_PANEL_WIDTH;
    return (struct sc_block){first, sc_min_i64(SC_PANEL_WIDTH, n_tiles(p) - first)};
}

const char *SC_CPU_NAME(sc_wino_check)(const struct sc_call *call, const struct sc_conv *v,
                                       const struct sc_wino_product *p)
{
    if (!SC_CPU_NAME(sc_wino_fits)(v)) return "it is no 3x3 convolution with stride 1";
    if (call->instr->tile != 0 && call->instr->tile != ROWS)
        return "its tile is neither 0 nor what the kernel takes at once";
    const bool by_rows = call->instr->tile != 0;
    const int64_t inputs = SC_WINO_POINTS * input_point(p);
    const int64_t scratch =
        SC_WINO_POINTS * RESULT_POINT + (by_rows ? SC_WINO_POINTS * block_point(p) : inputs);
    const int64_t workspace = by_rows ? n_panels(p) * inputs : SC_WINO_POINTS * weight_point(p);
    if (call->instr->scratch_bytes < (uint64_t)scratch * sizeof(float))
        return "its scratch is too small";
    return call->instr->workspace_bytes >= (uint64_t)workspace * sizeof(float)
               ? NULL
               : "its workspace is too small";
}

struct job {
    const struct sc_call *call;
    const struct sc_wino_product *product;
};

// Rows [row, row + n) of the results for one panel: products of u, whose points are
// u_point floats apart, with v, into m; then back into y.
static void multiply_rows(const struct sc_wino_product *p, int64_t panel, int64_t row,
                          int64_t n, const float *u, int64_t u_point, const float *v, float *m)
{
    for (int64_t point = 0; point < SC_WINO_POINTS; point++) {
        for (int64_t r = 0; r < n; r += SC_PANEL_ROWS)
            sc_panel_product(
                (int)sc_min_i64(SC_PANEL_ROWS, n - r), p->depth,
                u + point * u_point + r * p->depth, p->depth, v + point * input_point(p),
                m + point * RESULT_POINT + r * SC_PANEL_WIDTH, SC_PANEL_WIDTH, false);
    }
    for (int64_t r = 0; r < n; r++)
        write_row(p, m + r * SC_PANEL_WIDTH, RESULT_POINT, row + r, tiles_of(p, panel));
}

static void transform_channels(const struct sc_wino_product *p, int64_t panel, int64_t c,
                               int64_t n, float *v)
{
    const int64_t plane = p->tiles.h * p->tiles.w;
    SC_CPU_NAME(sc_wino_transform_input)
    (&p->tiles, p->x + c * plane, p->depth * plane, n, tiles_of(p, panel), SC_PANEL_WIDTH,
     v + c * SC_PANEL_WIDTH, input_point(p), SC_PANEL_WIDTH);
}

// ---- by panels ----

static void weight_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const struct sc_wino_product *const p = job->product;
    transform_weights(p, task, (float *)job->call->workspace + task * p->depth,
                      weight_point(p));
}

static void panel_task(void *ctx, int64_t task, int thread)
{
    const struct job *const job = ctx;
    const struct sc_wino_product *const p = job->product;
    const float *const u = job->call->workspace;
    float *const m = sc_call_scratch(job->call, thread);
    float *const v = m + SC_WINO_POINTS * RESULT_POINT;
    transform_channels(p, task, 0, p->depth, v);
    for (int64_t row = 0; row < p->rows; row += ROWS)
        multiply_rows(p, task, row, sc_min_i64(ROWS, p->rows - row), u + row * p->depth,
                      weight_point(p), v, m);
}

// ---- by rows ----

enum { CHANNELS = 16 }; // of one task of the transform

static int64_t n_channel_blocks(const struct sc_wino_product *p)
{
    return sc_n_blocks(p->depth, CHANNELS);
}

static void input_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const struct sc_wino_product *const p = job->product;
    const int64_t panel = task / n_channel_blocks(p), c = task % n_channel_blocks(p) * CHANNELS;
    transform_channels(p, panel, c, sc_min_i64(CHANNELS, p->depth - c),
                       (float *)job->call->workspace + panel * SC_WINO_POINTS * input_point(p));
}

static void rows_task(void *ctx, int64_t task, int thread)
{
    const struct job *const job = ctx;
    const struct sc_wino_product *const p = job->product;
    const int64_t row = task * ROWS, n = sc_min_i64(ROWS, p->rows - row);
    const float *const v = job->call->workspace;
    float *const m = sc_call_scratch(job->call, thread);
    float *const u = m + SC_WINO_POINTS * RESULT_POINT;
    for (int64_t r = 0; r < n; r++)
        transform_weights(p, row + r, u + r * p->depth, block_point(p));
    for (int64_t panel = 0; panel < n_panels(p); panel++)
        multiply_rows(p, panel, row, n, u, block_point(p),
                      v + panel * SC_WINO_POINTS * input_point(p), m);
}

void SC_CPU_NAME(sc_wino_product_run)(const struct sc_call *call,
                                      const struct sc_wino_product *p)
{
    struct job job = {.call = call, .product = p};
    if (call->instr->tile == 0) {
        sc_pool_run(call->pool, p->rows, weight_task, &job);
        sc_pool_run(call->pool, n_panels(p), panel_task, &job);
    } else {
        sc_pool_run(call->pool, n_panels(p) * n_channel_blocks(p), input_task, &job);
        sc_pool_run(call->pool, sc_n_blocks(p->rows, ROWS), rows_task, &job);
    }
}
