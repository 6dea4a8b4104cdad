// SPDX-License-Identifier: Apache-2.0
//
// sgd(w, g, v, lr) -> w', v': g' = g + d w, v' = m v + g', w' = w - lr v', or with
// Nesterov's momentum w' = w - lr (g' + m v').
#include "runtime/cpu/ops/optimizer.h"
#include "runtime/cpu/ops/vec.h"

static const char *check(const struct sc_call *call)
{
    return sc_optimizer_check(call, 3);
}

static void run_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct sc_call *const call = ctx;
    const struct sc_attr_sgd *const a = &call->attr->sgd;
    const float *const w = call->in[0].data, *const g = call->in[1].data,
                       *const v = call->in[2].data, lr = *sc_f32(&call->in[3]);
    float *const new_w = call->out[0].data, *const new_v = call->out[1].data;
    const float momentum = (float)a->momentum, decay = (float)a->weight_decay;
    const float ahead = a->nesterov ? momentum : 1, slope_part = a->nesterov ? 1 : 0;
    const int64_t end = sc_min_i64(call->in[0].count, (task + 1) * SC_CPU_GRAIN);
    SC_INDEPENDENT for (int64_t i = task * SC_CPU_GRAIN; i < end; i++)
    {
        const float slope = g[i] + decay * w[i];
        const float velocity = momentum * v[i] + slope;
        new_w[i] = w[i] - lr * (ahead * velocity + slope_part * slope);
        new_v[i] = velocity;
    }
}

static void run(const struct sc_call *call)
{
    struct sc_call copy = *call;
    sc_pool_run(call->pool, sc_n_blocks(call->in[0].count, SC_CPU_GRAIN), run_task, &copy);
}

SC_CPU_OP(sgd) = {check, run};
