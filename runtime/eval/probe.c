// SPDX-License-Identifier: Apache-2.0
//
// The objective is f(W, b) = mean over rows of -log softmax(W x + b)[label]
// + penalty/2 |W|^2, its gradient (softmax - onehot) x^T / n + penalty W. Both
// come from one pass over the rows: a block of them is multiplied with W, turned
// into softmax - onehot, and multiplied again while it is in the cache. Rows are
// cut into a fixed number of shares, each with a sum of its own in double, so
// that the number of threads does not matter.
#include "runtime/eval/probe.h"

#include "runtime/eval/lbfgs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHARES = 8, BLOCK = 8 * SC_TILE_ROWS, HELD_OUT = 10 };

// From strong to weak: each fit starts where the one before ended.
static const double penalties[] = {1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5};
enum { N_PENALTIES = sizeof penalties / sizeof penalties[0] };

struct probe {
    struct sc_pool *pool;
    struct sc_matrix x; // standardised; the held-out rows are the last
    const int64_t *label;
    int64_t first, n; // the rows being worked on
    int64_t n_classes, c_stride;
    size_t n_theta; // [n_classes][d] weights, then n_classes biases
    float *weights; // of the theta being tried, as panels [panel][d][SC_TILE]
    const double *bias;
    float *logits;   // [thread][BLOCK][c_stride]
    double *partial; // [SHARES][n_theta], or NULL: no gradient is wanted
    bool wants_gradient;
    double loss[SHARES];
    int64_t n_right[SHARES];
    double penalty;
};

// ---- one pass ----

static void multiply_block(const struct probe *p, int64_t first, int64_t m, float *logits)
{
    for (int64_t panel = 0; panel * SC_TILE < p->n_classes; panel++) {
        for (int64_t i = 0; i < m; i += SC_TILE_ROWS) {
            const int64_t rows = m - i < SC_TILE_ROWS ? m - i : SC_TILE_ROWS;
            const struct sc_tile_operand a = {sc_matrix_row(&p->x, first + i), p->x.stride, 1};
            float c[SC_TILE_ROWS][SC_TILE];
            sc_tile_multiply(rows, p->x.d, &a, p->weights + panel * p->x.d * SC_TILE, SC_TILE,
                             c);
            for (int64_t r = 0; r < rows; r++)
                memcpy(logits + (i + r) * p->c_stride + panel * SC_TILE, c[r], sizeof c[r]);
        }
    }
}

// Turns a row of logits into softmax - onehot and returns the row's loss.
static double softmax_row(const struct probe *p, float *z, int64_t label, int64_t *n_right)
{
    int64_t best = 0;
    for (int64_t c = 0; c < p->n_classes; c++) {
        z[c] += (float)p->bias[c];
        if (z[c] > z[best]) best = c;
    }
    *n_right += best == label;
    const double top = (double)z[best], own = (double)z[label];
    double sum = 0.0;
    for (int64_t c = 0; c < p->n_classes; c++) {
        const double e = exp((double)z[c] - top);
        sum += e;
        z[c] = (float)e;
    }
    for (int64_t c = 0; c < p->n_classes; c++)
        z[c] = (float)((double)z[c] / sum);
    z[label] -= 1.0f;
    return log(sum) + top - own;
}

// gradient += r^T x over a block, r the rows of softmax - onehot.
static void add_gradient(const struct probe *p, int64_t first, int64_t m, const float *r,
                         double *gradient)
{
    const int64_t d = p->x.d;
    for (int64_t j = 0; j < d; j += SC_TILE) {
        const int64_t width = d - j < SC_TILE ? d - j : SC_TILE;
        for (int64_t c0 = 0; c0 < p->n_classes; c0 += SC_TILE_ROWS) {
            const int64_t rest = p->n_classes - c0;
            const int64_t rows = rest < SC_TILE_ROWS ? rest : SC_TILE_ROWS;
            const struct sc_tile_operand a = {r + c0, 1, p->c_stride};
            float t[SC_TILE_ROWS][SC_TILE];
            sc_tile_multiply(rows, m, &a, sc_matrix_row(&p->x, first) + j, p->x.stride, t);
            for (int64_t c = 0; c < rows; c++) {
                for (int64_t i = 0; i < width; i++)
                    gradient[(c0 + c) * d + j + i] += (double)t[c][i];
            }
        }
    }
    double *const bias = gradient + p->n_classes * d;
    for (int64_t i = 0; i < m; i++) {
        for (int64_t c = 0; c < p->n_classes; c++)
            bias[c] += (double)r[i * p->c_stride + c];
    }
}

static void work_share(void *ctx, int64_t share, int thread)
{
    struct probe *const p = ctx;
    float *const logits = p->logits + (size_t)thread * BLOCK * (size_t)p->c_stride;
    double *const gradient = p->partial + (size_t)share * p->n_theta;
    if (p->wants_gradient) memset(gradient, 0, p->n_theta * sizeof *gradient);
    const int64_t begin = p->first + p->n * share / SHARES;
    const int64_t end = p->first + p->n * (share + 1) / SHARES;
    double loss = 0.0;
    int64_t n_right = 0;
    for (int64_t i = begin; i < end; i += BLOCK) {
        const int64_t m = end - i < BLOCK ? end - i : BLOCK;
        multiply_block(p, i, m, logits);
        for (int64_t r = 0; r < m; r++)
            loss += softmax_row(p, logits + r * p->c_stride, p->label[i + r], &n_right);
        if (p->wants_gradient) add_gradient(p, i, m, logits, gradient);
    }
    p->loss[share] = loss;
    p->n_right[share] = n_right;
}

static void set_theta(struct probe *p, const double *theta)
{
    const int64_t d = p->x.d;
    for (int64_t c = 0; c < p->n_classes; c++) {
        float *const to = p->weights + c / SC_TILE * d * SC_TILE + c % SC_TILE;
        for (int64_t j = 0; j < d; j++)
            to[j * SC_TILE] = (float)theta[c * d + j];
    }
    p->bias = theta + p->n_classes * d;
}

static double objective(void *ctx, const double *theta, double *gradient)
{
    struct probe *const p = ctx;
    const double n = (double)p->n;
    const size_t n_weights = p->n_theta - (size_t)p->n_classes;
    set_theta(p, theta);
    p->wants_gradient = true;
    sc_pool_run(p->pool, SHARES, work_share, p);
    double loss = 0.0, square = 0.0;
    memset(gradient, 0, p->n_theta * sizeof *gradient);
    for (size_t share = 0; share < SHARES; share++) {
        loss += p->loss[share];
        for (size_t i = 0; i < p->n_theta; i++)
            gradient[i] += p->partial[share * p->n_theta + i];
    }
    for (size_t i = 0; i < p->n_theta; i++) {
        gradient[i] /= n;
        if (i >= n_weights) continue;
        gradient[i] += p->penalty * theta[i];
        square += theta[i] * theta[i];
    }
    return loss / n + 0.5 * p->penalty * square;
}

static double accuracy(struct probe *p, const double *theta)
{
    set_theta(p, theta);
    p->wants_gradient = false;
    sc_pool_run(p->pool, SHARES, work_share, p);
    int64_t n_right = 0;
    for (int share = 0; share < SHARES; share++)
        n_right += p->n_right[share];
    return p->n > 0 ? (double)n_right / (double)p->n : 0.0;
}

// ---- fitting ----

static int fit(struct probe *p, double penalty, double *theta)
{
    const struct sc_lbfgs_options options = {.n = p->n_theta,
                                             .max_iterations = 150,
                                             .gradient_tolerance = 1e-5,
                                             .decrease_tolerance = 1e-6};
    p->penalty = penalty;
    return sc_lbfgs_minimize(&options, objective, p, theta);
}

// Walks down the penalties until the held-out rows have got worse twice; leaves
// the best one's theta in `best`.
static bool choose_penalty(struct probe *p, int64_t n_fit, double *theta, double *best,
                           struct sc_probe_result *out)
{
    const int64_t n_all = p->x.n;
    int n_worse = 0;
    out->held_out = -1.0;
    for (size_t i = 0; i < N_PENALTIES && n_worse < 2; i++) {
        p->first = 0;
        p->n = n_fit;
        const int n_iterations = fit(p, penalties[i], theta);
        if (n_iterations < 0) return false;
        out->n_iterations += n_iterations;
        p->first = n_fit;
        p->n = n_all - n_fit;
        const double found = accuracy(p, theta);
        n_worse = found < out->held_out ? n_worse + 1 : 0;
        if (found <= out->held_out) continue;
        out->held_out = found;
        out->penalty = penalties[i];
        memcpy(best, theta, p->n_theta * sizeof *best);
    }
    return true;
}

// Training rows, those held out last.
static void copy_rows(const struct probe *p, const struct sc_labelled *train, int64_t n_fit,
                      int64_t *label)
{
    int64_t next_fit = 0, next_held = n_fit;
    for (int64_t i = 0; i < train->x.n; i++) {
        const bool is_held = i % HELD_OUT == HELD_OUT - 1;
        const int64_t to = is_held ? next_held++ : next_fit++;
        memcpy(sc_matrix_row(&p->x, to), sc_matrix_row(&train->x, i),
               (size_t)train->x.d * sizeof(float));
        label[to] = train->label[i];
    }
}

static simclr_status measure(struct simclr_diag *diag, struct probe *p,
                             const struct sc_labelled *test, const double *mean,
                             const double *deviation, const double *theta, double *out)
{
    struct sc_matrix x;
    SC_TRY(sc_matrix_init(diag, test->x.n, test->x.d, &x));
    for (int64_t i = 0; i < x.n; i++)
        memcpy(sc_matrix_row(&x, i), sc_matrix_row(&test->x, i), (size_t)x.d * sizeof(float));
    sc_matrix_shift(&x, mean, deviation);
    struct probe of_test = *p;
    of_test.x = x;
    of_test.label = test->label;
    of_test.first = 0;
    of_test.n = x.n;
    *out = accuracy(&of_test, theta);
    sc_matrix_deinit(&x);
    return SIMCLR_OK;
}

// `memory` holds theta, the best theta, mean and deviation, one behind another.
static simclr_status run(struct simclr_diag *diag, struct probe *p, int64_t n_fit,
                         const struct sc_labelled *test, double *memory,
                         struct sc_probe_result *out)
{
    double *const theta = memory, *const best = theta + p->n_theta;
    double *const mean = best + p->n_theta, *const deviation = mean + p->x.d;
    sc_matrix_moments(&p->x, mean, deviation);
    sc_matrix_shift(&p->x, mean, deviation);
    *out = (struct sc_probe_result){0};
    bool ok = choose_penalty(p, n_fit, theta, best, out);
    p->first = 0;
    p->n = p->x.n;
    const int n_iterations = ok ? fit(p, out->penalty, best) : -1;
    if (n_iterations < 0)
        return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory for the linear probe");
    out->n_iterations += n_iterations;
    return measure(diag, p, test, mean, deviation, best, &out->accuracy);
}

simclr_status sc_probe_linear(struct simclr_diag *diag, struct sc_pool *pool,
                              const struct sc_labelled *train, const struct sc_labelled *test,
                              int64_t n_classes, struct sc_probe_result *out)
{
    const int64_t d = train->x.d, n_panels = (n_classes + SC_TILE - 1) / SC_TILE;
    struct probe p = {.pool = pool, .n_classes = n_classes, .c_stride = n_panels * SC_TILE};
    p.n_theta = (size_t)(n_classes * (d + 1));
    const int64_t n_fit = train->x.n - train->x.n / HELD_OUT;
    SC_TRY(sc_matrix_init(diag, train->x.n, d, &p.x));
    const size_t n_threads = (size_t)sc_pool_n_threads(pool);
    int64_t *const label = calloc((size_t)train->x.n + 1, sizeof *label);
    p.label = label;
    p.weights = calloc((size_t)(p.c_stride * d), sizeof *p.weights);
    p.logits = calloc(n_threads * BLOCK * (size_t)p.c_stride, sizeof *p.logits);
    p.partial = calloc(SHARES * p.n_theta, sizeof *p.partial);
    double *const memory = calloc(2 * p.n_theta + 2 * (size_t)d, sizeof *memory);
    simclr_status status;
    if (label && p.weights && p.logits && p.partial && memory) {
        copy_rows(&p, train, n_fit, label);
        status = run(diag, &p, n_fit, test, memory, out);
    } else {
        status = sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory for the linear probe");
    }
    free(memory);
    free(p.partial);
    free(p.logits);
    free(p.weights);
    free(label);
    sc_matrix_deinit(&p.x);
    return status;
}
