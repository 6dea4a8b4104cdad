// SPDX-License-Identifier: Apache-2.0
#include "runtime/cpu/shape.h"

#include <string.h>

static bool all_are(const struct sc_operand *o, uint32_t n, simclr_dtype dtype)
{
    for (uint32_t i = 0; i < n; i++) {
        if (o[i].dtype != dtype) return false;
    }
    return true;
}

bool sc_all_inputs(const struct sc_call *call, simclr_dtype dtype)
{
    return all_are(call->in, call->n_in, dtype);
}

bool sc_all_outputs(const struct sc_call *call, simclr_dtype dtype)
{
    return all_are(call->out, call->n_out, dtype);
}

bool sc_is_vector(const struct sc_operand *o, simclr_dtype dtype, int64_t count)
{
    return o->dtype == dtype && o->shape.rank == 1 && o->count == count;
}

bool sc_is_scalar(const struct sc_operand *o, simclr_dtype dtype)
{
    return o->dtype == dtype && o->count == 1;
}

bool sc_same_shape(const struct sc_operand *a, const struct sc_operand *b)
{
    return simclr_shape_equal(&a->shape, &b->shape);
}

bool sc_is_axis(int64_t axis, int32_t rank)
{
    return axis >= 0 && axis < rank;
}

struct simclr_shape sc_dims_to_shape(const struct simclr_dims *dims)
{
    struct simclr_shape shape = {.rank = (int32_t)dims->n};
    memcpy(shape.dim, dims->v, sizeof shape.dim);
    return shape;
}

void sc_row_major(const struct simclr_shape *shape, int64_t *stride)
{
    int64_t step = 1;
    for (int32_t i = shape->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= shape->dim[i];
    }
}

struct sc_axes sc_axes_around(const struct simclr_shape *shape, int64_t axis)
{
    struct sc_axes a = {.outer = 1, .n = shape->dim[axis], .inner = 1};
    for (int32_t i = 0; i < shape->rank; i++) {
        if (i < axis) a.outer *= shape->dim[i];
        if (i > axis) a.inner *= shape->dim[i];
    }
    return a;
}

bool sc_broadcast_strides(const struct simclr_shape *shape, const struct simclr_shape *over,
                          int64_t *stride)
{
    const int32_t lead = over->rank - shape->rank;
    int64_t own[SIMCLR_MAX_RANK] = {0};
    if (lead < 0) return false;
    sc_row_major(shape, own);
    for (int32_t i = 0; i < over->rank; i++) {
        const int64_t extent = i < lead ? 1 : shape->dim[i - lead];
        if (extent != 1 && extent != over->dim[i]) return false;
        stride[i] = extent == 1 ? 0 : own[i - lead];
    }
    return true;
}

// Can axis `k` of `over` be walked as the continuation of the last axis of `rows`?
static bool continues(const struct sc_rows *rows, int64_t extent,
                      int64_t stride[][SIMCLR_MAX_RANK], int32_t k)
{
    for (int i = 0; i < rows->n; i++) {
        if (rows->stride[i][rows->rank - 1] != stride[i][k] * extent) return false;
    }
    return true;
}

void sc_rows_init(struct sc_rows *rows, const struct simclr_shape *over, int n,
                  int64_t stride[][SIMCLR_MAX_RANK])
{
    *rows = (struct sc_rows){.n = n, .n_rows = 1};
    for (int32_t k = 0; k < over->rank; k++) {
        if (over->dim[k] == 1) continue;
        const bool joins = rows->rank > 0 && continues(rows, over->dim[k], stride, k);
        const int32_t axis = joins ? rows->rank - 1 : rows->rank++;
        rows->dim[axis] = joins ? rows->dim[axis] * over->dim[k] : over->dim[k];
        for (int i = 0; i < n; i++)
            rows->stride[i][axis] = stride[i][k];
    }
    if (rows->rank == 0) rows->dim[rows->rank++] = 1;
    rows->length = rows->dim[rows->rank - 1];
    for (int32_t k = 0; k + 1 < rows->rank; k++)
        rows->n_rows *= rows->dim[k];
    for (int i = 0; i < n; i++)
        rows->row_stride[i] = rows->stride[i][rows->rank - 1];
}

int64_t sc_rows_offset(const struct sc_rows *rows, int i, int64_t row)
{
    int64_t offset = 0;
    for (int32_t k = rows->rank - 2; k >= 0; k--) {
        offset += row % rows->dim[k] * rows->stride[i][k];
        row /= rows->dim[k];
    }
    return offset;
}
