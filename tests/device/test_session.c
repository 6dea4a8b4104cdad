// SPDX-License-Identifier: Apache-2.0
//
// What a session promises: initial values, inputs and outputs by port, entries that
// run, state that stays, and a clear answer where it cannot be made.
#include "tests/harness/program_image.h"
#include "tests/harness/scratch.h"

#include "runtime/core/program.h"

// The sample as a program and, if wanted, a session of it.
struct fixture {
    struct program_image im;
    uint8_t *file;
    struct simclr_program *program;
    struct simclr_session *session;
};

static void fixture_open(struct fixture *f, struct scratch *s)
{
    size_t size;
    f->session = NULL;
    f->file = program_image_write(&f->im, &size);
    if (sc_program_from_memory(f->file, size, "p.scp", &s->diag, &f->program) != SIMCLR_OK)
        fail_msg("%s", s->message);
}

static void fixture_close(struct fixture *f)
{
    simclr_session_free(f->session);
    simclr_program_free(f->program);
    free(f->file);
}

static simclr_status make_session(struct fixture *f, struct scratch *s,
                                  const struct simclr_session_options *options)
{
    return simclr_session_new(f->program, options, &s->diag, &f->session);
}

static float *port(const struct fixture *f, uint32_t index)
{
    return simclr_session_port(f->session, &f->program->sections.ports[index]).data;
}

static float *param(const struct fixture *f, uint32_t index)
{
    return simclr_session_param(f->session, index).data;
}

static void parameters_start_as_the_program_says(void **state)
{
    struct fixture f;
    program_image_init(&f.im);
    fixture_open(&f, *state);
    assert_int_equal(make_session(&f, *state, NULL), SIMCLR_OK);
    assert_true(param(&f, 0)[3] == 0 && param(&f, 1)[3] == 0); // zeros until initialised
    simclr_session_initialize(f.session);
    for (int i = 0; i < 4; i++) {
        assert_true(param(&f, 0)[i] == (float)(i + 1));
        assert_true(param(&f, 1)[i] == 0.5f);
    }
    const struct simclr_tensor w = simclr_session_param(f.session, 0);
    assert_string_equal(w.name, "w");
    assert_int_equal(w.dtype, SIMCLR_f32);
    assert_int_equal(simclr_shape_count(&w.shape), 4);
    fixture_close(&f);
}

static void an_entry_runs_on_its_inputs(void **state)
{
    struct fixture f;
    program_image_init(&f.im);
    fixture_open(&f, *state);
    assert_int_equal(make_session(&f, *state, NULL), SIMCLR_OK);
    simclr_session_initialize(f.session);
    for (int i = 0; i < 12; i++)
        port(&f, 0)[i] = (float)(10 * i);
    const struct simclr_entry *const run = simclr_program_entry(f.program, "run");
    assert_int_equal(simclr_session_run(f.session, run), SIMCLR_OK);
    for (int i = 0; i < 12; i++)
        assert_true(port(&f, 1)[i] == (float)(2 * (10 * i + i % 4 + 1)));
    fixture_close(&f);
}

static void state_stays_between_runs(void **state)
{
    struct fixture f;
    program_image_init(&f.im);
    fixture_open(&f, *state);
    assert_int_equal(make_session(&f, *state, NULL), SIMCLR_OK);
    simclr_session_initialize(f.session);
    const struct simclr_entry *const train = simclr_program_entry(f.program, "train");
    for (int step = 0; step < 2; step++) {
        for (int i = 0; i < 4; i++)
            port(&f, 2)[i] = 1;
        *port(&f, 3) = 0.25f;
        assert_int_equal(simclr_session_run(f.session, train), SIMCLR_OK);
    }
    // v = 1.25, then 1.625; w loses a quarter of both
    assert_true(param(&f, 1)[0] == 1.625f);
    assert_true(param(&f, 0)[0] == 1 - 0.25f * (1.25f + 1.625f));
    fixture_close(&f);
}

static void memory_is_what_the_program_says(void **state)
{
    struct fixture f;
    program_image_init(&f.im);
    fixture_open(&f, *state);
    const struct simclr_session_options options = {.n_threads = 3};
    assert_int_equal(make_session(&f, *state, &options), SIMCLR_OK);
    const struct simclr_memory m = simclr_session_memory(f.session);
    assert_int_equal(m.persistent, 128);
    assert_int_equal(m.arena, 256);
    assert_int_equal(m.constants, 64);
    assert_int_equal(m.scratch, 3 * 32768);
    assert_ptr_equal(simclr_session_program(f.session), f.program);
    assert_null(simclr_session_times(f.session));
    fixture_close(&f);
}

static void times_are_measured_where_wanted(void **state)
{
    struct fixture f;
    program_image_init(&f.im);
    fixture_open(&f, *state);
    const struct simclr_session_options options = {.wants_times = true};
    assert_int_equal(make_session(&f, *state, &options), SIMCLR_OK);
    simclr_session_initialize(f.session);
    const double *const times = simclr_session_times(f.session);
    assert_non_null(times);
    (void)simclr_session_run(f.session, simclr_program_entry(f.program, "run"));
    assert_true(times[0] > 0 && times[1] == 0);
    fixture_close(&f);
}

static void an_unknown_device_is_refused(void **state)
{
    struct scratch *const s = *state;
    struct fixture f;
    program_image_init(&f.im);
    fixture_open(&f, s);
    const struct simclr_session_options options = {.device = "abacus"};
    assert_int_equal(make_session(&f, s, &options), SIMCLR_USAGE);
    scratch_assert_message(s, "unknown device 'abacus', expected 'cpu'");
    fixture_close(&f);
}

static void more_memory_than_there_is_is_refused(void **state)
{
    struct scratch *const s = *state;
    struct fixture f;
    program_image_init(&f.im);
    f.im.meta.arena_bytes = UINT64_C(1) << 63;
    fixture_open(&f, s);
    assert_int_equal(make_session(&f, s, NULL), SIMCLR_NO_MEMORY);
    scratch_assert_message(s, "cannot allocate 9223372036854775808 bytes of arena");
    fixture_close(&f);
}

static void operands_that_do_not_fit_are_refused(void **state)
{
    struct scratch *const s = *state;
    struct fixture f;
    program_image_init(&f.im);
    f.im.values[4].dim[1] = 3; // y
    fixture_open(&f, s);
    assert_int_equal(make_session(&f, s, NULL), SIMCLR_BAD_INPUT);
    assert_string_equal(s->message,
                        "p.scp: error: instruction 0 (pointwise, from 'node') cannot run: an "
                        "operand does not broadcast to the output");
    fixture_close(&f);
}

static void an_unknown_instruction_set_is_refused(void **state)
{
    struct scratch *const s = *state;
    struct fixture f;
    program_image_init(&f.im);
    fixture_open(&f, s);
    assert_int_equal(setenv("SIMCLR_CPU_ISA", "mmx", 1), 0);
    assert_int_equal(make_session(&f, s, NULL), SIMCLR_USAGE);
    assert_int_equal(unsetenv("SIMCLR_CPU_ISA"), 0);
    scratch_assert_message(s, "SIMCLR_CPU_ISA is 'mmx', expected");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(parameters_start_as_the_program_says),
        SCRATCH_TEST(an_entry_runs_on_its_inputs),
        SCRATCH_TEST(state_stays_between_runs),
        SCRATCH_TEST(memory_is_what_the_program_says),
        SCRATCH_TEST(times_are_measured_where_wanted),
        SCRATCH_TEST(an_unknown_device_is_refused),
        SCRATCH_TEST(more_memory_than_there_is_is_refused),
        SCRATCH_TEST(operands_that_do_not_fit_are_refused),
        SCRATCH_TEST(an_unknown_instruction_set_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
