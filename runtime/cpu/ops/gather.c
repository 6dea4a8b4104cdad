// SPDX-License-Identifier: Apache-2.0
//
// gather, gather_elements and their gradients. Indices count from the end if
// negative. Of an index outside the axis, a float reads NaN, an integer 0, and a
// gradient is dropped (see compiler/ops/index.h). Gradients are added in the order
// of the indices.
#include "runtime/cpu/element.h"
#include "runtime/cpu/shape.h"

#include <math.h>
#include <string.h>

static int64_t position_of(int64_t index, int64_t n)
{
    if (index < 0) index += n;
    return index >= 0 && index < n ? index : -1;
}

static void set_missing(const struct sc_operand *y, int64_t first, int64_t n)
{
    for (int64_t i = first; i < first + n; i++) {
        if (simclr_dtype_is_float(y->dtype))
            sc_put_real(y, i, (double)NAN);
        else
            sc_put_int(y, i, 0);
    }
}

static void copy_elements(const struct sc_operand *y, int64_t to, const struct sc_operand *x,
                          int64_t from, int64_t n)
{
    const size_t size = simclr_dtype_size(y->dtype);
    memcpy((char *)y->data + (size_t)to * size, (const char *)x->data + (size_t)from * size,
           (size_t)n * size);
}

// ---- gather ----

// Does `y` have the shape of `x` with `axis` replaced by the axes of the indices?
static bool is_gathered(const struct simclr_shape *x, const struct sc_operand *indices,
                        int64_t axis, const struct simclr_shape *y)
{
    if (!sc_is_axis(axis, x->rank) || indices->dtype != SIMCLR_i64 ||
        y->rank != x->rank - 1 + indices->shape.rank)
        return false;
    const struct sc_axes around = sc_axes_around(x, axis);
    for (int32_t i = 0; i < y->rank; i++) {
        const int32_t k = i - (int32_t)axis; // axis of the indices
        const int64_t expected = k < 0 ? x->dim[i]
                                 : k < indices->shape.rank
                                     ? indices->shape.dim[k]
                                     : x->dim[i - indices->shape.rank + 1];
        if (y->dim[i] != expected) return false;
    }
    return simclr_shape_count(y) == around.outer * indices->count * around.inner;
}

static const char *check_gather(const struct sc_call *call)
{
    return call->in[0].dtype == call->out[0].dtype &&
                   is_gathered(&call->in[0].shape, &call->in[1], call->attr->axis.axis,
                               &call->out[0].shape)
               ? NULL
               : "operands do not match";
}

static void run_gather(const struct sc_call *call)
{
    const struct sc_operand *const indices = &call->in[1];
    const struct sc_axes a = sc_axes_around(&call->in[0].shape, call->attr->axis.axis);
    for (int64_t o = 0; o < a.outer; o++) {
        for (int64_t i = 0; i < indices->count; i++) {
            const int64_t at = position_of(((const int64_t *)indices->data)[i], a.n);
            const int64_t to = (o * indices->count + i) * a.inner;
            if (at < 0)
                set_missing(&call->out[0], to, a.inner);
            else
                copy_elements(&call->out[0], to, &call->in[0], (o * a.n + at) * a.inner,
                              a.inner);
        }
    }
}

static const char *check_gather_grad(const struct sc_call *call)
{
    return sc_all_outputs(call, SIMCLR_f32) && call->in[0].dtype == SIMCLR_f32 &&
                   is_gathered(&call->out[0].shape, &call->in[1], call->attr->gather_grad.axis,
                               &call->in[0].shape)
               ? NULL
               : "operands do not match";
}

static void run_gather_grad(const struct sc_call *call)
{
    const struct sc_operand *const indices = &call->in[1];
    const struct sc_axes a = sc_axes_around(&call->out[0].shape, call->attr->gather_grad.axis);
    const float *const dy = call->in[0].data;
    float *const dx = call->out[0].data;
    memset(dx, 0, (size_t)call->out[0].count * sizeof *dx);
    for (int64_t o = 0; o < a.outer; o++) {
        for (int64_t i = 0; i < indices->count; i++) {
            const int64_t at = position_of(((const int64_t *)indices->data)[i], a.n);
            const float *const from = dy + (o * indices->count + i) * a.inner;
            for (int64_t k = 0; at >= 0 && k < a.inner; k++)
                dx[(o * a.n + at) * a.inner + k] += from[k];
        }
    }
}

// ---- gather_elements ----

// Are the indices' extents, off the axis, within x's?
static bool is_within(const struct simclr_shape *x, const struct sc_operand *indices,
                      int64_t axis)
{
    if (!sc_is_axis(axis, x->rank) || indices->dtype != SIMCLR_i64 ||
        indices->shape.rank != x->rank)
        return false;
    for (int32_t i = 0; i < x->rank; i++) {
        if (i != axis && indices->shape.dim[i] > x->dim[i]) return false;
    }
    return true;
}

// Rows over the indices' shape that walk x with the coordinate along `axis` at 0.
static int64_t walk_x(const struct simclr_shape *x, const struct simclr_shape *indices,
                      int64_t axis, struct sc_rows *rows)
{
    int64_t stride[1][SIMCLR_MAX_RANK] = {{0}};
    sc_row_major(x, stride[0]);
    const int64_t axis_stride = stride[0][axis];
    stride[0][axis] = 0;
    sc_rows_init(rows, indices, 1, stride);
    return axis_stride;
}

static int64_t x_of(const struct sc_rows *rows, int64_t i)
{
    return sc_rows_offset(rows, 0, i / rows->length) + i % rows->length * rows->row_stride[0];
}

static const char *check_elements(const struct sc_call *call)
{
    return call->in[0].dtype == call->out[0].dtype &&
                   sc_same_shape(&call->in[1], &call->out[0]) &&
                   is_within(&call->in[0].shape, &call->in[1], call->attr->axis.axis)
               ? NULL
               : "operands do not match";
}

static void run_elements(const struct sc_call *call)
{
    const int64_t axis = call->attr->axis.axis, n = call->in[0].shape.dim[axis];
    struct sc_rows rows;
    const int64_t step = walk_x(&call->in[0].shape, &call->in[1].shape, axis, &rows);
    for (int64_t i = 0; i < call->in[1].count; i++) {
        const int64_t at = position_of(((const int64_t *)call->in[1].data)[i], n);
        if (at < 0)
            set_missing(&call->out[0], i, 1);
        else
            copy_elements(&call->out[0], i, &call->in[0], x_of(&rows, i) + at * step, 1);
    }
}

static const char *check_elements_grad(const struct sc_call *call)
{
    return sc_all_outputs(call, SIMCLR_f32) && call->in[0].dtype == SIMCLR_f32 &&
                   sc_same_shape(&call->in[0], &call->in[1]) &&
                   is_within(&call->out[0].shape, &call->in[1], call->attr->gather_grad.axis)
               ? NULL
               : "operands do not match";
}

static void run_elements_grad(const struct sc_call *call)
{
    const int64_t axis = call->attr->gather_grad.axis, n = call->out[0].shape.dim[axis];
    const float *const dy = call->in[0].data;
    float *const dx = call->out[0].data;
    struct sc_rows rows;
    const int64_t step = walk_x(&call->out[0].shape, &call->in[1].shape, axis, &rows);
    memset(dx, 0, (size_t)call->out[0].count * sizeof *dx);
    for (int64_t i = 0; i < call->in[1].count; i++) {
        const int64_t at = position_of(((const int64_t *)call->in[1].data)[i], n);
        if (at >= 0) dx[x_of(&rows, i) + at * step] += dy[i];
    }
}

SC_CPU_OP(gather) = {check_gather, run_gather};
SC_CPU_OP(gather_grad) = {check_gather_grad, run_gather_grad};
SC_CPU_OP(gather_elements) = {check_elements, run_elements};
SC_CPU_OP(gather_elements_grad) = {check_elements_grad, run_elements_grad};
