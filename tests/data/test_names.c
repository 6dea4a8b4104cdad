// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void paths_have_one_slash_between_their_parts(void **state)
{
    (void)state;
    struct sc_names names = {0};
    assert_true(sc_names_add_path(&names, "a", "b"));
    assert_true(sc_names_add_path(&names, "a/", "b"));
    assert_true(sc_names_add(&names, "c"));
    assert_string_equal(sc_names_get(&names, 0), "a/b");
    assert_string_equal(sc_names_get(&names, 1), "a/b");
    assert_string_equal(sc_names_get(&names, 2), "c");
    sc_names_deinit(&names);
}

static void sorting_goes_by_bytes(void **state)
{
    (void)state;
    struct sc_names names = {0};
    sc_names_sort(&names);
    for (int i = 0; i < 500; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "%c%d", "aZ"[i % 2], i * 7919 % 1000);
        assert_true(sc_names_add(&names, text));
    }
    sc_names_sort(&names);
    for (size_t i = 1; i < names.n; i++)
        assert_true(strcmp(sc_names_get(&names, i - 1), sc_names_get(&names, i)) <= 0);
    assert_int_equal(sc_names_get(&names, 0)[0], 'Z');
    sc_names_deinit(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_have_one_slash_between_their_parts),
        cmocka_unit_test(sorting_goes_by_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
