// SPDX-License-Identifier: Apache-2.0
//
// conv2d(x, w), without bias. Implicit: weight matrix [m, c kh kw] times patch
// matrix. Winograd: 3x3 with stride 1 by tiles, see winograd.h. Direct: for groups of
// few channels, plane by plane and tap by tap.
#include "runtime/cpu/ops/conv.h"
#include "runtime/cpu/ops/direct.h"
#include "runtime/cpu/ops/panel.h"
#include "runtime/cpu/ops/winograd.h"
#include "runtime/cpu/shape.h"

static const char *init(const struct sc_call *call, struct sc_conv *conv)
{
    return SC_CPU_NAME(sc_conv_init)(conv, &call->in[0], &call->in[1], &call->out[0],
                                     &call->attr->conv2d);
}

static struct sc_wino_product wino_product(const struct sc_call *call, const struct sc_conv *v)
{
    return (struct sc_wino_product){
        .tiles = SC_CPU_NAME(sc_wino_tiles)(v->n, v->h, v->w, v->oh, v->ow, v->top, v->left),
        .x = call->in[0].data,
        .y = call->out[0].data,
        .w = call->in[1].data,
        .rows = v->m,
        .depth = v->c};
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
    return call->instr->scratch_bytes >= SC_CPU_NAME(sc_product_scratch)(tile)
               ? NULL
               : "its scratch is too small";
}

static void run_implicit(const struct sc_call *call, const struct sc_conv *v)
{
    const int64_t k = v->cg * v->kh * v->kw;
    struct sc_product p = {.patches = {.sample = v->c * v->h * v->w,
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
                                       .delta_w = v->dilation_w},
                           .n_samples = v->n,
                           .m = v->mg,
                           .k = k,
                           .y_sample = v->m * v->oh * v->ow,
                           .y_plane = v->oh * v->ow,
                           .y_row = v->ow,
                           .y_column = 1};
    for (int64_t g = 0; g < v->group; g++) {
        p.patches.x = sc_f32(&call->in[0]) + g * v->cg * v->h * v->w;
        p.a = sc_f32(&call->in[1]) + g * v->mg * k;
        p.y = (float *)call->out[0].data + g * v->mg * v->oh * v->ow;
        SC_CPU_NAME(sc_product_run)(call, &p);
    }
}

struct direct {
    const struct sc_conv *conv;
    const float *x, *w;
    float *y;
};

// Task: one plane of y.
static void direct_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct direct *const d = ctx;
    const struct sc_conv *const v = d->conv;
    const int64_t n = task / v->m, m = task % v->m, first = m / v->mg * v->cg;
    float *const y = d->y + task * v->oh * v->ow;
    for (int64_t i = 0; i < v->oh * v->ow; i++)
        y[i] = 0;
    for (int64_t c = 0; c < v->cg; c++) {
        const float *const x = d->x + (n * v->c + first + c) * v->h * v->w;
        const float *const w = d->w + (m * v->cg + c) * v->kh * v->kw;
        for (int64_t t = 0; t < v->kh * v->kw; t++)
            sc_direct_forward(v, t, x, w[t], y);
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
    sc_pool_run(call->pool, conv.n * conv.m, direct_task, &d);
}

SC_CPU_OP(conv2d) = {check, run};
