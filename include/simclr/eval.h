// SPDX-License-Identifier: Apache-2.0
//
// What the encoder of a run has learnt: its features as files, and how well
// simple classifiers do on them, beside the same on raw pixels and on the encoder
// as it was before training.
#ifndef SIMCLR_EVAL_H
#define SIMCLR_EVAL_H

#include <simclr/types.h>

struct simclr_eval_options {
    const char *run;              // a run, or one checkpoint's folder
    const char *data;             // labelled; see simclr_dataset_open
    const char *test_data;        // NULL: the test images of `data`
    bool wants_knn, wants_linear; // at least one
    bool wants_h, wants_z;        // neither: h
    int64_t k;                    // neighbours; 0: 200
    double temperature;           // of their votes; 0: 0.1
    int64_t threads;              // 0: one per core
};

enum { SIMCLR_MAX_EVAL_ROWS = 5 };

struct simclr_eval_row {
    char features[64]; // "raw pixels", "untrained encoder, h", "trained encoder, h"
    int64_t dim;
    int64_t n_train;    // images fitted on: fewer for raw pixels of large sets
    double knn, linear; // share of test images classified rightly; -1: not asked for
};

struct simclr_eval_result {
    int64_t step; // of the checkpoint
    int64_t n_train, n_test, n_classes;
    double chance;        // 1 / n_classes
    double largest_class; // share of test images in their largest class
    int64_t k;
    int n_rows;
    struct simclr_eval_row row[SIMCLR_MAX_EVAL_ROWS];
};

// Calls `said` (may be NULL) with what is being done, one line each.
simclr_status simclr_eval(const struct simclr_eval_options *options,
                          void (*said)(void *user, const char *line), void *user,
                          struct simclr_diag *diag, struct simclr_eval_result *out);

struct simclr_embed_options {
    const char *run, *data;
    const char *out; // .npy (features alone) or .safetensors (features, labels)
    bool wants_z;    // instead of h
    int64_t threads;
};

struct simclr_embed_result {
    int64_t step;
    int64_t n_images, dim;
};

// Features of all images, in the order of the data set.
simclr_status simclr_embed(const struct simclr_embed_options *options, struct simclr_diag *diag,
                           struct simclr_embed_result *out);

#endif
