// SPDX-License-Identifier: Apache-2.0
#include "runtime/core/metrics.h"
#include "tests/harness/scratch.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sc_metrics_row row(uint64_t step)
{
    return (struct sc_metrics_row){.step = step,
                                   .epoch = 1,
                                   .loss = 6.1f,
                                   .lr = 0.1f,
                                   .has_contrastive = true,
                                   .accuracy = 0.25f,
                                   .entropy = 5.5f,
                                   .images_per_s = 12.34};
}

static void append_rows(struct scratch *s, const char *path, uint64_t last, uint64_t n)
{
    struct sc_metrics *m;
    assert_int_equal(sc_metrics_open(&s->diag, path, last, &m), SIMCLR_OK);
    for (uint64_t i = 1; i <= n; i++) {
        const struct sc_metrics_row r = row(last + i);
        assert_int_equal(sc_metrics_append(m, &r), SIMCLR_OK);
    }
    assert_int_equal(sc_metrics_sync(m), SIMCLR_OK);
    sc_metrics_close(m);
}

static void assert_content(struct scratch *s, const char *path, const char *expected)
{
    struct sc_map map;
    assert_int_equal(sc_map_open(&s->diag, path, &map), SIMCLR_OK);
    assert_int_equal(map.size, strlen(expected));
    assert_memory_equal(map.data, expected, map.size);
    sc_map_close(&map);
}

#define TAIL                                                                                   \
    ",\"epoch\":1,\"loss\":6.0999999,\"lr\":0.100000001,\"accuracy\":0.25,\"entropy\":5.5,"    \
    "\"images_per_s\":12.3}\n"

static void rows_hold_every_digit_and_the_clock_last(void **state)
{
    struct scratch *const s = *state;
    const char *const path = scratch_path(s, "m.jsonl");
    append_rows(s, path, 0, 2);
    assert_content(s, path, "{\"step\":1" TAIL "{\"step\":2" TAIL);
}

static void resuming_cuts_off_what_is_behind_the_checkpoint(void **state)
{
    struct scratch *const s = *state;
    const char *const path =
        scratch_write(s, "m.jsonl", "{\"step\":1" TAIL "{\"step\":2" TAIL "{\"ste",
                      2 * (9 + sizeof TAIL - 1) + 5);
    append_rows(s, path, 1, 1);
    assert_content(s, path, "{\"step\":1" TAIL "{\"step\":2" TAIL);
    append_rows(s, path, 2, 1);
    assert_content(s, path, "{\"step\":1" TAIL "{\"step\":2" TAIL "{\"step\":3" TAIL);
    append_rows(s, path, 0, 0);
    assert_content(s, path, "");
}

static void a_row_cut_in_two_is_no_row(void **state)
{
    struct scratch *const s = *state;
    const char *const path = scratch_write(s, "m.jsonl", "{\"step\":1,\"lo", 13);
    struct sc_metrics *m;
    assert_int_equal(sc_metrics_open(&s->diag, path, 1, &m), SIMCLR_BAD_INPUT);
    scratch_assert_message(s,
                           "m.jsonl: error: the row of step 1, the checkpoint's, is missing");
}

static void a_second_training_is_refused(void **state)
{
    struct scratch *const s = *state;
    const char *const path = scratch_path(s, "m.jsonl");
    struct sc_metrics *m;
    assert_int_equal(sc_metrics_open(&s->diag, path, 0, &m), SIMCLR_OK);
    const pid_t child = fork();
    if (child == 0) {
        struct sc_metrics *other;
        const simclr_status status = sc_metrics_open(&s->diag, path, 0, &other);
        _exit(status == SIMCLR_USAGE && strstr(s->message, "in use by another training") ? 0
                                                                                         : 1);
    }
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    sc_metrics_close(m);
}

static void a_full_disk_is_reported(void **state)
{
    struct scratch *const s = *state;
    struct sc_metrics *m;
    const char *const path = scratch_path(s, "m.jsonl");
    assert_int_equal(symlink("/dev/full", path), 0);
    if (sc_metrics_open(&s->diag, path, 0, &m) != SIMCLR_OK) {
        scratch_assert_message(s, "cannot shorten");
        return; // a device has no length to set
    }
    const struct sc_metrics_row r = row(1);
    assert_int_equal(sc_metrics_append(m, &r), SIMCLR_IO);
    scratch_assert_message(s, "m.jsonl': No space left on device");
    sc_metrics_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(rows_hold_every_digit_and_the_clock_last),
        SCRATCH_TEST(resuming_cuts_off_what_is_behind_the_checkpoint),
        SCRATCH_TEST(a_row_cut_in_two_is_no_row),
        SCRATCH_TEST(a_second_training_is_refused),
        SCRATCH_TEST(a_full_disk_is_reported),
    };
    return cmocka_run_group_tests_name("train/metrics", tests, NULL, NULL);
}
