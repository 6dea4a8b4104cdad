// SPDX-License-Identifier: Apache-2.0
//
// The training loop.
#include "runtime/jobs/feed.h"
#include "runtime/jobs/training.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

// What is measured on the way.
struct pace {
    double last_checkpoint; // seconds of the monotonic clock
    double step_seconds;    // smoothed; 0 before the first step
};

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const struct simclr_meta *meta_of(const struct sc_training *t)
{
    return simclr_program_sections(t->program)->meta;
}

// ---- the plan ----

static uint64_t bytes_of(const struct simclr_tensor *t)
{
    return (uint64_t)simclr_shape_count(&t->shape) * simclr_dtype_size(t->dtype);
}

static struct simclr_train_plan make_plan(const struct sc_training *t)
{
    const struct simclr_memory memory = simclr_session_memory(t->session);
    struct simclr_train_plan p = {.arena = memory.arena,
                                  .constants = memory.constants,
                                  .scratch = memory.scratch,
                                  .loader = simclr_loader_bytes(t->loader),
                                  .images = simclr_dataset_bytes(t->dataset),
                                  .n_images = t->recipe.n_images,
                                  .batch = t->recipe.batch,
                                  .steps_per_epoch = t->recipe.steps_per_epoch,
                                  .total_steps = t->recipe.total_steps,
                                  .first_step = (int64_t)t->step + 1,
                                  .peak_lr = t->recipe.peak_lr,
                                  .warmup_steps = t->recipe.warmup_steps};
    for (size_t i = 0; i < t->state.view.n_slots; i++)
        p.optimizer += bytes_of(&t->state.view.slots[i]);
    for (size_t i = 0; i < t->state.view.n_params; i++) {
        if (t->state.is_statistic[i]) p.statistics += bytes_of(&t->state.view.params[i]);
    }
    // With what aligns them.
    p.parameters = memory.persistent - p.optimizer - p.statistics;
    p.total = memory.persistent + p.arena + p.constants + p.scratch + p.loader + p.images;
    return p;
}

// ---- one step ----

static void *port_data(const struct sc_training *t, enum simclr_port_role role)
{
    const struct simclr_port *const port = simclr_entry_port(t->program, t->entry, role);
    return port ? simclr_session_port(t->session, port).data : NULL;
}

static simclr_status run_step(struct sc_training *t, struct sc_metrics_row *row)
{
    struct simclr_batch batch;
    SC_TRY(simclr_loader_next(t->loader, &batch));
    sc_feed_train(t->session, t->entry, &batch);
    *row = (struct sc_metrics_row){.step = t->step + 1,
                                   .epoch = batch.epoch + 1,
                                   .lr = (float)sc_schedule_lr(&t->schedule, t->step)};
    const int64_t step = (int64_t)row->step;
    void *const lr_port = port_data(t, SIMCLR_PORT_lr);
    void *const step_port = port_data(t, SIMCLR_PORT_step);
    if (lr_port) memcpy(lr_port, &row->lr, sizeof row->lr);
    if (step_port) memcpy(step_port, &step, sizeof step);
    SC_TRY(simclr_session_run(t->session, t->entry));
    memcpy(&row->loss, port_data(t, SIMCLR_PORT_loss), sizeof row->loss);
    const float *const metrics = port_data(t, SIMCLR_PORT_metrics);
    row->has_contrastive = metrics != NULL;
    if (metrics) {
        row->accuracy = metrics[0];
        row->entropy = metrics[1];
    }
    if (isfinite(row->loss)) return SIMCLR_OK;
    const simclr_status status =
        sc_fail(t->diag, SIMCLR_BAD_INPUT, NULL, "the loss of step %" PRIu64 " is %g",
                row->step, (double)row->loss);
    sc_report(t->diag, SIMCLR_HINT, NULL, "a lower --lr or a longer --warmup may help");
    return status;
}

static simclr_status save(struct sc_training *t)
{
    const struct simclr_tensor *const bad = sc_session_state_find_bad(&t->state);
    if (bad)
        return sc_fail(t->diag, SIMCLR_BAD_INPUT, NULL,
                       "after step %" PRIu64 ", '%s' is not finite", t->step, bad->name);
    SC_TRY(sc_metrics_sync(t->metrics));
    return sc_checkpoint_write(t->diag, t->checkpoints, t->step, &t->state.view,
                               (size_t)t->recipe.keep);
}

static bool is_checkpoint_due(const struct sc_training *t, const struct pace *pace, double time)
{
    if (t->interval.steps > 0) return t->step % t->interval.steps == 0;
    return time - pace->last_checkpoint >= t->interval.seconds;
}

// ---- the loop ----

// The loss of a model that knows nothing: of NT-Xent over 2N - 1 candidates, of a
// classifier over its classes.
static double chance_loss(const struct simclr_meta *m)
{
    if (m->is_nt_xent) return log((double)m->rows - 1.0);
    return m->n_classes > 1 ? log((double)m->n_classes) : 0.0;
}

static void update_pace(struct pace *pace, double seconds)
{
    pace->step_seconds =
        pace->step_seconds > 0 ? 0.9 * pace->step_seconds + 0.1 * seconds : seconds;
}

static bool tell(const struct sc_training *t, const struct simclr_train_observer *observer,
                 const struct sc_metrics_row *row, const struct pace *pace)
{
    if (!observer || !observer->stepped) return false;
    const int64_t per_epoch = t->recipe.steps_per_epoch, total = t->recipe.total_steps;
    const struct simclr_train_progress progress = {
        .step = (int64_t)row->step,
        .total_steps = total,
        .epoch = (int64_t)row->epoch,
        .n_epochs = (total + per_epoch - 1) / per_epoch,
        .loss = (double)row->loss,
        .lr = (double)row->lr,
        .chance = chance_loss(meta_of(t)),
        .has_contrastive = row->has_contrastive,
        .accuracy = (double)row->accuracy,
        .entropy = (double)row->entropy,
        .images_per_s = (double)t->recipe.batch / pace->step_seconds,
        .seconds_left = (double)(total - (int64_t)row->step) * pace->step_seconds};
    return observer->stepped(observer->user, &progress);
}

static simclr_status loop(struct sc_training *t, const struct simclr_train_observer *observer,
                          struct simclr_train_result *out)
{
    struct pace pace = {.last_checkpoint = now()};
    bool is_stopping = false;
    while (t->step < t->schedule.total && !is_stopping) {
        struct sc_metrics_row row;
        const double begin = now();
        SC_TRY(run_step(t, &row));
        const double seconds = fmax(now() - begin, 1e-9);
        row.images_per_s = (double)t->recipe.batch / seconds;
        update_pace(&pace, seconds);
        SC_TRY(sc_metrics_append(t->metrics, &row));
        t->step++;
        out->step = (int64_t)t->step;
        out->loss = (double)row.loss;
        is_stopping = tell(t, observer, &row, &pace);
        if (is_stopping || t->step == t->schedule.total || is_checkpoint_due(t, &pace, now())) {
            SC_TRY(save(t));
            pace.last_checkpoint = now();
        }
    }
    return SIMCLR_OK;
}

simclr_status simclr_train(const struct simclr_train_options *options,
                           const struct simclr_train_observer *observer,
                           struct simclr_diag *diag, struct simclr_train_result *out)
{
    struct sc_training t;
    *out = (struct simclr_train_result){0};
    simclr_status status = sc_training_open(diag, options, &t);
    if (status == SIMCLR_OK) {
        out->step = (int64_t)t.step;
        out->total_steps = t.recipe.total_steps;
        const struct simclr_train_plan plan = make_plan(&t);
        if (observer && observer->planned) observer->planned(observer->user, &plan);
        status = loop(&t, observer, out);
    }
    sc_training_close(&t);
    return status;
}
