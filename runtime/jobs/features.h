// SPDX-License-Identifier: Apache-2.0
//
// Images to features: through an encoder, or as they are.
#ifndef SC_JOBS_FEATURES_H
#define SC_JOBS_FEATURES_H

#include "runtime/eval/matrix.h"

#include <simclr/data.h>
#include <simclr/runtime.h>

// h of entry "embed", or z of entry "project".
enum sc_feature { SC_FEATURE_H, SC_FEATURE_Z };

// BAD_INPUT if the program has no such feature or the images have other than its
// number of channels.
SC_MUST_USE simclr_status sc_features_check(struct simclr_diag *diag,
                                            const struct simclr_program *program,
                                            enum sc_feature feature);

// Features of all images, in the order of the data set, by the session's present
// parameters. *out is initialised here; the caller deinitialises it.
SC_MUST_USE simclr_status sc_features_compute(struct simclr_diag *diag,
                                              struct simclr_session *session,
                                              enum sc_feature feature,
                                              const struct simclr_dataset *dataset,
                                              int n_threads, struct sc_matrix *out);

// Pixels in [0, 1] as features, images resized to h x w; of every image, or of
// `limit` of them, evenly spread.
SC_MUST_USE simclr_status sc_features_raw(struct simclr_diag *diag,
                                          const struct simclr_dataset *dataset, int64_t h,
                                          int64_t w, int64_t limit, int n_threads,
                                          struct sc_matrix *out);
// Which image row i of those is.
int64_t sc_features_raw_image(int64_t n_images, int64_t limit, int64_t i);

// Brings the BN statistics of an untrained encoder to those of images as evaluation
// sees them; nothing else changes. Does nothing if the program has no BN to train.
SC_MUST_USE simclr_status sc_features_recalibrate(struct simclr_diag *diag,
                                                  struct simclr_session *session,
                                                  const struct simclr_dataset *dataset,
                                                  int n_threads);

#endif
