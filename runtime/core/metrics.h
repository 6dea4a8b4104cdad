// SPDX-License-Identifier: Apache-2.0
//
// metrics.jsonl: one JSON object per step, appended as the step ends. Numbers
// have enough digits to be compared bit for bit; what depends on the clock comes
// last. A line is one write, so that a killed process leaves whole lines but
// perhaps the last, which resuming cuts off.
#ifndef SC_CORE_METRICS_H
#define SC_CORE_METRICS_H

#include "runtime/base/diag.h"

struct sc_metrics_row {
    uint64_t step, epoch; // both counted from 1
    float loss, lr;
    bool has_contrastive;
    float accuracy, entropy; // if has_contrastive
    double images_per_s;
};

// An open file, locked against a second process.
struct sc_metrics;

// Opens or creates `path` and cuts off everything behind the row of `last_step`
// (0: all rows). BAD_INPUT if that row is missing, USAGE if another process has
// the file open here.
SC_MUST_USE simclr_status sc_metrics_open(struct simclr_diag *diag, const char *path,
                                          uint64_t last_step, struct sc_metrics **out);
void sc_metrics_close(struct sc_metrics *metrics); // NULL is allowed

SC_MUST_USE simclr_status sc_metrics_append(struct sc_metrics *metrics,
                                            const struct sc_metrics_row *row);
// Before a checkpoint: the rows up to it must not be younger than it is.
SC_MUST_USE simclr_status sc_metrics_sync(struct sc_metrics *metrics);

#endif
