// SPDX-License-Identifier: Apache-2.0
//
// nt_xent, its gradient and its metrics; formulas in compiler/ops/nt_xent.c. A task
// owns ROWS rows of the matrix of similarities, made by one product of the BLAS
// into scratch and never kept; what rows add to a sum goes to the workspace and is
// summed in order, in double.
#include "runtime/cpu/blas.h"
#include "runtime/cpu/shape.h"

#include <math.h>

enum { ROWS = 16 };

struct job {
    const struct sc_call *call;
    int64_t rows, d; // u is [rows, d]
    float per_temperature;
    bool halves;
    const float *u;
};

static int64_t positive_of(const struct job *job, int64_t i)
{
    return job->halves ? (i + job->rows / 2) % job->rows : i ^ 1;
}

static struct job job_of(const struct sc_call *call)
{
    const struct sc_attr_nt_xent *const a = &call->attr->nt_xent;
    return (struct job){.call = call,
                        .rows = call->in[0].shape.dim[0],
                        .d = call->in[0].shape.dim[1],
                        .per_temperature = (float)(1 / a->temperature),
                        .halves = a->halves,
                        .u = call->in[0].data};
}

// The dot products of rows [begin, begin + n) with all rows.
static void dot_products(const struct job *job, int64_t begin, int64_t n, float *s)
{
    const struct sc_gemm g = {.trans_b = true,
                              .m = n,
                              .n = job->rows,
                              .k = job->d,
                              .a = job->u + begin * job->d,
                              .lda = job->d,
                              .b = job->u,
                              .ldb = job->d,
                              .c = s,
                              .ldc = job->rows};
    sc_gemm(&g);
}

// ---- checks ----

static const char *check_rows(const struct sc_call *call, uint64_t doubles_per_row)
{
    const struct sc_operand *const u = &call->in[0];
    if (u->dtype != SIMCLR_f32 || u->shape.rank != 2 || u->shape.dim[0] < 2 ||
        u->shape.dim[0] % 2 != 0 || u->shape.dim[1] < 1 ||
        !sc_gemm_fits(u->shape.dim[0], u->shape.dim[1], 1))
        return "the embeddings are no pairs of rows";
    if (!(call->attr->nt_xent.temperature > 0)) return "the temperature is not above 0";
    const uint64_t rows = (uint64_t)u->shape.dim[0];
    if (call->instr->scratch_bytes < ROWS * rows * sizeof(float))
        return "its scratch is too small";
    return call->instr->workspace_bytes >= doubles_per_row * rows * sizeof(double)
               ? NULL
               : "its workspace is too small";
}

static const char *check(const struct sc_call *call)
{
    if (!sc_is_scalar(&call->out[0], SIMCLR_f32) ||
        !sc_is_vector(&call->out[1], SIMCLR_f32, call->in[0].shape.dim[0]))
        return "the outputs are not a scalar and a number per row";
    return check_rows(call, 1);
}

static const char *check_grad(const struct sc_call *call)
{
    if (!sc_same_shape(&call->in[0], &call->out[0]) || call->out[0].dtype != SIMCLR_f32 ||
        !sc_is_vector(&call->in[1], SIMCLR_f32, call->in[0].shape.dim[0]) ||
        !sc_is_scalar(&call->in[2], SIMCLR_f32))
        return "operands do not match";
    return check_rows(call, 0);
}

static const char *check_metrics(const struct sc_call *call)
{
    if (!sc_is_vector(&call->out[0], SIMCLR_f32, 2)) return "the output is not f32[2]";
    return check_rows(call, 2);
}

static int64_t n_tasks(const struct job *job)
{
    return sc_n_blocks(job->rows, ROWS);
}

// ---- the loss ----

static void loss_task(void *ctx, int64_t task, int thread)
{
    const struct job *const job = ctx;
    const int64_t begin = task * ROWS, n = sc_min_i64(ROWS, job->rows - begin);
    float *const lse = job->call->out[1].data;
    double *const loss = job->call->workspace;
    float *const products = sc_call_scratch(job->call, thread);
    dot_products(job, begin, n, products);
    for (int64_t i = begin; i < begin + n; i++) {
        const float *const s = products + (i - begin) * job->rows;
        float max = -INFINITY;
        double sum = 0;
        for (int64_t k = 0; k < job->rows; k++) {
            if (k != i) max = fmaxf(max, s[k]);
        }
        for (int64_t k = 0; k < job->rows; k++) {
            if (k != i) sum += (double)expf((s[k] - max) * job->per_temperature);
        }
        const double scale = 1 / job->call->attr->nt_xent.temperature;
        const double total = (double)max * scale + log(sum);
        lse[i] = (float)total;
        loss[i] = total - (double)s[positive_of(job, i)] * scale;
    }
}

static void run(const struct sc_call *call)
{
    struct job job = job_of(call);
    sc_pool_run(call->pool, n_tasks(&job), loss_task, &job);
    const double *const loss = call->workspace;
    double sum = 0;
    for (int64_t i = 0; i < job.rows; i++)
        sum += loss[i];
    *(float *)call->out[0].data = (float)(sum / (double)job.rows);
}

// ---- the gradient ----

static void grad_task(void *ctx, int64_t task, int thread)
{
    const struct job *const job = ctx;
    const int64_t begin = task * ROWS, n = sc_min_i64(ROWS, job->rows - begin);
    const float *const lse = job->call->in[1].data;
    const float factor = (float)((double)*sc_f32(&job->call->in[2]) /
                                 ((double)job->rows * job->call->attr->nt_xent.temperature));
    float *const weights = sc_call_scratch(job->call, thread);
    dot_products(job, begin, n, weights);
    for (int64_t i = begin; i < begin + n; i++) {
        float *const w = weights + (i - begin) * job->rows;
        for (int64_t k = 0; k < job->rows; k++) {
            const float s = w[k] * job->per_temperature;
            w[k] = factor * (expf(s - lse[i]) + expf(s - lse[k]));
        }
        w[positive_of(job, i)] -= 2 * factor;
        w[i] = 0;
    }
    const struct sc_gemm g = {.m = n,
                              .n = job->d,
                              .k = job->rows,
                              .a = weights,
                              .lda = job->rows,
                              .b = job->u,
                              .ldb = job->d,
                              .c = (float *)job->call->out[0].data + begin * job->d,
                              .ldc = job->d};
    sc_gemm(&g);
}

static void run_grad(const struct sc_call *call)
{
    struct job job = job_of(call);
    sc_pool_run(call->pool, n_tasks(&job), grad_task, &job);
}

// ---- metrics ----

static bool is_other_view(const struct job *job, int64_t i, int64_t k)
{
    return job->halves ? (i < job->rows / 2) != (k < job->rows / 2) : i % 2 != k % 2;
}

static void metrics_task(void *ctx, int64_t task, int thread)
{
    const struct job *const job = ctx;
    const int64_t begin = task * ROWS, n = sc_min_i64(ROWS, job->rows - begin);
    double *const result = job->call->workspace; // hit and entropy of each row
    float *const products = sc_call_scratch(job->call, thread);
    dot_products(job, begin, n, products);
    for (int64_t i = begin; i < begin + n; i++) {
        const float *const s = products + (i - begin) * job->rows;
        int64_t best = -1;
        double sum = 0, weighted = 0;
        for (int64_t k = 0; k < job->rows; k++) {
            if (is_other_view(job, i, k) && (best < 0 || s[k] > s[best])) best = k;
        }
        for (int64_t k = 0; k < job->rows; k++) {
            if (!is_other_view(job, i, k)) continue;
            const double x = (double)((s[k] - s[best]) * job->per_temperature);
            const double e = exp(x);
            sum += e;
            weighted += e * x;
        }
        result[2 * i] = best == positive_of(job, i);
        result[2 * i + 1] = log(sum) - weighted / sum;
    }
}

static void run_metrics(const struct sc_call *call)
{
    struct job job = job_of(call);
    sc_pool_run(call->pool, n_tasks(&job), metrics_task, &job);
    const double *const result = call->workspace;
    double hits = 0, entropy = 0;
    for (int64_t i = 0; i < job.rows; i++) {
        hits += result[2 * i];
        entropy += result[2 * i + 1];
    }
    ((float *)call->out[0].data)[0] = (float)(hits / (double)job.rows);
    ((float *)call->out[0].data)[1] = (float)(entropy / (double)job.rows);
}

SC_CPU_OP(nt_xent) = {check, run};
SC_CPU_OP(nt_xent_grad) = {check_grad, run_grad};
SC_CPU_OP(nt_xent_metrics) = {check_metrics, run_metrics};
