// SPDX-License-Identifier: Apache-2.0
//
// The patch matrix that turns a convolution into a matrix product, made piece by
// piece where it is needed and never as a whole. Its columns are the positions of
// a grid, sample after sample; its rows are (channel, tap): row c T + t of column
// (n, u, v) is
//     x[n, c, u step_h + base_h + i delta_h, v step_w + base_w + j delta_w],
// where tap t is (i, j), and zero outside the image. The three directions of a
// convolution are three choices of these numbers.
#ifndef SC_CPU_OPS_PATCHES_H
#define SC_CPU_OPS_PATCHES_H

#include "runtime/cpu/kernel.h"

struct sc_patches {
    const float *x;
    int64_t sample;           // elements from one sample to the next
    int64_t h, w;             // extents of a plane
    int64_t grid_h, grid_w;   // positions per sample
    int64_t step_h, step_w;   // input rows and columns per position
    int64_t taps_h, taps_w;   // taps per channel
    int64_t base_h, base_w;   // of tap (0, 0) at position (0, 0); may be negative
    int64_t delta_h, delta_w; // from tap to tap; may be negative
};

struct sc_block {
    int64_t first, n;
};

// Writes rows x columns of the matrix: element (r, j) of the block to
// out[r * pitch + j], zeros to the columns from columns.n up to `width`.
void SC_CPU_NAME(sc_patches_fill)(const struct sc_patches *p, struct sc_block rows,
                                  struct sc_block columns, int64_t width, int64_t pitch,
                                  float *out);

#endif
