// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/safetensors.h"
#include "runtime/core/checkpoint.h"
#include "tests/harness/scratch.h"

#include <sys/stat.h>

// Two parameters and one slot, and the state that names them.
struct model {
    float w[4], b[2], m[4];
    struct simclr_tensor params[2], slots[1];
    struct sc_state state;
};

static void model_init(struct model *m, float value)
{
    for (int i = 0; i < 4; i++)
        m->w[i] = m->m[i] = value + (float)i;
    m->b[0] = m->b[1] = -value;
    m->params[0] = (struct simclr_tensor){"w", SIMCLR_f32, {2, {2, 2}}, m->w};
    m->params[1] = (struct simclr_tensor){"b", SIMCLR_f32, {1, {2}}, m->b};
    m->slots[0] = (struct simclr_tensor){"w.momentum", SIMCLR_f32, {2, {2, 2}}, m->m};
    m->state = (struct sc_state){m->params, 2, m->slots, 1};
}

static void write_step(struct scratch *s, uint64_t step, size_t keep)
{
    struct model m;
    model_init(&m, (float)step);
    assert_int_equal(sc_checkpoint_write(&s->diag, s->dir, step, &m.state, keep), SIMCLR_OK);
}

static uint64_t newest(struct scratch *s)
{
    uint64_t step;
    assert_int_equal(sc_checkpoint_newest(&s->diag, s->dir, &step), SIMCLR_OK);
    return step;
}

static bool has_step(struct scratch *s, uint64_t step)
{
    char path[256];
    assert_true(sc_checkpoint_path(path, sizeof path, s->dir, step, NULL));
    return sc_path_is_dir(path);
}

static void what_is_written_is_read(void **state)
{
    struct scratch *const s = *state;
    assert_int_equal(newest(s), 0);
    write_step(s, 12, 2);
    assert_int_equal(newest(s), 12);
    struct model m;
    model_init(&m, 0);
    assert_int_equal(sc_checkpoint_read(&s->diag, s->dir, 12, &m.state), SIMCLR_OK);
    assert_true(m.w[3] == 15.0f && m.b[1] == -12.0f && m.m[0] == 12.0f);
}

static void the_newest_are_kept(void **state)
{
    struct scratch *const s = *state;
    for (uint64_t step = 98; step <= 101; step++)
        write_step(s, step, 2);
    assert_false(has_step(s, 98));
    assert_false(has_step(s, 99));
    assert_true(has_step(s, 100));
    assert_int_equal(newest(s), 101);
}

// A process killed while it wrote leaves a folder of another name, whatever it
// had finished by then; the next checkpoint sweeps it away.
static void a_killed_writer_leaves_no_checkpoint(void **state)
{
    struct scratch *const s = *state;
    write_step(s, 5, 2);
    char dir[256];
    (void)snprintf(dir, sizeof dir, "%s/unfinished-00000006", s->dir);
    assert_int_equal(mkdir(dir, 0777), 0);
    (void)scratch_write(s, "unfinished-00000006/params.safetensors", "half", 4);
    assert_int_equal(newest(s), 5);
    write_step(s, 6, 2);
    assert_int_equal(newest(s), 6);
    assert_false(sc_path_exists(dir));
    struct model m;
    model_init(&m, 0);
    assert_int_equal(sc_checkpoint_read(&s->diag, s->dir, 6, &m.state), SIMCLR_OK);
    assert_true(m.w[0] == 6.0f);
}

// Made to fail in the middle: the parameters cannot be written because a folder
// stands in their way. An unwritable disk takes the same path.
static void a_failed_checkpoint_leaves_the_old_one(void **state)
{
    struct scratch *const s = *state;
    write_step(s, 5, 1);
    struct model m;
    model_init(&m, 9);
    m.params[0].shape.dim[0] = INT64_MAX; // no writer accepts this
    assert_int_not_equal(sc_checkpoint_write(&s->diag, s->dir, 6, &m.state, 1), SIMCLR_OK);
    assert_int_equal(s->n_messages, 1);
    assert_int_equal(newest(s), 5);
    char dir[256];
    (void)snprintf(dir, sizeof dir, "%s/unfinished-00000006", s->dir);
    assert_false(sc_path_exists(dir));
}

static void another_program_is_refused(void **state)
{
    struct scratch *const s = *state;
    write_step(s, 1, 2);
    struct model m;
    model_init(&m, 0);
    m.params[0].shape.dim[1] = 1;
    assert_int_equal(sc_checkpoint_read(&s->diag, s->dir, 1, &m.state), SIMCLR_BAD_INPUT);
    scratch_assert_message(s,
                           "step-00000001/params.safetensors: error: tensor 'w' is f32[2,2], "
                           "the program has f32[2,1]");
    model_init(&m, 0);
    m.params[1].name = "bias";
    assert_int_equal(sc_checkpoint_read(&s->diag, s->dir, 1, &m.state), SIMCLR_BAD_INPUT);
    assert_int_equal(s->n_messages, 3);
    scratch_assert_message(s, "error: tensor 'b' is not in the program");
    model_init(&m, 0);
    m.slots[0].name = "w.first_moment";
    m.state.n_params = 0;
    assert_int_equal(sc_checkpoint_read(&s->diag, s->dir, 1, &m.state), SIMCLR_BAD_INPUT);
    scratch_assert_message(s, "error: tensor 'w.momentum' is not in the program");
}

static void a_missing_tensor_is_named_unless_optional(void **state)
{
    struct scratch *const s = *state;
    struct model m;
    model_init(&m, 3);
    const char *const path = scratch_path(s, "p.safetensors");
    assert_int_equal(sc_safetensors_write(&s->diag, path, m.params, 1), SIMCLR_OK);
    assert_int_equal(sc_tensors_read(&s->diag, path, m.params, 2, NULL), SIMCLR_BAD_INPUT);
    scratch_assert_message(s, "p.safetensors: error: tensor 'b' is missing");
    const bool is_optional[2] = {false, true};
    assert_int_equal(sc_tensors_read(&s->diag, path, m.params, 2, is_optional), SIMCLR_OK);
}

static void a_broken_state_is_refused(void **state)
{
    struct scratch *const s = *state;
    write_step(s, 1, 2);
    struct model m;
    model_init(&m, 0);
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"[]", "state.json: error: is no state of a checkpoint"},
        {"{\"version\":2,\"step\":1}", "state.json: error: version is 2, expected 1"},
        {"{\"version\":1,\"step\":3}", "state.json: error: step is 3, expected 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)scratch_write(s, "step-00000001/state.json", cases[i].json,
                            strlen(cases[i].json));
        assert_int_equal(sc_checkpoint_read(&s->diag, s->dir, 1, &m.state), SIMCLR_BAD_INPUT);
        scratch_assert_message(s, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_is_written_is_read),
        SCRATCH_TEST(the_newest_are_kept),
        SCRATCH_TEST(a_killed_writer_leaves_no_checkpoint),
        SCRATCH_TEST(a_failed_checkpoint_leaves_the_old_one),
        SCRATCH_TEST(another_program_is_refused),
        SCRATCH_TEST(a_missing_tensor_is_named_unless_optional),
        SCRATCH_TEST(a_broken_state_is_refused),
    };
    return cmocka_run_group_tests_name("train/checkpoint", tests, NULL, NULL);
}
