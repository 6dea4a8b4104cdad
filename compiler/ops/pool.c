// SPDX-License-Identifier: Apache-2.0
#include "compiler/ops/pool.h"

static struct sc_window window_of(const struct simclr_shape *x, const struct sc_attr_pool2d *a,
                                  int axis)
{
    return (struct sc_window){.in = x->dim[2 + axis],
                              .kernel = a->kernel[axis],
                              .stride = a->strides[axis],
                              .dilation = a->dilations[axis],
                              .pad_begin = a->pads[axis],
                              .pad_end = a->pads[axis + 2],
                              .ceil_mode = a->ceil_mode};
}

struct sc_pool_geometry sc_pool_geometry(const struct simclr_shape *x,
                                         const struct simclr_shape *y,
                                         const struct sc_attr_pool2d *a)
{
    return (struct sc_pool_geometry){.planes = x->dim[0] * x->dim[1],
                                     .h = window_of(x, a, 0),
                                     .w = window_of(x, a, 1),
                                     .out_h = y->dim[2],
                                     .out_w = y->dim[3]};
}

// A window that could lie in the padding entirely has no maximum and no mean.
static bool check_padding(struct sc_infer *ctx, const char *axis, const struct sc_window *w)
{
    const int64_t extent = (w->kernel - 1) * w->dilation + 1;
    const int64_t pad = w->pad_begin > w->pad_end ? w->pad_begin : w->pad_end;
    if (pad < extent) return true;
    return sc_infer_fail(ctx,
                         "padding along the %s is %lld, expected less than the kernel's %lld",
                         axis, (long long)pad, (long long)extent);
}

// Kernels count a plane's elements in 32 bits.
static bool check_plane(struct sc_infer *ctx, int64_t h, int64_t w)
{
    if (h <= INT32_MAX / w) return true;
    return sc_infer_fail(ctx, "a plane has %lld times %lld elements, expected at most %d",
                         (long long)h, (long long)w, INT32_MAX);
}

bool sc_infer_pool(struct sc_infer *ctx, const struct simclr_shape *x,
                   const struct sc_attr_pool2d *a, struct simclr_shape *y)
{
    const struct sc_window h = window_of(x, a, 0), w = window_of(x, a, 1);
    *y = *x;
    return sc_infer_window(ctx, "height", &h, &y->dim[2]) &&
           sc_infer_window(ctx, "width", &w, &y->dim[3]) && check_padding(ctx, "height", &h) &&
           check_padding(ctx, "width", &w) && check_plane(ctx, x->dim[2], x->dim[3]);
}

static int64_t first_from(int64_t start, int64_t step, int64_t bound)
{
    return start < bound ? (bound - start + step - 1) / step : 0;
}

struct sc_range sc_pool_taps(const struct sc_window *w, int64_t position, int64_t low,
                             int64_t high)
{
    const int64_t start = position * w->stride - w->pad_begin;
    struct sc_range r = {first_from(start, w->dilation, low),
                         first_from(start, w->dilation, high)};
    if (r.end > w->kernel) r.end = w->kernel;
    if (r.begin > r.end) r.begin = r.end;
    return r;
}

int64_t sc_pool_tap(const struct sc_pool_geometry *g, int64_t p, int64_t q, int64_t i,
                    int64_t j)
{
    const int64_t row = p * g->h.stride - g->h.pad_begin + i * g->h.dilation;
    const int64_t col = q * g->w.stride - g->w.pad_begin + j * g->w.dilation;
    return row * g->w.in + col;
}
