// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/checked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void overflow_is_seen_and_leaves_the_result_alone(void **state)
{
    (void)state;
    size_t out = 7;
    assert_false(sc_checked_mul(SIZE_MAX, 2, &out));
    assert_false(sc_checked_add(SIZE_MAX, 1, &out));
    assert_int_equal(out, 7);
    assert_true(sc_checked_mul(6, 7, &out));
    assert_int_equal(out, 42);
}

static void a_range_must_end_within_the_file(void **state)
{
    (void)state;
    assert_true(sc_range_within(4, 6, 10));
    assert_true(sc_range_within(10, 0, 10));
    assert_false(sc_range_within(4, 7, 10));
    assert_false(sc_range_within(11, 0, 10));
    assert_false(sc_range_within(UINT64_MAX, 2, 10));
    assert_false(sc_range_within(2, UINT64_MAX, 10));
}

static void nbytes_refuses_what_is_no_shape(void **state)
{
    (void)state;
    const struct simclr_shape good = {.rank = 3, .dim = {2, 3, 4}};
    const struct simclr_shape negative = {.rank = 2, .dim = {-1, 3}};
    const struct simclr_shape deep = {.rank = SIMCLR_MAX_RANK + 1};
    const struct simclr_shape huge = {.rank = 2, .dim = {INT64_MAX / 2, 4}};
    const struct simclr_shape huge_but_empty = {.rank = 3, .dim = {INT64_MAX / 2, 4, 0}};
    const struct simclr_shape empty = {.rank = 2, .dim = {5, 0}};
    size_t out = 7;
    assert_false(sc_checked_nbytes(SIMCLR_f32, &negative, &out));
    assert_false(sc_checked_nbytes(SIMCLR_f32, &deep, &out));
    assert_false(sc_checked_nbytes(SIMCLR_f32, &huge, &out));
    assert_false(sc_checked_nbytes(SIMCLR_f32, &huge_but_empty, &out));
    assert_int_equal(out, 7);
    assert_true(sc_checked_nbytes(SIMCLR_f64, &good, &out));
    assert_int_equal(out, 192);
    assert_true(sc_checked_nbytes(SIMCLR_f64, &empty, &out));
    assert_int_equal(out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overflow_is_seen_and_leaves_the_result_alone),
        cmocka_unit_test(a_range_must_end_within_the_file),
        cmocka_unit_test(nbytes_refuses_what_is_no_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
