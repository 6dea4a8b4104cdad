// SPDX-License-Identifier: Apache-2.0
//
// One forward and backward pass over a given batch, for whoever compares.
#include "runtime/base/npy.h"
#include "runtime/base/safetensors.h"
#include "runtime/base/str.h"
#include "runtime/jobs/state.h"

#include <simclr/train.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct step {
    struct simclr_diag *diag;
    const struct simclr_step_options *options;
    struct simclr_program *program;
    const struct simclr_entry *entry;
    struct simclr_session *session;
};

static simclr_status copy_input(const struct step *s, const char *path,
                                const struct simclr_port *port)
{
    const struct simclr_tensor want = simclr_session_port(s->session, port);
    struct sc_npy file;
    SC_TRY(sc_npy_open(s->diag, path, &file));
    const struct simclr_tensor *const found = &file.tensor;
    simclr_status status = SIMCLR_OK;
    if (found->dtype == want.dtype && simclr_shape_equal(&found->shape, &want.shape)) {
        const size_t n = (size_t)simclr_shape_count(&want.shape);
        memcpy(want.data, found->data, n * simclr_dtype_size(want.dtype));
    } else {
        struct sc_str a = {0}, b = {0};
        sc_str_append_type(&a, found->dtype, &found->shape);
        sc_str_append_type(&b, want.dtype, &want.shape);
        status = sc_fail(s->diag, SIMCLR_BAD_INPUT, path, "is %s, the program takes %s",
                         sc_str_text(&a), sc_str_text(&b));
        sc_str_free(&a);
        sc_str_free(&b);
    }
    sc_npy_close(&file);
    return status;
}

static simclr_status check_labels(const struct step *s, const struct simclr_port *port)
{
    const struct simclr_tensor t = simclr_session_port(s->session, port);
    const int64_t n_classes = simclr_program_sections(s->program)->meta->n_classes;
    const int64_t *const label = t.data;
    for (int64_t i = 0; i < simclr_shape_count(&t.shape); i++) {
        if (label[i] >= 0 && (n_classes == 0 || label[i] < n_classes)) continue;
        return sc_fail(s->diag, SIMCLR_BAD_INPUT, s->options->labels,
                       "label %" PRId64 " is %" PRId64 ", expected 0 to %" PRId64, i, label[i],
                       n_classes - 1);
    }
    return SIMCLR_OK;
}

static simclr_status set_inputs(const struct step *s)
{
    const struct simclr_port *const images =
        simclr_entry_port(s->program, s->entry, SIMCLR_PORT_images);
    const struct simclr_port *const labels =
        simclr_entry_port(s->program, s->entry, SIMCLR_PORT_labels);
    const char *const file = s->options->labels;
    if (labels && !file)
        return sc_fail(s->diag, SIMCLR_USAGE, NULL,
                       "option '--labels' is missing: the program's loss wants them");
    if (!labels && file)
        return sc_fail(s->diag, SIMCLR_USAGE, NULL,
                       "option '--labels': the program's loss takes none");
    SC_TRY(copy_input(s, s->options->input, images));
    if (!labels) return SIMCLR_OK;
    SC_TRY(copy_input(s, file, labels));
    return check_labels(s, labels);
}

static simclr_status set_params(const struct step *s)
{
    simclr_session_initialize(s->session);
    if (!s->options->params) return SIMCLR_OK;
    struct sc_session_state state;
    SC_TRY(sc_session_state_init(s->diag, s->session, &state));
    const simclr_status status = sc_tensors_read(s->diag, s->options->params, state.view.params,
                                                 state.view.n_params, state.is_statistic);
    sc_session_state_deinit(&state);
    return status;
}

// Gradients carry the names of their parameters.
static simclr_status write_grads(const struct step *s, int64_t *n_grads)
{
    const struct simclr_sections *const sections = simclr_program_sections(s->program);
    struct simclr_tensor *const grads = calloc((size_t)s->entry->n_outputs + 1, sizeof *grads);
    if (!grads) return sc_fail(s->diag, SIMCLR_NO_MEMORY, NULL, "out of memory");
    size_t n = 0;
    for (uint32_t i = 0; i < s->entry->n_outputs; i++) {
        const struct simclr_port *const port = &sections->ports[s->entry->first_output + i];
        if (port->role != SIMCLR_PORT_grad) continue;
        grads[n] = simclr_session_port(s->session, port);
        grads[n++].name = simclr_program_string(s->program, sections->params[port->param].name);
    }
    *n_grads = (int64_t)n;
    const simclr_status status =
        s->options->grads ? sc_safetensors_write(s->diag, s->options->grads, grads, n)
                          : SIMCLR_OK;
    free(grads);
    return status;
}

static simclr_status run(struct step *s, struct simclr_step_result *out)
{
    SC_TRY(simclr_program_open(s->options->program, s->diag, &s->program));
    s->entry = simclr_program_entry(s->program, "grad");
    if (!s->entry)
        return sc_fail(s->diag, SIMCLR_BAD_INPUT, s->options->program,
                       "the program has no entry 'grad': it was compiled without a loss, to be "
                       "run with 'simclr run'");
    const struct simclr_session_options on = {.n_threads = (int)s->options->threads};
    SC_TRY(simclr_session_new(s->program, &on, s->diag, &s->session));
    SC_TRY(set_params(s));
    SC_TRY(set_inputs(s));
    SC_TRY(simclr_session_run(s->session, s->entry));
    const struct simclr_port *const loss =
        simclr_entry_port(s->program, s->entry, SIMCLR_PORT_loss);
    const struct simclr_port *const metrics =
        simclr_entry_port(s->program, s->entry, SIMCLR_PORT_metrics);
    memcpy(&out->loss, simclr_session_port(s->session, loss).data, sizeof out->loss);
    out->has_contrastive = metrics != NULL;
    if (metrics) {
        const float *const values = simclr_session_port(s->session, metrics).data;
        out->accuracy = values[0];
        out->entropy = values[1];
    }
    return write_grads(s, &out->n_grads);
}

simclr_status simclr_step(const struct simclr_step_options *options, struct simclr_diag *diag,
                          struct simclr_step_result *out)
{
    *out = (struct simclr_step_result){0};
    struct step s = {.diag = diag, .options = options};
    const simclr_status status = run(&s, out);
    simclr_session_free(s.session);
    simclr_program_free(s.program);
    return status;
}
