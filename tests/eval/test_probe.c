// SPDX-License-Identifier: Apache-2.0
#include "runtime/eval/probe.h"
#include "tests/eval/labelled.h"

#include <math.h>

static struct sc_probe_result probe(const struct cloud *train, const struct cloud *test,
                                    int64_t n_classes, int n_threads)
{
    struct sc_pool *pool;
    struct sc_probe_result result;
    assert_int_equal(sc_pool_new(NULL, n_threads, &pool), SIMCLR_OK);
    assert_int_equal(sc_probe_linear(NULL, pool, &train->rows, &test->rows, n_classes, &result),
                     SIMCLR_OK);
    sc_pool_free(pool);
    return result;
}

static void clouds_far_apart_are_told_apart(void **state)
{
    (void)state;
    struct cloud train, test;
    cloud_init(&train, 600, 21, 7, 2.0, 0);
    cloud_init(&test, 210, 21, 7, 2.0, 1);
    const struct sc_probe_result r = probe(&train, &test, 7, 2);
    assert_true(r.accuracy == 1.0 && r.held_out == 1.0);
    cloud_deinit(&train);
    cloud_deinit(&test);
}

// Noise alone: no better than chance, and the penalty says so.
static void noise_gives_chance(void **state)
{
    (void)state;
    struct cloud train, test;
    cloud_init(&train, 2000, 10, 4, 0.0, 0);
    cloud_init(&test, 2000, 10, 4, 0.0, 1);
    const struct sc_probe_result r = probe(&train, &test, 4, 1);
    assert_true(fabs(r.accuracy - 0.25) < 0.04); // four standard errors
    cloud_deinit(&train);
    cloud_deinit(&test);
}

// Two classes around +-m with unit noise in one dimension: the best rule is the
// sign, right with probability Phi(m). Columns are scaled and shifted: standardising
// must undo it.
static void two_classes_reach_the_bayes_rate(void **state)
{
    (void)state;
    struct cloud train, test;
    struct cloud *const both[] = {&train, &test};
    for (uint32_t k = 0; k < 2; k++) {
        cloud_init(both[k], 4000, 3, 2, 0.0, k);
        for (int64_t i = 0; i < 4000; i++) {
            float *const row = sc_matrix_row(&both[k]->rows.x, i);
            row[0] = 1000.0f + 0.01f * (row[0] + (i % 2 ? 1.0f : -1.0f));
            row[1] *= 50.0f;
        }
    }
    const struct sc_probe_result r = probe(&train, &test, 2, 2);
    const double bayes = 0.5 * erfc(-1.0 / sqrt(2.0)); // 0.841
    assert_true(fabs(r.accuracy - bayes) < 0.024);
    cloud_deinit(&train);
    cloud_deinit(&test);
}

static void the_number_of_threads_changes_nothing(void **state)
{
    (void)state;
    struct cloud train, test;
    cloud_init(&train, 500, 33, 5, 0.3, 0);
    cloud_init(&test, 333, 33, 5, 0.3, 1);
    const struct sc_probe_result a = probe(&train, &test, 5, 1);
    const struct sc_probe_result b = probe(&train, &test, 5, 3);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.accuracy > 0.4 && a.accuracy < 1.0);
    cloud_deinit(&train);
    cloud_deinit(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clouds_far_apart_are_told_apart),
        cmocka_unit_test(noise_gives_chance),
        cmocka_unit_test(two_classes_reach_the_bayes_rate),
        cmocka_unit_test(the_number_of_threads_changes_nothing),
    };
    return cmocka_run_group_tests_name("eval/probe", tests, NULL, NULL);
}
