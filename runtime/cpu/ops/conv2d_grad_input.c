// SPDX-License-Identifier: Apache-2.0
//
// conv2d_grad_input(dy, w; shape of x). Implicit: along each axis, the elements of
// dx whose index is a modulo the stride (a phase) all read the same taps of w, at
// consecutive positions of dy. So each pair of phases is a convolution of dy with
// stride 1, by those taps in reverse order, input and output channels exchanged;
// its weights are gathered into the workspace. With stride 1 there is one phase.
// Winograd, direct: as in conv2d.
#include "runtime/cpu/ops/conv.h"
#include "runtime/cpu/ops/direct.h"
#include "runtime/cpu/ops/panel.h"
#include "runtime/cpu/ops/winograd.h"
#include "runtime/cpu/shape.h"

#include <string.h>

static const char *init(const struct sc_call *call, struct sc_conv *conv)
{
    return SC_CPU_NAME(sc_conv_init)(conv, &call->out[0], &call->in[1], &call->in[0],
                                     &call->attr->conv2d);
}

// A convolution of dy whose padding is what the taps reach beyond the first one.
static struct sc_wino_product wino_product(const struct sc_call *call, const struct sc_conv *v)
{
    return (struct sc_wino_product){
        .tiles =
            SC_CPU_NAME(sc_wino_tiles)(v->n, v->oh, v->ow, v->h, v->w, 2 - v->top, 2 - v->left),
        .x = call->in[0].data,
        .y = call->out[0].data,
        .w = call->in[1].data,
        .rows = v->c,
        .depth = v->m,
        .turned = true};
}

static const char *check(const struct sc_call *call)
{
    struct sc_conv conv;
    const char *const wrong = init(call, &conv);
    if (wrong || call->instr->kernel == SC_CONV_direct) return wrong;
    if (call->instr->kernel == SC_CONV_winograd) {
        const struct sc_wino_product p = wino_product(call, &conv);
        return SC_CPU_NAME(sc_wino_check)(call, &conv, &p);
    }
    const int64_t tile = call->instr->tile;
    if (tile < 1 || tile % SC_PANEL_WIDTH != 0)
        return "its tile is no multiple of the panel's width";
    if (call->instr->scratch_bytes < SC_CPU_NAME(sc_product_scratch)(tile))
        return "its scratch is too small";
    return call->instr->workspace_bytes >= (uint64_t)call->in[1].count * sizeof(float)
               ? NULL
               : "its workspace is too small";
}

// What a phase reads along one axis: taps first, first + step, ...; tap t of them
// reads position u + base + t delta of dy for position u of the phase.
struct phase {
    int64_t index, grid; // index = a; positions a, a + stride, ...
    int64_t n_taps, first, step, base, delta;
};

static int64_t gcd(int64_t a, int64_t b)
{
    while (b != 0) {
        const int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

static struct phase phase_of(int64_t a, int64_t extent, int64_t kernel, int64_t stride,
                             int64_t dilation, int64_t pad)
{
    struct phase p = {.index = a, .grid = (extent - a + stride - 1) / stride};
    p.step = stride / gcd(stride, dilation);
    p.delta = -(p.step * dilation / stride);
    while (p.first < kernel && p.first < stride && (a + pad - p.first * dilation) % stride != 0)
        p.first++;
    if (p.first >= kernel || p.first >= stride) return p; // no tap
    p.n_taps = (kernel - p.first + p.step - 1) / p.step;
    p.base = (a + pad - p.first * dilation) / stride;
    return p;
}

struct pass {
    const struct sc_call *call;
    const struct sc_conv *conv;
    struct phase h, w;
    int64_t group;
    float *a; // the gathered weights [cg, mg taps]
};

enum { CHANNELS_PER_TASK = 16 };

static void gather_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct pass *const s = ctx;
    const struct sc_conv *const v = s->conv;
    const int64_t n_taps = s->h.n_taps * s->w.n_taps, k = v->mg * n_taps;
    const int64_t begin = task * CHANNELS_PER_TASK;
    const int64_t end = sc_min_i64(v->cg, begin + CHANNELS_PER_TASK);
    for (int64_t m = 0; m < v->mg; m++) {
        for (int64_t c = begin; c < end; c++) {
            const float *const w =
                sc_f32(&s->call->in[1]) + ((s->group * v->mg + m) * v->cg + c) * v->kh * v->kw;
            float *to = s->a + c * k + m * n_taps;
            for (int64_t i = 0; i < s->h.n_taps; i++) {
                const float *const row = w + (s->h.first + i * s->h.step) * v->kw + s->w.first;
                for (int64_t j = 0; j < s->w.n_taps; j++)
                    *to++ = row[j * s->w.step];
            }
        }
    }
}

static void run_pass(const struct pass *s)
{
    const struct sc_conv *const v = s->conv;
    struct pass copy = *s;
    sc_pool_run(s->call->pool, sc_n_blocks(v->cg, CHANNELS_PER_TASK), gather_task, &copy);
    const struct sc_product p = {
        .patches = {.x = sc_f32(&s->call->in[0]) + s->group * v->mg * v->oh * v->ow,
                    .sample = v->m * v->oh * v->ow,
                    .h = v->oh,
                    .w = v->ow,
                    .grid_h = s->h.grid,
                    .grid_w = s->w.grid,
                    .step_h = 1,
                    .step_w = 1,
                    .taps_h = s->h.n_taps,
                    .taps_w = s->w.n_taps,
                    .base_h = s->h.base,
                    .base_w = s->w.base,
                    .delta_h = s->h.delta,
                    .delta_w = s->w.delta},
        .n_samples = v->n,
        .a = s->a,
        .m = v->cg,
        .k = v->mg * s->h.n_taps * s->w.n_taps,
        .y = (float *)s->call->out[0].data + s->group * v->cg * v->h * v->w +
             s->h.index * v->w + s->w.index,
        .y_sample = v->c * v->h * v->w,
        .y_plane = v->h * v->w,
        .y_row = v->stride_h * v->w,
        .y_column = v->stride_w};
    SC_CPU_NAME(sc_product_run)(s->call, &p);
}

static void clear_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct sc_operand *const o = ctx;
    const int64_t begin = task * SC_CPU_GRAIN;
    memset((float *)o->data + begin, 0,
           (size_t)sc_min_i64(SC_CPU_GRAIN, o->count - begin) * sizeof(float));
}

static void run_implicit(const struct sc_call *call, const struct sc_conv *v)
{
    const bool has_gaps =
        v->kh < v->stride_h || v->kw < v->stride_w || v->dilation_h > 1 || v->dilation_w > 1;
    struct sc_operand dx = call->out[0];
    if (has_gaps) sc_pool_run(call->pool, sc_n_blocks(dx.count, SC_CPU_GRAIN), clear_task, &dx);
    struct pass s = {.call = call, .conv = v, .a = call->workspace};
    for (int64_t a = 0; a < sc_min_i64(v->stride_h, v->h); a++) {
        s.h = phase_of(a, v->h, v->kh, v->stride_h, v->dilation_h, v->top);
        for (int64_t b = 0; b < sc_min_i64(v->stride_w, v->w); b++) {
            s.w = phase_of(b, v->w, v->kw, v->stride_w, v->dilation_w, v->left);
            if (s.h.n_taps == 0 || s.w.n_taps == 0) continue;
            for (s.group = 0; s.group < v->group; s.group++)
                run_pass(&s);
        }
    }
}

struct direct {
    const struct sc_conv *conv;
    const float *dy, *w;
    float *dx;
};

// Task: one plane of dx.
static void direct_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct direct *const d = ctx;
    const struct sc_conv *const v = d->conv;
    const int64_t n = task / v->c, c = task % v->c, first = c / v->cg * v->mg;
    float *const dx = d->dx + task * v->h * v->w;
    for (int64_t i = 0; i < v->h * v->w; i++)
        dx[i] = 0;
    for (int64_t m = first; m < first + v->mg; m++) {
        const float *const dy = d->dy + (n * v->m + m) * v->oh * v->ow;
        const float *const w = d->w + (m * v->cg + c % v->cg) * v->kh * v->kw;
        for (int64_t t = 0; t < v->kh * v->kw; t++)
            sc_direct_backward(v, t, dx, w[t], dy);
    }
}

static void run(const struct sc_call *call)
{
    struct sc_conv conv;
    (void)init(call, &conv);
    if (call->instr->kernel == SC_CONV_implicit) {
        run_implicit(call, &conv);
        return;
    }
    if (call->instr->kernel == SC_CONV_winograd) {
        const struct sc_wino_product p = wino_product(call, &conv);
        SC_CPU_NAME(sc_wino_product_run)(call, &p);
        return;
    }
    struct direct d = {&conv, call->in[0].data, call->in[1].data, call->out[0].data};
    sc_pool_run(call->pool, conv.n * conv.c, direct_task, &d);
}

SC_CPU_OP(conv2d_grad_input) = {check, run};
