// SPDX-License-Identifier: Apache-2.0
#include "runtime/core/metrics.h"

#include "runtime/base/file.h"
#include "runtime/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sc_metrics {
    struct simclr_diag *diag;
    char *path;
    int fd;
    struct sc_str line;
};

static const char step_key[] = "{\"step\":";

// The step of the row at `text`, 0 if there is none. Rows are our own: the step
// comes first.
static uint64_t row_step(const char *text, size_t n)
{
    const size_t key = sizeof step_key - 1;
    if (n <= key || memcmp(text, step_key, key) != 0) return 0;
    uint64_t step = 0;
    for (size_t i = key; i < n && text[i] >= '0' && text[i] <= '9'; i++)
        step = step * 10 + (uint64_t)(text[i] - '0');
    return step;
}

// Finds the end of row `last_step`; false if there is no such whole row.
static bool find_end(const struct sc_map *map, uint64_t last_step, size_t *end)
{
    *end = 0;
    if (last_step == 0) return true;
    const char *const text = (const char *)map->data;
    for (size_t at = 0; at < map->size;) {
        const char *const newline = memchr(text + at, '\n', map->size - at);
        if (!newline) return false;
        const size_t next = (size_t)(newline - text) + 1;
        if (row_step(text + at, next - at) == last_step) {
            *end = next;
            return true;
        }
        at = next;
    }
    return false;
}

// The lock belongs to the process and goes with it, even when it is killed.
static simclr_status lock(const struct sc_metrics *m)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(m->fd, F_SETLK, &all) == 0) return SIMCLR_OK;
    if (errno == EACCES || errno == EAGAIN)
        return sc_fail(m->diag, SIMCLR_USAGE, NULL, "'%s' is in use by another training",
                       m->path);
    return SIMCLR_OK; // a file system without locks
}

// Mapping and unmapping opens and closes the file, which would drop the lock of
// the process: this runs before it is taken.
static simclr_status measure(struct simclr_diag *diag, const char *path, uint64_t last_step,
                             size_t *end)
{
    *end = 0;
    if (last_step == 0) return SIMCLR_OK;
    struct sc_map map;
    SC_TRY(sc_map_open(diag, path, &map));
    const bool found = find_end(&map, last_step, end);
    sc_map_close(&map);
    if (found) return SIMCLR_OK;
    return sc_fail(diag, SIMCLR_BAD_INPUT, path,
                   "the row of step %" PRIu64 ", the checkpoint's, is missing", last_step);
}

static simclr_status prepare(struct sc_metrics *m, uint64_t last_step)
{
    size_t end;
    SC_TRY(measure(m->diag, m->path, last_step, &end));
    m->fd = open(m->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (m->fd < 0) return sc_fail_errno(m->diag, SIMCLR_IO, NULL, "cannot write '%s'", m->path);
    SC_TRY(lock(m));
    if (ftruncate(m->fd, (off_t)end) != 0)
        return sc_fail_errno(m->diag, SIMCLR_IO, NULL, "cannot shorten '%s'", m->path);
    return SIMCLR_OK;
}

simclr_status sc_metrics_open(struct simclr_diag *diag, const char *path, uint64_t last_step,
                              struct sc_metrics **out)
{
    struct sc_metrics *const m = calloc(1, sizeof *m);
    char *const copy = strdup(path);
    if (!m || !copy) {
        free(m);
        free(copy);
        return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory opening '%s'", path);
    }
    *m = (struct sc_metrics){.diag = diag, .path = copy, .fd = -1};
    const simclr_status status = prepare(m, last_step);
    if (status == SIMCLR_OK)
        *out = m;
    else
        sc_metrics_close(m);
    return status;
}

void sc_metrics_close(struct sc_metrics *m)
{
    if (!m) return;
    if (m->fd >= 0) (void)close(m->fd);
    sc_str_free(&m->line);
    free(m->path);
    free(m);
}

static void print_row(struct sc_str *s, const struct sc_metrics_row *row)
{
    sc_str_printf(s, "%s%" PRIu64 ",\"epoch\":%" PRIu64, step_key, row->step, row->epoch);
    sc_str_printf(s, ",\"loss\":%.9g,\"lr\":%.9g", (double)row->loss, (double)row->lr);
    if (row->has_contrastive)
        sc_str_printf(s, ",\"accuracy\":%.9g,\"entropy\":%.9g", (double)row->accuracy,
                      (double)row->entropy);
    sc_str_printf(s, ",\"images_per_s\":%.1f}\n", row->images_per_s);
}

simclr_status sc_metrics_append(struct sc_metrics *m, const struct sc_metrics_row *row)
{
    sc_str_clear(&m->line);
    print_row(&m->line, row);
    const char *text = sc_str_text(&m->line);
    for (size_t n = m->line.size; n > 0;) {
        const ssize_t written = write(m->fd, text, n);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0)
            return sc_fail_errno(m->diag, SIMCLR_IO, NULL, "cannot write '%s'", m->path);
        text += written;
        n -= (size_t)written;
    }
    return SIMCLR_OK;
}

simclr_status sc_metrics_sync(struct sc_metrics *m)
{
    if (fsync(m->fd) == 0 || errno == EINVAL) return SIMCLR_OK;
    return sc_fail_errno(m->diag, SIMCLR_IO, NULL, "cannot write '%s'", m->path);
}
