// SPDX-License-Identifier: Apache-2.0
//
// The linear probe: multinomial logistic regression on frozen features, each
// standardised on the training rows. The strength of the L2 penalty is the one
// that does best on a tenth of the training rows held out (every tenth); then all
// of them are fitted. Test rows are looked at once.
#ifndef SC_EVAL_PROBE_H
#define SC_EVAL_PROBE_H

#include "runtime/base/thread.h"
#include "runtime/eval/matrix.h"

struct sc_probe_result {
    double accuracy; // on the test rows
    double held_out; // of the chosen penalty, on the held-out rows
    double penalty;
    int n_iterations; // all fits together
};

// The same for every number of threads.
SC_MUST_USE simclr_status sc_probe_linear(struct simclr_diag *diag, struct sc_pool *pool,
                                          const struct sc_labelled *train,
                                          const struct sc_labelled *test, int64_t n_classes,
                                          struct sc_probe_result *out);

#endif
