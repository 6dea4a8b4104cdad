// SPDX-License-Identifier: Apache-2.0
//
// What a data set is once it is open, and the kinds that fill it.
#ifndef SC_DATA_DATASET_H
#define SC_DATA_DATASET_H

#include "runtime/base/diag.h"
#include "runtime/data/names.h"

#include <simclr/data.h>

// Images [first, first of the next source) come from `name`, a name in `origin`.
struct sc_source {
    int64_t first;
};

struct simclr_dataset {
    int64_t n_images;
    struct sc_names class_name; // empty: unlabelled
    int32_t *label;             // NULL: unlabelled
    // All images have size h x w, or `size` says which has which.
    int64_t h, w;
    int32_t (*size)[2];
    // Pixels in memory, image after image, `offset` telling where if sizes differ;
    // or NULL: image i is decoded from the file origin[i].
    uint8_t *pixels;
    size_t *offset;
    size_t n_pixel_bytes;
    // Where images come from: a path per image, or, if there are sources, one name
    // per source. The first n_root bytes are not shown.
    struct sc_names origin;
    size_t n_root;
    int64_t n_sources;
    struct sc_source *source;
};

// True if `split` asks for the test images where there are two parts.
static inline bool sc_split_is_test(enum simclr_split split)
{
    return split == SIMCLR_SPLIT_TEST || split == SIMCLR_SPLIT_MEASURE;
}

// Each fills a zeroed data set; on failure the caller frees what there is.
SC_MUST_USE simclr_status sc_cifar_open(struct simclr_diag *diag, const char *dir,
                                        enum simclr_split split, struct simclr_dataset *out);
SC_MUST_USE simclr_status sc_folder_open(struct simclr_diag *diag, const char *dir,
                                         enum simclr_split split, int n_threads,
                                         struct simclr_dataset *out);
// `text` is what follows "synthetic:".
SC_MUST_USE simclr_status sc_synthetic_open(struct simclr_diag *diag, const char *text,
                                            enum simclr_split split, int n_threads,
                                            struct simclr_dataset *out);

// True if `dir` holds CIFAR-10's binary files.
bool sc_cifar_is_here(const char *dir);

SC_MUST_USE simclr_status sc_dataset_no_memory(struct simclr_diag *diag, const char *spec);

#endif
