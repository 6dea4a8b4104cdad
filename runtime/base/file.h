// SPDX-License-Identifier: Apache-2.0
//
// Files: read by mapping, written whole or not at all.
#ifndef SC_BASE_FILE_H
#define SC_BASE_FILE_H

#include "runtime/base/diag.h"

// A file mapped read-only. An empty file has data == NULL and size == 0.
struct sc_map {
    const uint8_t *data;
    size_t size;
};

// Maps `path`. Reports and returns IO if it cannot be opened or is no regular file.
SC_MUST_USE simclr_status sc_map_open(struct simclr_diag *diag, const char *path,
                                      struct sc_map *out);
void sc_map_close(struct sc_map *map);

// Writing: everything goes to a temporary file beside `path`, which sc_writer_commit
// syncs and renames over `path`. sc_writer_abort, or a process that dies, leaves
// `path` as it was. The first failed write is reported; later ones are not.
struct sc_writer;
SC_MUST_USE simclr_status sc_writer_open(struct simclr_diag *diag, const char *path,
                                         struct sc_writer **out);
void sc_writer_put(struct sc_writer *w, const void *data, size_t n);
uint64_t sc_writer_offset(const struct sc_writer *w);
// Pads with zeros to a multiple of `alignment`.
void sc_writer_align(struct sc_writer *w, size_t alignment);
// Frees `w` in either case; IO if any write, the sync or the rename failed.
SC_MUST_USE simclr_status sc_writer_commit(struct sc_writer *w);
void sc_writer_abort(struct sc_writer *w);

// Creates a directory and its missing parents; fine if it is there already.
SC_MUST_USE simclr_status sc_make_dirs(struct simclr_diag *diag, const char *path);
// Flushes a directory's entries to the disk.
SC_MUST_USE simclr_status sc_sync_dir(struct simclr_diag *diag, const char *path);
// Removes a directory and what is in it; what is missing is no error.
void sc_remove_tree(const char *path);
bool sc_path_exists(const char *path);
bool sc_path_is_dir(const char *path);

#endif
