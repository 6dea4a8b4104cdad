// SPDX-License-Identifier: Apache-2.0
//
// scatter: rows of x replaced by, or combined with, the rows of the updates that the
// indices send there, in the order of the indices. Indices count from the end if
// negative; an update whose index is outside is dropped. Tasks are blocks of columns,
// so that the order of equal indices holds on any number of threads.
#include "runtime/cpu/element.h"
#include "runtime/cpu/shape.h"

#include <math.h>
#include <string.h>

static const char *check(const struct sc_call *call)
{
    const struct sc_operand *const x = &call->in[0], *const indices = &call->in[1],
                                   *const updates = &call->in[2];
    const int64_t how = call->attr->scatter.reduction;
    if (x->dtype != updates->dtype || x->dtype != call->out[0].dtype ||
        indices->dtype != SIMCLR_i64 || x->shape.rank < 1 || !sc_same_shape(x, &call->out[0]))
        return "operands do not match";
    if (how < 0 || how >= SIMCLR_N_SCATTERS) return "its reduction is unknown";
    if (how != SIMCLR_SCATTER_set && (x->dtype == SIMCLR_f64 || x->dtype == SIMCLR_bool))
        return "its reduction does not take this dtype";
    const int32_t n_inner = x->shape.rank - 1, n_outer = indices->shape.rank;
    if (updates->shape.rank != n_outer + n_inner) return "the updates are of another rank";
    for (int32_t i = 0; i < updates->shape.rank; i++) {
        const int64_t expected =
            i < n_outer ? indices->shape.dim[i] : x->shape.dim[i - n_outer + 1];
        if (updates->shape.dim[i] != expected) return "the updates are of another shape";
    }
    return NULL;
}

struct columns {
    const struct sc_call *call;
    struct sc_axes axes; // outer is 1
    int64_t per_task;
};

static int64_t position_of(int64_t index, int64_t n)
{
    if (index < 0) index += n;
    return index >= 0 && index < n ? index : -1;
}

static float combine_reals(int64_t how, float x, float u)
{
    switch (how) {
    case SIMCLR_SCATTER_add: return x + u;
    case SIMCLR_SCATTER_mul: return x * u;
    case SIMCLR_SCATTER_max: return u > x || isnan(u) ? u : x;
    default: return u < x || isnan(u) ? u : x;
    }
}

static int64_t combine_ints(int64_t how, simclr_dtype dtype, int64_t x, int64_t u)
{
    switch (how) {
    case SIMCLR_SCATTER_add: return (int64_t)((uint64_t)x + (uint64_t)u);
    case SIMCLR_SCATTER_mul: return (int64_t)((uint64_t)x * (uint64_t)u);
    case SIMCLR_SCATTER_max: return sc_int_less(dtype, x, u) ? u : x;
    default: return sc_int_less(dtype, u, x) ? u : x;
    }
}

// Updates [from, from + n) to elements [to, to + n).
static void write(const struct sc_call *call, int64_t to, int64_t from, int64_t n)
{
    const struct sc_operand *const y = &call->out[0], *const u = &call->in[2];
    const int64_t how = call->attr->scatter.reduction;
    const size_t size = simclr_dtype_size(y->dtype);
    if (how == SIMCLR_SCATTER_set) {
        memcpy((char *)y->data + (size_t)to * size, (const char *)u->data + (size_t)from * size,
               (size_t)n * size);
    } else if (y->dtype == SIMCLR_f32) {
        float *const out = (float *)y->data + to;
        const float *const in = (const float *)u->data + from;
        for (int64_t i = 0; i < n; i++)
            out[i] = combine_reals(how, out[i], in[i]);
    } else {
        for (int64_t i = 0; i < n; i++)
            sc_put_int(
                y, to + i,
                combine_ints(how, y->dtype, sc_get_int(y, to + i), sc_get_int(u, from + i)));
    }
}

static void scatter_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct columns *const c = ctx;
    const struct sc_operand *const x = &c->call->in[0], *const indices = &c->call->in[1];
    const size_t size = simclr_dtype_size(x->dtype);
    const int64_t inner = c->axes.inner, first = task * c->per_task;
    const int64_t n = sc_min_i64(c->per_task, inner - first);
    if (n == inner) {
        memcpy(c->call->out[0].data, x->data, (size_t)x->count * size);
    } else {
        for (int64_t row = 0; row < c->axes.n; row++)
            memcpy((char *)c->call->out[0].data + (size_t)(row * inner + first) * size,
                   (const char *)x->data + (size_t)(row * inner + first) * size,
                   (size_t)n * size);
    }
    for (int64_t i = 0; i < indices->count; i++) {
        const int64_t at = position_of(((const int64_t *)indices->data)[i], c->axes.n);
        if (at >= 0) write(c->call, at * inner + first, i * inner + first, n);
    }
}

static void run(const struct sc_call *call)
{
    struct columns c = {.call = call, .axes = sc_axes_around(&call->in[0].shape, 0)};
    const int64_t rows = c.axes.n + call->in[1].count;
    if (call->out[0].count == 0) return;
    c.per_task = sc_max_i64(64, SC_CPU_GRAIN / rows);
    sc_pool_run(call->pool, sc_n_blocks(c.axes.inner, c.per_task), scatter_task, &c);
}

SC_CPU_OP(scatter) = {check, run};
