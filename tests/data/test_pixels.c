// SPDX-License-Identifier: Apache-2.0
//
// Each operation on pixels against its definition in double precision. Float
// arithmetic on values in [0, 1] with weights that sum to 1 stays within a few
// units of 2^-24 per term; 1e-5 leaves room for all, hue excepted, whose ramp has
// slope 6 in a quotient: 1e-4.
#include "tests/harness/scratch.h"

#include "runtime/base/rng.h"
#include "runtime/data/pixels.h"

#include <math.h>

enum { H = 13, W = 17, N = H * W };

static double clip(double x)
{
    return fmin(fmax(x, 0), 1);
}

static void fill_random(float *planes, size_t n, uint64_t seed)
{
    struct sc_rng rng;
    sc_rng_init(&rng, seed, 0, 0);
    for (size_t i = 0; i < n; i++)
        planes[i] = sc_rng_uniform(&rng);
    // Greys, black, white and ties are where hue is delicate.
    for (size_t i = 0; i < 20; i++)
        planes[i] = planes[N + i] = planes[2 * N + i] = (float)i / 19;
    for (size_t i = 20; i < 40; i++)
        planes[i] = planes[N + i];
    for (size_t i = 40; i < 60; i++)
        planes[N + i] = planes[2 * N + i];
}

static void assert_close(const float *got, const double *expected, size_t n, double tolerance)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabs((double)got[i] - expected[i]) <= tolerance))
            fail_msg("element %zu is %.9g, expected %.9g", i, (double)got[i], expected[i]);
    }
}

static double gray_of(const float *planes, size_t i)
{
    return 0.299 * (double)planes[i] + 0.587 * (double)planes[N + i] +
           0.114 * (double)planes[2 * N + i];
}

static void brightness_multiplies_and_clips(void **state)
{
    (void)state;
    static const float factors[] = {0, 0.4f, 1, 1.7f};
    for (size_t k = 0; k < 4; k++) {
        float planes[3 * N];
        double expected[3 * N];
        fill_random(planes, 3 * N, k);
        for (size_t i = 0; i < 3 * N; i++)
            expected[i] = clip((double)planes[i] * (double)factors[k]);
        sc_brightness(planes, N, factors[k]);
        assert_close(planes, expected, 3 * N, 1e-5);
    }
}

static void contrast_blends_with_the_mean_grey(void **state)
{
    (void)state;
    static const float factors[] = {0, 0.4f, 1, 1.7f};
    for (size_t k = 0; k < 4; k++) {
        float planes[3 * N];
        double expected[3 * N], mean = 0;
        const double f = (double)factors[k];
        fill_random(planes, 3 * N, k);
        for (size_t i = 0; i < N; i++)
            mean += gray_of(planes, i) / N;
        for (size_t i = 0; i < 3 * N; i++)
            expected[i] = clip(f * (double)planes[i] + (1 - f) * mean);
        sc_contrast(planes, N, factors[k]);
        assert_close(planes, expected, 3 * N, 1e-5);
    }
}

static void saturation_blends_with_each_pixels_grey(void **state)
{
    (void)state;
    static const float factors[] = {0, 0.4f, 1, 1.7f};
    for (size_t k = 0; k < 4; k++) {
        float planes[3 * N];
        double expected[3 * N];
        const double f = (double)factors[k];
        fill_random(planes, 3 * N, k);
        for (size_t i = 0; i < 3 * N; i++)
            expected[i] = clip(f * (double)planes[i] + (1 - f) * gray_of(planes, i % N));
        sc_saturation(planes, N, factors[k]);
        assert_close(planes, expected, 3 * N, 1e-5);
    }
}

// RGB to HSV and back as in Smith, "Color gamut transform pairs", 1978.
static void turn_hue(const float *in, double turns, double *out)
{
    const double r = (double)in[0], g = (double)in[N], b = (double)in[2 * N];
    const double high = fmax(r, fmax(g, b)), chroma = high - fmin(r, fmin(g, b));
    double hue = 0;
    if (chroma > 0 && high == r)
        hue = (g - b) / chroma;
    else if (chroma > 0 && high == g)
        hue = 2 + (b - r) / chroma;
    else if (chroma > 0)
        hue = 4 + (r - g) / chroma;
    hue = fmod(hue + 6 * turns + 12, 6);
    const double rest = hue - floor(hue), low = high - chroma;
    const double falling = high - chroma * rest, rising = low + chroma * rest;
    const double table[6][3] = {{high, rising, low}, {falling, high, low},
                                {low, high, rising}, {low, falling, high},
                                {rising, low, high}, {high, low, falling}};
    for (int c = 0; c < 3; c++)
        out[c * N] = table[(int)hue][c];
}

static void hue_turns_the_hexcone(void **state)
{
    (void)state;
    static const float turns[] = {0, 0.1f, -0.2f, 0.5f, -0.5f, 1.0f / 3, 1, -1};
    for (size_t k = 0; k < sizeof turns / sizeof *turns; k++) {
        float planes[3 * N];
        double expected[3 * N];
        fill_random(planes, 3 * N, k);
        for (size_t i = 0; i < N; i++)
            turn_hue(planes + i, (double)turns[k], expected + i);
        sc_hue(planes, N, turns[k]);
        assert_close(planes, expected, 3 * N, 1e-4);
    }
}

static void grey_has_three_equal_planes(void **state)
{
    (void)state;
    float planes[3 * N];
    double expected[3 * N];
    fill_random(planes, 3 * N, 1);
    for (size_t i = 0; i < 3 * N; i++)
        expected[i] = gray_of(planes, i % N);
    sc_gray(planes, N);
    assert_close(planes, expected, 3 * N, 1e-5);
}

static void flip_mirrors_rows_of_odd_and_even_width(void **state)
{
    (void)state;
    for (int w = 4; w <= 5; w++) {
        float planes[3 * 2 * 5], before[3 * 2 * 5];
        for (int i = 0; i < 3 * 2 * w; i++)
            before[i] = planes[i] = (float)i;
        sc_flip(planes, 2, w);
        for (int y = 0; y < 6; y++) {
            for (int x = 0; x < w; x++)
                assert_true(planes[y * w + x] == before[y * w + w - 1 - x]);
        }
    }
}

static int mirrored(int i, int n)
{
    while (i < 0 || i >= n)
        i = i < 0 ? -i : 2 * (n - 1) - i;
    return i;
}

static void blur_is_a_mirrored_gaussian(void **state)
{
    (void)state;
    static const struct {
        int radius;
        float sigma;
    } cases[] = {{1, 0.1f}, {1, 2}, {3, 1}, {11, 2}, {30, 20}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const int radius = cases[k].radius;
        const double scale = 0.5 / ((double)cases[k].sigma * (double)cases[k].sigma);
        float planes[3 * N];
        double expected[3 * N];
        fill_random(planes, 3 * N, k);
        for (int i = 0; i < 3 * N; i++) {
            const int c = i / N, y = i % N / W, x = i % W;
            double sum = 0, weights = 0;
            for (int dy = -radius; dy <= radius; dy++) {
                for (int dx = -radius; dx <= radius; dx++) {
                    const double weight = exp(-scale * (dy * dy + dx * dx));
                    const int at = c * N + mirrored(y + dy, H) * W + mirrored(x + dx, W);
                    sum += weight * (double)planes[at];
                    weights += weight;
                }
            }
            expected[i] = sum / weights;
        }
        assert_true(sc_blur(planes, H, W, radius, cases[k].sigma));
        assert_close(planes, expected, 3 * N, 1e-5);
    }
}

// The definition in pixels.h, both axes at once.
static double resized(const struct simclr_image *image, const struct sc_box *box, int64_t h,
                      int64_t w, int64_t y, int64_t x, int c)
{
    const double sy = (double)box->h / (double)h, sx = (double)box->w / (double)w;
    double sum = 0, weights = 0;
    for (int64_t j = 0; j < box->h; j++) {
        const double dy = fabs((double)j + 0.5 - ((double)y + 0.5) * sy) / fmax(sy, 1);
        for (int64_t i = 0; i < box->w; i++) {
            const double dx = fabs((double)i + 0.5 - ((double)x + 0.5) * sx) / fmax(sx, 1);
            const double weight = fmax(0, 1 - dy) * fmax(0, 1 - dx);
            const int64_t at = 3 * ((box->y + j) * image->w + box->x + i) + c;
            sum += weight * image->pixels[at];
            weights += weight;
        }
    }
    return sum / weights / 255;
}

static void resize_is_bilinear_with_antialiasing(void **state)
{
    (void)state;
    uint8_t pixels[3 * N];
    struct sc_rng rng;
    sc_rng_init(&rng, 9, 0, 0);
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)sc_rng_u32(&rng);
    const struct simclr_image image = {.h = H, .w = W, .pixels = pixels};
    static const struct {
        struct sc_box box;
        int64_t h, w;
    } cases[] = {{{0, 0, H, W}, H, W},   {{0, 0, H, W}, 5, 7},   {{2, 3, 4, 6}, 9, 11},
                 {{12, 16, 1, 1}, 4, 4}, {{1, 0, 11, 5}, 3, 16}, {{0, 5, 13, 12}, 1, 1}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const int64_t h = cases[k].h, w = cases[k].w;
        float out[3 * 16 * 16];
        double expected[3 * 16 * 16];
        for (int64_t i = 0; i < 3 * h * w; i++)
            expected[i] =
                resized(&image, &cases[k].box, h, w, i / w % h, i % w, (int)(i / (h * w)));
        assert_true(sc_resize(&image, &cases[k].box, h, w, out));
        assert_close(out, expected, (size_t)(3 * h * w), 1e-5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brightness_multiplies_and_clips),
        cmocka_unit_test(contrast_blends_with_the_mean_grey),
        cmocka_unit_test(saturation_blends_with_each_pixels_grey),
        cmocka_unit_test(hue_turns_the_hexcone),
        cmocka_unit_test(grey_has_three_equal_planes),
        cmocka_unit_test(flip_mirrors_rows_of_odd_and_even_width),
        cmocka_unit_test(blur_is_a_mirrored_gaussian),
        cmocka_unit_test(resize_is_bilinear_with_antialiasing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
