// SPDX-License-Identifier: Apache-2.0
//
// The compiler as a library: what the command line cannot get wrong.
#include "compiler/compilation.h"
#include "compiler/cost.h"
#include "compiler/ir/op.h"
#include "tests/harness/scratch.h"

#include <simclr/compiler.h>

#include <stdlib.h>
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

// Writes `with` over the only place where `text` has `what`, which is as long.
static void overwrite(char *text, const char *what, const char *with)
{
    char *const at = strstr(text, what);
    assert_non_null(at);
    assert_int_equal(strlen(what), strlen(with));
    memcpy(at, with, strlen(with));
}

// Compiles ResNet-8 with our NT-Xent, or with one whose positives are N rows apart.
static bool comes_in_halves(struct scratch *s, bool is_rewritten)
{
    struct sc_map map;
    assert_int_equal(sc_map_open(NULL, "models/nt_xent.onnxtxt", &map), SIMCLR_OK);
    char *const text = calloc(map.size + 1, 1);
    assert_non_null(text);
    memcpy(text, map.data, map.size);
    if (is_rewritten) {
        overwrite(text, "value_ints = [-1, 2]", "value_ints = [2, -1]");
        overwrite(text, "<axis = 1> (row_pairs", "<axis = 0> (row_pairs");
    }
    const char *const path = scratch_path(s, "loss.onnxtxt");
    struct sc_writer *w;
    assert_int_equal(sc_writer_open(NULL, path, &w), SIMCLR_OK);
    sc_writer_put(w, text, map.size);
    assert_int_equal(sc_writer_commit(w), SIMCLR_OK);
    sc_map_close(&map);
    free(text);
    const struct simclr_compile_options o = {.encoder = "resnet8", .loss = path, .batch = 4};
    struct simclr_compilation *c = NULL;
    assert_int_equal(simclr_compile(&o, SIMCLR_STAGE_graph, NULL, &c), SIMCLR_OK);
    const bool halves = c->import.halves;
    simclr_compilation_free(c);
    return halves;
}

static void images_come_in_the_order_of_the_positives(void **state)
{
    assert_false(comes_in_halves(*state, false));
    assert_true(comes_in_halves(*state, true));
}

static void every_operation_has_a_cost(void **state)
{
    (void)state;
    for (int op = 0; op < SIMCLR_N_OPS; op++) {
        if (!sc_cost_is_known((enum simclr_op)op))
            fail_msg("compiler/cost.c has no rule for %s", sc_op_table[op].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(what_was_not_compiled_cannot_be_dumped),
        cmocka_unit_test(every_operation_has_a_cost),
        SCRATCH_TEST(images_come_in_the_order_of_the_positives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
