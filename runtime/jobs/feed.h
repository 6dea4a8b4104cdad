// SPDX-License-Identifier: Apache-2.0
//
// Batches into the inputs of an entry.
#ifndef SC_JOBS_FEED_H
#define SC_JOBS_FEED_H

#include "runtime/base/diag.h"

#include <simclr/data.h>
#include <simclr/runtime.h>

// The loader's options that a program decides: batch, views, size, normalisation.
struct simclr_loader_options sc_feed_options(const struct simclr_program *program);

// BAD_INPUT if the program cannot take these images: other than three channels, or,
// supervised, images without labels or of more classes than it has.
SC_MUST_USE simclr_status sc_feed_check(struct simclr_diag *diag,
                                        const struct simclr_program *program,
                                        const struct simclr_dataset *dataset, const char *data);

// Copies a whole training batch into the images (in the order of rows that the
// program asks for) and, if the entry has them, the labels.
void sc_feed_train(struct simclr_session *session, const struct simclr_entry *entry,
                   const struct simclr_batch *batch);

// Copies rows of single views; where there are fewer than the entry takes, they are
// repeated from the first.
void sc_feed_rows(struct simclr_session *session, const struct simclr_entry *entry,
                  const struct simclr_batch *batch);

#endif
