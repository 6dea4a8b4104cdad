// SPDX-License-Identifier: Apache-2.0
//
// The tensors of a session that outlive a step, as checkpoints want them.
#ifndef SC_JOBS_STATE_H
#define SC_JOBS_STATE_H

#include "runtime/core/checkpoint.h"

#include <simclr/runtime.h>

struct sc_session_state {
    struct sc_state view;         // borrows `tensor`
    struct simclr_tensor *tensor; // parameters and statistics first, then slots
    bool *is_statistic;           // of each of the former
};

SC_MUST_USE simclr_status sc_session_state_init(struct simclr_diag *diag,
                                                struct simclr_session *session,
                                                struct sc_session_state *out);
void sc_session_state_deinit(struct sc_session_state *state); // zeroed is allowed

// The first tensor with an element that is not finite, or NULL.
const struct simclr_tensor *sc_session_state_find_bad(const struct sc_session_state *state);

#endif
