// SPDX-License-Identifier: Apache-2.0
#include "tests/onnx/program.h"

#include "runtime/base/npy.h"

#include <simclr/runtime.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void program_temporary(char *path, size_t size, const char *suffix)
{
    // Files are synced when they are written, which takes its time on a disk.
    const char *const folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(path, size, "%s/simclr-test-%ld%s", folder, (long)getpid(), suffix);
}

static void keep_error(void *user, enum simclr_severity severity, const char *line)
{
    if (severity == SIMCLR_ERROR) sc_str_printf(user, "%s\n", line);
}

// ---- compiling ----

struct files {
    char npy[PROGRAM_MAX][64], scp[64];
};

static void write_input(const struct sc_tensor *x, const char *path)
{
    void *const bytes = calloc((size_t)x->count + 1, 8);
    assert_non_null(bytes);
    sc_tensor_store(x, bytes);
    const struct simclr_tensor tensor = {.dtype = x->dtype, .shape = x->shape, .data = bytes};
    assert_int_equal(sc_npy_write(NULL, path, &tensor), SIMCLR_OK);
    free(bytes);
}

static simclr_status compile(struct program_case *c, const struct files *files)
{
    struct simclr_fixed_input fixed[PROGRAM_MAX];
    struct simclr_diag diag = {.sink = keep_error, .user = &c->messages};
    struct simclr_compile_options o = {.model = c->model,
                                       .loss = "none",
                                       .bindings = c->bindings,
                                       .n_bindings = c->n_bindings,
                                       .fixed = fixed,
                                       .verify_each = true};
    for (int i = 0; i < c->n_in; i++) {
        if (!c->is_fixed[i] || !c->in[i]) continue;
        write_input(c->in[i], files->npy[i]);
        fixed[o.n_fixed++] = (struct simclr_fixed_input){c->names[i], files->npy[i]};
    }
    struct simclr_compilation *compilation;
    simclr_status status = simclr_compile(&o, SIMCLR_STAGE_plan, &diag, &compilation);
    if (status == SIMCLR_OK) status = simclr_compilation_write(compilation, files->scp);
    simclr_compilation_free(compilation);
    return status;
}

// ---- running ----

static bool set_input(struct program_case *c, const struct simclr_tensor *port)
{
    for (int i = 0; i < c->n_in; i++) {
        const struct sc_tensor *const x = c->in[i];
        if (strcmp(c->names[i], port->name) != 0 || !x) continue;
        if (x->dtype != port->dtype || !simclr_shape_equal(&x->shape, &port->shape)) break;
        sc_tensor_store(x, port->data);
        return true;
    }
    sc_str_printf(&c->messages, "there are no data that suit input '%s'\n", port->name);
    return false;
}

static bool run_session(struct program_case *c, const struct simclr_program *program,
                        struct simclr_session *session)
{
    const struct simclr_sections *const s = simclr_program_sections(program);
    const struct simclr_entry *const entry = simclr_program_entry(program, "run");
    bool runs = entry && s->n_entries == 1 && entry->n_outputs <= PROGRAM_MAX;
    simclr_session_initialize(session);
    for (uint32_t i = 0; runs && i < entry->n_inputs; i++) {
        const struct simclr_tensor port =
            simclr_session_port(session, &s->ports[entry->first_input + i]);
        runs = set_input(c, &port);
    }
    runs = runs && simclr_session_run(session, entry) == SIMCLR_OK;
    for (uint32_t i = 0; runs && i < entry->n_outputs; i++) {
        const struct simclr_tensor port =
            simclr_session_port(session, &s->ports[entry->first_output + i]);
        c->out[c->n_out] = sc_tensor_new(port.dtype, &port.shape);
        sc_tensor_load(c->out[c->n_out++], port.data);
    }
    return runs;
}

static bool run(struct program_case *c, const struct files *files)
{
    struct simclr_diag diag = {.sink = keep_error, .user = &c->messages};
    const struct simclr_session_options on = {.device = "cpu", .n_threads = 1};
    struct simclr_program *program = NULL;
    struct simclr_session *session = NULL;
    const bool runs = simclr_program_open(files->scp, &diag, &program) == SIMCLR_OK &&
                      simclr_session_new(program, &on, &diag, &session) == SIMCLR_OK &&
                      run_session(c, program, session);
    simclr_session_free(session);
    simclr_program_free(program);
    return runs;
}

enum program_outcome program_run(struct program_case *c)
{
    struct files files;
    program_free(c);
    for (int i = 0; i < PROGRAM_MAX; i++) {
        char suffix[16];
        (void)snprintf(suffix, sizeof suffix, "-%d.npy", i);
        program_temporary(files.npy[i], sizeof files.npy[i], suffix);
    }
    program_temporary(files.scp, sizeof files.scp, ".scp");
    enum program_outcome outcome = PROGRAM_REFUSED;
    if (compile(c, &files) == SIMCLR_OK)
        outcome = run(c, &files) ? PROGRAM_RAN : PROGRAM_FAILED;
    for (int i = 0; i < c->n_in; i++)
        (void)unlink(files.npy[i]);
    (void)unlink(files.scp);
    return outcome;
}

void program_free(struct program_case *c)
{
    for (int i = 0; i < c->n_out; i++) {
        sc_tensor_free(c->out[i]);
        c->out[i] = NULL;
    }
    c->n_out = 0;
    sc_str_free(&c->messages);
}
