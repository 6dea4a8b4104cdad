// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The known answers published with Random123 for philox4x32-10.
static void philox_gives_the_published_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], expected[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct sc_philox got = sc_philox4x32(cases[i].counter, cases[i].key);
        assert_memory_equal(got.word, cases[i].expected, sizeof got.word);
    }
}

static void a_stream_is_the_blocks_of_its_counter(void **state)
{
    (void)state;
    struct sc_rng rng;
    sc_rng_init(&rng, 0x1122334455667788u, 0xaabbccddeeff0011u, 7);
    for (uint32_t block = 0; block < 3; block++) {
        const uint32_t counter[4] = {block, 7, 0xeeff0011u, 0xaabbccddu};
        const uint32_t key[2] = {0x55667788u, 0x11223344u};
        const struct sc_philox expected = sc_philox4x32(counter, key);
        for (int i = 0; i < 4; i++)
            assert_int_equal(sc_rng_u32(&rng), expected.word[i]);
    }
}

static void streams_of_other_names_differ(void **state)
{
    (void)state;
    struct sc_rng a, b;
    sc_rng_init(&a, 1, 2, 3);
    sc_rng_init(&b, 1, 2, 4);
    assert_int_not_equal(sc_rng_u32(&a), sc_rng_u32(&b));
}

// Four standard errors of the mean of 100,000 draws.
static void uniform_fills_the_unit_interval(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct sc_rng rng;
    sc_rng_init(&rng, 1, 0, 0);
    double sum = 0;
    for (int i = 0; i < N; i++) {
        const float u = sc_rng_uniform(&rng);
        assert_true(u >= 0 && u < 1);
        sum += (double)u;
    }
    assert_true(fabs(sum / N - 0.5) < 4 * sqrt(1.0 / 12 / N));
}

static void below_reaches_every_value_and_no_other(void **state)
{
    (void)state;
    struct sc_rng rng;
    sc_rng_init(&rng, 1, 0, 1);
    int count[7] = {0};
    for (int i = 0; i < 7000; i++) {
        const uint32_t value = sc_rng_below(&rng, 7);
        assert_true(value < 7);
        count[value]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(count[i], 880, 1120); // 1000 plus or minus four deviations
}

static void normal_has_mean_zero_and_deviation_one(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct sc_rng rng;
    sc_rng_init(&rng, 3, sc_hash_text("conv1.weight"), 0);
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        const double x = sc_rng_normal(&rng);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / N) < 4 * sqrt(1.0 / N));
    assert_true(fabs(squares / N - 1) < 4 * sqrt(2.0 / N));
}

static void hash_is_fnv_1a(void **state)
{
    (void)state;
    assert_true(sc_hash_text("") == 0xcbf29ce484222325u);
    assert_true(sc_hash_text("a") == 0xaf63dc4c8601ec8cu);
    assert_true(sc_hash_text("foobar") == 0x85944171f73967e8u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_answers),
        cmocka_unit_test(a_stream_is_the_blocks_of_its_counter),
        cmocka_unit_test(streams_of_other_names_differ),
        cmocka_unit_test(uniform_fills_the_unit_interval),
        cmocka_unit_test(below_reaches_every_value_and_no_other),
        cmocka_unit_test(normal_has_mean_zero_and_deviation_one),
        cmocka_unit_test(hash_is_fnv_1a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
