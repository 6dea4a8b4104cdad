// SPDX-License-Identifier: Apache-2.0
//
// The learning rate of every step: linear warm-up, then half a cosine to zero,
// per step and not per epoch. A pure function of the step, so that a resumed run
// goes on exactly where it was.
#ifndef SC_CORE_SCHEDULE_H
#define SC_CORE_SCHEDULE_H

#include "runtime/base/diag.h"

// How the peak follows the batch: linear is base * N / 256, sqrt is base *
// sqrt(N); both are the same for the paper's 0.3 and 0.075 at N = 4096 (section B.1).
enum sc_lr_scaling { SC_LR_LINEAR, SC_LR_SQRT, SC_LR_NONE };

struct sc_schedule {
    double peak;
    uint64_t warmup; // steps; may be 0, at most `total`
    uint64_t total;  // steps of the whole run
};

double sc_schedule_peak(double base, enum sc_lr_scaling scaling, int64_t batch);

// The rate of step t + 1, t counted from 0. While t < warmup it is
// peak * (t + 1) / warmup, so that the first step already moves; then
// peak * (1 + cos(pi * (t - warmup) / (total - warmup))) / 2, which would be zero
// one step after the last. Zero beyond `total`.
double sc_schedule_lr(const struct sc_schedule *schedule, uint64_t t);

// Reads a stretch of training: "10ep" (epochs, fractions allowed, rounded to
// steps) or "500it" (steps). `option` names it in the message. USAGE otherwise.
SC_MUST_USE simclr_status sc_parse_stretch(struct simclr_diag *diag, const char *option,
                                           const char *text, uint64_t steps_per_epoch,
                                           uint64_t *steps);

#endif
