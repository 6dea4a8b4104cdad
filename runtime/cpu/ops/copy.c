// SPDX-License-Identifier: Apache-2.0
//
// copy and reshape: the same bytes. A reshape usually shares its input's memory and
// then costs nothing.
#include "runtime/cpu/shape.h"

#include <string.h>

static const char *check(const struct sc_call *call)
{
    const struct sc_operand *const x = &call->in[0], *const y = &call->out[0];
    return x->dtype == y->dtype && x->count == y->count ? NULL
                                                        : "input and output differ in size";
}

static void copy_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct sc_call *const call = ctx;
    const size_t size = simclr_dtype_size(call->out[0].dtype);
    const size_t begin = (size_t)task * SC_CPU_GRAIN * size;
    const int64_t n = sc_min_i64(SC_CPU_GRAIN, call->out[0].count - task * SC_CPU_GRAIN);
    memcpy((char *)call->out[0].data + begin, (const char *)call->in[0].data + begin,
           (size_t)n * size);
}

static void run(const struct sc_call *call)
{
    struct sc_call copy = *call;
    if (call->in[0].data == call->out[0].data) return;
    sc_pool_run(call->pool, sc_n_blocks(call->out[0].count, SC_CPU_GRAIN), copy_task, &copy);
}

SC_CPU_OP(copy) = {check, run};
SC_CPU_OP(reshape) = {check, run};
