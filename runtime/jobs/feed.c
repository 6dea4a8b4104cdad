// SPDX-License-Identifier: Apache-2.0
#include "runtime/jobs/feed.h"

#include <inttypes.h>
#include <string.h>

static const struct simclr_meta *meta_of(const struct simclr_program *program)
{
    return simclr_program_sections(program)->meta;
}

struct simclr_loader_options sc_feed_options(const struct simclr_program *program)
{
    const struct simclr_meta *const m = meta_of(program);
    struct simclr_loader_options o = {
        .batch = m->batch, .views = m->two_views ? 2 : 1, .h = m->height, .w = m->width};
    for (int c = 0; c < 3; c++) {
        o.mean[c] = m->mean[c];
        o.std[c] = m->std[c];
    }
    return o;
}

simclr_status sc_feed_check(struct simclr_diag *diag, const struct simclr_program *program,
                            const struct simclr_dataset *dataset, const char *data)
{
    const struct simclr_meta *const m = meta_of(program);
    const int64_t n_classes = simclr_dataset_n_classes(dataset);
    if (m->channels != 3)
        return sc_fail(diag, SIMCLR_BAD_INPUT, NULL,
                       "images of '%s' have 3 channels, the program takes %" PRId64, data,
                       m->channels);
    if (m->two_views) return SIMCLR_OK;
    if (n_classes == 0)
        return sc_fail(diag, SIMCLR_BAD_INPUT, NULL,
                       "images of '%s' have no labels, the program's loss wants them", data);
    if (m->n_classes > 0 && n_classes > m->n_classes)
        return sc_fail(diag, SIMCLR_BAD_INPUT, NULL,
                       "images of '%s' have %" PRId64
                       " classes, the program's loss has %" PRId64,
                       data, n_classes, m->n_classes);
    return SIMCLR_OK;
}

static float *images_of(struct simclr_session *session, const struct simclr_entry *entry)
{
    const struct simclr_port *const port =
        simclr_entry_port(simclr_session_program(session), entry, SIMCLR_PORT_images);
    return simclr_session_port(session, port).data;
}

static size_t row_size(const struct simclr_session *session)
{
    const struct simclr_meta *const m = meta_of(simclr_session_program(session));
    return (size_t)(m->channels * m->height * m->width);
}

void sc_feed_train(struct simclr_session *session, const struct simclr_entry *entry,
                   const struct simclr_batch *batch)
{
    const struct simclr_program *const program = simclr_session_program(session);
    const size_t size = row_size(session);
    float *const images = images_of(session, entry);
    const int64_t n = batch->n_images, n_views = batch->n_rows / n;
    if (meta_of(program)->halves) {
        for (int64_t i = 0; i < batch->n_rows; i++) {
            const int64_t to = i % n_views * n + i / n_views;
            memcpy(images + (size_t)to * size, batch->x + (size_t)i * size,
                   size * sizeof *images);
        }
    } else {
        memcpy(images, batch->x, (size_t)batch->n_rows * size * sizeof *images);
    }
    const struct simclr_port *const labels =
        simclr_entry_port(program, entry, SIMCLR_PORT_labels);
    if (labels)
        memcpy(simclr_session_port(session, labels).data, batch->label,
               (size_t)n * sizeof *batch->label);
}

void sc_feed_rows(struct simclr_session *session, const struct simclr_entry *entry,
                  const struct simclr_batch *batch)
{
    const size_t size = row_size(session);
    float *const images = images_of(session, entry);
    const int64_t rows = meta_of(simclr_session_program(session))->rows;
    for (int64_t i = 0; i < rows; i++)
        memcpy(images + (size_t)i * size, batch->x + (size_t)(i % batch->n_rows) * size,
               size * sizeof *images);
}
