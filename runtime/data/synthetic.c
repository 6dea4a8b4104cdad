// SPDX-License-Identifier: Apache-2.0
//
// Pictures that are drawn, so that there is something to learn without a download.
// A class is a shape with a texture. A picture shows a few objects of one class,
// each with its own place, size, tilt and two colours, over a shaded background
// with clutter. Colours are drawn without regard to the class, all shapes cover
// the same area and all textures have half of each colour: neither a pixel nor a
// histogram of colours tells the class.
#include "runtime/data/dataset.h"

#include "runtime/base/rng.h"
#include "runtime/base/thread.h"
#include "runtime/data/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

struct colour {
    float channel[3];
};

// What an object is drawn from, in pixels. A point p of the picture has the place
// (p - centre) turned back and divided by `radius` in the object's own frame.
struct object {
    double y, x, radius, cosine, sine;
    double wave, phase_u, phase_v; // of the texture, in periods per radius
    struct colour colour[2];
};

struct canvas {
    int64_t size;
    float *pixel; // size * size * 3
};

// ---------------------------------------------------------- shapes, textures

// Each tells whether a point lies inside a shape of area 2.
static bool in_disc(double u, double v)
{
    return u * u + v * v < 2 / pi;
}

static bool in_square(double u, double v)
{
    return fabs(u) < sqrt(0.5) && fabs(v) < sqrt(0.5);
}

static bool in_triangle(double u, double v)
{
    const double inner = 0.6204; // radius of the inscribed circle, 3 sqrt(3) r^2 = 2
    return v < inner && -0.5 * v + sqrt(0.75) * u < inner && -0.5 * v - sqrt(0.75) * u < inner;
}

static bool in_ring(double u, double v)
{
    const double r2 = u * u + v * v;
    return r2 < 0.85 && r2 > 0.85 - 2 / pi;
}

// Two bars of length 2 a and width 0.6 a.
static bool in_cross(double u, double v)
{
    const double a = 0.9901;
    const double high = fmax(fabs(u), fabs(v)), low = fmin(fabs(u), fabs(v));
    return high < a && low < 0.3 * a;
}

// Five points: the edge runs straight from a tip to the notch beside it.
static bool in_star(double u, double v)
{
    const double tip = 1.27, notch = 0.535, half = pi / 5;
    const double r = sqrt(u * u + v * v);
    double angle = fabs(fmod(atan2(u, -v) + 2 * pi, 2 * half) - half);
    angle = half - angle; // from the nearest tip
    const double x = r * cos(angle), y = r * sin(angle);
    const double notch_x = notch * cos(half), notch_y = notch * sin(half);
    return (tip - x) * notch_y > y * (tip - notch_x);
}

struct shape {
    const char *name;
    bool (*contains)(double u, double v);
    double reach; // no point is further out
};

static const struct shape shape_table[] = {
    {"disc", in_disc, 0.8},  {"square", in_square, 1.0}, {"triangle", in_triangle, 1.25},
    {"ring", in_ring, 0.93}, {"cross", in_cross, 1.04},  {"star", in_star, 1.27},
};

// Each tells which of two colours a point has; u and v count periods.
static int stripes(double u, double v)
{
    (void)v;
    return u - floor(u) < 0.5;
}

static int checker(double u, double v)
{
    return (u - floor(u) < 0.5) == (v - floor(v) < 0.5);
}

static int dots(double u, double v)
{
    const double x = u - floor(u) - 0.5, y = v - floor(v) - 0.5;
    return x * x + y * y < 0.5 / pi;
}

static int bars(double u, double v)
{
    return stripes(v, u);
}

struct texture {
    const char *name;
    int (*colour)(double u, double v);
    double wave; // periods, compared with stripes
};

static const struct texture texture_table[] = {
    {"striped", stripes, 1.0},
    {"dotted", dots, 1.0},
    {"barred", bars, 1.0},
    {"checked", checker, 0.8},
};

enum {
    N_SHAPES = sizeof shape_table / sizeof *shape_table,
    N_TEXTURES = sizeof texture_table / sizeof *texture_table
};

// ----------------------------------------------------------------- drawing

static double draw_between(struct sc_rng *rng, double low, double high)
{
    return low + (high - low) * (double)sc_rng_uniform(rng);
}

// A lightness with a tint: vivid colours would say which picture a crop is from, and
// there would be no need to look at anything else.
static struct colour draw_colour(struct sc_rng *rng)
{
    const float tint = 0.3f;
    struct colour c;
    const float lightness = sc_rng_uniform(rng);
    for (int i = 0; i < 3; i++)
        c.channel[i] = (1.0f - tint) * lightness + tint * sc_rng_uniform(rng);
    return c;
}

static float difference(const struct colour *a, const struct colour *b)
{
    static const float weight[3] = {0.299f, 0.587f, 0.114f};
    float sum = 0;
    for (int i = 0; i < 3; i++)
        sum += weight[i] * (a->channel[i] - b->channel[i]);
    return fabsf(sum);
}

// Two colours that remain apart when the picture turns grey.
static void draw_pair(struct sc_rng *rng, struct colour pair[2])
{
    pair[0] = draw_colour(rng);
    for (int tries = 0; tries < 20; tries++) {
        pair[1] = draw_colour(rng);
        if (difference(&pair[0], &pair[1]) > 0.3f) return;
    }
}

// A slope from one colour to another, with a little noise.
static void draw_background(const struct canvas *canvas, struct sc_rng *rng)
{
    const struct colour from = draw_colour(rng), other = draw_colour(rng);
    const double angle = draw_between(rng, 0, 2 * pi);
    const float dy = (float)(sin(angle) / (double)canvas->size);
    const float dx = (float)(cos(angle) / (double)canvas->size);
    const float strength = (float)draw_between(rng, 0.2, 0.6);
    for (int64_t y = 0; y < canvas->size; y++) {
        for (int64_t x = 0; x < canvas->size; x++) {
            const float t = strength * (0.5f + dy * (float)y + dx * (float)x);
            float *const p = canvas->pixel + 3 * (y * canvas->size + x);
            for (int c = 0; c < 3; c++)
                p[c] = from.channel[c] + t * (other.channel[c] - from.channel[c]);
        }
    }
}

// Short thin lines in any colour.
static void draw_clutter(const struct canvas *canvas, struct sc_rng *rng)
{
    const double size = (double)canvas->size;
    const int n_lines = 2 + (int)sc_rng_below(rng, 4);
    for (int i = 0; i < n_lines; i++) {
        const struct colour colour = draw_colour(rng);
        const double y = draw_between(rng, 0, size), x = draw_between(rng, 0, size);
        const double angle = draw_between(rng, 0, pi), length = draw_between(rng, 0.1, 0.3);
        const int n_steps = (int)(length * size) + 1;
        for (int k = 0; k < n_steps; k++) {
            const int64_t py = (int64_t)(y + k * sin(angle));
            const int64_t px = (int64_t)(x + k * cos(angle));
            if (py < 0 || px < 0 || py >= canvas->size || px >= canvas->size) continue;
            memcpy(canvas->pixel + 3 * (py * canvas->size + px), colour.channel,
                   sizeof colour.channel);
        }
    }
}

static struct object draw_object(struct sc_rng *rng, double size, bool is_main)
{
    struct object o;
    o.radius = size * (is_main ? draw_between(rng, 0.30, 0.42) : draw_between(rng, 0.16, 0.24));
    const double margin = is_main ? 0.3 : 0.08;
    o.y = size * draw_between(rng, margin, 1 - margin);
    o.x = size * draw_between(rng, margin, 1 - margin);
    const double angle = draw_between(rng, -0.35, 0.35); // more would make bars of stripes
    o.cosine = cos(angle);
    o.sine = sin(angle);
    // A period of 3.6 to 6 pixels of 32: small pictures still show it.
    o.wave = o.radius / (size * draw_between(rng, 3.6 / 32, 6.0 / 32));
    o.phase_u = draw_between(rng, 0, 1);
    o.phase_v = draw_between(rng, 0, 1);
    draw_pair(rng, o.colour);
    return o;
}

// Blends one pixel, seen through a grid of 3 x 3 points.
static void paint_pixel(const struct canvas *canvas, const struct object *o,
                        const struct shape *shape, const struct texture *texture, int64_t y,
                        int64_t x)
{
    enum { GRID = 3 };
    int n_inside[2] = {0, 0};
    const double wave = o->wave * texture->wave;
    for (int k = 0; k < GRID * GRID; k++) {
        const double py = ((double)y + (k / GRID + 0.5) / GRID - o->y) / o->radius;
        const double px = ((double)x + (k % GRID + 0.5) / GRID - o->x) / o->radius;
        const double u = px * o->cosine + py * o->sine, v = py * o->cosine - px * o->sine;
        if (shape->contains(u, v))
            n_inside[texture->colour(u * wave + o->phase_u, v * wave + o->phase_v)]++;
    }
    float *const p = canvas->pixel + 3 * (y * canvas->size + x);
    const float scale = 1.0f / (GRID * GRID);
    const float w0 = scale * (float)n_inside[0], w1 = scale * (float)n_inside[1];
    for (int c = 0; c < 3; c++)
        p[c] =
            p[c] * (1 - w0 - w1) + w0 * o->colour[0].channel[c] + w1 * o->colour[1].channel[c];
}

static void paint(const struct canvas *canvas, const struct object *o, int64_t label)
{
    const struct shape *const shape = &shape_table[label / N_TEXTURES];
    const struct texture *const texture = &texture_table[label % N_TEXTURES];
    const double reach = shape->reach * o->radius, last = (double)canvas->size - 1;
    const int64_t top = (int64_t)fmax(0, floor(o->y - reach));
    const int64_t left = (int64_t)fmax(0, floor(o->x - reach));
    const int64_t bottom = (int64_t)fmin(last, ceil(o->y + reach));
    const int64_t right = (int64_t)fmin(last, ceil(o->x + reach));
    for (int64_t y = top; y <= bottom; y++) {
        for (int64_t x = left; x <= right; x++)
            paint_pixel(canvas, o, shape, texture, y, x);
    }
}

// Rounds to bytes under a little noise.
static void finish(const struct canvas *canvas, struct sc_rng *rng, uint8_t *out)
{
    const float noise = 0.08f;
    for (int64_t i = 0; i < 3 * canvas->size * canvas->size; i++) {
        const float x = canvas->pixel[i] + noise * (sc_rng_uniform(rng) - 0.5f);
        out[i] = (uint8_t)(fminf(fmaxf(x, 0.0f), 1.0f) * 255.0f + 0.5f);
    }
}

// Smaller objects first, so that the main one lies on top.
static void draw_picture(const struct canvas *canvas, struct sc_rng *rng, int64_t label,
                         uint8_t *out)
{
    draw_background(canvas, rng);
    draw_clutter(canvas, rng);
    const int n_small = 1 + (int)sc_rng_below(rng, 3);
    for (int i = 0; i <= n_small; i++) {
        const struct object o = draw_object(rng, (double)canvas->size, i == n_small);
        paint(canvas, &o, label);
    }
    finish(canvas, rng, out);
}

// ----------------------------------------------------------------- opening

enum { N_TRAIN, N_TEST, CLASSES, SIZE, SEED, N_PARAMS };

struct work {
    struct simclr_dataset *ds;
    float *pixel; // one canvas per thread
    uint64_t seed;
    bool is_test;
};

static void draw_task(void *ctx, int64_t i, int thread)
{
    enum { SYNTHETIC = 0x53594e54 }; // "SYNT"
    const struct work *const work = ctx;
    struct simclr_dataset *const ds = work->ds;
    const int64_t n = 3 * ds->h * ds->w;
    const struct canvas canvas = {.size = ds->h, .pixel = work->pixel + thread * n};
    const uint64_t part = work->is_test;
    struct sc_rng rng;
    sc_rng_init(&rng, work->seed, part << 32 | (uint64_t)i, SYNTHETIC);
    draw_picture(&canvas, &rng, ds->label[i], ds->pixels + i * n);
}

static simclr_status no_memory(struct simclr_diag *diag)
{
    return sc_dataset_no_memory(diag, "synthetic");
}

static simclr_status name_classes(struct simclr_diag *diag, int64_t n_classes,
                                  struct simclr_dataset *out)
{
    for (int64_t k = 0; k < n_classes; k++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s %s", texture_table[k % N_TEXTURES].name,
                       shape_table[k / N_TEXTURES].name);
        if (!sc_names_add(&out->class_name, name)) return no_memory(diag);
    }
    return SIMCLR_OK;
}

static simclr_status draw_all(struct simclr_diag *diag, struct work *work, int n_threads)
{
    struct sc_pool *pool;
    SC_TRY(sc_pool_new(diag, n_threads, &pool));
    const size_t n_floats = (size_t)(3 * work->ds->h * work->ds->w);
    work->pixel = malloc((size_t)sc_pool_n_threads(pool) * n_floats * sizeof *work->pixel);
    if (work->pixel) sc_pool_run(pool, work->ds->n_images, draw_task, work);
    sc_pool_free(pool);
    if (!work->pixel) return no_memory(diag);
    free(work->pixel);
    return SIMCLR_OK;
}

simclr_status sc_synthetic_open(struct simclr_diag *diag, const char *text,
                                enum simclr_split split, int n_threads,
                                struct simclr_dataset *out)
{
    struct sc_spec_param param[N_PARAMS] = {
        [N_TRAIN] = {"n", 4096, 1, 10000000, true},
        [N_TEST] = {"test", 1024, 1, 10000000, true},
        [CLASSES] = {"classes", 12, 8, N_SHAPES * N_TEXTURES, true},
        [SIZE] = {"size", 32, 16, 512, true},
        [SEED] = {"seed", 0, 0, 0x1p53, true},
    };
    SC_TRY(sc_spec_read(diag, "data 'synthetic'", text, strlen(text), param, N_PARAMS));
    const bool is_test = sc_split_is_test(split);
    const int64_t n = (int64_t)param[is_test ? N_TEST : N_TRAIN].value;
    const int64_t n_classes = (int64_t)param[CLASSES].value;
    out->h = out->w = (int64_t)param[SIZE].value;
    out->n_images = n;
    out->n_pixel_bytes = (size_t)(n * out->h * out->w * 3);
    out->pixels = malloc(out->n_pixel_bytes);
    out->label = malloc((size_t)n * sizeof *out->label);
    out->source = calloc(1, sizeof *out->source);
    out->n_sources = 1;
    if (!out->pixels || !out->label || !out->source ||
        !sc_names_add(&out->origin, is_test ? "synthetic test" : "synthetic train"))
        return no_memory(diag);
    SC_TRY(name_classes(diag, n_classes, out));
    for (int64_t i = 0; i < n; i++)
        out->label[i] = (int32_t)(i % n_classes);
    struct work work = {.ds = out, .seed = (uint64_t)param[SEED].value, .is_test = is_test};
    return draw_all(diag, &work, n_threads);
}
