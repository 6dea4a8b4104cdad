// SPDX-License-Identifier: Apache-2.0
//
// The recipe of a training: everything that decides its losses, with every
// default written out. It is config.json of the run, so that a run explains
// itself and a resumed one needs to be told nothing.
#ifndef SC_CORE_RECIPE_H
#define SC_CORE_RECIPE_H

#include "runtime/base/diag.h"

struct sc_recipe {
    // As on the command line; all texts are owned.
    char *program; // where it came from; the run has its own copy
    char *data, *augment;
    char *lr_scaling, *warmup, *checkpoint_every;
    int64_t n_images, batch;
    int64_t epochs, steps; // as asked for; one of them is 0
    int64_t keep;          // checkpoints
    int64_t threads;       // 0: one per core; does not decide anything
    int64_t seed;
    double lr;
    // What follows from it.
    double peak_lr;
    int64_t total_steps, warmup_steps, steps_per_epoch;
};

void sc_recipe_deinit(struct sc_recipe *recipe); // zeroed is allowed

// Replaces a text of a recipe by a copy of `value`; NO_MEMORY is reported.
SC_MUST_USE simclr_status sc_recipe_set(struct simclr_diag *diag, char **text,
                                        const char *value);

SC_MUST_USE simclr_status sc_recipe_write(struct simclr_diag *diag, const char *path,
                                          const struct sc_recipe *recipe);
// BAD_INPUT names a field that is missing or of another type.
SC_MUST_USE simclr_status sc_recipe_read(struct simclr_diag *diag, const char *path,
                                         struct sc_recipe *out);

#endif
