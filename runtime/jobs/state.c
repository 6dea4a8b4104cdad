// SPDX-License-Identifier: Apache-2.0
#include "runtime/jobs/state.h"

#include <math.h>
#include <stdlib.h>

static bool is_slot(const struct simclr_param *p)
{
    return p->role == SIMCLR_ROLE_slot;
}

simclr_status sc_session_state_init(struct simclr_diag *diag, struct simclr_session *session,
                                    struct sc_session_state *out)
{
    const struct simclr_sections *const s =
        simclr_program_sections(simclr_session_program(session));
    const size_t n = (size_t)s->n_params;
    *out = (struct sc_session_state){0};
    out->tensor = calloc(n + 1, sizeof *out->tensor);
    out->is_statistic = calloc(n + 1, sizeof *out->is_statistic);
    if (!out->tensor || !out->is_statistic) {
        sc_session_state_deinit(out);
        return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory for %zu parameters", n);
    }
    size_t at = 0;
    for (int wants_slots = 0; wants_slots < 2; wants_slots++) {
        for (uint32_t i = 0; i < n; i++) {
            if (is_slot(&s->params[i]) != (wants_slots == 1)) continue;
            out->is_statistic[at] = s->params[i].role == SIMCLR_ROLE_statistic;
            out->tensor[at++] = simclr_session_param(session, i);
        }
        if (!wants_slots) out->view.n_params = at;
    }
    out->view.n_slots = n - out->view.n_params;
    out->view.params = out->tensor;
    out->view.slots = out->tensor + out->view.n_params;
    return SIMCLR_OK;
}

void sc_session_state_deinit(struct sc_session_state *state)
{
    free(state->tensor);
    free(state->is_statistic);
    *state = (struct sc_session_state){0};
}

static bool is_finite(const struct simclr_tensor *t)
{
    if (t->dtype != SIMCLR_f32) return true;
    const float *const x = t->data;
    const int64_t n = simclr_shape_count(&t->shape);
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) return false;
    }
    return true;
}

const struct simclr_tensor *sc_session_state_find_bad(const struct sc_session_state *state)
{
    const size_t n = state->view.n_params + state->view.n_slots;
    for (size_t i = 0; i < n; i++) {
        if (!is_finite(&state->tensor[i])) return &state->tensor[i];
    }
    return NULL;
}
