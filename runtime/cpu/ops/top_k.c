// SPDX-License-Identifier: Apache-2.0
//
// top_k: the places of the k best elements of each line along an axis, best first. The
// output's own line holds a heap whose root is the worst of the best so far; whoever is
// better replaces it, and in the end the roots leave the heap from the last place to
// the first. Tasks are groups of lines.
#include "runtime/cpu/element.h"
#include "runtime/cpu/shape.h"

#include <math.h>

static const char *check(const struct sc_call *call)
{
    const struct sc_attr_top_k *const a = &call->attr->top_k;
    const struct sc_operand *const x = &call->in[0], *const y = &call->out[0];
    if (!sc_is_axis(a->axis, x->shape.rank)) return "its axis is beyond its rank";
    struct simclr_shape expected = x->shape;
    if (a->k < 0 || a->k > expected.dim[a->axis]) return "it takes more than there are";
    expected.dim[a->axis] = a->k;
    return y->dtype == SIMCLR_i64 && simclr_shape_equal(&y->shape, &expected)
               ? NULL
               : "the output does not match";
}

// One line of x and the heap, which lives in the output, `step` elements from place to
// place in both.
struct line {
    const struct sc_operand *x;
    int64_t first, step;
    int64_t *heap;
    bool smallest;
};

static bool is_before_real(const struct line *l, int64_t i, int64_t j)
{
    const double a = sc_get_real(l->x, l->first + i * l->step);
    const double b = sc_get_real(l->x, l->first + j * l->step);
    if (isnan(a) != isnan(b)) return isnan(a) != l->smallest;
    if (a < b || a > b) return (a < b) == l->smallest;
    return i < j;
}

static bool is_before(const struct line *l, int64_t i, int64_t j)
{
    if (simclr_dtype_is_float(l->x->dtype)) return is_before_real(l, i, j);
    const int64_t a = sc_get_int(l->x, l->first + i * l->step);
    const int64_t b = sc_get_int(l->x, l->first + j * l->step);
    return a != b ? sc_int_less(l->x->dtype, a, b) == l->smallest : i < j;
}

// Puts `index` at the root of a heap of n places and lets it sink.
static void sink(const struct line *l, int64_t n, int64_t index)
{
    int64_t at = 0;
    for (int64_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n &&
            is_before(l, l->heap[child * l->step], l->heap[(child + 1) * l->step]))
            child++;
        if (is_before(l, l->heap[child * l->step], index)) break;
        l->heap[at * l->step] = l->heap[child * l->step];
    }
    l->heap[at * l->step] = index;
}

// Adds `index` to a heap of n places.
static void rise(const struct line *l, int64_t n, int64_t index)
{
    int64_t at = n;
    for (int64_t parent; at > 0; at = parent) {
        parent = (at - 1) / 2;
        if (is_before(l, index, l->heap[parent * l->step])) break;
        l->heap[at * l->step] = l->heap[parent * l->step];
    }
    l->heap[at * l->step] = index;
}

static void select_line(const struct line *l, int64_t n, int64_t k)
{
    for (int64_t i = 0; i < k; i++)
        rise(l, i, i);
    for (int64_t i = k; i < n; i++) {
        if (is_before(l, i, l->heap[0])) sink(l, k, i);
    }
    for (int64_t left = k - 1; left > 0; left--) {
        const int64_t worst = l->heap[0];
        sink(l, left, l->heap[left * l->step]);
        l->heap[left * l->step] = worst;
    }
}

struct selection {
    const struct sc_call *call;
    struct sc_axes axes;
    int64_t lines_per_task;
};

static void select_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct selection *const s = ctx;
    const struct sc_attr_top_k *const a = &s->call->attr->top_k;
    const int64_t inner = s->axes.inner;
    const int64_t end = sc_min_i64(s->axes.outer * inner, (task + 1) * s->lines_per_task);
    for (int64_t i = task * s->lines_per_task; i < end; i++) {
        int64_t *const y = s->call->out[0].data;
        const struct line l = {.x = &s->call->in[0],
                               .first = i / inner * s->axes.n * inner + i % inner,
                               .step = inner,
                               .heap = y + i / inner * a->k * inner + i % inner,
                               .smallest = a->smallest != 0};
        select_line(&l, s->axes.n, a->k);
    }
}

static void run(const struct sc_call *call)
{
    struct selection s = {.call = call,
                          .axes = sc_axes_around(&call->in[0].shape, call->attr->top_k.axis)};
    if (call->out[0].count == 0) return;
    s.lines_per_task = sc_max_i64(1, SC_CPU_GRAIN / s.axes.n);
    sc_pool_run(call->pool, sc_n_blocks(s.axes.outer * s.axes.inner, s.lines_per_task),
                select_task, &s);
}

SC_CPU_OP(top_k) = {check, run};
