// SPDX-License-Identifier: Apache-2.0
//
// avg_pool2d(x): the mean of each window, over the taps inside the image or, with
// count_include_pad, inside the image and its padding; 0 without any.
// avg_pool2d_grad(dy; shape of x): each dy, divided by the same number, added to
// every element of its window. A task is one plane.
#include "runtime/cpu/ops/pool.h"

#include <string.h>

struct job {
    struct sc_pool_window window;
    bool counts_padding;
    const float *from;
    float *to;
};

static int64_t n_inside(int64_t at, int64_t stride, int64_t pad, int64_t dilation,
                        int64_t kernel, int64_t n)
{
    const struct sc_taps t = sc_taps_inside(at, stride, pad, dilation, kernel, n);
    return t.end - t.begin;
}

static float weight_of(const struct job *job, int64_t p, int64_t q)
{
    const struct sc_pool_window *const v = &job->window;
    const bool pads = job->counts_padding; // taps from the padding's start on, to its end
    const int64_t rows = n_inside(p, v->stride_h, pads ? 0 : v->top, v->dilation_h, v->kh,
                                  pads ? v->top + v->h + v->bottom : v->h);
    const int64_t columns = n_inside(q, v->stride_w, pads ? 0 : v->left, v->dilation_w, v->kw,
                                     pads ? v->left + v->w + v->right : v->w);
    return rows * columns > 0 ? (float)(1 / (double)(rows * columns)) : 0;
}

static void forward_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const struct sc_pool_window *const v = &job->window;
    const float *const x = job->from + task * v->h * v->w;
    float *y = job->to + task * v->oh * v->ow;
    for (int64_t p = 0; p < v->oh; p++) {
        const struct sc_taps h =
            sc_taps_inside(p, v->stride_h, v->top, v->dilation_h, v->kh, v->h);
        for (int64_t q = 0; q < v->ow; q++) {
            const struct sc_taps w =
                sc_taps_inside(q, v->stride_w, v->left, v->dilation_w, v->kw, v->w);
            double sum = 0;
            for (int64_t i = h.begin; i < h.end; i++) {
                const float *const row = x + (h.first + i * v->dilation_h) * v->w;
                for (int64_t j = w.begin; j < w.end; j++)
                    sum += (double)row[w.first + j * v->dilation_w];
            }
            *y++ = (float)(sum * (double)weight_of(job, p, q));
        }
    }
}

static void backward_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const struct sc_pool_window *const v = &job->window;
    const float *dy = job->from + task * v->oh * v->ow;
    float *const dx = job->to + task * v->h * v->w;
    memset(dx, 0, (size_t)(v->h * v->w) * sizeof *dx);
    for (int64_t p = 0; p < v->oh; p++) {
        const struct sc_taps h =
            sc_taps_inside(p, v->stride_h, v->top, v->dilation_h, v->kh, v->h);
        for (int64_t q = 0; q < v->ow; q++) {
            const struct sc_taps w =
                sc_taps_inside(q, v->stride_w, v->left, v->dilation_w, v->kw, v->w);
            const float share = *dy++ * weight_of(job, p, q);
            for (int64_t i = h.begin; i < h.end; i++) {
                float *const row = dx + (h.first + i * v->dilation_h) * v->w;
                for (int64_t j = w.begin; j < w.end; j++)
                    row[w.first + j * v->dilation_w] += share;
            }
        }
    }
}

static const char *check(const struct sc_call *call)
{
    struct sc_pool_window window;
    return sc_pool_init(&window, &call->in[0], &call->out[0], SIMCLR_f32, &call->attr->pool2d);
}

static void run(const struct sc_call *call)
{
    struct job job = {.counts_padding = call->attr->pool2d.count_include_pad,
                      .from = call->in[0].data,
                      .to = call->out[0].data};
    (void)sc_pool_init(&job.window, &call->in[0], &call->out[0], SIMCLR_f32,
                       &call->attr->pool2d);
    sc_pool_run(call->pool, job.window.planes, forward_task, &job);
}

static const char *check_grad(const struct sc_call *call)
{
    struct sc_pool_window window;
    return sc_pool_init(&window, &call->out[0], &call->in[0], SIMCLR_f32, &call->attr->pool2d);
}

static void run_grad(const struct sc_call *call)
{
    struct job job = {.counts_padding = call->attr->pool2d.count_include_pad,
                      .from = call->in[0].data,
                      .to = call->out[0].data};
    (void)sc_pool_init(&job.window, &call->out[0], &call->in[0], SIMCLR_f32,
                       &call->attr->pool2d);
    sc_pool_run(call->pool, job.window.planes, backward_task, &job);
}

SC_CPU_OP(avg_pool2d) = {check, run};
SC_CPU_OP(avg_pool2d_grad) = {check_grad, run_grad};
