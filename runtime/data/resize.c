// SPDX-License-Identifier: Apache-2.0
//
// Separable: for each target row the source rows are summed first, three bytes
// per pixel as they lie, which vectorises; then that one row is shrunk or widened
// into the planes.
#include "runtime/data/pixels.h"

#include <math.h>
#include <stdlib.h>

// The weights of one axis: target i takes source start[i] + k with weight[i * n_taps + k].
struct axis {
    int64_t n_taps;
    int32_t *start;
    float *weight;
};

static void axis_deinit(struct axis *axis)
{
    free(axis->start);
    free(axis->weight);
}

static void fill_target(struct axis *axis, int64_t i, int64_t source, double scale)
{
    const double reach = scale > 1 ? scale : 1;
    const double centre = ((double)i + 0.5) * scale;
    int64_t first = (int64_t)floor(centre - reach);
    if (first < 0) first = 0;
    if (first > source - axis->n_taps) first = source - axis->n_taps;
    float *const weight = axis->weight + i * axis->n_taps;
    double sum = 0;
    for (int64_t k = 0; k < axis->n_taps; k++) {
        const double distance = fabs((double)(first + k) + 0.5 - centre) / reach;
        sum += distance < 1 ? 1 - distance : 0;
    }
    for (int64_t k = 0; k < axis->n_taps; k++) {
        const double distance = fabs((double)(first + k) + 0.5 - centre) / reach;
        weight[k] = distance < 1 ? (float)((1 - distance) / sum) : 0;
    }
    axis->start[i] = (int32_t)first;
}

static bool axis_init(struct axis *axis, int64_t source, int64_t target)
{
    const double scale = (double)source / (double)target;
    const int64_t n_taps = 2 * (int64_t)ceil(scale > 1 ? scale : 1) + 1;
    axis->n_taps = n_taps < source ? n_taps : source;
    axis->start = malloc((size_t)target * sizeof *axis->start);
    axis->weight = malloc((size_t)(target * axis->n_taps) * sizeof *axis->weight);
    if (!axis->start || !axis->weight) return false;
    for (int64_t i = 0; i < target; i++)
        fill_target(axis, i, source, scale);
    return true;
}

// row[x] = sum over k of weight[k] * source[k * stride + x]
static void sum_rows(const uint8_t *source, int64_t stride, const float *weight, int64_t n_taps,
                     int64_t n, float *restrict row)
{
    for (int64_t x = 0; x < n; x++)
        row[x] = weight[0] * (float)source[x];
    for (int64_t k = 1; k < n_taps; k++) {
        const uint8_t *const line = source + k * stride;
        const float f = weight[k];
        if (f == 0.0f) continue;
        for (int64_t x = 0; x < n; x++)
            row[x] += f * (float)line[x];
    }
}

static void sum_columns(const float *row, const struct axis *axis, int64_t w, int64_t plane,
                        float *restrict out)
{
    for (int64_t x = 0; x < w; x++) {
        const float *const pixel = row + 3 * axis->start[x];
        const float *const weight = axis->weight + x * axis->n_taps;
        float r = 0, g = 0, b = 0;
        for (int64_t k = 0; k < axis->n_taps; k++) {
            r += weight[k] * pixel[3 * k];
            g += weight[k] * pixel[3 * k + 1];
            b += weight[k] * pixel[3 * k + 2];
        }
        out[x] = r * (1.0f / 255);
        out[plane + x] = g * (1.0f / 255);
        out[2 * plane + x] = b * (1.0f / 255);
    }
}

bool sc_resize(const struct simclr_image *image, const struct sc_box *box, int64_t h, int64_t w,
               float *out)
{
    struct axis rows = {0}, columns = {0};
    float *const row = malloc((size_t)(3 * box->w) * sizeof *row);
    const bool ok = row && axis_init(&rows, box->h, h) && axis_init(&columns, box->w, w);
    const int64_t stride = 3 * image->w;
    const uint8_t *const corner = image->pixels + box->y * stride + 3 * box->x;
    for (int64_t y = 0; ok && y < h; y++) {
        sum_rows(corner + rows.start[y] * stride, stride, rows.weight + y * rows.n_taps,
                 rows.n_taps, 3 * box->w, row);
        sum_columns(row, &columns, w, h * w, out + y * w);
    }
    // The weights of a pixel sum to 1 up to rounding.
    for (int64_t i = 0; ok && i < 3 * h * w; i++)
        out[i] = out[i] > 1.0f ? 1.0f : out[i];
    axis_deinit(&rows);
    axis_deinit(&columns);
    free(row);
    return ok;
}
