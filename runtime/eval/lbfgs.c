// SPDX-License-Identifier: Apache-2.0
#include "runtime/eval/lbfgs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 8, MAX_HALVINGS = 30 };

// The last MEMORY steps s and changes of the gradient y, the newest at
// (n_pairs - 1) % MEMORY, and the point being worked on.
struct state {
    size_t n;
    double *s, *y; // MEMORY vectors each
    double rho[MEMORY];
    int n_pairs;
    double *gradient, *direction, *next_x, *next_gradient;
    double f;
};

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void add_scaled(size_t n, double *x, double scale, const double *v)
{
    for (size_t i = 0; i < n; i++)
        x[i] += scale * v[i];
}

// direction = -H gradient, H the inverse Hessian as the pairs show it.
static void find_direction(struct state *t)
{
    double alpha[MEMORY];
    const size_t n = t->n;
    double *const q = t->direction;
    for (size_t i = 0; i < n; i++)
        q[i] = -t->gradient[i];
    const int first = t->n_pairs > MEMORY ? t->n_pairs - MEMORY : 0;
    for (int i = t->n_pairs - 1; i >= first; i--) {
        const int at = i % MEMORY;
        alpha[at] = t->rho[at] * dot(n, t->s + (size_t)at * n, q);
        add_scaled(n, q, -alpha[at], t->y + (size_t)at * n);
    }
    if (t->n_pairs > 0) {
        const int at = (t->n_pairs - 1) % MEMORY;
        const double *const y = t->y + (size_t)at * n;
        const double scale = 1.0 / (t->rho[at] * dot(n, y, y));
        for (size_t i = 0; i < n; i++)
            q[i] *= scale;
    }
    for (int i = first; i < t->n_pairs; i++) {
        const int at = i % MEMORY;
        const double beta = t->rho[at] * dot(n, t->y + (size_t)at * n, q);
        add_scaled(n, q, alpha[at] - beta, t->s + (size_t)at * n);
    }
}

// Halves the step until f falls enough (Armijo); false if it never does.
static bool search_line(struct state *t, sc_objective *objective, void *ctx, const double *x,
                        double *f)
{
    const double slope = dot(t->n, t->gradient, t->direction);
    if (!(slope < 0.0)) return false;
    // Without pairs the direction is the gradient, whose length means nothing.
    double step = t->n_pairs > 0 ? 1.0 : 1.0 / (1.0 + sqrt(-slope));
    for (int i = 0; i < MAX_HALVINGS; i++, step *= 0.5) {
        memcpy(t->next_x, x, t->n * sizeof *x);
        add_scaled(t->n, t->next_x, step, t->direction);
        *f = objective(ctx, t->next_x, t->next_gradient);
        if (isfinite(*f) && *f <= t->f + 1e-4 * step * slope) return true;
    }
    return false;
}

static void remember(struct state *t, const double *x)
{
    const size_t n = t->n, at = (size_t)(t->n_pairs % MEMORY);
    double *const s = t->s + at * n, *const y = t->y + at * n;
    for (size_t i = 0; i < n; i++) {
        s[i] = t->next_x[i] - x[i];
        y[i] = t->next_gradient[i] - t->gradient[i];
    }
    const double curvature = dot(n, s, y);
    if (!(curvature > 1e-12 * dot(n, y, y))) return;
    t->rho[at] = 1.0 / curvature;
    t->n_pairs++;
}

static int iterate(struct state *t, const struct sc_lbfgs_options *o, sc_objective *objective,
                   void *ctx, double *x)
{
    t->f = objective(ctx, x, t->gradient);
    for (int i = 0; i < o->max_iterations; i++) {
        if (sqrt(dot(t->n, t->gradient, t->gradient)) <= o->gradient_tolerance) return i;
        double f;
        find_direction(t);
        if (!search_line(t, objective, ctx, x, &f)) return i;
        remember(t, x);
        const double gain = t->f - f;
        memcpy(x, t->next_x, t->n * sizeof *x);
        memcpy(t->gradient, t->next_gradient, t->n * sizeof *x);
        t->f = f;
        if (gain <= o->decrease_tolerance * fabs(f)) return i + 1;
    }
    return o->max_iterations;
}

int sc_lbfgs_minimize(const struct sc_lbfgs_options *options, sc_objective *objective,
                      void *ctx, double *x)
{
    const size_t n = options->n;
    double *const memory = calloc(n, (2 * MEMORY + 4) * sizeof *memory);
    if (!memory) return -1;
    struct state t = {.n = n, .s = memory, .y = memory + MEMORY * n};
    t.gradient = memory + 2 * MEMORY * n;
    t.direction = t.gradient + n;
    t.next_x = t.direction + n;
    t.next_gradient = t.next_x + n;
    const int n_iterations = iterate(&t, options, objective, ctx, x);
    free(memory);
    return n_iterations;
}
