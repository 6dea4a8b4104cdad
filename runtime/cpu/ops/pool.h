// SPDX-License-Identifier: Apache-2.0
//
// What the two pools share: the window and a task for every plane.
#ifndef SC_CPU_OPS_POOL_H
#define SC_CPU_OPS_POOL_H

#include "runtime/cpu/shape.h"

struct sc_pool_window {
    int64_t planes, h, w, oh, ow;
    int64_t kh, kw, stride_h, stride_w, top, left, bottom, right, dilation_h, dilation_w;
};

static inline bool sc_pool_fits(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
                                int64_t pads, bool ceil_mode, int64_t pad_begin, int64_t out)
{
    const int64_t limit = INT64_C(1) << 30;
    if (in < 1 || kernel < 1 || stride < 1 || dilation < 1 || pads < 0 || pad_begin < 0 ||
        in > limit || kernel > limit || stride > limit || dilation > limit || pads > 2 * limit)
        return false;
    const int64_t room = in + pads - (kernel - 1) * dilation - 1;
    if (room < 0) return false;
    int64_t expected = (ceil_mode ? room + stride - 1 : room) / stride + 1;
    if (ceil_mode && (expected - 1) * stride >= in + pad_begin) expected--;
    return out == expected;
}

// NULL, or what is wrong; y_dtype is what y should be. pool2d_grad begins as pool2d does.
static inline const char *sc_pool_init(struct sc_pool_window *p, const struct sc_operand *x,
                                       const struct sc_operand *y, simclr_dtype y_dtype,
                                       const struct sc_attr_pool2d *a)
{
    const int64_t *const xd = x->shape.dim, *const yd = y->shape.dim;
    if (x->shape.rank != 4 || y->shape.rank != 4) return "an operand's rank is not 4";
    if (x->dtype != SIMCLR_f32 || y->dtype != y_dtype) return "an operand has another dtype";
    if (xd[0] != yd[0] || xd[1] != yd[1] || a->pads[2] < 0 || a->pads[3] < 0 ||
        !sc_pool_fits(xd[2], a->kernel[0], a->strides[0], a->dilations[0],
                      a->pads[0] + a->pads[2], a->ceil_mode, a->pads[0], yd[2]) ||
        !sc_pool_fits(xd[3], a->kernel[1], a->strides[1], a->dilations[1],
                      a->pads[1] + a->pads[3], a->ceil_mode, a->pads[1], yd[3]))
        return "shapes do not match";
    if (xd[2] * xd[3] > INT32_MAX) return "a plane has too many elements";
    *p = (struct sc_pool_window){.planes = xd[0] * xd[1],
                                 .h = xd[2],
                                 .w = xd[3],
                                 .oh = yd[2],
                                 .ow = yd[3],
                                 .kh = a->kernel[0],
                                 .kw = a->kernel[1],
                                 .stride_h = a->strides[0],
                                 .stride_w = a->strides[1],
                                 .top = a->pads[0],
                                 .left = a->pads[1],
                                 .bottom = a->pads[2],
                                 .right = a->pads[3],
                                 .dilation_h = a->dilations[0],
                                 .dilation_w = a->dilations[1]};
    return NULL;
}

// The taps of the window at position `at` along one axis that are inside [0, n).
struct sc_taps {
    int64_t begin, end, first; // taps, and where tap 0 reads
};

static inline struct sc_taps sc_taps_inside(int64_t at, int64_t stride, int64_t pad,
                                            int64_t dilation, int64_t kernel, int64_t n)
{
    struct sc_taps t = {.end = kernel, .first = at * stride - pad};
    if (t.first < 0) t.begin = sc_min_i64(kernel, (-t.first + dilation - 1) / dilation);
    if (t.first + (kernel - 1) * dilation >= n)
        t.end = t.first < n ? (n - t.first + dilation - 1) / dilation : 0;
    t.end = sc_max_i64(t.begin, t.end);
    return t;
}

#endif
