// SPDX-License-Identifier: Apache-2.0
//
// reduce_sum, reduce_mean, reduce_max, reduce_min, reduce_prod over any axes. Two
// index spaces: that of the output, and that of what is reduced to one element. Where
// the reduced elements lie next to each other, each output is a sum of rows; where
// outputs do, a strip of outputs is reduced at once. Floats are summed and multiplied
// in double, in row-major order but for the lanes of a vector.
#include "runtime/cpu/element.h"
#include "runtime/cpu/ops/sum.h"
#include "runtime/cpu/shape.h"

#include <math.h>

enum { STRIP = 64 };

enum kind { SUM, MAX, MIN, PROD };

struct reduction {
    const struct sc_call *call;
    struct sc_rows kept, reduced; // offsets in x
    int64_t size;                 // elements reduced to one
    enum kind kind;
    double factor; // of the result
    int64_t strip; // outputs of one task
};

static bool is_reduced(const struct sc_attr_reduce *a, int32_t axis)
{
    for (int64_t i = 0; i < a->axes.n; i++) {
        if (a->axes.v[i] == axis) return true;
    }
    return false;
}

static const char *check(const struct sc_call *call)
{
    const struct sc_attr_reduce *const a = &call->attr->reduce;
    const struct sc_operand *const x = &call->in[0], *const y = &call->out[0];
    int64_t n_kept = 1;
    for (int64_t i = 0; i < a->axes.n; i++) {
        if (!sc_is_axis(a->axes.v[i], x->shape.rank)) return "an axis is beyond its rank";
    }
    for (int32_t i = 0; i < x->shape.rank; i++)
        n_kept *= is_reduced(a, i) ? 1 : x->shape.dim[i];
    if (x->dtype != y->dtype || y->count != n_kept) return "the output does not match";
    const uint32_t op = call->instr->op;
    const bool is_order = op == SIMCLR_OP_reduce_max || op == SIMCLR_OP_reduce_min;
    const bool takes =
        simclr_dtype_is_float(x->dtype)
            ? x->dtype == SIMCLR_f32
            : is_order || (x->dtype != SIMCLR_bool && op != SIMCLR_OP_reduce_mean);
    return takes ? NULL : "it does not take this dtype";
}

// ---- floats ----

static double nothing(enum kind kind)
{
    if (kind == MAX) return -(double)INFINITY;
    if (kind == MIN) return (double)INFINITY;
    return kind == PROD ? 1 : 0;
}

static inline double combine(enum kind kind, double a, double b)
{
    if (kind == MAX) return b > a || isnan(b) ? b : a;
    if (kind == MIN) return b < a || isnan(b) ? b : a;
    return kind == PROD ? a * b : a + b;
}

static double reduce_row(const float *x, int64_t n, int64_t step, enum kind kind)
{
    if (step == 1 && kind == SUM) return sc_sum(x, n);
    double result = nothing(kind);
    for (int64_t i = 0; i < n; i++)
        result = combine(kind, result, (double)x[i * step]);
    return result;
}

static void reduce_each(const struct reduction *r, int64_t begin, int64_t end)
{
    const float *const x = r->call->in[0].data;
    float *const y = r->call->out[0].data;
    for (int64_t i = begin; i < end; i++) {
        const int64_t first = sc_rows_offset(&r->kept, 0, i / r->kept.length) +
                              i % r->kept.length * r->kept.row_stride[0];
        double result = nothing(r->kind);
        for (int64_t row = 0; row < r->reduced.n_rows && r->size > 0; row++) {
            const double part =
                reduce_row(x + first + sc_rows_offset(&r->reduced, 0, row), r->reduced.length,
                           r->reduced.row_stride[0], r->kind);
            result = combine(r->kind, result, part);
        }
        y[i] = (float)(result * r->factor);
    }
}

static void combine_strip(enum kind kind, double *result, const float *x, int64_t n)
{
    if (kind == SUM) {
        for (int64_t i = 0; i < n; i++)
            result[i] += (double)x[i];
    } else if (kind == MAX) {
        for (int64_t i = 0; i < n; i++)
            result[i] = combine(MAX, result[i], (double)x[i]);
    } else if (kind == MIN) {
        for (int64_t i = 0; i < n; i++)
            result[i] = combine(MIN, result[i], (double)x[i]);
    } else {
        for (int64_t i = 0; i < n; i++)
            result[i] *= (double)x[i];
    }
}

// Outputs [begin, end), at most STRIP, all of one row of outputs with stride 1.
static void reduce_strip(const struct reduction *r, int64_t begin, int64_t end)
{
    const float *const x = (const float *)r->call->in[0].data +
                           sc_rows_offset(&r->kept, 0, begin / r->kept.length) +
                           begin % r->kept.length;
    float *const y = r->call->out[0].data;
    const int64_t n = end - begin;
    double result[STRIP];
    for (int64_t i = 0; i < n; i++)
        result[i] = nothing(r->kind);
    for (int64_t k = 0; k < r->size; k++) {
        const float *const from = x + sc_rows_offset(&r->reduced, 0, k / r->reduced.length) +
                                  k % r->reduced.length * r->reduced.row_stride[0];
        combine_strip(r->kind, result, from, n);
    }
    for (int64_t i = 0; i < n; i++)
        y[begin + i] = (float)(result[i] * r->factor);
}

static bool uses_strips(const struct reduction *r)
{
    return r->kept.row_stride[0] == 1 && r->kept.length > 1 &&
           !(r->reduced.row_stride[0] == 1 && r->reduced.length >= STRIP);
}

static void reduce_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct reduction *const r = ctx;
    const int64_t end = sc_min_i64(r->call->out[0].count, (task + 1) * r->strip);
    if (!uses_strips(r)) {
        reduce_each(r, task * r->strip, end);
        return;
    }
    for (int64_t i = task * r->strip; i < end;) {
        const int64_t row_end = (i / r->kept.length + 1) * r->kept.length;
        const int64_t stop = sc_min_i64(sc_min_i64(end, row_end), i + STRIP);
        reduce_strip(r, i, stop);
        i = stop;
    }
}

// ---- integers ----

static int64_t no_ints(enum kind kind, simclr_dtype dtype)
{
    if (kind == MAX) return sc_int_least(dtype);
    if (kind == MIN) return sc_int_most(dtype);
    return kind == PROD ? 1 : 0;
}

static int64_t combine_ints(enum kind kind, simclr_dtype dtype, int64_t a, int64_t b)
{
    if (kind == MAX) return sc_int_less(dtype, a, b) ? b : a;
    if (kind == MIN) return sc_int_less(dtype, b, a) ? b : a;
    return (int64_t)(kind == PROD ? (uint64_t)a * (uint64_t)b : (uint64_t)a + (uint64_t)b);
}

static void reduce_ints(const struct reduction *r)
{
    const struct sc_operand *const x = &r->call->in[0], *const y = &r->call->out[0];
    for (int64_t i = 0; i < y->count; i++) {
        const int64_t first = sc_rows_offset(&r->kept, 0, i / r->kept.length) +
                              i % r->kept.length * r->kept.row_stride[0];
        int64_t result = no_ints(r->kind, x->dtype);
        for (int64_t k = 0; k < r->size; k++) {
            const int64_t from = first + sc_rows_offset(&r->reduced, 0, k / r->reduced.length) +
                                 k % r->reduced.length * r->reduced.row_stride[0];
            result = combine_ints(r->kind, x->dtype, result, sc_get_int(x, from));
        }
        sc_put_int(y, i, result);
    }
}

// ---- both ----

static void run(const struct sc_call *call)
{
    const struct simclr_shape *const x = &call->in[0].shape;
    struct reduction r = {.call = call, .size = 1, .factor = 1};
    int64_t own[SIMCLR_MAX_RANK] = {0}, stride[2][1][SIMCLR_MAX_RANK] = {{{0}}};
    struct simclr_shape space[2] = {{0}, {0}}; // kept, reduced
    sc_row_major(x, own);
    for (int32_t i = 0; i < x->rank; i++) {
        const int which = is_reduced(&call->attr->reduce, i);
        stride[which][0][space[which].rank] = own[i];
        space[which].dim[space[which].rank++] = x->dim[i];
        if (which == 1) r.size *= x->dim[i];
    }
    sc_rows_init(&r.kept, &space[0], 1, stride[0]);
    sc_rows_init(&r.reduced, &space[1], 1, stride[1]);
    if (call->instr->op == (uint32_t)SIMCLR_OP_reduce_max) r.kind = MAX;
    if (call->instr->op == (uint32_t)SIMCLR_OP_reduce_min) r.kind = MIN;
    if (call->instr->op == (uint32_t)SIMCLR_OP_reduce_prod) r.kind = PROD;
    if (call->instr->op == (uint32_t)SIMCLR_OP_reduce_mean) r.factor = 1 / (double)r.size;
    r.strip = sc_max_i64(1, SC_CPU_GRAIN / sc_max_i64(1, r.size));
    if (call->in[0].dtype == SIMCLR_f32)
        sc_pool_run(call->pool, sc_n_blocks(call->out[0].count, r.strip), reduce_task, &r);
    else
        reduce_ints(&r);
}

SC_CPU_OP(reduce_sum) = {check, run};
SC_CPU_OP(reduce_mean) = {check, run};
SC_CPU_OP(reduce_max) = {check, run};
SC_CPU_OP(reduce_min) = {check, run};
SC_CPU_OP(reduce_prod) = {check, run};
