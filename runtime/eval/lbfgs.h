// SPDX-License-Identifier: Apache-2.0
//
// Limited-memory BFGS (Nocedal and Wright, "Numerical optimization", 2nd ed.,
// algorithms 7.4 and 7.5) with a backtracking line search: for smooth convex
// functions such as the probe's.
#ifndef SC_EVAL_LBFGS_H
#define SC_EVAL_LBFGS_H

#include "runtime/base/diag.h"

// f(x); writes the gradient.
typedef double sc_objective(void *ctx, const double *x, double *gradient);

struct sc_lbfgs_options {
    size_t n;
    int max_iterations;
    double gradient_tolerance; // stop when the gradient is no longer than this
    double decrease_tolerance; // stop when a step gains less than this share of f
};

// Improves `x` in place; returns the number of iterations, or -1 if memory is
// exhausted.
SC_MUST_USE int sc_lbfgs_minimize(const struct sc_lbfgs_options *options,
                                  sc_objective *objective, void *ctx, double *x);

#endif
