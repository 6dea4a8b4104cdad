// SPDX-License-Identifier: Apache-2.0
//
// One tap of a convolution on one pair of planes, for groups of few channels
// (depthwise convolution), where a patch matrix would be mostly overhead.
#ifndef SC_CPU_OPS_DIRECT_H
#define SC_CPU_OPS_DIRECT_H

#include "runtime/cpu/ops/conv.h"
#include "runtime/cpu/ops/vec.h"
#include "runtime/cpu/shape.h"

// Output rows and columns for which tap (i, j) reads inside the image: `first` is
// what the first of them reads, as an offset in x's plane.
struct sc_direct_span {
    int64_t p, p_end, q, q_end, first;
};

static inline void sc_direct_range(int64_t in, int64_t out, int64_t stride, int64_t offset,
                                   int64_t *begin, int64_t *end)
{
    *begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
    *end = in - offset <= 0 ? 0 : sc_min_i64(out, (in - offset + stride - 1) / stride);
    if (*end < *begin) *end = *begin;
}

static inline struct sc_direct_span sc_direct_span(const struct sc_conv *v, int64_t tap)
{
    const int64_t dh = tap / v->kw * v->dilation_h - v->top;
    const int64_t dw = tap % v->kw * v->dilation_w - v->left;
    struct sc_direct_span s;
    sc_direct_range(v->h, v->oh, v->stride_h, dh, &s.p, &s.p_end);
    sc_direct_range(v->w, v->ow, v->stride_w, dw, &s.q, &s.q_end);
    s.first = (s.p * v->stride_h + dh) * v->w + s.q * v->stride_w + dw;
    return s;
}

// y += weight x
static inline void sc_direct_forward(const struct sc_conv *v, int64_t tap, const float *x,
                                     float weight, float *y)
{
    const struct sc_direct_span s = sc_direct_span(v, tap);
    const int64_t n = s.q_end - s.q, step = v->stride_w;
    int64_t from = s.first;
    for (int64_t p = s.p; p < s.p_end; p++, from += v->stride_h * v->w) {
        float *const to = y + p * v->ow + s.q;
        for (int64_t q = 0; q < n; q++)
            to[q] += weight * x[from + q * step];
    }
}

// dx += weight dy
static inline void sc_direct_backward(const struct sc_conv *v, int64_t tap, float *dx,
                                      float weight, const float *dy)
{
    const struct sc_direct_span s = sc_direct_span(v, tap);
    const int64_t n = s.q_end - s.q, step = v->stride_w;
    int64_t to = s.first;
    for (int64_t p = s.p; p < s.p_end; p++, to += v->stride_h * v->w) {
        const float *const from = dy + p * v->ow + s.q;
        for (int64_t q = 0; q < n; q++)
            dx[to + q * step] += weight * from[q];
    }
}

// The sum of x dy, rows in float, their sum in double.
static inline double sc_direct_weight(const struct sc_conv *v, int64_t tap, const float *x,
                                      const float *dy)
{
    const struct sc_direct_span s = sc_direct_span(v, tap);
    const int64_t n = s.q_end - s.q, step = v->stride_w;
    int64_t from = s.first;
    double sum = 0;
    for (int64_t p = s.p; p < s.p_end; p++, from += v->stride_h * v->w) {
        const float *const other = dy + p * v->ow + s.q;
        float lane[SC_LANES] = {0};
        int64_t q = 0;
        for (; q + SC_LANES <= n; q += SC_LANES) {
            for (int i = 0; i < SC_LANES; i++)
                lane[i] += x[from + (q + i) * step] * other[q + i];
        }
        float row = 0;
        for (; q < n; q++)
            row += x[from + q * step] * other[q];
        for (int i = 0; i < SC_LANES; i++)
            row += lane[i];
        sum += (double)row;
    }
    return sum;
}

#endif
