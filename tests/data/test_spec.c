// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/scratch.h"

#include "runtime/data/spec.h"

enum { N = 2 };

static const struct sc_spec_param defaults[N] = {{"p", 0.5, 0, 1, false},
                                                 {"n", 3, 1, 10, true}};

static simclr_status read(struct scratch *s, const char *text, struct sc_spec_param *param)
{
    memcpy(param, defaults, sizeof defaults);
    s->diag.n_errors = 0;
    return sc_spec_read(&s->diag, "thing 'x'", text, strlen(text), param, N);
}

static void values_are_read_by_place_and_by_name(void **state)
{
    struct scratch *const s = *state;
    static const struct {
        const char *text;
        double p, n;
    } cases[] = {{"", 0.5, 3},          {" ", 0.5, 3},   {"0.25", 0.25, 3},
                 {"0.25,7", 0.25, 7},   {"n=7", 0.5, 7}, {" n = 7 , p = 1 ", 1, 7},
                 {"0.25, n=7", 0.25, 7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sc_spec_param param[N];
        assert_int_equal(read(s, cases[i].text, param), SIMCLR_OK);
        assert_true(param[0].value == cases[i].p);
        assert_true(param[1].value == cases[i].n);
    }
}

static void each_mistake_has_its_message(void **state)
{
    struct scratch *const s = *state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"q=1", "simclr: error: thing 'x' has no parameter 'q', expected one of p, n"},
        {"p=2", "simclr: error: thing 'x': p is 2, expected 0 to 1"},
        {"p=red", "simclr: error: thing 'x': p is 'red', expected a number"},
        {"p=nan", "simclr: error: thing 'x': p is 'nan', expected a number"},
        {"p=", "simclr: error: thing 'x': p is '', expected a number"},
        {"n=1.5", "simclr: error: thing 'x': n is 1.5, expected a whole number"},
        {"1,2,3", "simclr: error: thing 'x': 3 values, expected at most 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sc_spec_param param[N];
        assert_int_equal(read(s, cases[i].text, param), SIMCLR_USAGE);
        assert_string_equal(s->message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(values_are_read_by_place_and_by_name),
        SCRATCH_TEST(each_mistake_has_its_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
