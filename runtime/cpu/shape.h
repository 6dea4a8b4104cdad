// SPDX-License-Identifier: Apache-2.0
//
// Questions about shapes that kernels ask: checks, strides, and broadcasting as
// rows of equal stride.
#ifndef SC_CPU_SHAPE_H
#define SC_CPU_SHAPE_H

#include "runtime/cpu/kernel.h"

// A piece of work for one task: about this many elements of streaming work.
enum { SC_CPU_GRAIN = 32768 };

// How many tasks of `size` elements cover `count`.
static inline int64_t sc_n_blocks(int64_t count, int64_t size)
{
    return (count + size - 1) / size;
}

static inline int64_t sc_min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t sc_max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline const float *sc_f32(const struct sc_operand *o)
{
    return o->data;
}

// Do all operands in[first ..] and outputs have this dtype?
bool sc_all_inputs(const struct sc_call *call, simclr_dtype dtype);
bool sc_all_outputs(const struct sc_call *call, simclr_dtype dtype);
bool sc_is_vector(const struct sc_operand *o, simclr_dtype dtype, int64_t count);
bool sc_is_scalar(const struct sc_operand *o, simclr_dtype dtype);
bool sc_same_shape(const struct sc_operand *a, const struct sc_operand *b);
// An axis list or single axis within a tensor of `rank`.
bool sc_is_axis(int64_t axis, int32_t rank);
struct simclr_shape sc_dims_to_shape(const struct simclr_dims *dims);

// Row-major strides, in elements.
void sc_row_major(const struct simclr_shape *shape, int64_t *stride);

// A tensor seen as [outer, n, inner] around one axis.
struct sc_axes {
    int64_t outer, n, inner;
};
struct sc_axes sc_axes_around(const struct simclr_shape *shape, int64_t axis);

// Several operands read in the order of one index space. Axes that can be walked
// as one are merged, so that the last one, the row, is as long as possible.
enum { SC_MAX_STREAMS = 9 };
struct sc_rows {
    int32_t rank; // at least 1
    int n;        // operands
    int64_t dim[SIMCLR_MAX_RANK];
    int64_t stride[SC_MAX_STREAMS][SIMCLR_MAX_RANK];
    int64_t length; // of a row: dim[rank - 1]
    int64_t n_rows;
    int64_t row_stride[SC_MAX_STREAMS]; // within a row: stride[][rank - 1]
};
// Index space `over`, operand i with stride[i], one stride per axis of `over`.
void sc_rows_init(struct sc_rows *rows, const struct simclr_shape *over, int n,
                  int64_t stride[][SIMCLR_MAX_RANK]);
// Strides with which a row-major tensor of `shape` is read as if broadcast to
// `over`; false if it does not broadcast to it.
bool sc_broadcast_strides(const struct simclr_shape *shape, const struct simclr_shape *over,
                          int64_t *stride);
// Where row `row` of operand `i` starts.
int64_t sc_rows_offset(const struct sc_rows *rows, int i, int64_t row);

#endif
