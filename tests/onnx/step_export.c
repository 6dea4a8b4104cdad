// SPDX-License-Identifier: Apache-2.0
//
// What an encoder makes of given images, for compare_exports.py:
//
//     step_export double ENCODER X.npy OUT.safetensors    the graphs, by their definitions, in double
//     step_export kernels P.scp X.npy OUT.safetensors     the program, as the CPU runs it
//
// X is f32 [rows, channels, height, width], two rows for each image; the head is
// "nonlinear", the loss NT-Xent. OUT holds "loss", the gradient of each parameter as
// "grad/NAME" and, with BatchNormalization in inference form, "h" and "z". Messages
// go to stderr; the exit code is that of simclrc.
#include "compiler/compilation.h"
#include "compiler/ir/eval.h"
#include "runtime/base/arena.h"
#include "runtime/base/npy.h"
#include "runtime/base/safetensors.h"

#include <simclr/compiler.h>
#include <simclr/runtime.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What was computed. The arena owns names and data.
struct results {
    struct sc_arena *arena;
    struct simclr_tensor *tensor;
    size_t n;
};

// A new result to be filled, or NULL if this kind of output is not asked for.
static struct simclr_tensor *add(struct results *r, enum simclr_port_role role,
                                 const char *param, simclr_dtype dtype,
                                 const struct simclr_shape *shape)
{
    const char *name = NULL;
    if (role == SIMCLR_PORT_loss) name = "loss";
    if (role == SIMCLR_PORT_embedding) name = "h";
    if (role == SIMCLR_PORT_projection) name = "z";
    if (role == SIMCLR_PORT_grad) name = sc_arena_printf(r->arena, "grad/%s", param);
    if (!name) return NULL;
    const size_t n_bytes = (size_t)simclr_shape_count(shape) * simclr_dtype_size(dtype);
    struct simclr_tensor *const t = &SC_PUSH(r->arena, r->tensor, r->n);
    *t = (struct simclr_tensor){.name = name,
                                .dtype = dtype,
                                .shape = *shape,
                                .data = SC_NEW_ARRAY(r->arena, char, n_bytes)};
    return t;
}

static void give_values(const struct sc_graph *g, uint64_t seed, const float *images,
                        struct sc_tensor **given)
{
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct sc_value *const v = g->values[i];
        if (v->kind != SC_VALUE_param && v->kind != SC_VALUE_input) continue;
        given[i] = sc_tensor_new(v->dtype, &v->shape);
        if (v->kind == SC_VALUE_param)
            sc_eval_init(v->param, seed, given[i]);
        else
            sc_tensor_load(given[i], images); // the only input of these entries
    }
}

static void free_values(struct sc_tensor **values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        sc_tensor_free(values[i]);
    free(values);
}

static void interpret(const struct sc_graph *g, uint64_t seed, const float *images,
                      struct results *out)
{
    struct sc_tensor **const given = calloc(g->n_values + 1u, sizeof(void *));
    struct sc_tensor **const result = calloc(g->n_values + 1u, sizeof(void *));
    if (!given || !result) exit(simclr_exit_code(SIMCLR_NO_MEMORY));
    give_values(g, seed, images, given);
    sc_eval_graph(g, given, result);
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const struct sc_output *const o = &g->outputs[i];
        const struct sc_tensor *const t = result[o->value->id];
        struct simclr_tensor *const to =
            add(out, o->role, o->param ? o->param->name : NULL, SIMCLR_f64, &t->shape);
        if (to) memcpy(to->data, t->f, (size_t)t->count * sizeof *t->f);
    }
    free_values(given, g->n_values);
    free_values(result, g->n_values);
}

static simclr_status run_in_double(const char *encoder, const struct simclr_tensor *images,
                                   struct results *out)
{
    const struct simclr_compile_options options = {.encoder = encoder,
                                                   .batch = images->shape.dim[0] / 2,
                                                   .image_size = images->shape.dim[2]};
    struct simclr_compilation *c = NULL;
    const simclr_status status = simclr_compile(&options, SIMCLR_STAGE_train, NULL, &c);
    if (status == SIMCLR_OK) {
        static const enum sc_entry_kind entries[] = {SC_ENTRY_grad, SC_ENTRY_embed,
                                                     SC_ENTRY_project};
        for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
            interpret(c->graphs[entries[i]][SIMCLR_STAGE_train], options.seed, images->data,
                      out);
    }
    simclr_compilation_free(c);
    return status;
}

static simclr_status run_entry(struct simclr_session *session, const char *name,
                               const struct simclr_tensor *images, struct results *out)
{
    const struct simclr_program *const program = simclr_session_program(session);
    const struct simclr_sections *const s = simclr_program_sections(program);
    const struct simclr_entry *const entry = simclr_program_entry(program, name);
    const struct simclr_port *const port =
        entry ? simclr_entry_port(program, entry, SIMCLR_PORT_images) : NULL;
    if (!port) return sc_fail(NULL, SIMCLR_BAD_INPUT, NULL, "there is no entry '%s'", name);
    const struct simclr_tensor in = simclr_session_port(session, port);
    if (!simclr_shape_equal(&in.shape, &images->shape))
        return sc_fail(NULL, SIMCLR_BAD_INPUT, NULL, "%s", "images have another shape");
    memcpy(in.data, images->data, (size_t)simclr_shape_count(&in.shape) * sizeof(float));
    SC_TRY(simclr_session_run(session, entry));
    for (uint32_t i = 0; i < entry->n_outputs; i++) {
        const struct simclr_port *const o = &s->ports[entry->first_output + i];
        const struct simclr_tensor t = simclr_session_port(session, o);
        const char *const param = simclr_program_string(program, s->params[o->param].name);
        struct simclr_tensor *const to =
            add(out, (enum simclr_port_role)o->role, param, t.dtype, &t.shape);
        const size_t n = (size_t)simclr_shape_count(&t.shape);
        if (to) memcpy(to->data, t.data, n * simclr_dtype_size(t.dtype));
    }
    return SIMCLR_OK;
}

static simclr_status run_kernels(const char *path, const struct simclr_tensor *images,
                                 struct results *out)
{
    struct simclr_program *program = NULL;
    struct simclr_session *session = NULL;
    simclr_status status = simclr_program_open(path, NULL, &program);
    if (status == SIMCLR_OK) status = simclr_session_new(program, NULL, NULL, &session);
    if (status == SIMCLR_OK) simclr_session_initialize(session);
    static const char *const entries[] = {"grad", "embed", "project"};
    for (size_t i = 0; i < sizeof entries / sizeof *entries && status == SIMCLR_OK; i++)
        status = run_entry(session, entries[i], images, out);
    simclr_session_free(session);
    simclr_program_free(program);
    return status;
}

int main(int argc, char **argv)
{
    const bool in_double = argc == 5 && strcmp(argv[1], "double") == 0;
    if (!in_double && (argc != 5 || strcmp(argv[1], "kernels") != 0)) {
        (void)fputs("usage: step_export double|kernels ENCODER|P.scp X.npy OUT.safetensors\n",
                    stderr);
        return simclr_exit_code(SIMCLR_USAGE);
    }
    struct sc_npy x;
    simclr_status status = sc_npy_open(NULL, argv[3], &x);
    if (status != SIMCLR_OK) return simclr_exit_code(status);
    if (x.tensor.dtype != SIMCLR_f32 || x.tensor.shape.rank != 4)
        return simclr_exit_code(
            sc_fail(NULL, SIMCLR_BAD_INPUT, argv[3], "%s", "is not f32 of rank 4"));
    struct results results = {.arena = sc_arena_new()};
    status = (in_double ? run_in_double : run_kernels)(argv[2], &x.tensor, &results);
    if (status == SIMCLR_OK)
        status = sc_safetensors_write(NULL, argv[4], results.tensor, results.n);
    sc_arena_free(results.arena);
    sc_npy_close(&x);
    return simclr_exit_code(status);
}
