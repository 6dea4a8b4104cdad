// SPDX-License-Identifier: Apache-2.0
//
// A run's folder (see <simclr/train.h>), opened for reading by everything that
// comes after the training.
#ifndef SC_JOBS_RUN_H
#define SC_JOBS_RUN_H

#include "runtime/core/recipe.h"

#include <simclr/runtime.h>

enum { SC_PATH_SIZE = 4096 };

struct sc_run {
    char dir[SC_PATH_SIZE];
    struct sc_recipe recipe;
    struct simclr_program *program;
    uint64_t step; // of the checkpoint
};

// Opens the run in the folder `path`, at its newest checkpoint; or a checkpoint's
// folder, RUN/checkpoints/step-N. USAGE if it is neither, BAD_INPUT if the run has no
// checkpoint yet.
SC_MUST_USE simclr_status sc_run_open(struct simclr_diag *diag, const char *path,
                                      struct sc_run *out);
void sc_run_close(struct sc_run *run); // zeroed is allowed

// Sets the parameters and statistics of a session of this program to the
// checkpoint's; the optimizer's state is left alone.
SC_MUST_USE simclr_status sc_run_load(struct simclr_diag *diag, const struct sc_run *run,
                                      struct simclr_session *session);

// dir/file; USAGE if it is too long for a path.
SC_MUST_USE simclr_status sc_run_path(struct simclr_diag *diag, const char *dir,
                                      const char *file, char text[SC_PATH_SIZE]);
bool sc_run_exists(const char *dir);

#endif
