// SPDX-License-Identifier: Apache-2.0
//
// softmax and log_softmax along one axis, the largest element taken out first, the
// sum in double.
#include "runtime/cpu/shape.h"

#include <math.h>

struct job {
    const struct sc_call *call;
    struct sc_axes axes;
    int64_t rows_per_task;
};

static const char *check(const struct sc_call *call)
{
    return call->in[0].dtype == SIMCLR_f32 && call->out[0].dtype == SIMCLR_f32 &&
                   sc_same_shape(&call->in[0], &call->out[0]) &&
                   sc_is_axis(call->attr->axis.axis, call->in[0].shape.rank)
               ? NULL
               : "operands do not match";
}

static void one_row(const float *x, float *y, int64_t n, int64_t step, bool is_log)
{
    float max = x[0];
    double sum = 0;
    for (int64_t i = 1; i < n; i++)
        max = fmaxf(max, x[i * step]);
    for (int64_t i = 0; i < n; i++) {
        const float e = expf(x[i * step] - max);
        sum += (double)e;
        if (!is_log) y[i * step] = e;
    }
    const float log_sum = (float)log(sum), factor = (float)(1 / sum);
    for (int64_t i = 0; i < n; i++)
        y[i * step] = is_log ? x[i * step] - max - log_sum : y[i * step] * factor;
}

static void run_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const struct sc_axes *const a = &job->axes;
    const int64_t end = sc_min_i64(a->outer * a->inner, (task + 1) * job->rows_per_task);
    const bool is_log = job->call->instr->op == (uint32_t)SIMCLR_OP_log_softmax;
    for (int64_t i = task * job->rows_per_task; i < end; i++) {
        const int64_t first = i / a->inner * a->n * a->inner + i % a->inner;
        one_row(sc_f32(&job->call->in[0]) + first, (float *)job->call->out[0].data + first,
                a->n, a->inner, is_log);
    }
}

static void run(const struct sc_call *call)
{
    struct job job = {.call = call,
                      .axes = sc_axes_around(&call->in[0].shape, call->attr->axis.axis)};
    if (call->out[0].count == 0) return;
    job.rows_per_task = sc_max_i64(1, SC_CPU_GRAIN / 8 / job.axes.n);
    sc_pool_run(call->pool, sc_n_blocks(job.axes.outer * job.axes.inner, job.rows_per_task),
                run_task, &job);
}

SC_CPU_OP(softmax) = {check, run};
SC_CPU_OP(log_softmax) = {check, run};
