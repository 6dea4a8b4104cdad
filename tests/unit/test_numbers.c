// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/scratch.h"

#include "runtime/base/npy.h"
#include "runtime/base/numbers.h"

#include <math.h>

static struct sc_numbers numbers(char kind, size_t size, const void *data, int64_t n)
{
    return (struct sc_numbers){
        .kind = kind, .size = size, .shape = {1, {n}}, .count = n, .data = data};
}

static void halves_are_read_exactly(void **state)
{
    (void)state;
    static const uint16_t bits[] = {0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0400,
                                    0x0001, 0x83ff, 0x7c00, 0xfc00, 0x3555};
    static const double values[] = {0,
                                    -0.0,
                                    1,
                                    -2,
                                    65504,
                                    0x1p-14,
                                    0x1p-24,
                                    -1023 * 0x1p-24,
                                    (double)INFINITY,
                                    -(double)INFINITY,
                                    1365 * 0x1p-12};
    const struct sc_numbers n = numbers('f', 2, bits, 11);
    for (int64_t i = 0; i < n.count; i++)
        assert_true(sc_numbers_get(&n, i).real == values[i]);
    assert_true(signbit(sc_numbers_get(&n, 1).real));
    static const uint16_t nan = 0x7e01;
    const struct sc_numbers not = numbers('f', 2, &nan, 1);
    assert_true(isnan(sc_numbers_get(&not, 0).real));
}

static void integers_keep_their_sign(void **state)
{
    (void)state;
    static const int8_t small[] = {-128, -1, 127};
    static const uint64_t large[] = {UINT64_MAX, 5};
    const struct sc_numbers i8 = numbers('i', 1, small, 3), u64 = numbers('u', 8, large, 2);
    assert_true(sc_number_real(sc_numbers_get(&i8, 0)) == -128);
    assert_true(sc_number_real(sc_numbers_get(&i8, 2)) == 127);
    assert_true(sc_number_real(sc_numbers_get(&u64, 0)) == 0x1p64);
    assert_false(sc_number_same(sc_numbers_get(&i8, 1), sc_numbers_get(&u64, 0)));
    assert_true(sc_number_same(sc_numbers_get(&u64, 1), sc_numbers_get(&u64, 1)));
}

static void what_does_not_fit_is_found(void **state)
{
    (void)state;
    static const int64_t values[] = {0,        1, 2, 255, 256, -1, INT32_MAX, INT64_C(1) << 31,
                                     INT64_MIN};
    static const struct {
        simclr_dtype to;
        int64_t bad; // -1: all fit
    } cases[] = {{SIMCLR_bool, 2}, {SIMCLR_u8, 4},  {SIMCLR_i32, 7},
                 {SIMCLR_i64, -1}, {SIMCLR_f32, 6}, {SIMCLR_f64, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t out[9];
        int64_t bad = -1;
        const struct sc_numbers n = numbers('i', 8, values, 9);
        assert_true(sc_numbers_convertible(&n, cases[i].to));
        const bool fits = sc_numbers_convert(&n, cases[i].to, out, &bad);
        assert_int_equal(fits, cases[i].bad < 0);
        if (!fits) assert_int_equal(bad, cases[i].bad);
    }
}

static void the_ends_of_64_bits_are_exact(void **state)
{
    (void)state;
    static const uint64_t values[] = {UINT64_C(1) << 63, UINT64_MAX};
    const struct sc_numbers n = numbers('u', 8, values, 2);
    float f[2];
    int64_t i[2], bad;
    assert_false(sc_numbers_convert(&n, SIMCLR_f32, f, &bad));
    assert_int_equal(bad, 1);
    assert_true((double)f[0] == 0x1p63);
    assert_false(sc_numbers_convert(&n, SIMCLR_i64, i, &bad));
    assert_int_equal(bad, 0);
}

static void floats_become_floats_only(void **state)
{
    (void)state;
    static const double values[] = {1.5, 1e300, -0.1};
    const struct sc_numbers n = numbers('f', 8, values, 3);
    float out[3];
    int64_t bad;
    assert_false(sc_numbers_convertible(&n, SIMCLR_i64));
    assert_true(sc_numbers_convertible(&n, SIMCLR_f32));
    assert_true(sc_numbers_convert(&n, SIMCLR_f32, out, &bad));
    assert_true((double)out[0] == 1.5 && isinf(out[1]) && out[2] == -0.1f);
}

static void the_first_axis_may_be_the_densest(void **state)
{
    (void)state;
    // x[i][j][k] = 100 i + 10 j + k, i varying fastest.
    int32_t data[2 * 3 * 4], out[2 * 3 * 4];
    for (int i = 0; i < 24; i++)
        data[i] = 100 * (i % 2) + 10 * (i / 2 % 3) + i / 6;
    struct sc_numbers n = numbers('i', 4, data, 24);
    n.is_fortran = true;
    n.shape = (struct simclr_shape){3, {2, 3, 4}};
    int64_t bad;
    assert_true(sc_numbers_convert(&n, SIMCLR_i32, out, &bad));
    for (int i = 0; i < 24; i++)
        assert_int_equal(out[i], 100 * (i / 12) + 10 * (i / 4 % 3) + i % 4);
}

static void types_of_numpy_are_read(void **state)
{
    struct scratch *const s = *state;
    static const struct {
        const char *descr, *type; // NULL: refused
    } cases[] = {{"<f2", "f16"}, {"<f4", "f32"}, {"<f8", "f64"}, {"|i1", "i8"},
                 {"<i2", "i16"}, {"<i4", "i32"}, {"<i8", "i64"}, {"|u1", "u8"},
                 {"<u2", "u16"}, {"<u4", "u32"}, {"<u8", "u64"}, {"|b1", "bool"},
                 {">f4", NULL},  {"<c8", NULL},  {"<f1", NULL},  {"<b2", NULL},
                 {"<i3", NULL},  {"<U4", NULL},  {"|O", NULL},   {"<f16", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t file[128 + 8] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0};
        memset(file + 10, ' ', 118);
        char dict[100];
        const int size =
            snprintf(dict, sizeof dict,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (), }", cases[i].descr);
        memcpy(file + 10, dict, (size_t)size);
        const size_t n = (size_t)(cases[i].descr[2] - '0');
        const char *const path = scratch_write(s, "t.npy", file, 128 + (n <= 8 ? n : 0));
        struct sc_npy_any npy;
        const simclr_status status = sc_npy_open_any(&s->diag, path, &npy);
        assert_int_equal(status, cases[i].type ? SIMCLR_OK : SIMCLR_UNSUPPORTED);
        if (!cases[i].type) continue;
        assert_string_equal(sc_numbers_type(&npy.numbers).s, cases[i].type);
        assert_int_equal(npy.numbers.count, 1);
        sc_npy_close_any(&npy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_are_read_exactly),
        cmocka_unit_test(integers_keep_their_sign),
        cmocka_unit_test(what_does_not_fit_is_found),
        cmocka_unit_test(the_ends_of_64_bits_are_exact),
        cmocka_unit_test(floats_become_floats_only),
        cmocka_unit_test(the_first_axis_may_be_the_densest),
        SCRATCH_TEST(types_of_numpy_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
