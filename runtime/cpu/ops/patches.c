// SPDX-License-Identifier: Apache-2.0
#include "runtime/cpu/ops/patches.h"

#include "runtime/cpu/ops/vec.h"
#include "runtime/cpu/shape.h"

#include <string.h>

// Short copies dominate, so they are open-coded.
static inline void copy(float *to, const float *from, int64_t n)
{
    int64_t i = 0;
    for (; i + SC_LANES <= n; i += SC_LANES)
        sc_store(to + i, sc_load(from + i));
    for (; i < n; i++)
        to[i] = from[i];
}

static inline void clear(float *to, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = 0;
}

// The positions [begin, end) of one sample, for one plane and one tap, whose
// offset is (dh, dw).
struct piece {
    const float *plane;
    int64_t dh, dw, begin, end;
};

// Where step is 1 and the grid is as wide as the image, what a tap reads is the
// plane itself, shifted: one copy, then zeros where the shift wrapped around an
// edge.
static void fill_shifted(const struct sc_patches *p, const struct piece *s, float *out)
{
    const int64_t w = p->w, shift = s->dh * w + s->dw;
    const int64_t first_row = sc_max_i64(0, -s->dh),
                  end_row = sc_min_i64(p->grid_h, p->h - s->dh);
    const int64_t lo = sc_max_i64(s->begin, sc_max_i64(first_row * w, -shift));
    const int64_t hi = sc_min_i64(s->end, sc_min_i64(end_row * w, p->h * w - shift));
    if (lo >= hi) {
        clear(out, s->end - s->begin);
        return;
    }
    clear(out, lo - s->begin);
    copy(out + (lo - s->begin), s->plane + lo + shift, hi - lo);
    clear(out + (hi - s->begin), s->end - hi);
    if (s->dw == 0) return;
    const int64_t left = s->dw < 0 ? 0 : sc_max_i64(0, w - s->dw);
    const int64_t right = s->dw < 0 ? sc_min_i64(w, -s->dw) : w;
    for (int64_t row = s->begin / w * w; row < s->end; row += w) {
        const int64_t from = sc_max_i64(row + left, s->begin);
        const int64_t to = sc_min_i64(row + right, s->end);
        for (int64_t i = from; i < to; i++)
            out[i - s->begin] = 0;
    }
}

// Every step-th element; the steps there are most get loops of their own.
static inline void copy_strided(float *to, const float *from, int64_t n, int64_t step)
{
    if (step == 1) {
        copy(to, from, n);
    } else if (step == 2) {
        for (int64_t i = 0; i < n; i++)
            to[i] = from[2 * i];
    } else {
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i * step];
    }
}

// Positions [v, end) of one row of the grid, which read the row `from` of the image.
static void fill_row(const struct sc_patches *p, const float *from, int64_t dw, int64_t v,
                     int64_t end, float *out)
{
    const int64_t step = p->step_w, room = p->w - dw; // v step < room
    const int64_t outside = dw < 0 ? (-dw + step - 1) / step : 0;
    const int64_t inside = room <= 0 ? 0 : (room + step - 1) / step;
    const int64_t begin = sc_min_i64(end, sc_max_i64(v, outside));
    const int64_t stop = sc_max_i64(begin, sc_min_i64(end, inside));
    clear(out, begin - v);
    copy_strided(out + (begin - v), from + begin * step + dw, stop - begin, step);
    clear(out + (stop - v), end - stop);
}

static void fill_general(const struct sc_patches *p, const struct piece *s, float *out)
{
    int64_t u = s->begin / p->grid_w, v = s->begin % p->grid_w;
    for (int64_t at = s->begin; at < s->end; u++, v = 0) {
        const int64_t n = sc_min_i64(p->grid_w - v, s->end - at);
        const int64_t row = u * p->step_h + s->dh;
        if (row < 0 || row >= p->h)
            clear(out, n);
        else
            fill_row(p, s->plane + row * p->w, s->dw, v, v + n, out);
        out += n;
        at += n;
    }
}

// The rows of one sample's positions [begin, end).
static void fill_sample(const struct sc_patches *p, const float *x, struct sc_block rows,
                        int64_t begin, int64_t end, int64_t pitch, float *out)
{
    const int64_t n_taps = p->taps_h * p->taps_w;
    const bool is_shift = p->step_h == 1 && p->step_w == 1 && p->grid_w == p->w;
    struct piece s = {.begin = begin, .end = end};
    int64_t c = rows.first / n_taps, tap = rows.first % n_taps;
    int64_t i = tap / p->taps_w, j = tap % p->taps_w;
    for (int64_t r = 0; r < rows.n; r++, out += pitch) {
        s.plane = x + c * p->h * p->w;
        s.dh = p->base_h + i * p->delta_h;
        s.dw = p->base_w + j * p->delta_w;
        if (is_shift)
            fill_shifted(p, &s, out);
        else
            fill_general(p, &s, out);
        if (++j < p->taps_w) continue;
        j = 0;
        if (++i < p->taps_h) continue;
        i = 0;
        c++;
    }
}

void SC_CPU_NAME(sc_patches_fill)(const struct sc_patches *p, struct sc_block rows,
                                  struct sc_block columns, int64_t width, int64_t pitch,
                                  float *out)
{
    const int64_t grid = p->grid_h * p->grid_w;
    int64_t sample = columns.first / grid, begin = columns.first % grid, done = 0;
    while (done < columns.n) {
        const int64_t n = sc_min_i64(grid - begin, columns.n - done);
        fill_sample(p, p->x + sample * p->sample, rows, begin, begin + n, pitch, out + done);
        done += n;
        sample++;
        begin = 0;
    }
    for (int64_t r = 0; done < width && r < rows.n; r++)
        memset(out + r * pitch + done, 0, (size_t)(width - done) * sizeof *out);
}
