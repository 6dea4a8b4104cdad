// SPDX-License-Identifier: Apache-2.0
//
// cumsum: running sums along an axis. A tensor is [outer, n, inner]; a task takes some
// of the outer * inner lines, a strip of up to 64 neighbours at a time, and walks the
// axis once. Floats are summed in double.
#include "runtime/cpu/element.h"
#include "runtime/cpu/shape.h"

enum { STRIP = 64 };

static const char *check(const struct sc_call *call)
{
    const struct sc_operand *const x = &call->in[0], *const y = &call->out[0];
    if (!sc_is_axis(call->attr->cumsum.axis, x->shape.rank))
        return "its axis is beyond its rank";
    if (x->dtype != y->dtype || !sc_same_shape(x, y)) return "the output does not match";
    return x->dtype == SIMCLR_f64 || x->dtype == SIMCLR_bool ? "it does not take this dtype"
                                                             : NULL;
}

struct lines {
    const struct sc_call *call;
    struct sc_axes axes;
    int64_t strips, strips_per_task; // strips: per index of the outer axes
};

// n neighbouring lines, the first of which starts at element `first`.
static void sum_reals(const struct lines *l, int64_t first, int64_t n)
{
    const struct sc_attr_cumsum *const a = &l->call->attr->cumsum;
    const int64_t inner = l->axes.inner;
    double sum[STRIP] = {0};
    for (int64_t k = 0; k < l->axes.n; k++) {
        const int64_t at = first + (a->reverse ? l->axes.n - 1 - k : k) * inner;
        const float *const x = (const float *)l->call->in[0].data + at;
        float *const y = (float *)l->call->out[0].data + at;
        for (int64_t i = 0; i < n; i++) {
            const double before = sum[i];
            sum[i] += (double)x[i];
            y[i] = (float)(a->exclusive ? before : sum[i]);
        }
    }
}

static void sum_ints(const struct lines *l, int64_t first, int64_t n)
{
    const struct sc_attr_cumsum *const a = &l->call->attr->cumsum;
    const struct sc_operand *const x = &l->call->in[0], *const y = &l->call->out[0];
    uint64_t sum[STRIP] = {0};
    for (int64_t k = 0; k < l->axes.n; k++) {
        const int64_t at = first + (a->reverse ? l->axes.n - 1 - k : k) * l->axes.inner;
        for (int64_t i = 0; i < n; i++) {
            const uint64_t before = sum[i];
            sum[i] += (uint64_t)sc_get_int(x, at + i);
            sc_put_int(y, at + i, (int64_t)(a->exclusive ? before : sum[i]));
        }
    }
}

static void sum_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct lines *const l = ctx;
    const struct sc_axes *const a = &l->axes;
    const int64_t end = sc_min_i64(a->outer * l->strips, (task + 1) * l->strips_per_task);
    for (int64_t strip = task * l->strips_per_task; strip < end; strip++) {
        const int64_t column = strip % l->strips * STRIP;
        const int64_t first = strip / l->strips * a->n * a->inner + column;
        const int64_t n = sc_min_i64(STRIP, a->inner - column);
        if (l->call->in[0].dtype == SIMCLR_f32)
            sum_reals(l, first, n);
        else
            sum_ints(l, first, n);
    }
}

static void run(const struct sc_call *call)
{
    struct lines l = {.call = call,
                      .axes = sc_axes_around(&call->in[0].shape, call->attr->cumsum.axis)};
    if (call->out[0].count == 0) return;
    l.strips = sc_n_blocks(l.axes.inner, STRIP);
    const int64_t width = sc_min_i64(STRIP, l.axes.inner);
    l.strips_per_task = sc_max_i64(1, SC_CPU_GRAIN / (width * l.axes.n));
    sc_pool_run(call->pool, sc_n_blocks(l.axes.outer * l.strips, l.strips_per_task), sum_task,
                &l);
}

SC_CPU_OP(cumsum) = {check, run};
