// SPDX-License-Identifier: Apache-2.0
#include "tests/eval/labelled.h"

#include <math.h>

static void a_tile_is_the_product_for_every_height(void **state)
{
    (void)state;
    enum { K = 37 };
    float a[SC_TILE_ROWS][K], b[K][SC_TILE];
    for (int p = 0; p < K; p++) {
        for (int i = 0; i < SC_TILE_ROWS; i++)
            a[i][p] = (float)((i * 7 + p * 3) % 11 - 5);
        for (int j = 0; j < SC_TILE; j++)
            b[p][j] = (float)((j * 5 + p) % 13 - 6);
    }
    for (int m = 1; m <= SC_TILE_ROWS; m++) {
        const struct sc_tile_operand x = {&a[0][0], K, 1};
        float c[SC_TILE_ROWS][SC_TILE];
        sc_tile_multiply(m, K, &x, &b[0][0], SC_TILE, c);
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < SC_TILE; j++) {
                float sum = 0; // whole numbers: exact
                for (int p = 0; p < K; p++)
                    sum += a[i][p] * b[p][j];
                assert_true(c[i][j] == sum);
            }
        }
    }
}

static void standardised_columns_have_mean_0_and_deviation_1(void **state)
{
    (void)state;
    struct sc_matrix m;
    assert_int_equal(sc_matrix_init(NULL, 4, 2, &m), SIMCLR_OK);
    for (int i = 0; i < 4; i++) {
        sc_matrix_row(&m, i)[0] = (float)(10 + 2 * i);
        sc_matrix_row(&m, i)[1] = 0.1f; // constant
    }
    double mean[2], deviation[2];
    sc_matrix_moments(&m, mean, deviation);
    assert_true(mean[0] == 13.0 && fabs(deviation[0] - sqrt(5.0)) < 1e-15);
    assert_true(deviation[1] == 1.0);
    sc_matrix_shift(&m, mean, deviation);
    assert_true(fabs((double)sc_matrix_row(&m, 3)[0] - 3.0 / sqrt(5.0)) < 1e-7);
    assert_true(sc_matrix_row(&m, 2)[1] == 0.0f);
    sc_matrix_deinit(&m);
}

static void normalised_rows_have_length_1_or_0(void **state)
{
    (void)state;
    struct sc_matrix m;
    assert_int_equal(sc_matrix_init(NULL, 2, 2, &m), SIMCLR_OK);
    sc_matrix_row(&m, 0)[0] = 3.0f;
    sc_matrix_row(&m, 0)[1] = -4.0f;
    sc_matrix_normalize_rows(&m);
    assert_true(sc_matrix_row(&m, 0)[0] == 3.0f * 0.2f && sc_matrix_row(&m, 0)[1] == -0.8f);
    assert_true(sc_matrix_row(&m, 1)[0] == 0.0f);
    sc_matrix_deinit(&m);
}

static void too_much_memory_is_an_error(void **state)
{
    struct scratch *const s = *state;
    struct sc_matrix m;
    assert_int_equal(sc_matrix_init(&s->diag, INT64_MAX / 2, 512, &m), SIMCLR_NO_MEMORY);
    scratch_assert_message(
        s, "simclr: error: out of memory for 4611686018427387903 rows of 512 features");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tile_is_the_product_for_every_height),
        cmocka_unit_test(standardised_columns_have_mean_0_and_deviation_1),
        cmocka_unit_test(normalised_rows_have_length_1_or_0),
        SCRATCH_TEST(too_much_memory_is_an_error),
    };
    return cmocka_run_group_tests_name("eval/matrix", tests, NULL, NULL);
}
