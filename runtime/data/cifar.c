// SPDX-License-Identifier: Apache-2.0
//
// CIFAR-10, binary version (A. Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html):
// records of 3,073 bytes, a label and three planes of 32 x 32, without any header.
// The number of records is the file's size divided by that; subsets have fewer than
// the usual 10,000.
#include "runtime/data/dataset.h"

#include "runtime/base/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, RECORD = 1 + 3 * PLANE, N_CLASSES = 10, N_BATCHES = 5 };

static const char *const class_names[N_CLASSES] = {
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

// The archive's own folder, when the user names the one it was unpacked in.
static const char archive_folder[] = "cifar-10-batches-bin";

// These three return false if memory is exhausted; that no file is there is no error.
static bool add_if_there(const char *dir, const char *name, struct sc_names *list)
{
    if (!sc_names_add_path(list, dir, name)) return false;
    if (!sc_path_exists(sc_names_get(list, list->n - 1))) list->n--;
    return true;
}

static bool list_training_files(const char *dir, struct sc_names *list)
{
    for (int i = 1; i <= N_BATCHES; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "data_batch_%d.bin", i);
        if (!add_if_there(dir, name, list)) return false;
    }
    return list->n > 0 || add_if_there(dir, "train.bin", list);
}

static bool list_files(const char *dir, enum simclr_split split, struct sc_names *list)
{
    if (!sc_split_is_test(split)) return list_training_files(dir, list);
    return add_if_there(dir, "test_batch.bin", list) &&
           (list->n > 0 || add_if_there(dir, "test.bin", list));
}

bool sc_cifar_is_here(const char *dir)
{
    struct sc_names list = {0};
    (void)list_files(dir, SIMCLR_SPLIT_TRAIN, &list);
    (void)list_files(dir, SIMCLR_SPLIT_TEST, &list);
    const bool found = list.n > 0;
    sc_names_deinit(&list);
    return found;
}

// Planes to pixels.
static void convert(const uint8_t *record, uint8_t *pixels)
{
    for (size_t i = 0; i < PLANE; i++) {
        for (size_t c = 0; c < 3; c++)
            pixels[3 * i + c] = record[1 + c * PLANE + i];
    }
}

static simclr_status convert_file(struct simclr_diag *diag, const char *path,
                                  const struct sc_map *file, struct simclr_dataset *out)
{
    const int64_t n = (int64_t)(file->size / RECORD);
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *const record = file->data + i * RECORD;
        if (record[0] >= N_CLASSES)
            return sc_fail(diag, SIMCLR_BAD_INPUT, path,
                           "record %" PRId64 " has label %u, expected 0 to 9", i,
                           (unsigned)record[0]);
        out->label[out->n_images] = record[0];
        convert(record, out->pixels + out->n_images * 3 * PLANE);
        out->n_images++;
    }
    return SIMCLR_OK;
}

static simclr_status check_size(struct simclr_diag *diag, const char *path, size_t size)
{
    if (size > 0 && size % RECORD == 0) return SIMCLR_OK;
    return sc_fail(diag, SIMCLR_BAD_INPUT, path,
                   "%zu bytes, expected a multiple of %d, the size of a CIFAR-10 record", size,
                   (int)RECORD);
}

static simclr_status convert_files(struct simclr_diag *diag, const struct sc_names *path,
                                   struct sc_map *file, struct simclr_dataset *out)
{
    size_t n_records = 0;
    for (size_t i = 0; i < path->n; i++) {
        SC_TRY(sc_map_open(diag, sc_names_get(path, i), &file[i]));
        SC_TRY(check_size(diag, sc_names_get(path, i), file[i].size));
        n_records += file[i].size / RECORD;
    }
    out->h = out->w = SIDE;
    out->n_pixel_bytes = n_records * 3 * PLANE;
    out->pixels = malloc(out->n_pixel_bytes);
    out->label = malloc(n_records * sizeof *out->label);
    out->source = calloc(path->n, sizeof *out->source);
    if (!out->pixels || !out->label || !out->source)
        return sc_dataset_no_memory(diag, sc_names_get(path, 0));
    for (size_t i = 0; i < path->n; i++) {
        out->source[i].first = out->n_images;
        out->n_sources++;
        SC_TRY(convert_file(diag, sc_names_get(path, i), &file[i], out));
    }
    return SIMCLR_OK;
}

static simclr_status open_here(struct simclr_diag *diag, const char *dir,
                               enum simclr_split split, struct simclr_dataset *out)
{
    for (size_t i = 0; i < N_CLASSES; i++) {
        if (!sc_names_add(&out->class_name, class_names[i]))
            return sc_dataset_no_memory(diag, dir);
    }
    if (!list_files(dir, split, &out->origin)) return sc_dataset_no_memory(diag, dir);
    if (out->origin.n == 0)
        return sc_fail(diag, SIMCLR_BAD_INPUT, dir, "no %s here, expected CIFAR-10's %s files",
                       sc_split_is_test(split) ? "test_batch.bin" : "data_batch_*.bin",
                       sc_split_is_test(split) ? "test" : "training");
    out->n_root = strlen(dir) + (dir[strlen(dir) - 1] != '/');
    struct sc_map file[N_BATCHES] = {{0}};
    const simclr_status status = convert_files(diag, &out->origin, file, out);
    for (size_t i = 0; i < N_BATCHES; i++)
        sc_map_close(&file[i]);
    return status;
}

simclr_status sc_cifar_open(struct simclr_diag *diag, const char *dir, enum simclr_split split,
                            struct simclr_dataset *out)
{
    if (sc_cifar_is_here(dir)) return open_here(diag, dir, split, out);
    struct sc_names inner = {0};
    if (!sc_names_add_path(&inner, dir, archive_folder)) return sc_dataset_no_memory(diag, dir);
    const char *const path = sc_names_get(&inner, 0);
    const simclr_status status =
        open_here(diag, sc_cifar_is_here(path) ? path : dir, split, out);
    sc_names_deinit(&inner);
    return status;
}
