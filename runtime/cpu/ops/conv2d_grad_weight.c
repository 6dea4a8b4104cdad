// SPDX-License-Identifier: Apache-2.0
//
// conv2d_grad_weight(x, dy; shape of w). Implicit: dw transposed is the patch
// matrix [tile kh kw, positions] times dy transposed [positions, m]. A task owns
// `tile` input channels, some panels of output channels (so that patches serve more
// than one) and one part of the samples; it goes through the positions in steps of
// DEPTH, writing both factors to scratch, and adds the products in order. If there are several parts, each has its own copy
// of dw in the workspace, and the copies are added in order at the end. Winograd: the
// same shares of the work, each by tiles, see winograd_grad.c. Direct: for groups of
// few channels, a sum per weight.
#include "runtime/cpu/ops/conv.h"
#include "runtime/cpu/ops/direct.h"
#include "runtime/cpu/ops/panel.h"
#include "runtime/cpu/ops/winograd.h"
#include "runtime/cpu/shape.h"

#include <string.h>

enum {
    DEPTH = 256,
    PITCH = DEPTH + 16, // rows that are no power of two apart
    PANELS = 4          // of output channels of a task, implicit
};

static const char *init(const struct sc_call *call, struct sc_conv *conv)
{
    return SC_CPU_NAME(sc_conv_init)(conv, &call->in[0], &call->out[0], &call->in[1],
                                     &call->attr->conv2d);
}

struct job {
    const struct sc_call *call;
    struct sc_conv conv;
    int64_t tile;                        // input channels of a task
    int64_t outputs;                     // output channels of a task
    int64_t n_chunks, n_blocks, n_parts; // tasks of one group: their product
    int64_t part;                        // samples of one part
    float *dw;                           // where parts go: dw itself if there is one
};

static uint64_t scratch_needed(const struct sc_conv *v, int64_t tile)
{
    const uint64_t rows = (uint64_t)(tile * v->kh * v->kw);
    return (rows * PITCH + (DEPTH + PANELS * rows) * SC_PANEL_WIDTH) * sizeof(float);
}

static struct sc_wino_tiles tiles_of(const struct sc_conv *v)
{
    return SC_CPU_NAME(sc_wino_tiles)(v->n, v->h, v->w, v->oh, v->ow, v->top, v->left);
}

static const char *check(const struct sc_call *call)
{
    struct sc_conv conv;
    const char *const wrong = init(call, &conv);
    if (wrong || call->instr->kernel == SC_CONV_direct) return wrong;
    const int64_t tile = call->instr->tile;
    if (tile < 1 || tile > conv.cg) return "its tile is beyond its channels";
    uint64_t scratch = scratch_needed(&conv, tile);
    if (call->instr->kernel == SC_CONV_winograd) {
        if (!SC_CPU_NAME(sc_wino_fits)(&conv)) return "it is no 3x3 convolution with stride 1";
        scratch = (uint64_t)SC_CPU_NAME(sc_wino_grad_scratch)(tile) * sizeof(float);
    }
    return call->instr->scratch_bytes >= scratch ? NULL : "its scratch is too small";
}

// out[j * width + r] = dy[sample, m + r, position] for positions j of the block,
// zeros for r beyond n.
static void transpose_dy(const struct sc_conv *v, const float *dy, int64_t n,
                         struct sc_block positions, float *out)
{
    enum { STRIP = 16 };
    const int64_t plane = v->oh * v->ow;
    if (n < SC_PANEL_WIDTH) memset(out, 0, (size_t)positions.n * SC_PANEL_WIDTH * sizeof *out);
    for (int64_t j = 0; j < positions.n;) {
        const int64_t at = positions.first + j;
        const int64_t strip =
            sc_min_i64(sc_min_i64(STRIP, positions.n - j), plane - at % plane);
        const float *from = dy + at / plane * v->m * plane + at % plane;
        for (int64_t r = 0; r < n; r++, from += plane) {
            for (int64_t i = 0; i < strip; i++)
                out[(j + i) * SC_PANEL_WIDTH + r] = from[i];
        }
        j += strip;
    }
}

static struct sc_patches patches_of(const struct sc_conv *v, const float *x)
{
    return (struct sc_patches){.x = x,
                               .sample = v->c * v->h * v->w,
                               .h = v->h,
                               .w = v->w,
                               .grid_h = v->oh,
                               .grid_w = v->ow,
                               .step_h = v->stride_h,
                               .step_w = v->stride_w,
                               .taps_h = v->kh,
                               .taps_w = v->kw,
                               .base_h = -v->top,
                               .base_w = -v->left,
                               .delta_h = v->dilation_h,
                               .delta_w = v->dilation_w};
}

// What a task owns.
struct share {
    int64_t group, part;
    struct sc_block rows; // of the group's patch matrix
    int64_t m, n_m;       // output channels within the group
};

static struct share share_of(const struct job *job, int64_t task)
{
    const struct sc_conv *const v = &job->conv;
    const int64_t n_taps = v->kh * v->kw;
    const int64_t chunk = task % job->n_chunks * job->tile;
    task /= job->n_chunks;
    const int64_t m = task % job->n_blocks * job->outputs;
    task /= job->n_blocks;
    return (struct share){
        .group = task / job->n_parts,
        .part = task % job->n_parts,
        .rows = {chunk * n_taps, sc_min_i64(job->tile, v->cg - chunk) * n_taps},
        .m = m,
        .n_m = sc_min_i64(job->outputs, v->mg - m)};
}

// One block of positions of one panel of output channels: sum += patches dy'.
static void add_products(const struct share *s, int64_t n_positions, const float *patches,
                         const float *dy, float *sum, bool adds)
{
    for (int64_t r = 0; r < s->rows.n; r += SC_PANEL_ROWS)
        sc_panel_product((int)sc_min_i64(SC_PANEL_ROWS, s->rows.n - r), n_positions,
                         patches + r * PITCH, PITCH, dy, sum + r * SC_PANEL_WIDTH,
                         SC_PANEL_WIDTH, adds);
}

// sum[panel, r, m] over all positions of the share's samples.
static void accumulate(const struct job *job, const struct share *s, float *scratch,
                       float *panel, float *sum)
{
    const struct sc_conv *const v = &job->conv;
    const int64_t plane = v->oh * v->ow;
    const struct sc_patches patches =
        patches_of(v, sc_f32(&job->call->in[0]) + s->group * v->cg * v->h * v->w);
    const float *const dy = sc_f32(&job->call->in[1]) + (s->group * v->mg + s->m) * plane;
    const int64_t begin = s->part * job->part * plane;
    const int64_t end = sc_min_i64(v->n, (s->part + 1) * job->part) * plane;
    for (int64_t at = begin; at < end; at += DEPTH) {
        const struct sc_block block = {at, sc_min_i64(DEPTH, end - at)};
        SC_CPU_NAME(sc_patches_fill)(&patches, s->rows, block, block.n, PITCH, scratch);
        for (int64_t m = 0; m < s->n_m; m += SC_PANEL_WIDTH) {
            transpose_dy(v, dy + m * plane, sc_min_i64(SC_PANEL_WIDTH, s->n_m - m), block,
                         panel);
            add_products(s, block.n, scratch, panel, sum + m * s->rows.n, at > begin);
        }
    }
}

static void implicit_share(const struct job *job, const struct share *s, float *scratch,
                           float *dw, int64_t dw_row)
{
    float *const panel = scratch + job->tile * job->conv.kh * job->conv.kw * PITCH;
    float *const sum = panel + DEPTH * SC_PANEL_WIDTH;
    accumulate(job, s, scratch, panel, sum);
    for (int64_t m = 0; m < s->n_m; m++) {
        const float *const from =
            sum + m / SC_PANEL_WIDTH * SC_PANEL_WIDTH * s->rows.n + m % SC_PANEL_WIDTH;
        for (int64_t r = 0; r < s->rows.n; r++)
            dw[m * dw_row + r] = from[r * SC_PANEL_WIDTH];
    }
}

static void winograd_share(const struct job *job, const struct share *s, float *scratch,
                           float *dw, int64_t dw_row)
{
    const struct sc_conv *const v = &job->conv;
    const int64_t channel = s->rows.first / 9;
    const struct sc_wino_grad g = {.tiles = tiles_of(v),
                                   .x = sc_f32(&job->call->in[0]) + channel * v->h * v->w,
                                   .dy = sc_f32(&job->call->in[1]) + s->m * v->oh * v->ow,
                                   .x_sample = v->c * v->h * v->w,
                                   .dy_sample = v->m * v->oh * v->ow,
                                   .channels = s->rows.n / 9,
                                   .rows = s->n_m,
                                   .dw = dw,
                                   .dw_row = dw_row};
    const int64_t per_sample = g.tiles.th * g.tiles.tw, first = s->part * job->part;
    const struct sc_block tiles = {first * per_sample,
                                   sc_min_i64(job->part, v->n - first) * per_sample};
    SC_CPU_NAME(sc_wino_grad_run)(&g, tiles, scratch);
}

static void run_task(void *ctx, int64_t task, int thread)
{
    const struct job *const job = ctx;
    const struct sc_conv *const v = &job->conv;
    const struct share s = share_of(job, task);
    const int64_t k = v->cg * v->kh * v->kw;
    float *const scratch = sc_call_scratch(job->call, thread);
    float *const dw =
        job->dw + s.part * job->call->out[0].count + (s.group * v->mg + s.m) * k + s.rows.first;
    if (job->call->instr->kernel == SC_CONV_winograd)
        winograd_share(job, &s, scratch, dw, k);
    else
        implicit_share(job, &s, scratch, dw, k);
}

static void add_parts_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const int64_t count = job->call->out[0].count;
    const int64_t end = sc_min_i64(count, (task + 1) * SC_CPU_GRAIN);
    float *const dw = job->call->out[0].data;
    for (int64_t i = task * SC_CPU_GRAIN; i < end; i++)
        dw[i] = job->dw[i];
    for (int64_t p = 1; p < job->n_parts; p++) {
        const float *const part = job->dw + p * count;
        for (int64_t i = task * SC_CPU_GRAIN; i < end; i++)
            dw[i] += part[i];
    }
}

static void run_shares(struct job *job)
{
    const struct sc_call *const call = job->call;
    const struct sc_conv *const v = &job->conv;
    const int64_t bytes = call->out[0].count * (int64_t)sizeof(float);
    if (v->n == 0 || bytes == 0) {
        memset(call->out[0].data, 0, (size_t)bytes);
        return;
    }
    const int64_t n_copies = (int64_t)call->instr->workspace_bytes / bytes;
    job->tile = call->instr->tile;
    job->n_chunks = sc_n_blocks(v->cg, job->tile);
    job->outputs =
        call->instr->kernel == SC_CONV_winograd ? SC_PANEL_WIDTH : PANELS * SC_PANEL_WIDTH;
    job->n_blocks = sc_n_blocks(v->mg, job->outputs);
    job->part = sc_n_blocks(v->n, sc_max_i64(1, n_copies));
    job->n_parts = sc_n_blocks(v->n, job->part);
    job->dw = job->n_parts > 1 ? call->workspace : call->out[0].data;
    sc_pool_run(call->pool, v->group * job->n_parts * job->n_blocks * job->n_chunks, run_task,
                job);
    if (job->n_parts > 1)
        sc_pool_run(call->pool, sc_n_blocks(call->out[0].count, SC_CPU_GRAIN), add_parts_task,
                    job);
}

// Task: one output channel.
static void direct_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const struct sc_conv *const v = &job->conv;
    const int64_t n_taps = v->kh * v->kw, first = task / v->mg * v->cg;
    float *const dw = (float *)job->call->out[0].data + task * v->cg * n_taps;
    for (int64_t i = 0; i < v->cg * n_taps; i++) {
        double sum = 0;
        for (int64_t n = 0; n < v->n; n++) {
            const float *const x =
                sc_f32(&job->call->in[0]) + (n * v->c + first + i / n_taps) * v->h * v->w;
            const float *const dy =
                sc_f32(&job->call->in[1]) + (n * v->m + task) * v->oh * v->ow;
            sum += sc_direct_weight(v, i % n_taps, x, dy);
        }
        dw[i] = (float)sum;
    }
}

static void run(const struct sc_call *call)
{
    struct job job = {.call = call};
    (void)init(call, &job.conv);
    if (call->instr->kernel == SC_CONV_direct)
        sc_pool_run(call->pool, job.conv.m, direct_task, &job);
    else
        run_shares(&job);
}

SC_CPU_OP(conv2d_grad_weight) = {check, run};
