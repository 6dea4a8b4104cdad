// SPDX-License-Identifier: Apache-2.0
//
// Windows over one to three spatial axes, as Conv, ConvTranspose and the pools
// give them by attributes, and how they become windows over images, which is
// what our operations take.
#ifndef SC_ONNX_IMPORT_WINDOW_H
#define SC_ONNX_IMPORT_WINDOW_H

#include "compiler/onnx/importer.h"

enum {
    SC_MAX_SPATIAL = 3,
    SC_MAX_WINDOW = 1 << 30 // what our operations take as an extent or attribute
};

// The window along one axis: output p reads input p stride - pad_begin + k dilation
// for k = 0 .. kernel-1.
struct sc_spatial_axis {
    const char *name; // "height": for messages
    int64_t in, out;
    int64_t kernel, stride, dilation, pad_begin, pad_end;
};

struct sc_spatial {
    int n; // axes
    struct sc_spatial_axis axis[SC_MAX_SPATIAL];
};

enum sc_auto_pad { SC_PAD_NOTSET, SC_PAD_VALID, SC_PAD_SAME_UPPER, SC_PAD_SAME_LOWER };

// Reading, step by step; each reports mistakes of the present node.

// The axes of x [N, C, ...], windows of one element. False if it has no or too many.
bool sc_spatial_begin(struct sc_scope *s, const struct sc_value *x, struct sc_spatial *w);
// The kernel: of the weight at input 1, which attribute kernel_shape may repeat.
void sc_spatial_kernel_of_weight(struct sc_scope *s, const struct sc_value *weight,
                                 struct sc_spatial *w);
// The kernel by attribute kernel_shape, which must be there.
void sc_spatial_kernel(struct sc_scope *s, struct sc_spatial *w);
// strides, dilations and, where auto_pad leaves them to it, pads.
enum sc_auto_pad sc_spatial_read(struct sc_scope *s, struct sc_spatial *w);
// A list with one value for each axis, from `least`; false if it is absent or wrong.
bool sc_spatial_list(struct sc_scope *s, const struct sc_spatial *w, const char *name,
                     int64_t least, int64_t *out);
// Reports an attribute that the model's opset does not have yet.
void sc_attr_since(struct sc_scope *s, const char *name, int64_t since);

// Sets pads for as many outputs as inputs over the stride: an odd one goes to the
// end (SAME_UPPER) or the beginning (SAME_LOWER). Does nothing for the others.
void sc_spatial_pad(struct sc_spatial *w, enum sc_auto_pad how);
// Checks the windows and computes how many each axis has.
void sc_spatial_outputs(struct sc_scope *s, struct sc_spatial *w, bool ceil_mode);

// Becoming images.

// One element at a time: the axis may be joined with a neighbour of its kind.
bool sc_spatial_is_unit(const struct sc_spatial_axis *a);
// An axis of n elements, taken one at a time.
struct sc_spatial_axis sc_spatial_unit(int64_t n);
// The same windows over two axes; false if it takes all three, and `two` are the last.
bool sc_spatial_to_plane(const struct sc_spatial *w, struct sc_spatial_axis two[2]);
// The shape [n, c, ...] with the axes' extents before or after.
struct simclr_shape sc_spatial_shape(int64_t n, int64_t c, const struct sc_spatial *w,
                                     bool is_output);

#endif
