// SPDX-License-Identifier: Apache-2.0
//
// Features as files.
#include "runtime/base/npy.h"
#include "runtime/base/safetensors.h"
#include "runtime/jobs/features.h"
#include "runtime/jobs/run.h"

#include <simclr/eval.h>

#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static simclr_status check_out(struct simclr_diag *diag, const char *path)
{
    if (ends_with(path, ".npy") || ends_with(path, ".safetensors")) return SIMCLR_OK;
    return sc_fail(diag, SIMCLR_USAGE, NULL,
                   "output '%s' is of unknown kind, expected .npy or .safetensors", path);
}

// Rows without their padding, moved together in place.
static void pack(struct sc_matrix *m)
{
    for (int64_t i = 1; i < m->n; i++)
        memmove(m->data + i * m->d, sc_matrix_row(m, i), (size_t)m->d * sizeof(float));
    m->stride = m->d;
}

static simclr_status write_features(struct simclr_diag *diag,
                                    const struct simclr_embed_options *o,
                                    const struct simclr_dataset *dataset,
                                    const struct sc_matrix *m)
{
    struct simclr_tensor tensors[2] = {{.name = o->wants_z ? "z" : "h",
                                        .dtype = SIMCLR_f32,
                                        .shape = {2, {m->n, m->d}},
                                        .data = m->data}};
    if (ends_with(o->out, ".npy")) return sc_npy_write(diag, o->out, &tensors[0]);
    if (simclr_dataset_n_classes(dataset) == 0)
        return sc_safetensors_write(diag, o->out, tensors, 1);
    int64_t *const labels = calloc((size_t)m->n, sizeof *labels);
    if (!labels) return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory");
    for (int64_t i = 0; i < m->n; i++)
        labels[i] = simclr_dataset_label(dataset, i);
    tensors[1] = (struct simclr_tensor){
        .name = "labels", .dtype = SIMCLR_i64, .shape = {1, {m->n}}, .data = labels};
    const simclr_status status = sc_safetensors_write(diag, o->out, tensors, 2);
    free(labels);
    return status;
}

struct embedding {
    struct sc_run run;
    struct simclr_session *session;
    struct simclr_dataset *dataset;
    struct sc_matrix features;
};

static simclr_status embed(struct simclr_diag *diag, const struct simclr_embed_options *o,
                           struct embedding *e)
{
    const enum sc_feature feature = o->wants_z ? SC_FEATURE_Z : SC_FEATURE_H;
    const struct simclr_session_options on = {.n_threads = (int)o->threads};
    SC_TRY(check_out(diag, o->out));
    SC_TRY(sc_run_open(diag, o->run, &e->run));
    SC_TRY(sc_features_check(diag, e->run.program, feature));
    SC_TRY(simclr_dataset_open(diag, o->data, SIMCLR_SPLIT_PRETRAIN, (int)o->threads,
                               &e->dataset));
    SC_TRY(simclr_session_new(e->run.program, &on, diag, &e->session));
    SC_TRY(sc_run_load(diag, &e->run, e->session));
    SC_TRY(sc_features_compute(diag, e->session, feature, e->dataset, (int)o->threads,
                               &e->features));
    pack(&e->features);
    return write_features(diag, o, e->dataset, &e->features);
}

simclr_status simclr_embed(const struct simclr_embed_options *options, struct simclr_diag *diag,
                           struct simclr_embed_result *out)
{
    struct embedding e = {.session = NULL};
    const simclr_status status = embed(diag, options, &e);
    *out = (struct simclr_embed_result){
        .step = (int64_t)e.run.step, .n_images = e.features.n, .dim = e.features.d};
    sc_matrix_deinit(&e.features);
    simclr_session_free(e.session);
    simclr_dataset_free(e.dataset);
    sc_run_close(&e.run);
    return status;
}
