// SPDX-License-Identifier: Apache-2.0
#include "runtime/jobs/features.h"

#include "runtime/jobs/feed.h"

#include <inttypes.h>
#include <string.h>

static const struct {
    const char *entry, *name;
    enum simclr_port_role role;
} sources[] = {
    [SC_FEATURE_H] = {"embed", "h", SIMCLR_PORT_embedding},
    [SC_FEATURE_Z] = {"project", "z", SIMCLR_PORT_projection},
};

// Running statistics are averages of the last ten or so batches; after this many,
// nothing is left of their initial values (0.9^50 = 0.005).
enum { RECALIBRATION_STEPS = 50 };

simclr_status sc_features_check(struct simclr_diag *diag, const struct simclr_program *program,
                                enum sc_feature feature)
{
    const struct simclr_meta *const m = simclr_program_sections(program)->meta;
    if (!simclr_program_entry(program, sources[feature].entry))
        return sc_fail(diag, SIMCLR_BAD_INPUT, NULL,
                       "the program has no entry '%s', which makes %s", sources[feature].entry,
                       sources[feature].name);
    if (m->channels != 3)
        return sc_fail(diag, SIMCLR_BAD_INPUT, NULL,
                       "images have 3 channels, the program takes %" PRId64, m->channels);
    return SIMCLR_OK;
}

// ---- through the encoder ----

static simclr_status run_batches(struct simclr_session *session,
                                 const struct simclr_entry *entry,
                                 const struct simclr_port *port, struct simclr_loader *loader,
                                 struct sc_matrix *out)
{
    struct simclr_batch batch;
    int64_t done = 0;
    for (;;) {
        SC_TRY(simclr_loader_next(loader, &batch));
        if (batch.n_images == 0) return SIMCLR_OK;
        sc_feed_rows(session, entry, &batch);
        SC_TRY(simclr_session_run(session, entry));
        const float *const features = simclr_session_port(session, port).data;
        for (int64_t i = 0; i < batch.n_images; i++, done++)
            memcpy(sc_matrix_row(out, done), features + i * out->d,
                   (size_t)out->d * sizeof(float));
    }
}

simclr_status sc_features_compute(struct simclr_diag *diag, struct simclr_session *session,
                                  enum sc_feature feature, const struct simclr_dataset *dataset,
                                  int n_threads, struct sc_matrix *out)
{
    const struct simclr_program *const program = simclr_session_program(session);
    const struct simclr_entry *const entry =
        simclr_program_entry(program, sources[feature].entry);
    const struct simclr_port *const port =
        simclr_entry_port(program, entry, sources[feature].role);
    const struct simclr_shape shape = simclr_session_port(session, port).shape;
    struct simclr_loader_options options = sc_feed_options(program);
    options.batch = simclr_program_sections(program)->meta->rows;
    options.views = 1;
    options.is_sequential = true;
    options.n_threads = n_threads;
    struct simclr_loader *loader;
    SC_TRY(sc_matrix_init(diag, simclr_dataset_n_images(dataset),
                          simclr_shape_count(&shape) / options.batch, out));
    SC_TRY(simclr_loader_new(diag, dataset, NULL, &options, &loader));
    const simclr_status status = run_batches(session, entry, port, loader, out);
    simclr_loader_free(loader);
    return status;
}

simclr_status sc_features_recalibrate(struct simclr_diag *diag, struct simclr_session *session,
                                      const struct simclr_dataset *dataset, int n_threads)
{
    const struct simclr_program *const program = simclr_session_program(session);
    const struct simclr_entry *const entry = simclr_program_entry(program, "recalibrate");
    if (!entry) return SIMCLR_OK;
    const int64_t n_images = simclr_dataset_n_images(dataset);
    struct simclr_loader_options options = sc_feed_options(program);
    options.batch = simclr_program_sections(program)->meta->rows;
    if (options.batch > n_images) options.batch = n_images;
    options.views = 1;
    options.n_threads = n_threads;
    struct simclr_loader *loader;
    SC_TRY(simclr_loader_new(diag, dataset, NULL, &options, &loader));
    simclr_status status = SIMCLR_OK;
    for (int i = 0; i < RECALIBRATION_STEPS && status == SIMCLR_OK; i++) {
        struct simclr_batch batch;
        status = simclr_loader_next(loader, &batch);
        if (status != SIMCLR_OK) break;
        sc_feed_rows(session, entry, &batch);
        status = simclr_session_run(session, entry);
    }
    simclr_loader_free(loader);
    return status;
}

// ---- as they are ----

int64_t sc_features_raw_image(int64_t n_images, int64_t limit, int64_t i)
{
    return limit >= n_images ? i : i * n_images / limit;
}

static simclr_status collect(struct simclr_loader *loader, int64_t n_images,
                             struct sc_matrix *out)
{
    struct simclr_batch batch;
    int64_t seen = 0, done = 0;
    while (done < out->n) {
        SC_TRY(simclr_loader_next(loader, &batch));
        for (int64_t i = 0; i < batch.n_images; i++, seen++) {
            if (done == out->n || sc_features_raw_image(n_images, out->n, done) != seen)
                continue;
            memcpy(sc_matrix_row(out, done++), batch.x + i * out->d,
                   (size_t)out->d * sizeof(float));
        }
    }
    return SIMCLR_OK;
}

simclr_status sc_features_raw(struct simclr_diag *diag, const struct simclr_dataset *dataset,
                              int64_t h, int64_t w, int64_t limit, int n_threads,
                              struct sc_matrix *out)
{
    const int64_t n_images = simclr_dataset_n_images(dataset);
    const struct simclr_loader_options options = {
        .batch = 256, .h = h, .w = w, .is_sequential = true, .n_threads = n_threads};
    struct simclr_loader *loader;
    SC_TRY(sc_matrix_init(diag, limit < n_images ? limit : n_images, 3 * h * w, out));
    SC_TRY(simclr_loader_new(diag, dataset, NULL, &options, &loader));
    const simclr_status status = collect(loader, n_images, out);
    simclr_loader_free(loader);
    return status;
}
