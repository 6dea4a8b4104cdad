// SPDX-License-Identifier: Apache-2.0
//
// Convolutions of one to three axes as convolutions of images: how input, weight and
// output change their shapes on the way there and back.
#ifndef SC_ONNX_IMPORT_PLANES_H
#define SC_ONNX_IMPORT_PLANES_H

#include "compiler/onnx/import_window.h"

// A convolution of x [n, c, ...] with weight [m, c / group, ...] to y [n, m, ...].
struct sc_planes {
    struct sc_spatial w;
    int64_t n, c, m, group;
    // Filled by sc_planes_init.
    struct sc_spatial_axis axis[2]; // of the images
    bool folds_depth;               // the first of three axes goes into batch and channels
    struct sc_value *taps;          // what it reads, NULL: everything in order (i64, see .c)
    bool has_padding;               // of the depth
};
void sc_planes_init(struct sc_scope *s, struct sc_planes *p);

// x to the images that the convolution sees, [n', c', h, w], and images of that shape
// to x's shape. The second is the adjoint of the first: what several taps read is added.
struct sc_value *sc_planes_of_x(struct sc_scope *s, const struct sc_planes *p,
                                struct sc_value *x);
struct sc_value *sc_planes_to_x(struct sc_scope *s, const struct sc_planes *p,
                                struct sc_value *images);
// y to images [n', m, h, w] and back, which move elements only.
struct sc_value *sc_planes_of_y(struct sc_scope *s, const struct sc_planes *p,
                                struct sc_value *y);
struct sc_value *sc_planes_to_y(struct sc_scope *s, const struct sc_planes *p,
                                struct sc_value *images);
// The weight to [m, c' / group, h, w].
struct sc_value *sc_planes_of_weight(struct sc_scope *s, const struct sc_planes *p,
                                     struct sc_value *weight);
// The shape of the images of x.
struct simclr_shape sc_planes_shape(const struct sc_planes *p);

#endif
