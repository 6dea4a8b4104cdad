// SPDX-License-Identifier: Apache-2.0
//
// What tests of files share: an empty folder that goes away, a sink that keeps
// the last message, and whole files in one call.
#ifndef SC_TESTS_HARNESS_SCRATCH_H
#define SC_TESTS_HARNESS_SCRATCH_H

#include "runtime/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scratch {
    char dir[64];
    char path[128]; // of the file asked for last
    struct simclr_diag diag;
    char message[512]; // the last one reported
    int n_messages;
};

static inline void scratch_sink(void *user, enum simclr_severity severity, const char *line)
{
    struct scratch *const s = user;
    (void)severity;
    (void)snprintf(s->message, sizeof s->message, "%s", line);
    s->n_messages++;
}

static inline int scratch_setup(void **state)
{
    struct scratch *const s = calloc(1, sizeof *s);
    if (!s) return -1;
    s->diag = (struct simclr_diag){.sink = scratch_sink, .user = s};
    (void)snprintf(s->dir, sizeof s->dir, "%s", "/tmp/simclr-test-XXXXXX");
    *state = s;
    return mkdtemp(s->dir) ? 0 : -1;
}

static inline int scratch_teardown(void **state)
{
    struct scratch *const s = *state;
    sc_remove_tree(s->dir);
    free(s);
    return 0;
}

static inline const char *scratch_path(struct scratch *s, const char *name)
{
    (void)snprintf(s->path, sizeof s->path, "%s/%s", s->dir, name);
    return s->path;
}

static inline const char *scratch_write(struct scratch *s, const char *name, const void *data,
                                        size_t n)
{
    const char *const path = scratch_path(s, name);
    FILE *const f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

// The message must hold `part`.
static inline void scratch_assert_message(const struct scratch *s, const char *part)
{
    if (!strstr(s->message, part))
        fail_msg("message '%s', expected one with '%s'", s->message, part);
}

#define SCRATCH_TEST(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

#endif
