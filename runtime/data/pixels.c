// SPDX-License-Identifier: Apache-2.0
//
// The loops are written so that a compiler vectorises them: no branches, no
// division by what may be zero, planes apart.
#include "runtime/data/pixels.h"

#include <math.h>
#include <stdlib.h>

static const float red = 0.299f, green = 0.587f, blue = 0.114f;

static inline float clip(float x)
{
    x = x < 0.0f ? 0.0f : x;
    return x > 1.0f ? 1.0f : x;
}

void sc_flip(float *planes, int64_t h, int64_t w)
{
    for (int64_t y = 0; y < 3 * h; y++) {
        float *const row = planes + y * w;
        for (int64_t x = 0; x < w / 2; x++) {
            const float swapped = row[x];
            row[x] = row[w - 1 - x];
            row[w - 1 - x] = swapped;
        }
    }
}

void sc_brightness(float *planes, int64_t n, float factor)
{
    for (int64_t i = 0; i < 3 * n; i++)
        planes[i] = clip(planes[i] * factor);
}

// In double and in order, for large pictures.
static float mean_gray(const float *planes, int64_t n)
{
    const float *const r = planes, *const g = planes + n, *const b = planes + 2 * n;
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)(red * r[i] + green * g[i] + blue * b[i]);
    return (float)(sum / (double)n);
}

void sc_contrast(float *planes, int64_t n, float factor)
{
    const float shift = (1.0f - factor) * mean_gray(planes, n);
    for (int64_t i = 0; i < 3 * n; i++)
        planes[i] = clip(planes[i] * factor + shift);
}

void sc_saturation(float *planes, int64_t n, float factor)
{
    float *const restrict r = planes;
    float *const restrict g = planes + n;
    float *const restrict b = planes + 2 * n;
    for (int64_t i = 0; i < n; i++) {
        const float shift = (1.0f - factor) * (red * r[i] + green * g[i] + blue * b[i]);
        r[i] = clip(r[i] * factor + shift);
        g[i] = clip(g[i] * factor + shift);
        b[i] = clip(b[i] * factor + shift);
    }
}

// One channel of a colour of hue k / 6 + const, value v, chroma c: v on two sides
// of the hexagon, v - c on two, a ramp between.
static inline float hue_channel(float k, float v, float c)
{
    k = k >= 6.0f ? k - 6.0f : k;
    const float down = 4.0f - k;
    const float ramp = clip(k < down ? k : down);
    return clip(v - c * ramp);
}

void sc_hue(float *planes, int64_t n, float turns)
{
    float *const restrict red_plane = planes;
    float *const restrict green_plane = planes + n;
    float *const restrict blue_plane = planes + 2 * n;
    const float sixths = 6.0f * turns + (turns < 0.0f ? 6.0f : 0.0f); // in [0, 6]
    for (int64_t i = 0; i < n; i++) {
        const float r = red_plane[i], g = green_plane[i], b = blue_plane[i];
        const float rg_high = r > g ? r : g, rg_low = r > g ? g : r;
        const float high = rg_high > b ? rg_high : b;
        const float low = rg_low < b ? rg_low : b;
        const float chroma = high - low;
        const float is_grey = chroma > 0.0f ? 0.0f : 1.0f;
        // The side of the hexagon, from 0 (red) to 4 (blue), and the way along it.
        const float from_green = g >= r ? 2.0f : 0.0f;
        const float along_rg = g >= r ? b - r : g - b;
        const float side = b >= rg_high ? 4.0f : from_green;
        const float along = b >= rg_high ? r - g : along_rg;
        float hue = side + along / (chroma + is_grey) + sixths;
        hue = hue < 0.0f ? hue + 6.0f : hue;
        hue = hue >= 6.0f ? hue - 6.0f : hue;
        red_plane[i] = hue_channel(hue + 5.0f, high, chroma);
        green_plane[i] = hue_channel(hue + 3.0f, high, chroma);
        blue_plane[i] = hue_channel(hue + 1.0f, high, chroma);
    }
}

void sc_gray(float *planes, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const float y = red * planes[i] + green * planes[n + i] + blue * planes[2 * n + i];
        planes[i] = planes[n + i] = planes[2 * n + i] = clip(y);
    }
}

// The index that lies mirrored inside [0, n).
static int64_t mirror(int64_t i, int64_t n)
{
    if (n == 1) return 0;
    const int64_t period = 2 * (n - 1);
    i = (i % period + period) % period;
    return i < n ? i : period - i;
}

// Rows of `source`, each blurred along itself; `padded` has room for w + 2 radius.
static void blur_rows(float *rows, int64_t n_rows, int64_t w, const float *kernel,
                      int64_t radius, float *restrict padded)
{
    for (int64_t y = 0; y < n_rows; y++) {
        float *const restrict row = rows + y * w;
        for (int64_t k = 1; k <= radius; k++) {
            padded[radius - k] = row[mirror(-k, w)];
            padded[radius + w - 1 + k] = row[mirror(w - 1 + k, w)];
        }
        for (int64_t x = 0; x < w; x++)
            padded[radius + x] = row[x];
        for (int64_t x = 0; x < w; x++)
            row[x] = 0;
        for (int64_t k = 0; k <= 2 * radius; k++) {
            for (int64_t x = 0; x < w; x++)
                row[x] += kernel[k] * padded[x + k];
        }
    }
}

// Columns of one plane, whole rows at a time; `copy` holds the plane as it was.
static void blur_columns(float *restrict plane, const float *restrict copy, int64_t h,
                         int64_t w, const float *kernel, int64_t radius)
{
    for (int64_t y = 0; y < h; y++) {
        float *const row = plane + y * w;
        for (int64_t x = 0; x < w; x++)
            row[x] = 0;
        for (int64_t k = -radius; k <= radius; k++) {
            const float *const source = copy + mirror(y + k, h) * w;
            for (int64_t x = 0; x < w; x++)
                row[x] += kernel[k + radius] * source[x];
        }
    }
}

static void fill_kernel(float *kernel, int64_t radius, float sigma)
{
    const double scale = 1 / (2.0 * (double)sigma * (double)sigma);
    double sum = 0;
    for (int64_t k = -radius; k <= radius; k++)
        sum += exp(-(double)(k * k) * scale);
    for (int64_t k = -radius; k <= radius; k++)
        kernel[k + radius] = (float)(exp(-(double)(k * k) * scale) / sum);
}

bool sc_blur(float *planes, int64_t h, int64_t w, int64_t radius, float sigma)
{
    if (radius < 1) return true;
    const size_t n_kernel = (size_t)(2 * radius + 1), n_row = (size_t)(w + 2 * radius);
    const size_t n_plane = (size_t)(h * w);
    float *const kernel = malloc((n_kernel + n_row + n_plane) * sizeof *kernel);
    if (!kernel) return false;
    float *const padded = kernel + n_kernel, *const copy = padded + n_row;
    fill_kernel(kernel, radius, sigma);
    blur_rows(planes, 3 * h, w, kernel, radius, padded);
    for (int64_t c = 0; c < 3; c++) {
        float *const plane = planes + c * h * w;
        for (size_t i = 0; i < n_plane; i++)
            copy[i] = plane[i];
        blur_columns(plane, copy, h, w, kernel, radius);
    }
    for (int64_t i = 0; i < 3 * h * w; i++)
        planes[i] = clip(planes[i]);
    free(kernel);
    return true;
}
