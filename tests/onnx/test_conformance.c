// SPDX-License-Identifier: Apache-2.0
//
// ONNX's own node tests, where the distribution has them (libonnx-testdata): each
// model whose operators we know is imported and run by the interpreter, once with
// all inputs known at compile time and once with floats given at run time, and
// compared with the outputs ONNX says. What we refuse is counted by its message,
// not hidden: SIMCLR_VERBOSE=1 in the environment prints every name.
#include "tests/onnx/run.h"
#include "tests/onnx/testdata.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Tests whose operators we know and whose outcome we mean to differ from.
static const char *const exceptions[][2] = {
    {"test_batchnorm_epsilon_training_mode", "statistics are --bn's business"},
    {"test_batchnorm_example_training_mode", "statistics are --bn's business"},
    {"test_cast_BFLOAT16", "the input is declared as another type than it has"},
    {"test_cast_FLOAT_to_BFLOAT16",
     "the data are cut off, we round to nearest as ONNX 1.13 does"},
    {"test_castlike_BFLOAT16", "the input is declared as another type than it has"},
    {"test_castlike_FLOAT_to_BFLOAT16", "the data are cut off, as above"},
};

struct tally {
    int n_passed, n_refused, n_failed, n_other;
};

static bool is_close(double a, double b)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (isinf(a) || isinf(b)) return a == b;
    return fabs(a - b) <= 1e-3 * fabs(b) + 1e-6;
}

static bool is_equal(const struct sc_tensor *a, const struct sc_tensor *b)
{
    if (!a || !simclr_shape_equal(&a->shape, &b->shape) || a->dtype != b->dtype) return false;
    for (int64_t i = 0; i < a->count; i++) {
        if (a->f ? !is_close(a->f[i], b->f[i]) : a->i[i] != b->i[i]) return false;
    }
    return true;
}

enum outcome { PASSED, REFUSED, FAILED, OTHER };

// OTHER: the test's data is no list of tensors of our types.
static enum outcome run_one(const char *dir, bool floats_are_given, struct sc_str *why)
{
    char path[600];
    struct run r;
    run_init(&r);
    enum outcome outcome = OTHER;
    (void)snprintf(path, sizeof path, "%s/model.onnx", dir);
    if (sc_onnx_open(r.m, path, &r.model) != SIMCLR_OK) goto done;
    const Onnx__ValueInfoProto *infos[RUN_MAX_TENSORS];
    r.n_in = run_inputs(r.model, infos);
    for (int i = 0; i < r.n_in; i++) {
        (void)snprintf(path, sizeof path, "%s/test_data_set_0/input_%d.pb", dir, i);
        r.in[i] = testdata_load(r.m, path);
        if (!r.in[i]) goto done;
    }
    run_import(&r, floats_are_given);
    outcome = REFUSED;
    if (r.scope.any_failed) {
        sc_str_append(why, sc_str_text(&r.messages));
        goto done;
    }
    run_eval(&r);
    outcome = PASSED;
    for (int i = 0; i < r.n_out && outcome == PASSED; i++) {
        (void)snprintf(path, sizeof path, "%s/test_data_set_0/output_%d.pb", dir, i);
        struct sc_tensor *const want = testdata_load(r.m, path);
        if (!want || !is_equal(r.out[i], want)) {
            outcome = want ? FAILED : OTHER;
            sc_str_printf(why, "output %d differs\n", i);
        }
        sc_tensor_free(want);
    }
done:
    run_deinit(&r);
    return outcome;
}

static bool is_exception(const char *name)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++) {
        if (!strncmp(name, exceptions[i][0], strlen(exceptions[i][0]))) return true;
    }
    return false;
}

struct sweep {
    bool floats_are_given;
    struct tally tally;
};

static void run_case(void *user, const char *dir, const char *name)
{
    static const char *const words[] = {"passed", "refused", "FAILED", "other"};
    struct sweep *const sweep = user;
    struct tally *const tally = &sweep->tally;
    struct sc_str why = {0};
    if (is_exception(name)) return;
    const enum outcome outcome = run_one(dir, sweep->floats_are_given, &why);
    tally->n_passed += outcome == PASSED;
    tally->n_refused += outcome == REFUSED;
    tally->n_failed += outcome == FAILED;
    tally->n_other += outcome == OTHER;
    if (outcome == FAILED || getenv("SIMCLR_VERBOSE")) {
        print_message("%s %s: %s", words[outcome], name, sc_str_text(&why));
        if (why.size == 0) print_message("\n");
    }
    sc_str_free(&why);
}

static void run_all(bool floats_are_given)
{
    struct sweep sweep = {.floats_are_given = floats_are_given};
    if (!testdata_each(NULL, run_case, &sweep)) skip();
    const struct tally *const tally = &sweep.tally;
    print_message("%d passed, %d refused, %d not tensors, %d failed\n", tally->n_passed,
                  tally->n_refused, tally->n_other, tally->n_failed);
    assert_int_equal(tally->n_failed, 0);
}

static void constants_are_folded_as_onnx_says(void **state)
{
    (void)state;
    run_all(false);
}

static void graphs_compute_what_onnx_says(void **state)
{
    (void)state;
    run_all(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_are_folded_as_onnx_says),
        cmocka_unit_test(graphs_compute_what_onnx_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
