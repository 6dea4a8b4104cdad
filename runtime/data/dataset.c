// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/dataset.h"

#include "runtime/data/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The text behind "kind:", or NULL if `spec` does not begin so.
static const char *after_kind(const char *spec, const char *kind)
{
    const size_t n = strlen(kind);
    return strncmp(spec, kind, n) == 0 && spec[n] == ':' ? spec + n + 1 : NULL;
}

static simclr_status fail_unknown(struct simclr_diag *diag, const char *spec)
{
    const char *const colon = strchr(spec, ':');
    if (colon && !memchr(spec, '/', (size_t)(colon - spec)))
        return sc_fail(diag, SIMCLR_USAGE, NULL,
                       "data '%s' is of kind '%.*s', expected cifar10, folder or synthetic",
                       spec, (int)(colon - spec), spec);
    if (sc_path_exists(spec))
        return sc_fail(diag, SIMCLR_IO, NULL, "data '%s' is a file, expected a folder", spec);
    return sc_fail(diag, SIMCLR_IO, NULL, "no such folder: '%s'", spec);
}

static simclr_status open_kind(struct simclr_diag *diag, const char *spec,
                               enum simclr_split split, int n_threads,
                               struct simclr_dataset *out)
{
    const char *rest;
    if ((rest = after_kind(spec, "synthetic")))
        return sc_synthetic_open(diag, rest, split, n_threads, out);
    if (strcmp(spec, "synthetic") == 0)
        return sc_synthetic_open(diag, "", split, n_threads, out);
    if ((rest = after_kind(spec, "cifar10")))
        return sc_path_is_dir(rest) ? sc_cifar_open(diag, rest, split, out)
                                    : fail_unknown(diag, rest);
    if ((rest = after_kind(spec, "folder")))
        return sc_path_is_dir(rest) ? sc_folder_open(diag, rest, split, n_threads, out)
                                    : fail_unknown(diag, rest);
    if (!sc_path_is_dir(spec)) return fail_unknown(diag, spec);
    if (sc_cifar_is_here(spec)) return sc_cifar_open(diag, spec, split, out);
    return sc_folder_open(diag, spec, split, n_threads, out);
}

simclr_status simclr_dataset_open(struct simclr_diag *diag, const char *spec,
                                  enum simclr_split split, int n_threads,
                                  struct simclr_dataset **out)
{
    struct simclr_dataset *const ds = calloc(1, sizeof *ds);
    if (!ds) return sc_dataset_no_memory(diag, spec);
    simclr_status status = open_kind(diag, spec, split, n_threads, ds);
    // A view's random stream has 32 bits for the image.
    if (status == SIMCLR_OK && ds->n_images > (int64_t)UINT32_MAX)
        status = sc_fail(diag, SIMCLR_UNSUPPORTED, NULL,
                         "data '%s' has %" PRId64 " images, expected at most %" PRIu32, spec,
                         ds->n_images, UINT32_MAX);
    if (status != SIMCLR_OK)
        simclr_dataset_free(ds);
    else
        *out = ds;
    return status;
}

void simclr_dataset_free(struct simclr_dataset *dataset)
{
    if (!dataset) return;
    sc_names_deinit(&dataset->class_name);
    sc_names_deinit(&dataset->origin);
    free(dataset->label);
    free(dataset->size);
    free(dataset->pixels);
    free(dataset->offset);
    free(dataset->source);
    free(dataset);
}

simclr_status sc_dataset_no_memory(struct simclr_diag *diag, const char *spec)
{
    return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory for data '%s'", spec);
}

int64_t simclr_dataset_n_images(const struct simclr_dataset *dataset)
{
    return dataset->n_images;
}

int64_t simclr_dataset_n_classes(const struct simclr_dataset *dataset)
{
    return (int64_t)dataset->class_name.n;
}

const char *simclr_dataset_class_name(const struct simclr_dataset *dataset, int64_t label)
{
    return sc_names_get(&dataset->class_name, (size_t)label);
}

int64_t simclr_dataset_label(const struct simclr_dataset *dataset, int64_t i)
{
    return dataset->label ? dataset->label[i] : -1;
}

void simclr_dataset_origin(const struct simclr_dataset *dataset, int64_t i, char *text,
                           size_t size)
{
    if (!dataset->source) {
        const char *const path = sc_names_get(&dataset->origin, (size_t)i);
        (void)snprintf(text, size, "%s", path + dataset->n_root);
        return;
    }
    int64_t k = dataset->n_sources - 1;
    while (dataset->source[k].first > i)
        k--;
    (void)snprintf(text, size, "%s #%" PRId64,
                   sc_names_get(&dataset->origin, (size_t)k) + dataset->n_root,
                   i - dataset->source[k].first);
}

void simclr_dataset_image_size(const struct simclr_dataset *dataset, int64_t i, int64_t *h,
                               int64_t *w)
{
    *h = dataset->size ? dataset->size[i][0] : dataset->h;
    *w = dataset->size ? dataset->size[i][1] : dataset->w;
}

bool simclr_dataset_common_size(const struct simclr_dataset *dataset, int64_t *h, int64_t *w)
{
    if (dataset->size) return false;
    *h = dataset->h;
    *w = dataset->w;
    return true;
}

size_t simclr_dataset_bytes(const struct simclr_dataset *dataset)
{
    const size_t n = (size_t)dataset->n_images;
    return sizeof *dataset + dataset->n_pixel_bytes +
           (dataset->label ? n * sizeof *dataset->label : 0) +
           (dataset->size ? n * sizeof *dataset->size : 0) +
           (dataset->offset ? n * sizeof *dataset->offset : 0) + dataset->origin.text_capacity +
           dataset->origin.capacity * sizeof *dataset->origin.start;
}

simclr_status simclr_dataset_fetch(const struct simclr_dataset *dataset,
                                   struct simclr_diag *diag, int64_t i,
                                   struct simclr_image_buffer *buffer, struct simclr_image *out)
{
    if (!dataset->pixels)
        return sc_image_read(diag, sc_names_get(&dataset->origin, (size_t)i), buffer, out);
    simclr_dataset_image_size(dataset, i, &out->h, &out->w);
    const size_t offset = dataset->offset ? dataset->offset[i]
                                          : (size_t)i * (size_t)(3 * dataset->h * dataset->w);
    out->pixels = dataset->pixels + offset;
    return SIMCLR_OK;
}
