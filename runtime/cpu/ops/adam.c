// SPDX-License-Identifier: Apache-2.0
//
// adam(w, g, m, v, lr, step) -> w', m', v', as in compiler/ops/adam.c; the
// corrections for the first steps are computed once, in double.
#include "runtime/cpu/ops/optimizer.h"
#include "runtime/cpu/ops/vec.h"

#include <math.h>

static const char *check(const struct sc_call *call)
{
    if (!sc_is_scalar(&call->in[5], SIMCLR_i64)) return "the step is no i64 scalar";
    return sc_optimizer_check(call, 4);
}

struct job {
    const struct sc_call *call;
    float keep_m, keep_v, new_m, new_v; // b1, b2, 1 - b1, 1 - b2
    float fill_m, fill_v;               // 1 / (1 - b^step)
    float coupled, decoupled, epsilon;  // the two kinds of weight decay
};

static void run_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const struct job c = *job;
    const struct sc_call *const call = c.call;
    const float *const w = call->in[0].data, *const g = call->in[1].data,
                       *const m = call->in[2].data, *const v = call->in[3].data,
                       lr = *sc_f32(&call->in[4]);
    float *const out_w = call->out[0].data, *const out_m = call->out[1].data,
                 *const out_v = call->out[2].data;
    const int64_t end = sc_min_i64(call->in[0].count, (task + 1) * SC_CPU_GRAIN);
    SC_INDEPENDENT for (int64_t i = task * SC_CPU_GRAIN; i < end; i++)
    {
        const float slope = g[i] + c.coupled * w[i];
        const float m1 = c.keep_m * m[i] + c.new_m * slope;
        const float v1 = c.keep_v * v[i] + c.new_v * slope * slope;
        const float update = m1 * c.fill_m / (sqrtf(v1 * c.fill_v) + c.epsilon);
        out_w[i] = w[i] - lr * (update + c.decoupled * w[i]);
        out_m[i] = m1;
        out_v[i] = v1;
    }
}

static void run(const struct sc_call *call)
{
    const struct sc_attr_adam *const a = &call->attr->adam;
    const double step = (double)*(const int64_t *)call->in[5].data;
    struct job job = {.call = call,
                      .keep_m = (float)a->beta1,
                      .keep_v = (float)a->beta2,
                      .new_m = (float)(1 - a->beta1),
                      .new_v = (float)(1 - a->beta2),
                      .fill_m = (float)(1 / (1 - pow(a->beta1, step))),
                      .fill_v = (float)(1 / (1 - pow(a->beta2, step))),
                      .coupled = a->decoupled ? 0 : (float)a->weight_decay,
                      .decoupled = a->decoupled ? (float)a->weight_decay : 0,
                      .epsilon = (float)a->epsilon};
    sc_pool_run(call->pool, sc_n_blocks(call->in[0].count, SC_CPU_GRAIN), run_task, &job);
}

SC_CPU_OP(adam) = {check, run};
