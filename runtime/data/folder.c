// SPDX-License-Identifier: Apache-2.0
//
// Folders of JPEG and PNG files. First the paths, in the order of their names;
// then all sizes, from the headers; then, if it fits, all pixels. Reading happens
// in parallel and silently; afterwards each file that failed is read once more, in
// order, to say what is wrong with it.
#include "runtime/data/dataset.h"

#include "runtime/base/checked.h"
#include "runtime/base/file.h"
#include "runtime/base/thread.h"
#include "runtime/data/image.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// Images are decoded when the set is opened if they need no more than this.
static const size_t max_resident_bytes = (size_t)1 << 30;

enum { MAX_DEPTH = 16, HOLD_OUT = 5 };

static simclr_status no_memory(struct simclr_diag *diag, const char *dir)
{
    return sc_dataset_no_memory(diag, dir);
}

// ------------------------------------------------------------------- paths

// The paths of the visible entries of `dir`, sorted: folders, or files that look
// like images.
static simclr_status list_entries(struct simclr_diag *diag, const char *dir, bool wants_dirs,
                                  struct sc_names *out)
{
    DIR *const d = opendir(dir);
    if (!d) return sc_fail_errno(diag, SIMCLR_IO, NULL, "cannot open folder '%s'", dir);
    simclr_status status = SIMCLR_OK;
    for (const struct dirent *e; status == SIMCLR_OK && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        if (!sc_names_add_path(out, dir, e->d_name)) {
            status = no_memory(diag, dir);
            break;
        }
        const char *const path = sc_names_get(out, out->n - 1);
        const bool is_dir = sc_path_is_dir(path);
        const bool is_wanted = wants_dirs ? is_dir : !is_dir && sc_image_has_known_name(path);
        if (!is_wanted) out->n--;
    }
    (void)closedir(d);
    sc_names_sort(out);
    return status;
}

static const char *last_part(const char *path)
{
    const char *const slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// Adds the images of `dir` and of the folders in it.
static simclr_status add_images(struct simclr_diag *diag, const char *dir, int depth,
                                struct sc_names *out)
{
    struct sc_names entry = {0};
    simclr_status status = list_entries(diag, dir, false, &entry);
    for (size_t i = 0; status == SIMCLR_OK && i < entry.n; i++) {
        if (!sc_names_add(out, sc_names_get(&entry, i))) status = no_memory(diag, dir);
    }
    sc_names_deinit(&entry);
    if (status == SIMCLR_OK && depth < MAX_DEPTH)
        status = list_entries(diag, dir, true, &entry);
    for (size_t i = 0; status == SIMCLR_OK && i < entry.n; i++)
        status = add_images(diag, sc_names_get(&entry, i), depth + 1, out);
    sc_names_deinit(&entry);
    return status;
}

// True if image number `i` of a class belongs to the part that `split` asks for.
static bool is_in_part(size_t i, enum simclr_split split)
{
    if (split == SIMCLR_SPLIT_PRETRAIN || split == SIMCLR_SPLIT_MEASURE) return true;
    const bool is_held_out = i % HOLD_OUT == HOLD_OUT - 1;
    return is_held_out == (split == SIMCLR_SPLIT_TEST);
}

// What is in a class folder, or in a folder without classes.
struct part {
    struct simclr_diag *diag;
    const char *root;
    enum simclr_split split; // PRETRAIN: nothing is held out
    size_t n_labels;         // room in label
};

static bool push_label(struct part *part, struct simclr_dataset *ds, int32_t label)
{
    const size_t n = ds->origin.n;
    if (n > part->n_labels) {
        const size_t grown = 2 * n + 64;
        int32_t *const p = realloc(ds->label, grown * sizeof *p);
        if (!p) return false;
        ds->label = p;
        part->n_labels = grown;
    }
    ds->label[n - 1] = label;
    return true;
}

static simclr_status add_class(struct part *part, const char *dir, int32_t label,
                               struct simclr_dataset *ds)
{
    struct sc_names image = {0};
    simclr_status status = add_images(part->diag, dir, 0, &image);
    if (status == SIMCLR_OK && image.n == 0)
        status = sc_fail(part->diag, SIMCLR_BAD_INPUT, dir,
                         "no .jpg, .jpeg or .png file here, expected the images of a class");
    for (size_t i = 0; status == SIMCLR_OK && i < image.n; i++) {
        if (!is_in_part(i, part->split)) continue;
        if (!sc_names_add(&ds->origin, sc_names_get(&image, i)) ||
            (label >= 0 && !push_label(part, ds, label)))
            status = no_memory(part->diag, dir);
    }
    sc_names_deinit(&image);
    return status;
}

static simclr_status add_classes(struct part *part, const struct sc_names *dirs,
                                 struct simclr_dataset *ds)
{
    simclr_status first_failure = SIMCLR_OK;
    for (size_t i = 0; i < dirs->n; i++) {
        const char *const dir = sc_names_get(dirs, i);
        if (!sc_names_add(&ds->class_name, last_part(dir)))
            return no_memory(part->diag, part->root);
        const simclr_status status = add_class(part, dir, (int32_t)i, ds);
        if (first_failure == SIMCLR_OK) first_failure = status;
    }
    return first_failure;
}

static simclr_status find_images(struct part *part, struct simclr_dataset *ds)
{
    struct sc_names dirs = {0};
    simclr_status status = list_entries(part->diag, part->root, true, &dirs);
    if (status == SIMCLR_OK)
        status =
            dirs.n > 0 ? add_classes(part, &dirs, ds) : add_class(part, part->root, -1, ds);
    sc_names_deinit(&dirs);
    ds->n_images = (int64_t)ds->origin.n;
    if (status == SIMCLR_OK && ds->n_images == 0)
        status = sc_fail(part->diag, SIMCLR_BAD_INPUT, part->root,
                         "no image is left for the test set, expected at least %d per class",
                         (int)HOLD_OUT);
    return status;
}

// ------------------------------------------------------------------ pixels

// What the tasks share; each looks after its own image.
struct work {
    struct simclr_dataset *ds;
    bool *is_bad;
    struct simclr_image_buffer *buffer; // one per thread
};

static void ignore_message(void *user, enum simclr_severity severity, const char *line)
{
    (void)user;
    (void)severity;
    (void)line;
}

static void probe_task(void *ctx, int64_t i, int thread)
{
    const struct work *const work = ctx;
    struct simclr_dataset *const ds = work->ds;
    struct simclr_diag silent = {.sink = ignore_message};
    int64_t h = 0, w = 0;
    (void)thread;
    work->is_bad[i] =
        sc_image_probe(&silent, sc_names_get(&ds->origin, (size_t)i), &h, &w) != SIMCLR_OK;
    ds->size[i][0] = (int32_t)h;
    ds->size[i][1] = (int32_t)w;
}

static void decode_task(void *ctx, int64_t i, int thread)
{
    const struct work *const work = ctx;
    struct simclr_dataset *const ds = work->ds;
    struct simclr_diag silent = {.sink = ignore_message};
    struct simclr_image image;
    const simclr_status status = sc_image_read(&silent, sc_names_get(&ds->origin, (size_t)i),
                                               &work->buffer[thread], &image);
    work->is_bad[i] =
        status != SIMCLR_OK || image.h != ds->size[i][0] || image.w != ds->size[i][1];
    if (!work->is_bad[i])
        memcpy(ds->pixels + ds->offset[i], image.pixels, (size_t)(3 * image.h * image.w));
}

// Reads every bad file again, for its message. Memory that was short is not now a
// fault of the file, and a file that changes under our eyes is.
static simclr_status report_bad(struct simclr_diag *diag, const struct work *work)
{
    simclr_status first_failure = SIMCLR_OK;
    struct simclr_image_buffer buffer = {0};
    for (int64_t i = 0; i < work->ds->n_images; i++) {
        if (!work->is_bad[i]) continue;
        const char *const path = sc_names_get(&work->ds->origin, (size_t)i);
        struct simclr_image image;
        simclr_status status = sc_image_read(diag, path, &buffer, &image);
        if (status == SIMCLR_OK)
            status = sc_fail(diag, SIMCLR_IO, path, "the file changed while it was read");
        if (first_failure == SIMCLR_OK) first_failure = status;
    }
    simclr_image_buffer_deinit(&buffer);
    return first_failure;
}

// Places the images one after the other; false if that takes too much memory.
static bool place_images(struct simclr_dataset *ds)
{
    size_t total = 0;
    for (int64_t i = 0; i < ds->n_images; i++) {
        ds->offset[i] = total;
        total += 3 * (size_t)ds->size[i][0] * (size_t)ds->size[i][1];
        if (total > max_resident_bytes) return false;
    }
    ds->n_pixel_bytes = total;
    return true;
}

// One size instead of a table, if all images have it.
static void unify_sizes(struct simclr_dataset *ds)
{
    const int32_t h = ds->size[0][0], w = ds->size[0][1];
    for (int64_t i = 1; i < ds->n_images; i++) {
        if (ds->size[i][0] != h || ds->size[i][1] != w) return;
    }
    ds->h = h;
    ds->w = w;
    free(ds->size);
    free(ds->offset);
    ds->size = NULL;
    ds->offset = NULL;
}

static simclr_status read_images(struct simclr_diag *diag, const char *dir,
                                 struct sc_pool *pool, struct work *work)
{
    struct simclr_dataset *const ds = work->ds;
    sc_pool_run(pool, ds->n_images, probe_task, work);
    SC_TRY(report_bad(diag, work));
    if (place_images(ds)) {
        ds->pixels = malloc(ds->n_pixel_bytes);
        if (!ds->pixels) return no_memory(diag, dir);
        sc_pool_run(pool, ds->n_images, decode_task, work);
        SC_TRY(report_bad(diag, work));
    } else {
        free(ds->offset);
        ds->offset = NULL;
    }
    unify_sizes(ds);
    return SIMCLR_OK;
}

static simclr_status read_all(struct simclr_diag *diag, const char *dir, int n_threads,
                              struct simclr_dataset *ds)
{
    struct sc_pool *pool;
    SC_TRY(sc_pool_new(diag, n_threads, &pool));
    const int n_buffers = sc_pool_n_threads(pool);
    const size_t n = (size_t)ds->n_images;
    struct work work = {.ds = ds,
                        .is_bad = calloc(n, sizeof *work.is_bad),
                        .buffer = calloc((size_t)n_buffers, sizeof *work.buffer)};
    ds->size = calloc(n, sizeof *ds->size);
    ds->offset = calloc(n, sizeof *ds->offset);
    simclr_status status;
    if (work.is_bad && work.buffer && ds->size && ds->offset)
        status = read_images(diag, dir, pool, &work);
    else
        status = no_memory(diag, dir);
    for (int i = 0; work.buffer && i < n_buffers; i++)
        simclr_image_buffer_deinit(&work.buffer[i]);
    free(work.buffer);
    free(work.is_bad);
    sc_pool_free(pool);
    return status;
}

// ------------------------------------------------------------------ opening

// The folder of `split` in `dir` if there are folders for splits; else NULL. False
// if memory is exhausted. The answer is a name in `list`.
static bool find_split(const char *dir, enum simclr_split split, struct sc_names *list,
                       const char **out)
{
    static const char *const names[] = {"train", "test", "val", "valid", "validation"};
    enum { N = sizeof names / sizeof *names };
    size_t found = 0; // the first folder of a test set; 0 is the training set
    for (size_t i = 0; i < N; i++) {
        if (!sc_names_add_path(list, dir, names[i])) return false;
    }
    for (size_t i = 1; i < N && found == 0; i++)
        found = sc_path_is_dir(sc_names_get(list, i)) ? i : 0;
    if (found > 0 && sc_path_is_dir(sc_names_get(list, 0)))
        *out = sc_names_get(list, sc_split_is_test(split) ? found : 0);
    return true;
}

simclr_status sc_folder_open(struct simclr_diag *diag, const char *dir, enum simclr_split split,
                             int n_threads, struct simclr_dataset *out)
{
    struct sc_names list = {0};
    const char *inner = NULL;
    simclr_status status =
        find_split(dir, split, &list, &inner) ? SIMCLR_OK : no_memory(diag, dir);
    struct part part = {.diag = diag,
                        .root = inner ? inner : dir,
                        .split = inner ? SIMCLR_SPLIT_PRETRAIN : split};
    if (status == SIMCLR_OK) status = find_images(&part, out);
    sc_names_deinit(&list);
    if (status != SIMCLR_OK) return status;
    if (!inner && split == SIMCLR_SPLIT_TEST)
        sc_report(diag, SIMCLR_NOTE, dir,
                  "no folders train and test: every fifth image of each class is the test set");
    out->n_root = strlen(dir) + (dir[strlen(dir) - 1] != '/');
    return read_all(diag, dir, n_threads, out);
}
