// SPDX-License-Identifier: Apache-2.0
//
// Winograd's F(4x4, 3x3): a 3x3 convolution with stride 1 by tiles of 4x4 results,
// each from 6x6 inputs, with 36 products instead of 144. With g the 3x3 weights, d
// the 6x6 inputs and (.) the product element by element, a tile of the output is
//     A' [(G g G') (.) (B' d B)] A
// (Lavin and Gray, 2016), and products for all channels and tiles become one matrix
// product per element. The six points are 0, +-1/sqrt(2), +-sqrt(2) and infinity:
// with these the error is half that of the usual 0, +-1, +-2 and about twice that of
// the direct sum. Transforms work on vectors of tiles.
//
// The gradient of the weight is the adjoint: G' [sum over tiles of (B' d B) (.)
// (A dy A')] G.
#ifndef SC_CPU_OPS_WINOGRAD_H
#define SC_CPU_OPS_WINOGRAD_H

#include "runtime/cpu/ops/conv.h"
#include "runtime/cpu/ops/vec.h"

enum {
    SC_WINO_OUT = 4,     // a tile of results is OUT x OUT
    SC_WINO_IN = 6,      // and reads IN x IN
    SC_WINO_POINTS = 36, // products per channel
    SC_WINO_PAD = 16     // floats between planes whose distance would be a power of two
};

#define SC_WINO_A 0.70710678118654752440f // 1 / sqrt(2)
#define SC_WINO_B 1.41421356237309504880f // sqrt(2)

// B' along one axis: 6 to 6.
static inline void sc_wino_input(const sc_vf d[6], sc_vf v[6])
{
    const sc_vf even_a = d[4] - 2 * d[2], odd_a = SC_WINO_A * (d[3] - 2 * d[1]);
    const sc_vf even_b = d[4] - 0.5f * d[2], odd_b = SC_WINO_B * (d[3] - 0.5f * d[1]);
    v[0] = d[4] - 2.5f * d[2] + d[0];
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = d[5] - 2.5f * d[3] + d[1];
}

// A' along one axis: 6 to 4.
static inline void sc_wino_output(const sc_vf m[6], sc_vf y[4])
{
    const sc_vf sum_a = m[1] + m[2], odd_a = SC_WINO_A * (m[1] - m[2]);
    const sc_vf sum_b = m[3] + m[4], odd_b = SC_WINO_B * (m[3] - m[4]);
    y[0] = m[0] + sum_a + sum_b;
    y[1] = odd_a + odd_b;
    y[2] = 0.5f * sum_a + 2 * sum_b;
    y[3] = 0.5f * odd_a + 2 * odd_b + m[5];
}

// A along one axis: 4 to 6.
static inline void sc_wino_gradient(const sc_vf y[4], sc_vf z[6])
{
    const sc_vf even_a = y[0] + 0.5f * y[2], odd_a = SC_WINO_A * (y[1] + 0.5f * y[3]);
    const sc_vf even_b = y[0] + 2 * y[2], odd_b = SC_WINO_B * (y[1] + 2 * y[3]);
    z[0] = y[0];
    z[1] = even_a + odd_a;
    z[2] = even_a - odd_a;
    z[3] = even_b + odd_b;
    z[4] = even_b - odd_b;
    z[5] = y[3];
}

// G along one axis: 3 to 6.
static inline void sc_wino_weight(const sc_vf g[3], sc_vf u[6])
{
    const sc_vf even_a = (g[0] + 0.5f * g[2]) / -1.5f, odd_a = SC_WINO_A / -1.5f * g[1];
    const sc_vf even_b = (g[0] + 2 * g[2]) / 6, odd_b = SC_WINO_B / 6 * g[1];
    u[0] = g[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2];
}

// G' along one axis: 6 to 3.
static inline void sc_wino_weight_adjoint(const sc_vf s[6], sc_vf w[3])
{
    const sc_vf sum_a = (s[1] + s[2]) / -1.5f, sum_b = (s[3] + s[4]) / 6;
    w[0] = s[0] + sum_a + sum_b;
    w[1] = SC_WINO_A * ((s[1] - s[2]) / -1.5f) + SC_WINO_B * ((s[3] - s[4]) / 6);
    w[2] = 0.5f * sum_a + 2 * sum_b + s[5];
}

// The tiles of a batch: th x tw per sample, numbered row by row, sample by sample.
// The first element of tile (u, v) reads row 4 u - top, column 4 v - left.
struct sc_wino_tiles {
    int64_t n, h, w; // samples and extents of the planes read
    int64_t oh, ow;  // extents of the planes of results
    int64_t th, tw;  // tiles per sample
    int64_t top, left;
};

// Whether a convolution is one: 3x3, stride 1, no dilation, no groups.
bool SC_CPU_NAME(sc_wino_fits)(const struct sc_conv *v);
struct sc_wino_tiles SC_CPU_NAME(sc_wino_tiles)(int64_t n, int64_t h, int64_t w, int64_t oh,
                                                int64_t ow, int64_t top, int64_t left);

// B' d B of `tiles.n` tiles of channels [0, channels) of x, whose samples are
// `sample` elements apart: point p of channel c and tile j goes to
// v[p * point + c * pitch + j]; tiles up to `width`, a multiple of the vector's
// lanes and at most a panel, are zero.
void SC_CPU_NAME(sc_wino_transform_input)(const struct sc_wino_tiles *t, const float *x,
                                          int64_t sample, int64_t channels,
                                          struct sc_block tiles, int64_t width, float *v,
                                          int64_t point, int64_t pitch);

// A forward convolution, or the gradient of the input, which is one with weights
// turned around: input and output channels exchanged, taps in reverse order.
struct sc_wino_product {
    struct sc_wino_tiles tiles;
    const float *x;      // [n, depth, h, w]
    const float *w;      // [rows, depth, 3, 3], or turned [depth, rows, 3, 3]
    float *y;            // [n, rows, oh, ow]
    int64_t rows, depth; // channels of y and of x
    bool turned;
};

// NULL, or what is wrong with the convolution or the call's tile and memory.
const char *SC_CPU_NAME(sc_wino_check)(const struct sc_call *call, const struct sc_conv *v,
                                       const struct sc_wino_product *p);
void SC_CPU_NAME(sc_wino_product_run)(const struct sc_call *call,
                                      const struct sc_wino_product *p);

// The gradient of some weights, `rows` output channels (at most a panel) and
// `channels` input channels, from some of the tiles of a forward convolution.
struct sc_wino_grad {
    struct sc_wino_tiles tiles;
    const float *x, *dy; // of the first input and output channel
    int64_t x_sample, dy_sample;
    int64_t channels, rows;
    float *dw; // [rows, channels, 3, 3], rows dw_row elements apart
    int64_t dw_row;
};

// Scratch, in floats.
int64_t SC_CPU_NAME(sc_wino_grad_scratch)(int64_t channels);
// Sums over the tiles given and writes dw. There is at least one tile.
void SC_CPU_NAME(sc_wino_grad_run)(const struct sc_wino_grad *g, struct sc_block tiles,
                                   float *scratch);

#endif
