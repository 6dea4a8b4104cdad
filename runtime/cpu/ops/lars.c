// SPDX-License-Identifier: Apache-2.0
//
// lars(w, g, v, lr) -> w', v': g' = g + d w, trust = eta |w| / |g'| (1 where either
// is 0), v' = m v + lr trust g', w' = w - v'; without adaptation d = 0, trust = 1.
// The norms are summed in double, over PARTS parts of fixed extent, then over the
// parts in order.
#include "runtime/cpu/ops/optimizer.h"
#include "runtime/cpu/ops/vec.h"

#include <math.h>

enum { PARTS = 64 };

struct job {
    const struct sc_call *call;
    int64_t part;                // elements of one part
    float decay, momentum, rate; // rate = lr trust
    double w_square[PARTS], g_square[PARTS];
};

static const char *check(const struct sc_call *call)
{
    return sc_optimizer_check(call, 3);
}

static void norm_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    struct job *const job = ctx;
    const float *const w = job->call->in[0].data, *const g = job->call->in[1].data;
    const int64_t end = sc_min_i64(job->call->in[0].count, (task + 1) * job->part);
    double w_square[4] = {0}, g_square[4] = {0};
    for (int64_t i = task * job->part; i < end; i++) {
        const double slope = (double)(g[i] + job->decay * w[i]);
        w_square[i & 3] += (double)w[i] * (double)w[i];
        g_square[i & 3] += slope * slope;
    }
    job->w_square[task] = (w_square[0] + w_square[1]) + (w_square[2] + w_square[3]);
    job->g_square[task] = (g_square[0] + g_square[1]) + (g_square[2] + g_square[3]);
}

static double trust_ratio(struct job *job, double eta)
{
    const int64_t n_parts = sc_n_blocks(job->call->in[0].count, job->part);
    double w_square = 0, g_square = 0;
    sc_pool_run(job->call->pool, n_parts, norm_task, job);
    for (int64_t i = 0; i < n_parts; i++) {
        w_square += job->w_square[i];
        g_square += job->g_square[i];
    }
    return w_square > 0 && g_square > 0 ? eta * sqrt(w_square) / sqrt(g_square) : 1;
}

static void step_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const struct sc_call *const call = job->call;
    const float *const w = call->in[0].data, *const g = call->in[1].data,
                       *const v = call->in[2].data;
    float *const new_w = call->out[0].data, *const new_v = call->out[1].data;
    const float momentum = job->momentum, rate = job->rate, decay = job->decay;
    const int64_t end = sc_min_i64(call->in[0].count, (task + 1) * SC_CPU_GRAIN);
    SC_INDEPENDENT for (int64_t i = task * SC_CPU_GRAIN; i < end; i++)
    {
        const float velocity = momentum * v[i] + rate * (g[i] + decay * w[i]);
        new_w[i] = w[i] - velocity;
        new_v[i] = velocity;
    }
}

static void run(const struct sc_call *call)
{
    const struct sc_attr_lars *const a = &call->attr->lars;
    const int64_t count = call->in[0].count;
    struct job job = {.call = call,
                      .part = sc_max_i64(4096, sc_n_blocks(count, PARTS)),
                      .decay = a->adapt ? (float)a->weight_decay : 0,
                      .momentum = (float)a->momentum};
    const double trust = a->adapt ? trust_ratio(&job, a->eta) : 1;
    job.rate = (float)((double)*sc_f32(&call->in[3]) * trust);
    sc_pool_run(call->pool, sc_n_blocks(count, SC_CPU_GRAIN), step_task, &job);
}

SC_CPU_OP(lars) = {check, run};
