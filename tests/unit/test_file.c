// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/scratch.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static int count_entries(const char *dir)
{
    DIR *const d = opendir(dir);
    assert_non_null(d);
    int n = 0;
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n - 2; // less "." and ".."
}

static void assert_content(struct scratch *s, const char *path, const char *expected)
{
    struct sc_map map;
    assert_int_equal(sc_map_open(&s->diag, path, &map), SIMCLR_OK);
    assert_int_equal(map.size, strlen(expected));
    if (map.size > 0) assert_memory_equal(map.data, expected, map.size);
    sc_map_close(&map);
}

static void a_missing_file_is_named_with_the_reason(void **state)
{
    struct scratch *const s = *state;
    struct sc_map map;
    assert_int_equal(sc_map_open(&s->diag, "no/such/file", &map), SIMCLR_IO);
    assert_string_equal(s->message,
                        "simclr: error: cannot open 'no/such/file': No such file or directory");
}

static void a_folder_is_no_file(void **state)
{
    struct scratch *const s = *state;
    struct sc_map map;
    assert_int_equal(sc_map_open(&s->diag, s->dir, &map), SIMCLR_IO);
    scratch_assert_message(s, "it is a folder, expected a file");
}

static void an_empty_file_maps_to_nothing(void **state)
{
    struct scratch *const s = *state;
    assert_content(s, scratch_write(s, "empty", "", 0), "");
}

static void commit_replaces_the_file_and_leaves_nothing_else(void **state)
{
    struct scratch *const s = *state;
    const char *const path = scratch_write(s, "f", "old", 3);
    struct sc_writer *w;
    assert_int_equal(sc_writer_open(&s->diag, path, &w), SIMCLR_OK);
    sc_writer_put(w, "new", 3);
    sc_writer_align(w, 8);
    assert_int_equal(sc_writer_offset(w), 8);
    sc_writer_align(w, 8);
    assert_int_equal(sc_writer_offset(w), 8);
    assert_content(s, path, "old");
    assert_int_equal(sc_writer_commit(w), SIMCLR_OK);
    struct sc_map map;
    assert_int_equal(sc_map_open(&s->diag, path, &map), SIMCLR_OK);
    assert_int_equal(map.size, 8);
    assert_memory_equal(map.data, "new\0\0\0\0\0", 8);
    sc_map_close(&map);
    assert_int_equal(count_entries(s->dir), 1);
}

static void large_and_small_writes_keep_their_order(void **state)
{
    struct scratch *const s = *state;
    enum { LARGE = 700000 };
    char *const large = malloc(LARGE);
    assert_non_null(large);
    memset(large, 'x', LARGE);
    struct sc_writer *w;
    const char *const path = scratch_path(s, "f");
    assert_int_equal(sc_writer_open(&s->diag, path, &w), SIMCLR_OK);
    sc_writer_put(w, "begin", 5);
    sc_writer_put(w, large, LARGE);
    sc_writer_put(w, "end", 3);
    assert_int_equal(sc_writer_commit(w), SIMCLR_OK);
    struct sc_map map;
    assert_int_equal(sc_map_open(&s->diag, path, &map), SIMCLR_OK);
    assert_int_equal(map.size, LARGE + 8);
    assert_memory_equal(map.data, "begin", 5);
    assert_memory_equal(map.data + 5, large, LARGE);
    assert_memory_equal(map.data + 5 + LARGE, "end", 3);
    sc_map_close(&map);
    free(large);
}

static void abort_keeps_the_old_file(void **state)
{
    struct scratch *const s = *state;
    const char *const path = scratch_write(s, "f", "old", 3);
    struct sc_writer *w;
    assert_int_equal(sc_writer_open(&s->diag, path, &w), SIMCLR_OK);
    sc_writer_put(w, "new", 3);
    sc_writer_abort(w);
    assert_content(s, path, "old");
    assert_int_equal(count_entries(s->dir), 1);
}

static void a_full_disk_is_reported_once_and_leaves_nothing(void **state)
{
    struct scratch *const s = *state;
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    const struct rlimit tight = {.rlim_cur = 4096, .rlim_max = old.rlim_max};
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
    const char *const path = scratch_path(s, "f");
    struct sc_writer *w;
    assert_int_equal(sc_writer_open(&s->diag, path, &w), SIMCLR_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    static const char zeros[100000];
    for (int i = 0; i < 20; i++)
        sc_writer_put(w, zeros, sizeof zeros);
    const simclr_status status = sc_writer_commit(w);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(status, SIMCLR_IO);
    assert_int_equal(s->n_messages, 1);
    scratch_assert_message(s, "File too large");
    assert_int_equal(count_entries(s->dir), 0);
}

static void a_device_is_written_directly(void **state)
{
    struct scratch *const s = *state;
    if (!sc_path_exists("/dev/full")) skip();
    struct sc_writer *w;
    assert_int_equal(sc_writer_open(&s->diag, "/dev/full", &w), SIMCLR_OK);
    sc_writer_put(w, "x", 1);
    assert_int_equal(sc_writer_commit(w), SIMCLR_IO);
    assert_string_equal(s->message,
                        "simclr: error: cannot write '/dev/full': No space left on device");
    assert_true(sc_path_exists("/dev/full"));
}

static void a_symbolic_link_is_followed(void **state)
{
    struct scratch *const s = *state;
    char target[128];
    (void)snprintf(target, sizeof target, "%s", scratch_write(s, "target", "old", 3));
    const char *const link = scratch_path(s, "link");
    assert_int_equal(symlink(target, link), 0);
    struct sc_writer *w;
    assert_int_equal(sc_writer_open(&s->diag, link, &w), SIMCLR_OK);
    sc_writer_put(w, "new", 3);
    assert_int_equal(sc_writer_commit(w), SIMCLR_OK);
    assert_content(s, target, "new");
    assert_content(s, link, "new");
}

static void writing_into_a_missing_folder_fails_at_open(void **state)
{
    struct scratch *const s = *state;
    struct sc_writer *w;
    assert_int_equal(sc_writer_open(&s->diag, scratch_path(s, "no/f"), &w), SIMCLR_IO);
    scratch_assert_message(s, "/no/f': No such file or directory");
}

static void folders_are_made_with_parents_and_removed_whole(void **state)
{
    struct scratch *const s = *state;
    char path[160];
    (void)snprintf(path, sizeof path, "%s/a/b//c/", s->dir);
    assert_int_equal(sc_make_dirs(&s->diag, path), SIMCLR_OK);
    assert_int_equal(sc_make_dirs(&s->diag, path), SIMCLR_OK);
    assert_true(sc_path_is_dir(path));
    (void)scratch_write(s, "a/b/file", "x", 1);
    sc_remove_tree(scratch_path(s, "a"));
    assert_int_equal(count_entries(s->dir), 0);
    sc_remove_tree(scratch_path(s, "a"));
}

static void a_file_in_the_way_of_a_folder_is_reported(void **state)
{
    struct scratch *const s = *state;
    (void)scratch_write(s, "f", "x", 1);
    assert_int_equal(sc_make_dirs(&s->diag, scratch_path(s, "f/g")), SIMCLR_IO);
    scratch_assert_message(s, "cannot create folder");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_missing_file_is_named_with_the_reason),
        SCRATCH_TEST(a_folder_is_no_file),
        SCRATCH_TEST(an_empty_file_maps_to_nothing),
        SCRATCH_TEST(commit_replaces_the_file_and_leaves_nothing_else),
        SCRATCH_TEST(large_and_small_writes_keep_their_order),
        SCRATCH_TEST(abort_keeps_the_old_file),
        SCRATCH_TEST(a_full_disk_is_reported_once_and_leaves_nothing),
        SCRATCH_TEST(a_device_is_written_directly),
        SCRATCH_TEST(a_symbolic_link_is_followed),
        SCRATCH_TEST(writing_into_a_missing_folder_fails_at_open),
        SCRATCH_TEST(folders_are_made_with_parents_and_removed_whole),
        SCRATCH_TEST(a_file_in_the_way_of_a_folder_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
