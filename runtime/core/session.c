// SPDX-License-Identifier: Apache-2.0
#include "runtime/core/session.h"

#include "runtime/base/init.h"
#include "runtime/base/str.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct sc_device_ops *find_device(const char *name)
{
    if (!name) return sc_devices[0];
    for (size_t i = 0; sc_devices[i]; i++) {
        if (strcmp(sc_devices[i]->name, name) == 0) return sc_devices[i];
    }
    return NULL;
}

static simclr_status fail_unknown_device(struct simclr_diag *diag, const char *name)
{
    struct sc_str known = {0};
    for (size_t i = 0; sc_devices[i]; i++)
        sc_str_printf(&known, "%s'%s'", i > 0 ? ", " : "", sc_devices[i]->name);
    const simclr_status status =
        sc_fail(diag, SIMCLR_USAGE, NULL, "unknown device '%s', expected %s", name,
                sc_str_text(&known));
    sc_str_free(&known);
    return status;
}

simclr_status simclr_session_new(const struct simclr_program *program,
                                 const struct simclr_session_options *options,
                                 struct simclr_diag *diag, struct simclr_session **out)
{
    *out = NULL;
    const struct sc_device_ops *const ops = find_device(options ? options->device : NULL);
    if (!ops) return fail_unknown_device(diag, options->device);
    struct simclr_session *const session = calloc(1, sizeof *session);
    if (!session) return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory");
    session->program = program;
    const struct sc_device_request request = {.program = program,
                                              .n_threads = options ? options->n_threads : 0,
                                              .wants_times = options && options->wants_times,
                                              .diag = diag};
    const simclr_status status = ops->open(&request, &session->device);
    if (status == SIMCLR_OK)
        *out = session;
    else
        free(session);
    return status;
}

void simclr_session_free(struct simclr_session *session)
{
    if (!session) return;
    session->device->ops->close(session->device);
    free(session);
}

struct simclr_memory simclr_session_memory(const struct simclr_session *session)
{
    return session->device->ops->memory(session->device);
}

const struct simclr_program *simclr_session_program(const struct simclr_session *session)
{
    return session->program;
}

struct simclr_tensor simclr_session_param(struct simclr_session *session, uint32_t index)
{
    assert(index < session->program->sections.n_params);
    const struct simclr_param *const p = &session->program->sections.params[index];
    return (struct simclr_tensor){
        .name = simclr_program_string(session->program, p->name),
        .dtype = (simclr_dtype)p->dtype,
        .shape = sc_param_shape(p),
        .data = session->device->ops->host(session->device, SIMCLR_SPACE_persistent, p->offset,
                                           sc_param_bytes(p))};
}

struct simclr_tensor simclr_session_port(struct simclr_session *session,
                                         const struct simclr_port *port)
{
    const struct simclr_value *const v = &session->program->sections.values[port->value];
    return (struct simclr_tensor){
        .name = simclr_program_string(session->program, port->name),
        .dtype = (simclr_dtype)v->dtype,
        .shape = sc_value_shape(v),
        .data = session->device->ops->host(session->device, (enum simclr_space)v->space,
                                           v->offset, sc_value_bytes(v))};
}

void simclr_session_initialize(struct simclr_session *session)
{
    const struct simclr_sections *const s = &session->program->sections;
    for (uint32_t i = 0; i < s->n_params; i++) {
        const struct simclr_param *const p = &s->params[i];
        const struct simclr_tensor t = simclr_session_param(session, i);
        if (p->init == SIMCLR_INIT_stored)
            memcpy(t.data, s->initial + p->stored_offset, sc_param_bytes(p));
        else
            sc_init_fill((enum simclr_init)p->init, p->a, p->b, s->meta->seed, t.name,
                         simclr_shape_count(&t.shape), t.data);
    }
}

simclr_status simclr_session_run(struct simclr_session *session,
                                 const struct simclr_entry *entry)
{
    return session->device->ops->run(session->device, entry);
}

const double *simclr_session_times(const struct simclr_session *session)
{
    return session->device->ops->times(session->device);
}
