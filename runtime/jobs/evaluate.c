// SPDX-License-Identifier: Apache-2.0
//
// One table: the same classifiers on raw pixels, on the encoder before training
// and on the trained encoder. The first two say how much of the last is due to
// training.
#include "runtime/base/thread.h"
#include "runtime/eval/knn.h"
#include "runtime/eval/probe.h"
#include "runtime/jobs/features.h"
#include "runtime/jobs/run.h"

#include <simclr/eval.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Raw pixels are a floor, not a result: fewer and smaller images will do.
enum { RAW_SIZE = 32, RAW_IMAGES = 10000 };

// One part of the data: images, labels, features.
struct part {
    struct simclr_dataset *dataset;
    int64_t *label, *raw_label;
    struct sc_matrix x;
};

struct evaluation {
    struct simclr_diag *diag;
    const struct simclr_eval_options *options;
    void (*said)(void *user, const char *line);
    void *user;
    struct sc_run run;
    struct simclr_session *session;
    struct sc_pool *pool;
    struct part train, test;
    struct simclr_eval_result *out;
};

static void say(const struct evaluation *e, const char *fmt, ...) SC_PRINTF(2, 3);

static void say(const struct evaluation *e, const char *fmt, ...)
{
    char line[128];
    va_list args;
    if (!e->said) return;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    e->said(e->user, line);
}

// ---- data ----

static simclr_status open_part(const struct evaluation *e, const char *spec,
                               enum simclr_split split, struct part *part)
{
    SC_TRY(simclr_dataset_open(e->diag, spec, split, (int)e->options->threads, &part->dataset));
    if (simclr_dataset_n_classes(part->dataset) == 0)
        return sc_fail(e->diag, SIMCLR_BAD_INPUT, NULL,
                       "images of '%s' have no labels, which probes want", spec);
    const int64_t n = simclr_dataset_n_images(part->dataset);
    const int64_t n_raw = n < RAW_IMAGES ? n : RAW_IMAGES;
    part->label = calloc((size_t)n, sizeof *part->label);
    part->raw_label = calloc((size_t)n_raw, sizeof *part->raw_label);
    if (!part->label || !part->raw_label)
        return sc_fail(e->diag, SIMCLR_NO_MEMORY, NULL, "out of memory for labels");
    for (int64_t i = 0; i < n; i++)
        part->label[i] = simclr_dataset_label(part->dataset, i);
    for (int64_t i = 0; i < n_raw; i++)
        part->raw_label[i] = part->label[sc_features_raw_image(n, n_raw, i)];
    return SIMCLR_OK;
}

static void close_part(struct part *part)
{
    simclr_dataset_free(part->dataset);
    free(part->label);
    free(part->raw_label);
    sc_matrix_deinit(&part->x);
}

// Labels are comparable if both parts have the same classes.
static simclr_status check_classes(const struct evaluation *e)
{
    const struct simclr_dataset *const a = e->train.dataset, *const b = e->test.dataset;
    const int64_t n = simclr_dataset_n_classes(a);
    if (n != simclr_dataset_n_classes(b))
        return sc_fail(e->diag, SIMCLR_BAD_INPUT, NULL,
                       "test images have %" PRId64 " classes, training images %" PRId64,
                       simclr_dataset_n_classes(b), n);
    for (int64_t i = 0; i < n; i++) {
        const char *const x = simclr_dataset_class_name(a, i);
        const char *const y = simclr_dataset_class_name(b, i);
        if (strcmp(x, y) != 0)
            return sc_fail(e->diag, SIMCLR_BAD_INPUT, NULL,
                           "class %" PRId64
                           " of the test images is '%s', of the training images "
                           "'%s'",
                           i, y, x);
    }
    return SIMCLR_OK;
}

static simclr_status open_data(struct evaluation *e)
{
    const struct simclr_eval_options *const o = e->options;
    const bool is_apart = o->test_data != NULL;
    SC_TRY(open_part(e, o->data, is_apart ? SIMCLR_SPLIT_PRETRAIN : SIMCLR_SPLIT_TRAIN,
                     &e->train));
    SC_TRY(open_part(e, is_apart ? o->test_data : o->data,
                     is_apart ? SIMCLR_SPLIT_MEASURE : SIMCLR_SPLIT_TEST, &e->test));
    return check_classes(e);
}

static simclr_status describe_data(const struct evaluation *e)
{
    struct simclr_eval_result *const out = e->out;
    out->n_train = simclr_dataset_n_images(e->train.dataset);
    out->n_test = simclr_dataset_n_images(e->test.dataset);
    out->n_classes = simclr_dataset_n_classes(e->test.dataset);
    out->chance = 1.0 / (double)out->n_classes;
    int64_t *const count = calloc((size_t)out->n_classes, sizeof *count);
    if (!count) return sc_fail(e->diag, SIMCLR_NO_MEMORY, NULL, "out of memory for classes");
    int64_t largest = 0;
    for (int64_t i = 0; i < out->n_test; i++) {
        const int64_t n = ++count[e->test.label[i]];
        if (n > largest) largest = n;
    }
    free(count);
    out->largest_class = (double)largest / (double)out->n_test;
    out->k = e->options->k > 0 ? e->options->k : 200;
    if (out->k > out->n_train) out->k = out->n_train;
    return SIMCLR_OK;
}

// ---- rows ----

static simclr_status run_knn(const struct evaluation *e, struct sc_labelled *train,
                             struct sc_labelled *test, double *out)
{
    const double temperature = e->options->temperature > 0 ? e->options->temperature : 0.1;
    const struct sc_knn_options options = {
        .n_classes = e->out->n_classes, .k = e->out->k, .temperature = temperature};
    sc_matrix_normalize_rows(&train->x);
    sc_matrix_normalize_rows(&test->x);
    return sc_knn_accuracy(e->diag, e->pool, train, test, &options, out);
}

// Runs the classifiers on the features of both parts, which they use up. The probe
// comes first: kNN changes the lengths of rows.
static simclr_status add_row(struct evaluation *e, const char *name, const int64_t *train_label,
                             const int64_t *test_label)
{
    struct sc_labelled train = {e->train.x, train_label}, test = {e->test.x, test_label};
    struct simclr_eval_row *const row = &e->out->row[e->out->n_rows++];
    *row = (struct simclr_eval_row){
        .dim = train.x.d, .n_train = train.x.n, .knn = -1, .linear = -1};
    (void)snprintf(row->features, sizeof row->features, "%s", name);
    if (e->options->wants_linear) {
        say(e, "linear probe on %s", name);
        struct sc_probe_result result;
        SC_TRY(sc_probe_linear(e->diag, e->pool, &train, &test, e->out->n_classes, &result));
        row->linear = result.accuracy;
    }
    if (e->options->wants_knn) {
        say(e, "nearest neighbours on %s", name);
        SC_TRY(run_knn(e, &train, &test, &row->knn));
    }
    sc_matrix_deinit(&e->train.x);
    sc_matrix_deinit(&e->test.x);
    return SIMCLR_OK;
}

// All pixels share a large mean, which would make every cosine about 1.
static simclr_status center(const struct evaluation *e, struct sc_matrix *train,
                            struct sc_matrix *test)
{
    double *const moments = calloc(2 * (size_t)train->d, sizeof *moments);
    if (!moments) return sc_fail(e->diag, SIMCLR_NO_MEMORY, NULL, "out of memory");
    sc_matrix_moments(train, moments, moments + train->d);
    sc_matrix_shift(train, moments, NULL);
    sc_matrix_shift(test, moments, NULL);
    free(moments);
    return SIMCLR_OK;
}

static simclr_status add_raw(struct evaluation *e)
{
    const struct simclr_meta *const m = simclr_program_sections(e->run.program)->meta;
    const int n_threads = (int)e->options->threads;
    const int64_t h = m->height < RAW_SIZE ? m->height : RAW_SIZE;
    const int64_t w = m->width < RAW_SIZE ? m->width : RAW_SIZE;
    say(e, "raw pixels");
    SC_TRY(
        sc_features_raw(e->diag, e->train.dataset, h, w, RAW_IMAGES, n_threads, &e->train.x));
    SC_TRY(sc_features_raw(e->diag, e->test.dataset, h, w, RAW_IMAGES, n_threads, &e->test.x));
    SC_TRY(center(e, &e->train.x, &e->test.x));
    char name[64];
    (void)snprintf(name, sizeof name, "raw pixels, %" PRId64 "x%" PRId64, h, w);
    return add_row(e, name, e->train.raw_label, e->test.raw_label);
}

static simclr_status add_encoder(struct evaluation *e, const char *when,
                                 enum sc_feature feature)
{
    const int n_threads = (int)e->options->threads;
    char name[64];
    (void)snprintf(name, sizeof name, "%s encoder, %s", when,
                   feature == SC_FEATURE_H ? "h" : "z");
    say(e, "features of the %s", name);
    SC_TRY(sc_features_compute(e->diag, e->session, feature, e->train.dataset, n_threads,
                               &e->train.x));
    SC_TRY(sc_features_compute(e->diag, e->session, feature, e->test.dataset, n_threads,
                               &e->test.x));
    return add_row(e, name, e->train.label, e->test.label);
}

static simclr_status add_encoders(struct evaluation *e, const char *when)
{
    const struct simclr_eval_options *const o = e->options;
    if (o->wants_h || !o->wants_z) SC_TRY(add_encoder(e, when, SC_FEATURE_H));
    if (o->wants_z) SC_TRY(add_encoder(e, when, SC_FEATURE_Z));
    return SIMCLR_OK;
}

// ---- all of it ----

static simclr_status open_encoder(struct evaluation *e)
{
    const struct simclr_eval_options *const o = e->options;
    const struct simclr_session_options on = {.n_threads = (int)o->threads};
    SC_TRY(sc_run_open(e->diag, o->run, &e->run));
    e->out->step = (int64_t)e->run.step;
    if (o->wants_h || !o->wants_z)
        SC_TRY(sc_features_check(e->diag, e->run.program, SC_FEATURE_H));
    if (o->wants_z) SC_TRY(sc_features_check(e->diag, e->run.program, SC_FEATURE_Z));
    SC_TRY(sc_pool_new(e->diag, (int)o->threads, &e->pool));
    return simclr_session_new(e->run.program, &on, e->diag, &e->session);
}

static simclr_status evaluate(struct evaluation *e)
{
    SC_TRY(open_encoder(e));
    SC_TRY(open_data(e));
    SC_TRY(describe_data(e));
    SC_TRY(add_raw(e));
    say(e, "statistics of the untrained encoder");
    simclr_session_initialize(e->session);
    SC_TRY(sc_features_recalibrate(e->diag, e->session, e->train.dataset,
                                   (int)e->options->threads));
    SC_TRY(add_encoders(e, "untrained"));
    SC_TRY(sc_run_load(e->diag, &e->run, e->session));
    return add_encoders(e, "trained");
}

simclr_status simclr_eval(const struct simclr_eval_options *options,
                          void (*said)(void *user, const char *line), void *user,
                          struct simclr_diag *diag, struct simclr_eval_result *out)
{
    *out = (struct simclr_eval_result){0};
    struct evaluation e = {
        .diag = diag, .options = options, .said = said, .user = user, .out = out};
    const simclr_status status = evaluate(&e);
    close_part(&e.train);
    close_part(&e.test);
    simclr_session_free(e.session);
    sc_pool_free(e.pool);
    sc_run_close(&e.run);
    return status;
}
