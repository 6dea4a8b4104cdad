// SPDX-License-Identifier: Apache-2.0
//
// What the three directions of a convolution share: its numbers, checked, and the
// product of a weight matrix with a patch matrix, cut into tasks.
#ifndef SC_CPU_OPS_CONV_H
#define SC_CPU_OPS_CONV_H

#include "runtime/cpu/ops/patches.h"

// x [n, c, h, w], weight [m, c / group, kh, kw], y [n, m, oh, ow].
struct sc_conv {
    int64_t n, c, h, w, m, kh, kw, oh, ow;
    int64_t group, cg, mg; // groups; input and output channels of one
    int64_t stride_h, stride_w, top, left, dilation_h, dilation_w;
};

enum {
    SC_CONV_implicit, // as in kernels.def, for all three directions
    SC_CONV_direct,
    SC_CONV_winograd
};

// The numbers of a convolution; NULL, or what is wrong with the operands. The
// attributes of the gradients begin with those of conv2d.
const char *SC_CPU_NAME(sc_conv_init)(struct sc_conv *conv, const struct sc_operand *x,
                                      const struct sc_operand *w, const struct sc_operand *y,
                                      const struct sc_attr_conv2d *attr);

// y[n, m, position] = sum over k of a[m, k] patches[k, (n, position)], where the
// position (u, v) of the grid goes to element (u out_step_h + out_h) out_w +
// v out_step_w + out_w of its plane.
struct sc_product {
    struct sc_patches patches;
    int64_t n_samples;
    const float *a; // [m, k]
    int64_t m, k;
    float *y;                                   // the first plane's place for position (0, 0)
    int64_t y_sample, y_plane, y_row, y_column; // elements from one to the next
};

enum { SC_CONV_DEPTH = 512 }; // rows of the patch matrix at a time

// Bytes of scratch that a product with blocks of `tile` columns needs.
uint64_t SC_CPU_NAME(sc_product_scratch)(int64_t tile);
// Runs the product in blocks of call->instr->tile columns, a multiple of the
// panel's width.
void SC_CPU_NAME(sc_product_run)(const struct sc_call *call, const struct sc_product *product);

#endif
