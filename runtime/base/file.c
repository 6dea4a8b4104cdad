// SPDX-License-Identifier: Apache-2.0
#define _XOPEN_SOURCE 700 // realpath
#include "runtime/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

simclr_status sc_map_open(struct simclr_diag *diag, const char *path, struct sc_map *out)
{
    *out = (struct sc_map){0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO must not block us
    if (fd < 0) return sc_fail_errno(diag, SIMCLR_IO, NULL, "cannot open '%s'", path);
    struct stat st;
    simclr_status status = SIMCLR_OK;
    if (fstat(fd, &st) != 0) {
        status = sc_fail_errno(diag, SIMCLR_IO, NULL, "cannot read '%s'", path);
    } else if (!S_ISREG(st.st_mode)) {
        status = sc_fail(diag, SIMCLR_IO, NULL, "cannot read '%s': %s, expected a file", path,
                         S_ISDIR(st.st_mode) ? "it is a folder" : "it is no regular file");
    } else if (st.st_size > 0) {
        void *const data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            status = sc_fail_errno(diag, SIMCLR_IO, NULL, "cannot map '%s'", path);
        else
            *out = (struct sc_map){.data = data, .size = (size_t)st.st_size};
    }
    (void)close(fd);
    return status;
}

void sc_map_close(struct sc_map *map)
{
    if (map->data) (void)munmap((void *)(uintptr_t)map->data, map->size);
    *map = (struct sc_map){0};
}

enum { BUFFER_SIZE = 256 * 1024 };

struct sc_writer {
    struct simclr_diag *diag;
    char *path;      // what the user wrote, for messages
    char *target;    // the same with symbolic links followed
    char *temporary; // NULL: `target` is a device or pipe and is written directly
    int fd;
    uint64_t offset;
    simclr_status status; // of the first failure
    size_t n_buffered;
    uint8_t buffer[BUFFER_SIZE];
};

static char *with_suffix(const char *path, int attempt)
{
    const size_t size = strlen(path) + 48;
    char *const name = malloc(size);
    if (name) (void)snprintf(name, size, "%s.tmp-%ld-%d", path, (long)getpid(), attempt);
    return name;
}

// Opens a new file beside the target, under a name that nobody has.
static int open_temporary(struct sc_writer *w)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        free(w->temporary);
        w->temporary = with_suffix(w->target, attempt);
        if (!w->temporary) return -1;
        const int fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

static void writer_free(struct sc_writer *w)
{
    free(w->path);
    free(w->target);
    free(w->temporary);
    free(w);
}

static simclr_status open_target(struct sc_writer *w)
{
    struct stat st;
    const bool exists = stat(w->target, &st) == 0;
    if (exists && S_ISDIR(st.st_mode))
        return sc_fail(w->diag, SIMCLR_IO, NULL, "cannot write '%s': it is a folder", w->path);
    if (exists && !S_ISREG(st.st_mode))
        w->fd = open(w->target, O_WRONLY | O_CLOEXEC);
    else
        w->fd = open_temporary(w);
    if (w->fd < 0) {
        free(w->temporary);
        w->temporary = NULL;
        return sc_fail_errno(w->diag, SIMCLR_IO, NULL, "cannot write '%s'", w->path);
    }
    return SIMCLR_OK;
}

simclr_status sc_writer_open(struct simclr_diag *diag, const char *path, struct sc_writer **out)
{
    struct sc_writer *const w = malloc(sizeof *w);
    if (!w) return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory writing '%s'", path);
    w->diag = diag;
    w->path = strdup(path);
    w->target = realpath(path, NULL); // NULL if there is no such file yet
    if (!w->target) w->target = strdup(path);
    w->temporary = NULL;
    w->fd = -1;
    w->offset = 0;
    w->status = SIMCLR_OK;
    w->n_buffered = 0;
    simclr_status status;
    if (!w->path || !w->target)
        status = sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory writing '%s'", path);
    else
        status = open_target(w);
    if (status != SIMCLR_OK)
        writer_free(w);
    else
        *out = w;
    return status;
}

static void fail_write(struct sc_writer *w)
{
    w->status = sc_fail_errno(w->diag, SIMCLR_IO, NULL, "cannot write '%s'", w->path);
}

static void write_all(struct sc_writer *w, const uint8_t *data, size_t n)
{
    while (n > 0 && w->status == SIMCLR_OK) {
        const ssize_t written = write(w->fd, data, n);
        if (written >= 0) {
            data += written;
            n -= (size_t)written;
        } else if (errno != EINTR) {
            fail_write(w);
        }
    }
}

static void flush(struct sc_writer *w)
{
    write_all(w, w->buffer, w->n_buffered);
    w->n_buffered = 0;
}

void sc_writer_put(struct sc_writer *w, const void *data, size_t n)
{
    w->offset += n;
    if (n > BUFFER_SIZE - w->n_buffered) flush(w);
    if (n >= BUFFER_SIZE) {
        write_all(w, data, n);
    } else if (n > 0) {
        memcpy(w->buffer + w->n_buffered, data, n);
        w->n_buffered += n;
    }
}

uint64_t sc_writer_offset(const struct sc_writer *w)
{
    return w->offset;
}

void sc_writer_align(struct sc_writer *w, size_t alignment)
{
    static const uint8_t zeros[64];
    size_t n = (size_t)(w->offset % alignment);
    n = n == 0 ? 0 : alignment - n;
    while (n > 0) {
        const size_t part = n < sizeof zeros ? n : sizeof zeros;
        sc_writer_put(w, zeros, part);
        n -= part;
    }
}

static simclr_status sync_parent(struct simclr_diag *diag, const char *path)
{
    const char *const slash = strrchr(path, '/');
    if (!slash) return sc_sync_dir(diag, ".");
    if (slash == path) return sc_sync_dir(diag, "/");
    char *const parent = strndup(path, (size_t)(slash - path));
    if (!parent)
        return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory writing '%s'", path);
    const simclr_status status = sc_sync_dir(diag, parent);
    free(parent);
    return status;
}

simclr_status sc_writer_commit(struct sc_writer *w)
{
    flush(w);
    if (w->status == SIMCLR_OK && w->temporary && fsync(w->fd) != 0) fail_write(w);
    if (close(w->fd) != 0 && w->status == SIMCLR_OK) fail_write(w);
    bool is_renamed = false;
    if (w->status == SIMCLR_OK && w->temporary) {
        is_renamed = rename(w->temporary, w->target) == 0;
        if (is_renamed)
            w->status = sync_parent(w->diag, w->target);
        else
            fail_write(w);
    }
    if (w->temporary && !is_renamed) (void)unlink(w->temporary);
    const simclr_status status = w->status;
    writer_free(w);
    return status;
}

void sc_writer_abort(struct sc_writer *w)
{
    if (!w) return;
    (void)close(w->fd);
    if (w->temporary) (void)unlink(w->temporary);
    writer_free(w);
}

simclr_status sc_make_dirs(struct simclr_diag *diag, const char *path)
{
    char *const part = strdup(path);
    if (!part)
        return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory creating '%s'", path);
    simclr_status status = SIMCLR_OK;
    for (char *p = part + 1; status == SIMCLR_OK && part[0] != '\0'; p++) {
        const char c = *p;
        if (c != '/' && c != '\0') continue;
        *p = '\0';
        if (mkdir(part, 0777) != 0 && !(errno == EEXIST && sc_path_is_dir(part)))
            status = sc_fail_errno(diag, SIMCLR_IO, NULL, "cannot create folder '%s'", part);
        *p = c;
        if (c == '\0') break;
    }
    free(part);
    return status;
}

simclr_status sc_sync_dir(struct simclr_diag *diag, const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return sc_fail_errno(diag, SIMCLR_IO, NULL, "cannot open folder '%s'", path);
    // Some network file systems cannot sync a folder and say EINVAL.
    simclr_status status = SIMCLR_OK;
    if (fsync(fd) != 0 && errno != EINVAL)
        status = sc_fail_errno(diag, SIMCLR_IO, NULL, "cannot sync folder '%s'", path);
    (void)close(fd);
    return status;
}

// Symbolic links are removed, not followed.
static void remove_entry(int parent, const char *name)
{
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (!S_ISDIR(st.st_mode)) {
        (void)unlinkat(parent, name, 0);
        return;
    }
    const int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *const dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0) (void)close(fd);
        return;
    }
    for (const struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove_entry(fd, e->d_name);
    }
    (void)closedir(dir);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

void sc_remove_tree(const char *path)
{
    remove_entry(AT_FDCWD, path);
}

bool sc_path_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool sc_path_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}
