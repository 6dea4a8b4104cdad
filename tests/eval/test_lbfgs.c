// SPDX-License-Identifier: Apache-2.0
#include "runtime/eval/lbfgs.h"
#include "tests/harness/scratch.h"

#include <math.h>

enum { N = 20 };

// sum of i (x_i - i)^2 / 2 for i = 1 .. N: condition number N.
static double bowl(void *ctx, const double *x, double *gradient)
{
    ++*(int *)ctx;
    double f = 0;
    for (int i = 0; i < N; i++) {
        const double curvature = i + 1, r = x[i] - (i + 1);
        f += 0.5 * curvature * r * r;
        gradient[i] = curvature * r;
    }
    return f;
}

static void a_bowl_is_minimised_in_few_evaluations(void **state)
{
    (void)state;
    double x[N] = {0};
    int n_calls = 0;
    const struct sc_lbfgs_options options = {
        .n = N, .max_iterations = 100, .gradient_tolerance = 1e-9};
    const int n_iterations = sc_lbfgs_minimize(&options, bowl, &n_calls, x);
    assert_in_range(n_iterations, 1, 50);
    assert_in_range(n_calls, n_iterations, 2 * n_iterations);
    for (int i = 0; i < N; i++)
        assert_true(fabs(x[i] - (i + 1)) < 1e-8);
}

static void the_minimum_is_left_alone(void **state)
{
    (void)state;
    double x[N];
    for (int i = 0; i < N; i++)
        x[i] = i + 1;
    int n_calls = 0;
    const struct sc_lbfgs_options options = {.n = N, .max_iterations = 100};
    assert_int_equal(sc_lbfgs_minimize(&options, bowl, &n_calls, x), 0);
    assert_int_equal(n_calls, 1);
}

static void iterations_are_limited(void **state)
{
    (void)state;
    double x[N] = {0};
    int n_calls = 0;
    const struct sc_lbfgs_options options = {.n = N, .max_iterations = 3};
    assert_int_equal(sc_lbfgs_minimize(&options, bowl, &n_calls, x), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bowl_is_minimised_in_few_evaluations),
        cmocka_unit_test(the_minimum_is_left_alone),
        cmocka_unit_test(iterations_are_limited),
    };
    return cmocka_run_group_tests_name("eval/lbfgs", tests, NULL, NULL);
}
