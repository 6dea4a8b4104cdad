// SPDX-License-Identifier: Apache-2.0
//
// What augmentation does to pixels. A picture is three planes of n floats in
// [0, 1], R G B, one behind the other. Every operation that can leave that range
// clips to it.
#ifndef SC_DATA_PIXELS_H
#define SC_DATA_PIXELS_H

#include <simclr/data.h>

// A part of an image.
struct sc_box {
    int64_t y, x, h, w;
};

// Resizes the part `box` of `image` to h x w planes. Bilinear, with antialiasing
// when it shrinks: the weight of source pixel j for target pixel i is
// max(0, 1 - |j + 0.5 - (i + 0.5) s| / max(s, 1)), s = source size / target size,
// normalised over the pixels inside the box. False if memory is exhausted.
bool sc_resize(const struct simclr_image *image, const struct sc_box *box, int64_t h, int64_t w,
               float *out);

// Mirrors left and right.
void sc_flip(float *planes, int64_t h, int64_t w);

// y = 0.299 r + 0.587 g + 0.114 b is the grey value in what follows.
// Brightness: x f. Contrast: x f + (1 - f) mean(y). Saturation: x f + (1 - f) y.
void sc_brightness(float *planes, int64_t n, float factor);
void sc_contrast(float *planes, int64_t n, float factor);
void sc_saturation(float *planes, int64_t n, float factor);
// Turns the hue of the HSV hexcone by `turns`, in [-1, 1].
void sc_hue(float *planes, int64_t n, float turns);
// All three planes become y.
void sc_gray(float *planes, int64_t n);

// Convolves with exp(-k^2 / (2 sigma^2)), normalised, k = -radius..radius, along rows
// and columns; beyond an edge the picture is mirrored without repeating the edge.
// False if memory is exhausted.
bool sc_blur(float *planes, int64_t h, int64_t w, int64_t radius, float sigma);

#endif
