// SPDX-License-Identifier: Apache-2.0
//
// The weighted nearest-neighbour classifier (Wu et al., "Unsupervised feature
// learning via non-parametric instance discrimination", CVPR 2018, section 3.4):
// the k training rows of greatest cosine similarity s vote for their class with
// weight exp(s / temperature). Nothing is fitted, so it says how good features
// are in seconds.
#ifndef SC_EVAL_KNN_H
#define SC_EVAL_KNN_H

#include "runtime/base/thread.h"
#include "runtime/eval/matrix.h"

struct sc_knn_options {
    int64_t n_classes;
    int64_t k;          // cut down to the number of training rows
    double temperature; // > 0
};

// Share of test rows given their own class. Rows must have length 1 (or 0):
// sc_matrix_normalize_rows. Equal votes go to the smaller class, equal
// similarities to the earlier row.
SC_MUST_USE simclr_status sc_knn_accuracy(struct simclr_diag *diag, struct sc_pool *pool,
                                          const struct sc_labelled *train,
                                          const struct sc_labelled *test,
                                          const struct sc_knn_options *options,
                                          double *accuracy);

#endif
