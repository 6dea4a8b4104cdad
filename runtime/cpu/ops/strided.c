// SPDX-License-Identifier: Apache-2.0
//
// transpose, expand, slice and slice_grad: elements taken from, or put to, places
// that are a fixed number of elements apart along each axis.
#include "runtime/cpu/shape.h"

#include <string.h>

// The elements of `packed`, row-major, and those of `strided`, at the strides of
// `rows` from `first` on.
struct move {
    struct sc_rows rows;
    int64_t first;
    size_t size; // bytes per element
    char *packed, *strided;
    bool to_strided;
};

enum { ROW_GRAIN = 8192 };

static void move_bytes(char *to, int64_t to_step, const char *from, int64_t from_step,
                       int64_t n, size_t size)
{
    const int64_t bytes = (int64_t)size;
    if (to_step == bytes && from_step == bytes) {
        memcpy(to, from, (size_t)n * size);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        if (size == 4)
            memcpy(to + i * to_step, from + i * from_step, 4);
        else if (size == 8)
            memcpy(to + i * to_step, from + i * from_step, 8);
        else if (size == 2)
            memcpy(to + i * to_step, from + i * from_step, 2);
        else
            to[i * to_step] = from[i * from_step];
    }
}

static int64_t rows_per_task(const struct sc_rows *rows)
{
    return sc_max_i64(1, ROW_GRAIN / sc_max_i64(1, rows->length));
}

static void move_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct move *const m = ctx;
    const int64_t n = rows_per_task(&m->rows), size = (int64_t)m->size;
    const int64_t end = sc_min_i64(m->rows.n_rows, (task + 1) * n);
    const int64_t step = m->rows.row_stride[0] * size;
    for (int64_t row = task * n; row < end; row++) {
        char *const packed = m->packed + row * m->rows.length * size;
        char *const strided = m->strided + (m->first + sc_rows_offset(&m->rows, 0, row)) * size;
        if (m->to_strided)
            move_bytes(strided, step, packed, size, m->rows.length, m->size);
        else
            move_bytes(packed, size, strided, step, m->rows.length, m->size);
    }
}

static void run_move(const struct sc_call *call, struct move *m,
                     const struct simclr_shape *over, int64_t *stride)
{
    int64_t streams[1][SIMCLR_MAX_RANK];
    memcpy(streams[0], stride, sizeof streams[0]);
    sc_rows_init(&m->rows, over, 1, streams);
    m->size = simclr_dtype_size(call->out[0].dtype);
    m->packed = m->to_strided ? call->in[0].data : call->out[0].data;
    m->strided = m->to_strided ? call->out[0].data : call->in[0].data;
    if (simclr_shape_count(over) == 0) return;
    sc_pool_run(call->pool, sc_n_blocks(m->rows.n_rows, rows_per_task(&m->rows)), move_task, m);
}

// ---- transpose ----

static const char *check_transpose(const struct sc_call *call)
{
    const struct simclr_dims *const perm = &call->attr->transpose.perm;
    const struct simclr_shape *const x = &call->in[0].shape, *const y = &call->out[0].shape;
    unsigned seen = 0;
    if (perm->n != x->rank || y->rank != x->rank || call->in[0].dtype != call->out[0].dtype)
        return "the permutation or the output is of another rank or dtype than the input";
    for (int32_t i = 0; i < x->rank; i++) {
        if (!sc_is_axis(perm->v[i], x->rank) || y->dim[i] != x->dim[perm->v[i]])
            return "the output has not the permuted shape";
        seen |= 1u << perm->v[i];
    }
    return seen == (1u << x->rank) - 1 ? NULL : "the permutation repeats an axis";
}

static void run_transpose(const struct sc_call *call)
{
    int64_t own[SIMCLR_MAX_RANK] = {0}, stride[SIMCLR_MAX_RANK] = {0};
    sc_row_major(&call->in[0].shape, own);
    for (int32_t i = 0; i < call->out[0].shape.rank; i++)
        stride[i] = own[call->attr->transpose.perm.v[i]];
    struct move m = {0};
    run_move(call, &m, &call->out[0].shape, stride);
}

// ---- expand ----

static const char *check_expand(const struct sc_call *call)
{
    int64_t stride[SIMCLR_MAX_RANK];
    const bool fits = sc_broadcast_strides(&call->in[0].shape, &call->out[0].shape, stride);
    return fits && call->in[0].dtype == call->out[0].dtype
               ? NULL
               : "the input does not broadcast to the output";
}

static void run_expand(const struct sc_call *call)
{
    int64_t stride[SIMCLR_MAX_RANK] = {0};
    (void)sc_broadcast_strides(&call->in[0].shape, &call->out[0].shape, stride);
    struct move m = {0};
    run_move(call, &m, &call->out[0].shape, stride);
}

// ---- slice, slice_grad ----

// Is every element starts + i steps, i below sizes, an element of x?
static const char *check_slice_of(const struct simclr_shape *x,
                                  const struct simclr_shape *sizes,
                                  const struct simclr_dims *starts,
                                  const struct simclr_dims *steps)
{
    if (starts->n != x->rank || steps->n != x->rank || sizes->rank != x->rank)
        return "starts, sizes and steps are not one per axis";
    for (int32_t i = 0; i < x->rank; i++) {
        int64_t last;
        if (sizes->dim[i] == 0) continue;
        if (starts->v[i] < 0 || starts->v[i] >= x->dim[i] ||
            __builtin_mul_overflow(sizes->dim[i] - 1, steps->v[i], &last) ||
            __builtin_add_overflow(last, starts->v[i], &last) || last < 0 || last >= x->dim[i])
            return "the slice reaches outside the tensor";
    }
    return NULL;
}

static const char *check_slice(const struct sc_call *call)
{
    const struct sc_attr_slice *const a = &call->attr->slice;
    if (call->in[0].dtype != call->out[0].dtype) return "input and output differ in dtype";
    return check_slice_of(&call->in[0].shape, &call->out[0].shape, &a->starts, &a->steps);
}

static const char *check_slice_grad(const struct sc_call *call)
{
    const struct sc_attr_slice_grad *const a = &call->attr->slice_grad;
    if (call->in[0].dtype != call->out[0].dtype) return "input and output differ in dtype";
    return check_slice_of(&call->out[0].shape, &call->in[0].shape, &a->starts, &a->steps);
}

static void move_slice(const struct sc_call *call, struct move *m, const struct simclr_shape *x,
                       const struct simclr_shape *sizes, const struct simclr_dims *starts,
                       const struct simclr_dims *steps)
{
    int64_t own[SIMCLR_MAX_RANK] = {0}, stride[SIMCLR_MAX_RANK] = {0};
    sc_row_major(x, own);
    for (int32_t i = 0; i < x->rank; i++) {
        if (sizes->dim[i] == 0) return;
        m->first += own[i] * starts->v[i];
        stride[i] = own[i] * steps->v[i];
    }
    run_move(call, m, sizes, stride);
}

static void run_slice(const struct sc_call *call)
{
    const struct sc_attr_slice *const a = &call->attr->slice;
    struct move m = {0};
    move_slice(call, &m, &call->in[0].shape, &call->out[0].shape, &a->starts, &a->steps);
}

static void run_slice_grad(const struct sc_call *call)
{
    const struct sc_attr_slice_grad *const a = &call->attr->slice_grad;
    struct move m = {.to_strided = true};
    memset(call->out[0].data, 0,
           (size_t)call->out[0].count * simclr_dtype_size(call->out[0].dtype));
    move_slice(call, &m, &call->out[0].shape, &call->in[0].shape, &a->starts, &a->steps);
}

SC_CPU_OP(transpose) = {check_transpose, run_transpose};
SC_CPU_OP(expand) = {check_expand, run_expand};
SC_CPU_OP(slice) = {check_slice, run_slice};
SC_CPU_OP(slice_grad) = {check_slice_grad, run_slice_grad};
