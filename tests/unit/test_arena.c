// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void storage_is_zeroed_and_aligned(void **state)
{
    (void)state;
    struct sc_arena *const arena = sc_arena_new();
    for (size_t n = 0; n < 300; n++) {
        const unsigned char *const p = sc_arena_alloc(arena, n, 7);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < 7 * n; i++)
            assert_int_equal(p[i], 0);
    }
    assert_true(sc_arena_bytes(arena) >= 7 * 299 * 300 / 2);
    sc_arena_free(arena);
}

static void large_and_small_requests_do_not_overlap(void **state)
{
    (void)state;
    enum { N = 64 };
    struct sc_arena *const arena = sc_arena_new();
    unsigned char *p[N];
    size_t size[N];
    for (size_t i = 0; i < N; i++) {
        size[i] = i % 5 == 0 ? 100000 + i : 3 * i + 1;
        p[i] = sc_arena_alloc(arena, size[i], 1);
        for (size_t k = 0; k < size[i]; k++)
            p[i][k] = (unsigned char)i;
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < size[i]; k++)
            assert_int_equal(p[i][k], i);
    }
    sc_arena_free(arena);
}

static void push_keeps_what_was_pushed(void **state)
{
    (void)state;
    struct sc_arena *const arena = sc_arena_new();
    int *items = NULL;
    int n_items = 0;
    for (int i = 0; i < 1000; i++)
        SC_PUSH(arena, items, n_items) = 3 * i;
    assert_int_equal(n_items, 1000);
    for (int i = 0; i < n_items; i++)
        assert_int_equal(items[i], 3 * i);
    sc_arena_free(arena);
}

static void grow_copies_then_zeroes(void **state)
{
    (void)state;
    struct sc_arena *const arena = sc_arena_new();
    const int old[] = {1, 2, 3};
    const int *const grown = sc_arena_grow(arena, old, 3, 5, sizeof *old);
    const int expected[] = {1, 2, 3, 0, 0};
    assert_memory_equal(grown, expected, sizeof expected);
    sc_arena_free(arena);
}

static void strings_are_copied_and_formatted(void **state)
{
    (void)state;
    struct sc_arena *const arena = sc_arena_new();
    assert_string_equal(sc_arena_strdup(arena, "conv1"), "conv1");
    assert_string_equal(sc_arena_strndup(arena, "conv1", 4), "conv");
    assert_string_equal(sc_arena_printf(arena, "%s.%d", "conv", 17), "conv.17");
    sc_arena_free(arena);
    sc_arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(storage_is_zeroed_and_aligned),
        cmocka_unit_test(large_and_small_requests_do_not_overlap),
        cmocka_unit_test(push_keeps_what_was_pushed),
        cmocka_unit_test(grow_copies_then_zeroes),
        cmocka_unit_test(strings_are_copied_and_formatted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
