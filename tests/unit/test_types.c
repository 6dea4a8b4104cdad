// SPDX-License-Identifier: Apache-2.0
#include <simclr/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void exit_codes_follow_the_contract(void **state)
{
    (void)state;
    assert_int_equal(simclr_exit_code(SIMCLR_OK), 0);
    assert_int_equal(simclr_exit_code(SIMCLR_BAD_INPUT), 1);
    assert_int_equal(simclr_exit_code(SIMCLR_UNSUPPORTED), 1);
    assert_int_equal(simclr_exit_code(SIMCLR_USAGE), 2);
    assert_int_equal(simclr_exit_code(SIMCLR_DEVICE), 3);
    assert_string_equal(simclr_status_text(SIMCLR_OK), "ok");
}

static void dtypes_know_their_name_and_size(void **state)
{
    (void)state;
    assert_string_equal(simclr_dtype_name(SIMCLR_f32), "f32");
    assert_string_equal(simclr_dtype_name(SIMCLR_bool), "bool");
    assert_int_equal(simclr_dtype_size(SIMCLR_i64), 8);
    assert_int_equal(simclr_dtype_size(SIMCLR_bool), 1);
    assert_true(simclr_dtype_is_float(SIMCLR_f64));
    assert_false(simclr_dtype_is_float(SIMCLR_i32));
}

static void a_scalar_has_one_element_and_an_empty_shape_none(void **state)
{
    (void)state;
    const struct simclr_shape scalar = {0};
    const struct simclr_shape matrix = {.rank = 2, .dim = {3, 5}};
    const struct simclr_shape empty = {.rank = 2, .dim = {3, 0}};
    assert_int_equal(simclr_shape_count(&scalar), 1);
    assert_int_equal(simclr_shape_count(&matrix), 15);
    assert_int_equal(simclr_shape_count(&empty), 0);
}

static void shapes_are_equal_in_rank_and_extents_only(void **state)
{
    (void)state;
    const struct simclr_shape a = {.rank = 1, .dim = {3, 7}};
    const struct simclr_shape b = {.rank = 1, .dim = {3, 8}};
    const struct simclr_shape c = {.rank = 2, .dim = {3, 7}};
    assert_true(simclr_shape_equal(&a, &b));
    assert_false(simclr_shape_equal(&a, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_follow_the_contract),
        cmocka_unit_test(dtypes_know_their_name_and_size),
        cmocka_unit_test(a_scalar_has_one_element_and_an_empty_shape_none),
        cmocka_unit_test(shapes_are_equal_in_rank_and_extents_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
