// SPDX-License-Identifier: Apache-2.0
//
// All that a training consists of, from a command line or from a run's folder to
// the moment before the first step.
#ifndef SC_JOBS_TRAINING_H
#define SC_JOBS_TRAINING_H

#include "runtime/core/metrics.h"
#include "runtime/core/recipe.h"
#include "runtime/core/schedule.h"
#include "runtime/jobs/run.h"
#include "runtime/jobs/state.h"

#include <simclr/data.h>
#include <simclr/train.h>

// How often checkpoints are written: by steps or by the clock; one of them is 0.
struct sc_interval {
    uint64_t steps;
    double seconds;
};

struct sc_training {
    struct simclr_diag *diag;
    const struct simclr_train_options *options;
    bool is_resumed; // the run was there already
    char dir[SC_PATH_SIZE], checkpoints[SC_PATH_SIZE];
    struct sc_recipe recipe;
    struct sc_schedule schedule;
    struct sc_interval interval;
    uint64_t step; // steps done
    struct simclr_program *program;
    const struct simclr_entry *entry;
    struct simclr_dataset *dataset;
    struct simclr_loader *loader;
    struct simclr_session *session;
    struct sc_session_state state;
    struct sc_metrics *metrics;
};

// Opens everything and, for a new run, makes its folder, last of all.
SC_MUST_USE simclr_status sc_training_open(struct simclr_diag *diag,
                                           const struct simclr_train_options *options,
                                           struct sc_training *out);
void sc_training_close(struct sc_training *training); // after a failed open too

// Decides everything in `training->recipe` that is not decided by then, and
// schedule and interval. For training.c, like the next.
SC_MUST_USE simclr_status sc_training_settle(struct sc_training *training);
// Refuses options that contradict the recipe of the run to be resumed.
SC_MUST_USE simclr_status sc_training_check_options(const struct sc_training *training);

#endif
