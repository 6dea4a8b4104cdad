// SPDX-License-Identifier: Apache-2.0
#include "runtime/jobs/training.h"

#include "runtime/base/file.h"
#include "runtime/jobs/feed.h"

#include <inttypes.h>
#include <string.h>

// Images up to this many pixels high and wide are augmented as CIFAR's are.
enum { SMALL_IMAGE = 64 };

static const struct simclr_meta *meta_of(const struct sc_training *t)
{
    return simclr_program_sections(t->program)->meta;
}

// ---- what there is ----

static simclr_status missing(const struct sc_training *t, const char *what)
{
    return sc_fail(t->diag, SIMCLR_USAGE, NULL, "%s is missing", what);
}

// The file is the program that the run has a copy of, byte for byte.
static simclr_status check_same_program(const struct sc_training *t, const char *copy)
{
    struct sc_map a, b;
    SC_TRY(sc_map_open(t->diag, t->options->program, &a));
    simclr_status status = sc_map_open(t->diag, copy, &b);
    if (status == SIMCLR_OK) {
        if (a.size != b.size || (a.size > 0 && memcmp(a.data, b.data, a.size) != 0))
            status = sc_fail(t->diag, SIMCLR_BAD_INPUT, t->options->program,
                             "is not the program that run '%s' was started with", t->dir);
        sc_map_close(&b);
    }
    sc_map_close(&a);
    return status;
}

static simclr_status open_program(struct sc_training *t)
{
    const char *const given = t->options->program;
    char copy[SC_PATH_SIZE];
    if (t->is_resumed) {
        SC_TRY(sc_run_path(t->diag, t->dir, "program.scp", copy));
        if (given) SC_TRY(check_same_program(t, copy));
    }
    SC_TRY(simclr_program_open(t->is_resumed ? copy : given, t->diag, &t->program));
    t->entry = simclr_program_entry(t->program, "train");
    if (!t->entry)
        return sc_fail(t->diag, SIMCLR_BAD_INPUT, given ? given : t->dir,
                       "the program has no entry 'train': it was compiled without a loss, "
                       "to be run with 'simclr run'");
    if (t->is_resumed) return SIMCLR_OK;
    t->recipe.batch = meta_of(t)->batch;
    return sc_recipe_set(t->diag, &t->recipe.program, given);
}

static simclr_status open_data(struct sc_training *t)
{
    const struct simclr_train_options *const o = t->options;
    struct sc_recipe *const r = &t->recipe;
    if (o->data) SC_TRY(sc_recipe_set(t->diag, &r->data, o->data));
    if (o->threads > 0) r->threads = o->threads;
    SC_TRY(simclr_dataset_open(t->diag, r->data, SIMCLR_SPLIT_PRETRAIN, (int)r->threads,
                               &t->dataset));
    return sc_feed_check(t->diag, t->program, t->dataset, r->data);
}

static simclr_status choose_augment(struct sc_training *t, struct simclr_augment *out)
{
    const struct simclr_meta *const m = meta_of(t);
    const char *text = t->options->augment;
    if (t->is_resumed)
        text = t->recipe.augment;
    else if (!text)
        text = !m->two_views                                         ? "none"
               : m->height <= SMALL_IMAGE && m->width <= SMALL_IMAGE ? "simclr-cifar"
                                                                     : "simclr-imagenet";
    SC_TRY(simclr_augment_parse(t->diag, text, out));
    return t->is_resumed ? SIMCLR_OK : sc_recipe_set(t->diag, &t->recipe.augment, text);
}

static simclr_status open_session(struct sc_training *t)
{
    const struct simclr_session_options options = {.n_threads = (int)t->recipe.threads};
    SC_TRY(simclr_session_new(t->program, &options, t->diag, &t->session));
    SC_TRY(sc_session_state_init(t->diag, t->session, &t->state));
    simclr_session_initialize(t->session);
    if (t->step == 0) return SIMCLR_OK;
    return sc_checkpoint_read(t->diag, t->checkpoints, t->step, &t->state.view);
}

static simclr_status open_loader(struct sc_training *t, const struct simclr_augment *augment)
{
    struct simclr_loader_options options = sc_feed_options(t->program);
    options.seed = (uint64_t)t->recipe.seed;
    options.first_step = t->step;
    options.n_threads = (int)t->recipe.threads;
    return simclr_loader_new(t->diag, t->dataset, augment, &options, &t->loader);
}

static simclr_status open_parts(struct sc_training *t)
{
    struct simclr_augment augment;
    SC_TRY(open_program(t));
    SC_TRY(open_data(t));
    SC_TRY(choose_augment(t, &augment));
    SC_TRY(sc_training_settle(t));
    SC_TRY(open_loader(t, &augment));
    return open_session(t);
}

// ---- the run's folder ----

static simclr_status copy_file(struct simclr_diag *diag, const char *from, const char *to)
{
    struct sc_map map;
    struct sc_writer *w;
    SC_TRY(sc_map_open(diag, from, &map));
    simclr_status status = sc_writer_open(diag, to, &w);
    if (status == SIMCLR_OK) {
        sc_writer_put(w, map.data, map.size);
        status = sc_writer_commit(w);
    }
    sc_map_close(&map);
    return status;
}

// config.json comes last: with it, the folder is a run.
static simclr_status make_run(struct sc_training *t)
{
    char path[SC_PATH_SIZE];
    SC_TRY(sc_make_dirs(t->diag, t->checkpoints));
    SC_TRY(sc_run_path(t->diag, t->dir, "program.scp", path));
    SC_TRY(copy_file(t->diag, t->options->program, path));
    SC_TRY(sc_run_path(t->diag, t->dir, "config.json", path));
    return sc_recipe_write(t->diag, path, &t->recipe);
}

static simclr_status refuse_old_run(const struct sc_training *t)
{
    uint64_t step;
    SC_TRY(sc_checkpoint_newest(t->diag, t->checkpoints, &step));
    if (step == 0 && !sc_run_exists(t->dir)) return SIMCLR_OK;
    const simclr_status status =
        sc_fail(t->diag, SIMCLR_USAGE, NULL, "'%s' holds a run already", t->dir);
    sc_report(t->diag, SIMCLR_HINT, NULL,
              "--resume continues it; another --out starts a new one");
    return status;
}

static simclr_status open_old_run(struct sc_training *t)
{
    char path[SC_PATH_SIZE];
    SC_TRY(sc_run_path(t->diag, t->dir, "config.json", path));
    SC_TRY(sc_recipe_read(t->diag, path, &t->recipe));
    SC_TRY(sc_training_check_options(t));
    SC_TRY(sc_checkpoint_newest(t->diag, t->checkpoints, &t->step));
    if (t->step <= (uint64_t)t->recipe.total_steps) return SIMCLR_OK;
    return sc_fail(t->diag, SIMCLR_BAD_INPUT, t->dir,
                   "the checkpoint is of step %" PRIu64 ", the run ends at step %" PRId64,
                   t->step, t->recipe.total_steps);
}

static simclr_status open_all(struct sc_training *t)
{
    const struct simclr_train_options *const o = t->options;
    char path[SC_PATH_SIZE];
    if (!o->out) return missing(t, "option '--out'");
    SC_TRY(sc_run_path(t->diag, o->out, "checkpoints", t->checkpoints));
    memcpy(t->dir, o->out, strlen(o->out) + 1); // shorter than `checkpoints`
    t->is_resumed = o->resumes && sc_run_exists(t->dir);
    if (!t->is_resumed && !o->program) return missing(t, "argument P.scp");
    if (!t->is_resumed && !o->data) return missing(t, "option '--data'");
    SC_TRY(t->is_resumed ? open_old_run(t) : refuse_old_run(t));
    SC_TRY(open_parts(t));
    if (!t->is_resumed) SC_TRY(make_run(t));
    SC_TRY(sc_run_path(t->diag, t->dir, "metrics.jsonl", path));
    return sc_metrics_open(t->diag, path, t->step, &t->metrics);
}

simclr_status sc_training_open(struct simclr_diag *diag,
                               const struct simclr_train_options *options,
                               struct sc_training *out)
{
    *out = (struct sc_training){.diag = diag, .options = options};
    return open_all(out);
}

void sc_training_close(struct sc_training *t)
{
    sc_metrics_close(t->metrics);
    simclr_loader_free(t->loader);
    sc_session_state_deinit(&t->state);
    simclr_session_free(t->session);
    simclr_dataset_free(t->dataset);
    simclr_program_free(t->program);
    sc_recipe_deinit(&t->recipe);
}
