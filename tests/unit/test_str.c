// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/str.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void appending_grows_the_text(void **state)
{
    (void)state;
    struct sc_str s = {0};
    assert_string_equal(sc_str_text(&s), "");
    for (int i = 0; i < 1000; i++)
        sc_str_printf(&s, "%03d", i);
    assert_int_equal(s.size, 3000);
    assert_memory_equal(s.data + 2997, "999", 4);
    sc_str_clear(&s);
    assert_string_equal(sc_str_text(&s), "");
    sc_str_free(&s);
}

static void floats_print_with_the_fewest_digits_that_read_back(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *text;
    } cases[] = {
        {1.0f, "1"},
        {0.1f, "0.1"},
        {1e-5f, "1e-05"},
        {-0.0f, "-0"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
        {16777216.0f, "16777216"},
        {1.0f / 3, "0.33333334"},
        {3.4028235e38f, "3.4028235e+38"},
        {1e-45f, "1.4013e-45"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sc_str s = {0};
        sc_str_append_f32(&s, cases[i].value);
        assert_string_equal(sc_str_text(&s), cases[i].text);
        sc_str_free(&s);
    }
}

static void doubles_read_back_equal(void **state)
{
    (void)state;
    const double values[] = {0.1, 1.0 / 3, 6.02214076e23, 5e-324, 0.1 + 0.2};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct sc_str s = {0};
        sc_str_append_f64(&s, values[i]);
        assert_true(strtod(sc_str_text(&s), NULL) == values[i]);
        sc_str_free(&s);
    }
}

static void types_print_as_in_dumps(void **state)
{
    (void)state;
    const struct simclr_shape shape = {.rank = 4, .dim = {64, 3, 32, 32}};
    const struct simclr_shape scalar = {0};
    struct sc_str s = {0};
    sc_str_append_type(&s, SIMCLR_f32, &shape);
    sc_str_append_type(&s, SIMCLR_i64, &scalar);
    assert_string_equal(sc_str_text(&s), "f32[64,3,32,32]i64[]");
    sc_str_free(&s);
}

static void json_escapes_what_json_must(void **state)
{
    (void)state;
    struct sc_str s = {0};
    sc_str_append_json(&s, "a\"b\\c\n\t\x01\xc3\xa9");
    assert_string_equal(sc_str_text(&s), "\"a\\\"b\\\\c\\n\\t\\u0001\xc3\xa9\"");
    sc_str_free(&s);
}

static void json_replaces_invalid_utf8(void **state)
{
    (void)state;
    // A stray continuation, an overlong slash, a surrogate, a cut-off sequence.
    static const char *const bad[] = {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sc_str s = {0};
        sc_str_append_json(&s, bad[i]);
        assert_non_null(strstr(sc_str_text(&s), "\xef\xbf\xbd"));
        assert_null(strstr(sc_str_text(&s), bad[i]));
        sc_str_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appending_grows_the_text),
        cmocka_unit_test(floats_print_with_the_fewest_digits_that_read_back),
        cmocka_unit_test(doubles_read_back_equal),
        cmocka_unit_test(types_print_as_in_dumps),
        cmocka_unit_test(json_escapes_what_json_must),
        cmocka_unit_test(json_replaces_invalid_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
