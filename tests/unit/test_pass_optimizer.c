// SPDX-License-Identifier: Apache-2.0
//
// The optimizer as written on the command line.
#include "compiler/passes/passes.h"
#include "tests/unit/ir_parse.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect_print(const char *text, const char *expected)
{
    struct sc_arena *const arena = sc_arena_new();
    struct sc_optimizer optimizer;
    assert_int_equal(sc_optimizer_parse(NULL, text, &optimizer), SIMCLR_OK);
    const char *const printed = sc_optimizer_print(arena, &optimizer);
    assert_string_equal(printed, expected);
    struct sc_optimizer again;
    assert_int_equal(sc_optimizer_parse(NULL, printed, &again), SIMCLR_OK);
    assert_string_equal(sc_optimizer_print(arena, &again), expected);
    sc_arena_free(arena);
}

static void optimizers_print_every_key(void **state)
{
    (void)state;
    expect_print("sgd", "sgd:momentum=0.9,weight_decay=0,nesterov=0");
    expect_print("sgd:nesterov=1,weight_decay=1e-4",
                 "sgd:momentum=0.9,weight_decay=0.0001,nesterov=1");
    expect_print("lars:weight_decay=1e-6,eta=0.02",
                 "lars:momentum=0.9,weight_decay=1e-06,eta=0.02");
    expect_print("adam:beta2=0.98", "adam:beta1=0.9,beta2=0.98,epsilon=1e-08,weight_decay=0");
    expect_print("adamw", "adamw:beta1=0.9,beta2=0.999,epsilon=1e-08,weight_decay=0.01");
}

static void keep_line(void *user, enum simclr_severity severity, const char *line)
{
    (void)severity;
    sc_str_append(user, line);
}

static void expect_error(const char *text, const char *expected)
{
    struct sc_str message = {0};
    struct simclr_diag diag = {.sink = keep_line, .user = &message, .program = "simclrc"};
    struct sc_optimizer optimizer;
    assert_int_equal(sc_optimizer_parse(&diag, text, &optimizer), SIMCLR_USAGE);
    assert_string_equal(sc_str_text(&message), expected);
    sc_str_free(&message);
}

static void optimizer_mistakes_say_what_is_known(void **state)
{
    (void)state;
    expect_error("rmsprop", "simclrc: error: unknown optimizer 'rmsprop', expected lars, sgd, "
                            "adam or adamw");
    expect_error("lars:adapt=0", "simclrc: error: unknown key 'adapt' of optimizer 'lars', "
                                 "expected momentum, weight_decay, eta");
    expect_error("sgd:", "simclrc: error: unknown key '' of optimizer 'sgd', expected "
                         "momentum, weight_decay, nesterov");
    expect_error("sgd:momentum=1", "simclrc: error: optimizer key 'momentum' is '1', expected "
                                   "a number from 0 up to but not 1");
    expect_error("sgd:nesterov=yes",
                 "simclrc: error: optimizer key 'nesterov' is 'yes', expected 0 or 1");
    expect_error("adam:epsilon=-1", "simclrc: error: optimizer key 'epsilon' is '-1', expected "
                                    "a number not below 0");
    expect_error("adam:epsilon", "simclrc: error: optimizer key 'epsilon' is '', expected "
                                 "a number not below 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optimizers_print_every_key),
        cmocka_unit_test(optimizer_mistakes_say_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
