// SPDX-License-Identifier: Apache-2.0
//
// What the two pools share: ONNX's window over the two last axes of [N,C,H,W].
#ifndef SC_OPS_POOL_H
#define SC_OPS_POOL_H

#include "compiler/ops/rules.h"

struct sc_pool_geometry {
    int64_t planes; // N * C
    struct sc_window h, w;
    int64_t out_h, out_w;
};

// `x` and `y` are the shapes of the forward operation's input and output.
struct sc_pool_geometry sc_pool_geometry(const struct simclr_shape *x,
                                         const struct simclr_shape *y,
                                         const struct sc_attr_pool2d *a);
// Checks the attributes against an input shape of rank 4 and computes y's shape.
bool sc_infer_pool(struct sc_infer *ctx, const struct simclr_shape *x,
                   const struct sc_attr_pool2d *a, struct simclr_shape *y);

// The taps of the window at `position` along one axis that fall within [low, high),
// where 0 is the input's first element.
struct sc_range sc_pool_taps(const struct sc_window *w, int64_t position, int64_t low,
                             int64_t high);
// Offset within its plane of what tap (i, j), inside the input, of output (p, q) reads.
int64_t sc_pool_tap(const struct sc_pool_geometry *g, int64_t p, int64_t q, int64_t i,
                    int64_t j);

#endif
