// SPDX-License-Identifier: Apache-2.0
#include "runtime/eval/knn.h"
#include "tests/eval/labelled.h"

#include <math.h>

static double accuracy(const struct sc_labelled *train, const struct sc_labelled *test,
                       int64_t k, double temperature, int n_threads)
{
    struct sc_pool *pool;
    assert_int_equal(sc_pool_new(NULL, n_threads, &pool), SIMCLR_OK);
    const struct sc_knn_options options = {.n_classes = 5, .k = k, .temperature = temperature};
    double found = -1;
    assert_int_equal(sc_knn_accuracy(NULL, pool, train, test, &options, &found), SIMCLR_OK);
    sc_pool_free(pool);
    return found;
}

// One row of class 0 at cosine 0.6, two of class 1 at 0.5: by exp(s/T), class 0
// outweighs both when e^(0.1/T) > 2, that is T < 0.144.
static void temperature_decides_between_near_and_many(void **state)
{
    (void)state;
    struct sc_labelled train = {0}, test = {0};
    assert_int_equal(sc_matrix_init(NULL, 3, 2, &train.x), SIMCLR_OK);
    assert_int_equal(sc_matrix_init(NULL, 1, 2, &test.x), SIMCLR_OK);
    static const int64_t labels[] = {1, 0, 1}, own[] = {0};
    static const float cosine[] = {0.5f, 0.6f, 0.5f};
    for (int i = 0; i < 3; i++) {
        sc_matrix_row(&train.x, i)[0] = cosine[i];
        sc_matrix_row(&train.x, i)[1] = sqrtf(1.0f - cosine[i] * cosine[i]);
    }
    sc_matrix_row(&test.x, 0)[0] = 1.0f;
    train.label = labels;
    test.label = own;
    assert_true(accuracy(&train, &test, 200, 0.1, 1) == 1.0);
    assert_true(accuracy(&train, &test, 200, 0.2, 1) == 0.0);
    assert_true(accuracy(&train, &test, 1, 0.2, 1) == 1.0);
    // k = 2 takes the nearest and one of the others, which lose together.
    assert_true(accuracy(&train, &test, 2, 0.2, 1) == 1.0);
    sc_matrix_deinit(&train.x);
    sc_matrix_deinit(&test.x);
}

// The slow definition: sort all similarities.
static int compare_down(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

static int64_t slow_vote(const struct sc_labelled *train, const float *row, int64_t k)
{
    enum { N = 333 };
    assert_int_equal(train->x.n, N);
    float s[N], sorted[N];
    for (int64_t i = 0; i < N; i++) {
        double sum = 0;
        for (int64_t j = 0; j < train->x.d; j++)
            sum += (double)row[j] * (double)sc_matrix_row(&train->x, i)[j];
        sorted[i] = s[i] = (float)sum;
    }
    qsort(sorted, N, sizeof sorted[0], compare_down);
    double votes[5] = {0};
    for (int64_t i = 0; i < N; i++) {
        if (s[i] >= sorted[k - 1]) votes[train->label[i]] += exp((double)s[i] / 0.1);
    }
    int64_t best = 0;
    for (int64_t c = 1; c < 5; c++) {
        if (votes[c] > votes[best]) best = c;
    }
    return best;
}

static void agrees_with_the_slow_definition_for_any_thread_count(void **state)
{
    (void)state;
    struct cloud train, test;
    cloud_init(&train, 333, 19, 5, 0.4, 0);
    cloud_init(&test, 101, 19, 5, 0.4, 1);
    sc_matrix_normalize_rows(&train.rows.x);
    sc_matrix_normalize_rows(&test.rows.x);
    int n_right = 0;
    for (int64_t i = 0; i < 101; i++)
        n_right += slow_vote(&train.rows, sc_matrix_row(&test.rows.x, i), 20) == test.label[i];
    const double one = accuracy(&train.rows, &test.rows, 20, 0.1, 1);
    assert_true(one == n_right / 101.0);
    assert_true(one > 0.5 && one < 1.0);
    assert_true(accuracy(&train.rows, &test.rows, 20, 0.1, 3) == one);
    cloud_deinit(&train);
    cloud_deinit(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temperature_decides_between_near_and_many),
        cmocka_unit_test(agrees_with_the_slow_definition_for_any_thread_count),
    };
    return cmocka_run_group_tests_name("eval/knn", tests, NULL, NULL);
}
