// SPDX-License-Identifier: Apache-2.0
//
// batch_norm, batch_norm_train and its gradient; formulas in compiler/ops. x is
// [n, channels, inner]. A task owns some channels and makes two passes over them,
// the first for the sums (in double), the second for the result, while they are in
// cache. Where `inner` is long, a channel is walked row by row with its numbers in
// registers; where it is short, all columns of the task's channels are walked at
// once, each with its own number in an array.
#include "runtime/cpu/ops/sum.h"
#include "runtime/cpu/ops/vec.h"
#include "runtime/cpu/shape.h"

#include <math.h>

enum { SHORT = 64, COLUMNS = 256 }; // inner of at most SHORT; columns of a strip

struct job {
    const struct sc_call *call;
    struct sc_axes axes; // outer = n, n = channels, inner
    int64_t channels;    // of a task
    const float *x, *dy;
    float *out;
};

static struct job job_of(const struct sc_call *call, const struct sc_operand *x)
{
    struct job job = {.call = call, .axes = sc_axes_around(&x->shape, 1), .x = x->data};
    const struct sc_axes *const a = &job.axes;
    if (a->inner <= SHORT)
        job.channels = sc_max_i64(1, COLUMNS / sc_max_i64(1, a->inner));
    else
        job.channels = sc_max_i64(1, SC_CPU_GRAIN / sc_max_i64(1, a->outer * a->inner));
    return job;
}

static int64_t n_tasks(const struct job *job)
{
    return sc_n_blocks(job->axes.n, job->channels);
}

// The line y = factor (x - centre) + offset of one channel, and for the gradient a
// second term: dx = gain dy + factor (x - centre) + offset.
struct line {
    float centre, factor, offset, gain;
};

// Sums of one channel.
typedef struct sc_pair sums_fn(const struct job *job, int64_t channel);
typedef struct line line_fn(const struct job *job, int64_t channel, struct sc_pair sums);

// ---- long rows ----

static struct sc_pair forward_sums(const struct job *job, int64_t channel)
{
    const struct sc_axes *const a = &job->axes;
    struct sc_pair sum = {0, 0};
    for (int64_t n = 0; n < a->outer; n++) {
        const struct sc_pair row =
            sc_sum_squares(job->x + (n * a->n + channel) * a->inner, a->inner);
        sum.first += row.first;
        sum.second += row.second;
    }
    return sum;
}

static struct sc_pair backward_sums(const struct job *job, int64_t channel)
{
    const struct sc_axes *const a = &job->axes;
    const double mean = (double)sc_f32(&job->call->in[3])[channel];
    struct sc_pair sum = {0, 0};
    for (int64_t n = 0; n < a->outer; n++) {
        const int64_t first = (n * a->n + channel) * a->inner;
        const struct sc_pair row =
            sc_sum_products(job->dy + first, job->x + first, mean, a->inner);
        sum.first += row.first;
        sum.second += row.second;
    }
    return sum;
}

static void write_channel(const struct job *job, int64_t channel, struct line l)
{
    const struct sc_axes *const a = &job->axes;
    for (int64_t n = 0; n < a->outer; n++) {
        const int64_t first = (n * a->n + channel) * a->inner;
        const float *const x = job->x + first;
        float *const out = job->out + first;
        if (job->dy) {
            const float *const dy = job->dy + first;
            SC_INDEPENDENT for (int64_t i = 0; i < a->inner; i++) out[i] =
                l.gain * dy[i] + (l.factor * (x[i] - l.centre) + l.offset);
        } else {
            SC_INDEPENDENT for (int64_t i = 0; i < a->inner; i++) out[i] =
                l.factor * (x[i] - l.centre) + l.offset;
        }
    }
}

// ---- strips of columns ----

// Sums over n of every column j of [begin, begin + n_columns), and from them those
// of channels: sum x and sum x^2, or sum dy and sum dy (x - mean).
static void strip_sums(const struct job *job, int64_t begin, int64_t n_columns,
                       struct sc_pair *sums)
{
    const struct sc_axes *const a = &job->axes;
    double first[COLUMNS] = {0}, second[COLUMNS] = {0}, centre[COLUMNS] = {0};
    for (int64_t j = 0; job->dy && j < n_columns; j++)
        centre[j] = (double)sc_f32(&job->call->in[3])[(begin + j) / a->inner];
    for (int64_t n = 0; n < a->outer; n++) {
        const float *const x = job->x + n * a->n * a->inner + begin;
        const float *const y = job->dy ? job->dy + n * a->n * a->inner + begin : x;
        for (int64_t j = 0; j < n_columns; j++) {
            first[j] += (double)y[j];
            second[j] += (double)y[j] * ((double)x[j] - centre[j]);
        }
    }
    for (int64_t j = 0; j < n_columns; j++) {
        struct sc_pair *const sum = &sums[j / a->inner];
        if (j % a->inner == 0) *sum = (struct sc_pair){0, 0};
        sum->first += first[j];
        sum->second += second[j];
    }
}

static void write_strip(const struct job *job, int64_t begin, int64_t n_columns,
                        const struct line *lines)
{
    const struct sc_axes *const a = &job->axes;
    float centre[COLUMNS], factor[COLUMNS], offset[COLUMNS], gain[COLUMNS];
    for (int64_t j = 0; j < n_columns; j++) {
        const struct line *const l = &lines[j / a->inner];
        centre[j] = l->centre;
        factor[j] = l->factor;
        offset[j] = l->offset;
        gain[j] = l->gain;
    }
    for (int64_t n = 0; n < a->outer; n++) {
        const int64_t first = n * a->n * a->inner + begin;
        const float *const x = job->x + first;
        float *const out = job->out + first;
        if (job->dy) {
            const float *const dy = job->dy + first;
            SC_INDEPENDENT for (int64_t j = 0; j < n_columns; j++) out[j] =
                gain[j] * dy[j] + (factor[j] * (x[j] - centre[j]) + offset[j]);
        } else {
            SC_INDEPENDENT for (int64_t j = 0; j < n_columns; j++) out[j] =
                factor[j] * (x[j] - centre[j]) + offset[j];
        }
    }
}

// ---- a task ----

// Both passes over channels [begin, end); only the second if sums_of is NULL.
static void run_channels(const struct job *job, int64_t begin, int64_t end, sums_fn *sums_of,
                         line_fn *line_of)
{
    const struct sc_axes *const a = &job->axes;
    struct sc_pair sums[COLUMNS] = {{0, 0}};
    struct line lines[COLUMNS];
    if (a->inner <= SHORT && a->inner > 0) {
        if (sums_of) strip_sums(job, begin * a->inner, (end - begin) * a->inner, sums);
        for (int64_t c = begin; c < end; c++)
            lines[c - begin] = line_of(job, c, sums[c - begin]);
        write_strip(job, begin * a->inner, (end - begin) * a->inner, lines);
        return;
    }
    for (int64_t c = begin; c < end; c++)
        write_channel(job, c, line_of(job, c, sums_of ? sums_of(job, c) : sums[0]));
}

// ---- training form ----

static double inverse_deviation(const struct job *job, double var)
{
    return 1 / sqrt(var + job->call->attr->batch_norm.epsilon);
}

// What rounding the mean to float leaves goes into the offset.
static struct line forward_line(const struct job *job, int64_t channel, struct sc_pair sums)
{
    const double count = (double)(job->axes.outer * job->axes.inner);
    const double mean = sums.first / count;
    const double var = fmax(0, sums.second / count - mean * mean);
    const double factor =
        inverse_deviation(job, var) * (double)sc_f32(&job->call->in[1])[channel];
    const float centre = (float)mean;
    ((float *)job->call->out[1].data)[channel] = centre;
    ((float *)job->call->out[2].data)[channel] = (float)var;
    return (struct line){.centre = centre,
                         .factor = (float)factor,
                         .offset = (float)((double)sc_f32(&job->call->in[2])[channel] -
                                           (mean - (double)centre) * factor)};
}

static void forward_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const int64_t begin = task * job->channels;
    run_channels(job, begin, sc_min_i64(job->axes.n, begin + job->channels), forward_sums,
                 forward_line);
}

static bool are_vectors(const struct sc_operand *o, uint32_t n, int64_t count)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!sc_is_vector(&o[i], SIMCLR_f32, count)) return false;
    }
    return true;
}

static bool is_normalized(const struct sc_operand *x, const struct sc_operand *y)
{
    return x->dtype == SIMCLR_f32 && y->dtype == SIMCLR_f32 && x->shape.rank >= 2 &&
           sc_same_shape(x, y);
}

static const char *check_train(const struct sc_call *call)
{
    return is_normalized(&call->in[0], &call->out[0]) &&
                   are_vectors(call->in + 1, 2, call->in[0].shape.dim[1]) &&
                   are_vectors(call->out + 1, 2, call->in[0].shape.dim[1])
               ? NULL
               : "operands do not match";
}

static void run_train(const struct sc_call *call)
{
    struct job job = job_of(call, &call->in[0]);
    job.out = call->out[0].data;
    sc_pool_run(call->pool, n_tasks(&job), forward_task, &job);
}

// ---- gradient ----

static struct line backward_line(const struct job *job, int64_t channel, struct sc_pair sums)
{
    const struct sc_operand *const in = job->call->in;
    const double count = (double)(job->axes.outer * job->axes.inner);
    const double inv = inverse_deviation(job, (double)sc_f32(&in[4])[channel]);
    const double gain = (double)sc_f32(&in[2])[channel] * inv;
    const double dbias = sums.first, dscale = sums.second * inv;
    ((float *)job->call->out[1].data)[channel] = (float)dscale;
    ((float *)job->call->out[2].data)[channel] = (float)dbias;
    return (struct line){.centre = sc_f32(&in[3])[channel],
                         .factor = (float)(-gain * inv * dscale / count),
                         .offset = (float)(-gain * dbias / count),
                         .gain = (float)gain};
}

static void backward_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const int64_t begin = task * job->channels;
    run_channels(job, begin, sc_min_i64(job->axes.n, begin + job->channels), backward_sums,
                 backward_line);
}

static const char *check_grad(const struct sc_call *call)
{
    return is_normalized(&call->in[0], &call->out[0]) &&
                   is_normalized(&call->in[1], &call->in[0]) &&
                   are_vectors(call->in + 2, 3, call->in[0].shape.dim[1]) &&
                   are_vectors(call->out + 1, 2, call->in[0].shape.dim[1])
               ? NULL
               : "operands do not match";
}

static void run_grad(const struct sc_call *call)
{
    struct job job = job_of(call, &call->in[1]);
    job.dy = call->in[0].data;
    job.out = call->out[0].data;
    sc_pool_run(call->pool, n_tasks(&job), backward_task, &job);
}

// ---- inference form ----

static struct line given_line(const struct job *job, int64_t channel, struct sc_pair sums)
{
    (void)sums;
    const struct sc_operand *const in = job->call->in;
    const double inv = inverse_deviation(job, (double)sc_f32(&in[4])[channel]);
    return (struct line){.centre = sc_f32(&in[3])[channel],
                         .factor = (float)(inv * (double)sc_f32(&in[1])[channel]),
                         .offset = sc_f32(&in[2])[channel]};
}

static void given_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const int64_t begin = task * job->channels;
    run_channels(job, begin, sc_min_i64(job->axes.n, begin + job->channels), NULL, given_line);
}

static const char *check_given(const struct sc_call *call)
{
    return is_normalized(&call->in[0], &call->out[0]) &&
                   are_vectors(call->in + 1, 4, call->in[0].shape.dim[1])
               ? NULL
               : "operands do not match";
}

static void run_given(const struct sc_call *call)
{
    struct job job = job_of(call, &call->in[0]);
    job.out = call->out[0].data;
    sc_pool_run(call->pool, n_tasks(&job), given_task, &job);
}

SC_CPU_OP(batch_norm) = {check_given, run_given};
SC_CPU_OP(batch_norm_train) = {check_train, run_train};
SC_CPU_OP(batch_norm_train_grad) = {check_grad, run_grad};
