// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/scratch.h"

#include <errno.h>

static void a_message_has_locus_severity_and_text(void **state)
{
    struct scratch *const s = *state;
    sc_report(&s->diag, SIMCLR_WARNING, "m.onnx: node 'a' (Conv)", "%d found, %d expected", 3,
              4);
    assert_string_equal(s->message, "m.onnx: node 'a' (Conv): warning: 3 found, 4 expected");
    assert_int_equal(s->diag.n_warnings, 1);
}

static void without_a_locus_the_program_speaks(void **state)
{
    struct scratch *const s = *state;
    s->diag.program = "simclrc";
    assert_int_equal(sc_fail(&s->diag, SIMCLR_USAGE, NULL, "no model"), SIMCLR_USAGE);
    assert_string_equal(s->message, "simclrc: error: no model");
    assert_int_equal(s->diag.n_errors, 1);
}

static void a_system_error_gives_its_reason(void **state)
{
    struct scratch *const s = *state;
    errno = ENOENT;
    assert_int_equal(sc_fail_errno(&s->diag, SIMCLR_IO, NULL, "cannot open '%s'", "x"),
                     SIMCLR_IO);
    assert_string_equal(s->message,
                        "simclr: error: cannot open 'x': No such file or directory");
}

static void a_long_message_is_whole(void **state)
{
    struct scratch *const s = *state;
    char name[400];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    sc_report(&s->diag, SIMCLR_ERROR, "a locus of some length that comes before", "'%s'%100s|",
              name, "");
    assert_int_equal(strlen(s->message), sizeof s->message - 1); // what the sink keeps
    sc_report(&s->diag, SIMCLR_ERROR, name, "'%s'", "x");
    scratch_assert_message(s, "nnn: error: 'x'");
}

static void a_message_stays_one_line(void **state)
{
    struct scratch *const s = *state;
    sc_report(&s->diag, SIMCLR_ERROR, "m.onnx", "node 'a\nb\x1b[31m'");
    assert_string_equal(s->message, "m.onnx: error: node 'a?b?[31m'");
}

static void errors_beyond_the_limit_are_counted_and_their_notes_hidden(void **state)
{
    struct scratch *const s = *state;
    s->diag.max_errors = 2;
    for (int i = 0; i < 5; i++) {
        sc_report(&s->diag, SIMCLR_ERROR, "m", "number %d", i);
        sc_report(&s->diag, SIMCLR_NOTE, "m", "note %d", i);
    }
    assert_int_equal(s->n_messages, 4);
    assert_string_equal(s->message, "m: note: note 1");
    sc_report_suppressed(&s->diag);
    assert_string_equal(s->message, "simclr: note: 3 more errors not shown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_message_has_locus_severity_and_text),
        SCRATCH_TEST(without_a_locus_the_program_speaks),
        SCRATCH_TEST(a_system_error_gives_its_reason),
        SCRATCH_TEST(a_long_message_is_whole),
        SCRATCH_TEST(a_message_stays_one_line),
        SCRATCH_TEST(errors_beyond_the_limit_are_counted_and_their_notes_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
