// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/str.h"

#include <simclr/options.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

struct values {
    const char *out, *scaling, *dump;
    int64_t epochs;
    double lr;
    bool resume;
    struct simclr_texts binds, files;
};

static const struct simclr_option options[] = {
    {SIMCLR_OPTION_heading, .help = "what to do"},
    {SIMCLR_OPTION_text, 'o', true, "out", offsetof(struct values, out), "DIR",
     .help = "results"},
    {SIMCLR_OPTION_text, .name = "lr-scaling", .offset = offsetof(struct values, scaling),
     .choices = "linear|sqrt|none", .help = "how the rate follows the batch"},
    {SIMCLR_OPTION_optional, .name = "dump", .offset = offsetof(struct values, dump),
     .metavar = "STAGE", .implied = "lower", .help = "print"},
    {SIMCLR_OPTION_integer, .name = "epochs", .offset = offsetof(struct values, epochs),
     .metavar = "N", .at_least = 1, .help = "passes over the data"},
    {SIMCLR_OPTION_number, .name = "lr", .offset = offsetof(struct values, lr), .metavar = "X",
     .help = "learning rate\nbefore scaling"},
    {SIMCLR_OPTION_flag, .name = "resume", .offset = offsetof(struct values, resume),
     .help = "go on"},
    {SIMCLR_OPTION_list, .name = "bind", .offset = offsetof(struct values, binds),
     .metavar = "DIM=N", .help = "a dimension"},
};

static const struct simclr_command command = {
    .program = "simclr",
    .name = "train",
    .usage = "P.scp --out DIR [options]",
    .about = "Trains.",
    .examples = "  simclr train a.scp --out runs/a",
    .operands = {"P.scp", 1, 2, offsetof(struct values, files)},
    .options = options,
    .n_options = sizeof options / sizeof options[0],
};

struct said {
    struct values values;
    struct sc_str text;
    bool runs;
    int exit_code;
};

static void sink(void *user, enum simclr_severity severity, const char *line)
{
    struct said *const s = user;
    (void)severity;
    sc_str_printf(&s->text, "%s\n", line);
}

enum { MAX_ARGS = 100 };

static void parse(struct said *s, const char *const *args)
{
    const char *argv[MAX_ARGS] = {"simclr"};
    int argc = 1;
    for (; args[argc - 1]; argc++)
        argv[argc] = args[argc - 1];
    *s = (struct said){.exit_code = -1};
    struct simclr_diag diag = {.sink = sink, .user = s, .program = "simclr"};
    s->runs = simclr_options_parse(&command, argc, argv, &s->values, &diag, &s->exit_code);
}

static void assert_refused(const char *const *args, const char *expected)
{
    struct said s;
    parse(&s, args);
    assert_false(s.runs);
    assert_int_equal(s.exit_code, 2);
    struct sc_str all = {0};
    sc_str_append(&all, expected);
    sc_str_append(&all, "simclr: hint: 'simclr train --help' says more\n");
    assert_string_equal(sc_str_text(&s.text), sc_str_text(&all));
    sc_str_free(&all);
    sc_str_free(&s.text);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void values_reach_their_fields(void **state)
{
    (void)state;
    struct said s;
    parse(&s, ARGS("a.scp", "--out=runs", "--lr", "-0", "--epochs", "3", "--resume", "--dump",
                   "--bind", "n=1", "--bind=m=2", "--lr-scaling", "sqrt", "--", "--odd"));
    assert_true(s.runs);
    assert_string_equal(sc_str_text(&s.text), "");
    assert_string_equal(s.values.out, "runs");
    assert_string_equal(s.values.scaling, "sqrt");
    assert_string_equal(s.values.dump, "lower");
    assert_int_equal(s.values.epochs, 3);
    assert_true(s.values.resume);
    assert_int_equal(s.values.binds.n, 2);
    assert_string_equal(s.values.binds.item[1], "m=2");
    assert_int_equal(s.values.files.n, 2);
    assert_string_equal(s.values.files.item[1], "--odd");
}

static void letters_take_values_beside_or_behind_them(void **state)
{
    (void)state;
    struct said s;
    parse(&s, ARGS("-orun", "-"));
    assert_true(s.runs);
    assert_string_equal(s.values.out, "run");
    assert_string_equal(s.values.files.item[0], "-");
    parse(&s, ARGS("p", "-o", "run", "--dump=plan"));
    assert_true(s.runs);
    assert_string_equal(s.values.dump, "plan");
}

static void unknown_option_names_the_nearest(void **state)
{
    (void)state;
    assert_refused(ARGS("p", "-o", "r", "--epoch=3"),
                   "simclr: error: unknown option '--epoch=3'\n"
                   "simclr: hint: the nearest is '--epochs'\n");
    assert_refused(ARGS("p", "-o", "r", "--res"), "simclr: error: unknown option '--res'\n"
                                                  "simclr: hint: the nearest is '--resume'\n");
    assert_refused(ARGS("p", "-o", "r", "--quux"), "simclr: error: unknown option '--quux'\n");
    assert_refused(ARGS("p", "-o", "r", "-z"), "simclr: error: unknown option '-z'\n");
}

static void wrong_values_say_found_then_expected(void **state)
{
    (void)state;
    assert_refused(ARGS("p", "-o", "r", "--epochs", "0"),
                   "simclr: error: option '--epochs': found '0', expected a whole number, 1 or "
                   "more\n");
    assert_refused(ARGS("p", "-o", "r", "--epochs", "99999999999999999999"),
                   "simclr: error: option '--epochs': found '99999999999999999999', expected a "
                   "whole number, 1 or more\n");
    assert_refused(
        ARGS("p", "-o", "r", "--lr", "0.1x"),
        "simclr: error: option '--lr': found '0.1x', expected a number, 0 or more\n");
    assert_refused(ARGS("p", "-o", "r", "--lr", "nan"),
                   "simclr: error: option '--lr': found 'nan', expected a number, 0 or more\n");
    assert_refused(
        ARGS("p", "-o", "r", "--lr-scaling", "line"),
        "simclr: error: option '--lr-scaling': found 'line', expected linear, sqrt or "
        "none\n");
    assert_refused(ARGS("p", "-o", "r", "--resume=1"),
                   "simclr: error: option '--resume' takes no value, found '1'\n");
}

static void every_mistake_is_reported(void **state)
{
    (void)state;
    assert_refused(ARGS("p", "q", "r", "--lr", "x", "--out"),
                   "simclr: error: unexpected argument 'r'\n"
                   "simclr: error: option '--lr': found 'x', expected a number, 0 or more\n"
                   "simclr: error: option '--out': the value is missing\n");
    assert_refused(ARGS("--resume"), "simclr: error: argument P.scp is missing\n"
                                     "simclr: error: option '--out' is missing\n");
    assert_refused(ARGS("p", "--out", "--resume"),
                   "simclr: error: option '--out': the value is missing\n");
}

static void a_list_has_an_end(void **state)
{
    (void)state;
    const char *args[MAX_ARGS] = {"p", "-o", "r"};
    for (int i = 3; i < 3 + SIMCLR_MAX_TEXTS + 1; i++)
        args[i] = "--bind=a=1";
    assert_refused(args, "simclr: error: option '--bind': more than 64 given\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_reach_their_fields),
        cmocka_unit_test(letters_take_values_beside_or_behind_them),
        cmocka_unit_test(unknown_option_names_the_nearest),
        cmocka_unit_test(wrong_values_say_found_then_expected),
        cmocka_unit_test(every_mistake_is_reported),
        cmocka_unit_test(a_list_has_an_end),
    };
    return cmocka_run_group_tests_name("cli/options", tests, NULL, NULL);
}
