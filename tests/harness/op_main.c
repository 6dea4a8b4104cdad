// SPDX-License-Identifier: Apache-2.0
//
// test_ops: all tests of all cases of the operations.
//     test_ops STEM   those of tests/ops/STEM.c
//     test_ops        coverage: every operation has a case, and one computed by hand
#include "tests/harness/op_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SUITE(stem) extern const struct op_suite op_suite_##stem;
#include "op_suites.def"
#undef SUITE

static const struct {
    const char *stem;
    const struct op_suite *suite;
} suites[] = {
#define SUITE(stem) {#stem, &op_suite_##stem},
#include "op_suites.def"
#undef SUITE
};
enum { N_SUITES = sizeof suites / sizeof *suites };

static bool has_gradient_test(const struct op_case *c)
{
    return sc_op_table[c->op].info->grad && !c->skip_gradient &&
           simclr_dtype_is_float(c->dtype);
}

static bool is_by_hand(const struct op_case *c)
{
    return c->expect[0] || c->expect[1] || c->expect[2];
}

struct test_list {
    struct CMUnitTest *test;
    size_t n;
};

static void add(struct test_list *list, const struct op_case *c, const char *kind,
                CMUnitTestFunction run)
{
    const size_t size = strlen(c->name) + strlen(kind) + 3;
    char *name = malloc(size);
    list->test = realloc(list->test, (list->n + 1) * sizeof *list->test);
    if (!name || !list->test) abort();
    (void)snprintf(name, size, "%s: %s", c->name, kind);
    union { // cmocka's initial state is not const; the tests only read it
        const void *from;
        void *to;
    } as = {.from = c};
    list->test[list->n++] =
        (struct CMUnitTest){.name = name, .test_func = run, .initial_state = as.to};
}

static int run_suite(const struct op_suite *s, const char *stem)
{
    struct test_list list = {0};
    for (size_t i = 0; i < s->n_cases; i++) {
        const struct op_case *c = &s->cases[i];
        if (c->error) {
            add(&list, c, "refused", op_test_refused);
            continue;
        }
        add(&list, c, "shape", op_test_shape);
        if (is_by_hand(c)) add(&list, c, "definition", op_test_definition);
        if (has_gradient_test(c)) add(&list, c, "gradient", op_test_gradient);
        if (c->gradient) add(&list, c, "rule", op_test_rule);
        if (sc_op_table[c->op].on_cpu) add(&list, c, "cpu", op_test_cpu);
    }
    const int n_failed = _cmocka_run_group_tests(stem, list.test, list.n, NULL, NULL);
    if (n_failed) print_error("repeat with: test_ops %s\n", stem);
    for (size_t i = 0; i < list.n; i++) {
        union {
            const char *from;
            char *to;
        } name = {.from = list.test[i].name};
        free(name.to);
    }
    free(list.test);
    return n_failed;
}

struct coverage {
    int n_cases, n_by_hand, n_gradients;
};

static void every_operation_has_cases(void **state)
{
    (void)state;
    struct coverage of[SIMCLR_N_OPS] = {{0}};
    for (size_t i = 0; i < N_SUITES; i++) {
        for (size_t k = 0; k < suites[i].suite->n_cases; k++) {
            const struct op_case *c = &suites[i].suite->cases[k];
            if (c->error) continue;
            of[c->op].n_cases++;
            of[c->op].n_by_hand += is_by_hand(c);
            of[c->op].n_gradients += has_gradient_test(c) || c->gradient;
        }
    }
    int n_missing = 0;
    for (int op = 0; op < SIMCLR_N_OPS; op++) {
        const struct sc_op_row *row = &sc_op_table[op];
        const char *missing = of[op].n_cases == 0     ? "case"
                              : of[op].n_by_hand == 0 ? "case computed by hand"
                              : row->info->grad && of[op].n_gradients == 0
                                  ? "case for its gradient"
                                  : NULL;
        if (!missing) continue;
        print_error("%s has no %s\n", row->name, missing);
        n_missing++;
    }
    assert_int_equal(n_missing, 0);
}

static void what_has_no_gradient_says_why(void **state)
{
    (void)state;
    for (int op = 0; op < SIMCLR_N_OPS; op++) {
        const struct sc_op_info *info = sc_op_table[op].info;
        assert_true(info->eval && info->infer);
        assert_true(info->grad || info->why_no_grad);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest coverage[] = {
        cmocka_unit_test(every_operation_has_cases),
        cmocka_unit_test(what_has_no_gradient_says_why),
    };
    if (argc < 2) return cmocka_run_group_tests(coverage, NULL, NULL);
    for (size_t i = 0; i < N_SUITES; i++) {
        if (strcmp(suites[i].stem, argv[1]) == 0) return run_suite(suites[i].suite, argv[1]);
    }
    (void)fprintf(stderr, "test_ops: error: no suite '%s'\n", argv[1]);
    return 2;
}
