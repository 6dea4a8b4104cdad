// SPDX-License-Identifier: Apache-2.0
//
// max_pool2d(x): the largest element of each window; padding never wins.
// max_pool2d_index(x): where in its plane that element is (i64).
// max_pool2d_grad(x, dy): each dy goes to the first maximum of its window, found
// again in x. A task is one plane.
#include "runtime/cpu/ops/pool.h"
#include "runtime/cpu/ops/vec.h"

#include <math.h>
#include <string.h>

struct job {
    struct sc_pool_window window;
    const float *x, *dy;
    float *y, *dx;
    int64_t *at;
};

// The maxima of some windows of one row of the output: values, and offsets in the
// plane; offset -1 if all of a window is padding. Taps are taken in row-major order
// and replace the maximum only if greater, so that the first one stays.
enum { WINDOWS = 256 };
struct maxima {
    float value[WINDOWS];
    int32_t at[WINDOWS];
};

// One tap of windows [q, q_end): window q' reads x[at + q' step].
static void take_tap(struct maxima *m, const float *x, int32_t at, int32_t step, int32_t q,
                     int32_t q_end)
{
    SC_INDEPENDENT for (int32_t i = q; i < q_end; i++)
    {
        const float value = x[at + i * step];
        const bool takes = (m->at[i] < 0) | (value > m->value[i]);
        m->value[i] = takes ? value : m->value[i];
        m->at[i] = takes ? at + i * step : m->at[i];
    }
}

// Windows (p, q) to (p, q + n - 1).
static void find_maxima(const struct sc_pool_window *v, const float *x, int64_t p, int64_t q,
                        int64_t n, struct maxima *m)
{
    const struct sc_taps h = sc_taps_inside(p, v->stride_h, v->top, v->dilation_h, v->kh, v->h);
    for (int64_t i = 0; i < n; i++) {
        m->value[i] = -INFINITY;
        m->at[i] = -1;
    }
    for (int64_t i = h.begin; i < h.end; i++) {
        const int64_t row = (h.first + i * v->dilation_h) * v->w;
        for (int64_t j = 0; j < v->kw; j++) {
            // Window q' of the row reads column q' stride + offset.
            const int64_t offset = j * v->dilation_w - v->left + q * v->stride_w;
            const int64_t begin = offset < 0 ? (-offset + v->stride_w - 1) / v->stride_w : 0;
            const int64_t room = v->w - offset;
            const int64_t inside = room <= 0 ? 0 : (room + v->stride_w - 1) / v->stride_w;
            take_tap(m, x, (int32_t)(row + offset), (int32_t)v->stride_w,
                     (int32_t)sc_min_i64(begin, n), (int32_t)sc_min_i64(inside, n));
        }
    }
}

static void forward_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const struct sc_pool_window *const v = &job->window;
    const float *const x = job->x + task * v->h * v->w;
    float *const y = job->y + task * v->oh * v->ow;
    struct maxima m;
    for (int64_t p = 0; p < v->oh; p++) {
        for (int64_t q = 0; q < v->ow; q += WINDOWS) {
            const int64_t n = sc_min_i64(WINDOWS, v->ow - q);
            find_maxima(v, x, p, q, n, &m);
            memcpy(y + p * v->ow + q, m.value, (size_t)n * sizeof *y);
        }
    }
}

static void index_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const struct sc_pool_window *const v = &job->window;
    const float *const x = job->x + task * v->h * v->w;
    int64_t *to = job->at + task * v->oh * v->ow;
    struct maxima m;
    for (int64_t p = 0; p < v->oh; p++) {
        for (int64_t q = 0; q < v->ow; q += WINDOWS) {
            const int64_t n = sc_min_i64(WINDOWS, v->ow - q);
            find_maxima(v, x, p, q, n, &m);
            for (int64_t i = 0; i < n; i++)
                *to++ = m.at[i];
        }
    }
}

static void backward_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const struct sc_pool_window *const v = &job->window;
    const float *const x = job->x + task * v->h * v->w;
    const float *const dy = job->dy + task * v->oh * v->ow;
    float *const dx = job->dx + task * v->h * v->w;
    struct maxima m;
    memset(dx, 0, (size_t)(v->h * v->w) * sizeof *dx);
    for (int64_t p = 0; p < v->oh; p++) {
        for (int64_t q = 0; q < v->ow; q += WINDOWS) {
            const int64_t n = sc_min_i64(WINDOWS, v->ow - q);
            find_maxima(v, x, p, q, n, &m);
            for (int64_t i = 0; i < n; i++) {
                if (m.at[i] >= 0) dx[m.at[i]] += dy[p * v->ow + q + i];
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
    struct job job = {.x = call->in[0].data, .y = call->out[0].data};
    (void)sc_pool_init(&job.window, &call->in[0], &call->out[0], SIMCLR_f32,
                       &call->attr->pool2d);
    sc_pool_run(call->pool, job.window.planes, forward_task, &job);
}

static const char *check_index(const struct sc_call *call)
{
    struct sc_pool_window window;
    return sc_pool_init(&window, &call->in[0], &call->out[0], SIMCLR_i64, &call->attr->pool2d);
}

static void run_index(const struct sc_call *call)
{
    struct job job = {.x = call->in[0].data, .at = call->out[0].data};
    (void)sc_pool_init(&job.window, &call->in[0], &call->out[0], SIMCLR_i64,
                       &call->attr->pool2d);
    sc_pool_run(call->pool, job.window.planes, index_task, &job);
}

static const char *check_grad(const struct sc_call *call)
{
    struct sc_pool_window window;
    if (!sc_same_shape(&call->in[0], &call->out[0]) || call->out[0].dtype != SIMCLR_f32)
        return "the output has not the input's shape";
    return sc_pool_init(&window, &call->in[0], &call->in[1], SIMCLR_f32, &call->attr->pool2d);
}

static void run_grad(const struct sc_call *call)
{
    struct job job = {.x = call->in[0].data, .dy = call->in[1].data, .dx = call->out[0].data};
    (void)sc_pool_init(&job.window, &call->in[0], &call->in[1], SIMCLR_f32,
                       &call->attr->pool2d);
    sc_pool_run(call->pool, job.window.planes, backward_task, &job);
}

SC_CPU_OP(max_pool2d) = {check, run};
SC_CPU_OP(max_pool2d_index) = {check_index, run_index};
SC_CPU_OP(max_pool2d_grad) = {check_grad, run_grad};
