// SPDX-License-Identifier: Apache-2.0
//
// resample: y[o, i, k] = sum over t of weight[i, t] x[o, index[i, t], k], where x is
// [outer, n, inner] around the axis; a negative index is no tap. Each output is summed
// in the order of the taps. A task is a range of rows (o, i) of `inner` outputs.
#include "runtime/cpu/shape.h"

#include <string.h>

struct job {
    const float *x, *weight;
    const int64_t *index;
    float *y;
    int64_t n_in, n_out, n_taps, inner; // along the axis; per output; after the axis
    int64_t n_rows, rows_per_task;
};

static const char *check(const struct sc_call *call)
{
    const struct sc_operand *const x = &call->in[0], *const y = &call->out[0];
    const int64_t axis = call->attr->axis.axis;
    if (x->dtype != SIMCLR_f32 || y->dtype != SIMCLR_f32 || !sc_is_axis(axis, x->shape.rank) ||
        call->in[1].dtype != SIMCLR_i64 || call->in[2].dtype != SIMCLR_f32 ||
        call->in[1].shape.rank != 2 || !sc_same_shape(&call->in[1], &call->in[2]))
        return "operands do not match";
    struct simclr_shape expected = x->shape;
    expected.dim[axis] = call->in[1].shape.dim[0];
    return simclr_shape_equal(&expected, &y->shape) ? NULL : "operands do not match";
}

// The tables come from a file: what points outside is no tap.
static bool is_tap(const struct job *job, int64_t at)
{
    return at >= 0 && at < job->n_in;
}

// inner is 1: each output stands alone.
static void single_outputs(const struct job *job, int64_t row, int64_t end)
{
    for (; row < end; row++) {
        const float *const x = job->x + row / job->n_out * job->n_in;
        const int64_t first = row % job->n_out * job->n_taps;
        float sum = 0;
        for (int64_t t = first; t < first + job->n_taps; t++) {
            if (is_tap(job, job->index[t])) sum += job->weight[t] * x[job->index[t]];
        }
        job->y[row] = sum;
    }
}

static void add_row(float *restrict y, const float *restrict x, float weight, int64_t n,
                    bool is_first)
{
    for (int64_t k = 0; k < n; k++)
        y[k] = is_first ? weight * x[k] : y[k] + weight * x[k];
}

static void whole_rows(const struct job *job, int64_t row, int64_t end)
{
    for (; row < end; row++) {
        const float *const x = job->x + row / job->n_out * job->n_in * job->inner;
        float *const y = job->y + row * job->inner;
        const int64_t first = row % job->n_out * job->n_taps;
        bool is_first = true;
        for (int64_t t = first; t < first + job->n_taps; t++) {
            if (!is_tap(job, job->index[t])) continue;
            add_row(y, x + job->index[t] * job->inner, job->weight[t], job->inner, is_first);
            is_first = false;
        }
        if (is_first) memset(y, 0, (size_t)job->inner * sizeof *y);
    }
}

static void run_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const int64_t row = task * job->rows_per_task;
    const int64_t end = sc_min_i64(job->n_rows, row + job->rows_per_task);
    if (job->inner == 1)
        single_outputs(job, row, end);
    else
        whole_rows(job, row, end);
}

static void run(const struct sc_call *call)
{
    const struct sc_axes a = sc_axes_around(&call->in[0].shape, call->attr->axis.axis);
    struct job job = {.x = sc_f32(&call->in[0]),
                      .weight = sc_f32(&call->in[2]),
                      .index = call->in[1].data,
                      .y = call->out[0].data,
                      .n_in = a.n,
                      .n_out = call->in[1].shape.dim[0],
                      .n_taps = call->in[1].shape.dim[1],
                      .inner = a.inner};
    if (call->out[0].count == 0) return;
    job.n_rows = a.outer * job.n_out;
    job.rows_per_task = sc_max_i64(1, SC_CPU_GRAIN / job.inner / sc_max_i64(1, job.n_taps));
    sc_pool_run(call->pool, sc_n_blocks(job.n_rows, job.rows_per_task), run_task, &job);
}

SC_CPU_OP(resample) = {check, run};
