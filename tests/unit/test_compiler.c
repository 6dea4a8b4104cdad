// SPDX-License-Identifier: Apache-2.0
//
// The compiler as a library: what the command line cannot get wrong.
#include "tests/harness/scratch.h"

#include <simclr/compiler.h>

#include <string.h>

struct said {
    char text[512];
};

static void listen(void *user, enum simclr_severity severity, const char *line)
{
    struct said *const said = user;
    (void)severity;
    strncat(said->text, line, sizeof said->text - strlen(said->text) - 1);
}

static void is_refused(struct simclr_compile_options o, const char *message)
{
    struct said said = {.text = ""};
    struct simclr_diag diag = {.sink = listen, .user = &said, .program = "lib"};
    struct simclr_compilation *c = NULL;
    assert_int_equal(simclr_compile(&o, SIMCLR_STAGE_graph, &diag, &c), SIMCLR_USAGE);
    assert_null(c);
    assert_string_equal(said.text, message);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    is_refused((struct simclr_compile_options){.batch = 2},
               "lib: error: give either a model or an encoder");
    is_refused((struct simclr_compile_options){.model = "resnet8", .encoder = "resnet8"},
               "lib: error: give either a model or an encoder");
    is_refused((struct simclr_compile_options){.model = "resnet8", .bn = "no"},
               "lib: error: --bn is 'no', expected train or freeze");
    is_refused((struct simclr_compile_options){.model = "resnet8", .conv = "no"},
               "lib: error: --conv is 'no', expected fast or strict");
    is_refused((struct simclr_compile_options){.model = "resnet8", .temperature = -1},
               "lib: error: temperature is -1, expected more than 0");
    is_refused((struct simclr_compile_options){.model = "resnet8", .batch = -3},
               "lib: error: batch is -3, expected 1 to 1048576");
}

static void what_was_not_compiled_cannot_be_dumped(void **state)
{
    (void)state;
    struct said said = {.text = ""};
    struct simclr_diag diag = {.sink = listen, .user = &said, .program = "lib"};
    const struct simclr_compile_options o = {.model = "resnet8", .batch = 2};
    struct simclr_compilation *c = NULL;
    const char *text = NULL;
    assert_int_equal(simclr_compile(&o, SIMCLR_STAGE_graph, &diag, &c), SIMCLR_OK);
    assert_int_equal(simclr_compilation_dump(c, SIMCLR_STAGE_plan, NULL, "text", &text),
                     SIMCLR_USAGE);
    assert_int_equal(simclr_compilation_dump(c, SIMCLR_STAGE_graph, "no", "text", &text),
                     SIMCLR_USAGE);
    assert_int_equal(simclr_compilation_dump(c, SIMCLR_STAGE_graph, NULL, "svg", &text),
                     SIMCLR_USAGE);
    assert_int_equal(simclr_compilation_write(c, "nowhere/p.scp"), SIMCLR_USAGE);
    assert_string_equal(
        said.text, "lib: error: stage 'plan' was not compiled"
                   "lib: error: there is no entry 'no', expected one of train, grad, embed, "
                   "project, recalibrate"
                   "lib: error: there is no format 'svg', expected text, dot or json"
                   "lib: error: stage 'plan' was not compiled");
    assert_string_equal(simclr_compilation_plan_summary(c), "");
    simclr_compilation_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(what_was_not_compiled_cannot_be_dumped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
