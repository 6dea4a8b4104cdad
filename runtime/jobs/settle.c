// SPDX-License-Identifier: Apache-2.0
//
// From options to a recipe: every default is decided here, once, and written
// into the recipe; a resumed run takes its recipe as it is.
#include "runtime/jobs/training.h"

#include "runtime/base/checked.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static simclr_status usage(const struct sc_training *t, const char *text)
{
    return sc_fail(t->diag, SIMCLR_USAGE, NULL, "%s", text);
}

static const struct simclr_meta *meta_of(const struct sc_training *t)
{
    return simclr_program_sections(t->program)->meta;
}

// ---- the learning rate ----

// Where users of an optimizer start. The base rates of linear and square-root
// scaling of sgd and adam agree at a batch of 256; those of lars are the paper's.
struct rates {
    const char *optimizer, *scaling;
    double linear, sqrt, none;
};
static const struct rates default_rates[] = {
    {"lars", "linear", 0.3, 0.075, 0.3},
    {"sgd", "linear", 0.12, 0.0075, 0.12},
    {"adam", "none", 0.001, 0.0000625, 0.001},
    {"adamw", "none", 0.001, 0.0000625, 0.001},
};

// The row of an optimizer as the program spells it, "lars:momentum=0.9,...".
static const struct rates *find_rates(const char *optimizer)
{
    const size_t n = strcspn(optimizer, ":");
    for (size_t i = 0; i < sizeof default_rates / sizeof default_rates[0]; i++) {
        const char *const name = default_rates[i].optimizer;
        if (strlen(name) == n && strncmp(name, optimizer, n) == 0) return &default_rates[i];
    }
    return &default_rates[1];
}

static bool parse_scaling(const char *text, enum sc_lr_scaling *out)
{
    static const char *const names[] = {
        [SC_LR_LINEAR] = "linear", [SC_LR_SQRT] = "sqrt", [SC_LR_NONE] = "none"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *out = (enum sc_lr_scaling)i;
        return true;
    }
    return false;
}

static simclr_status settle_lr(struct sc_training *t)
{
    const struct simclr_train_options *const o = t->options;
    struct sc_recipe *const r = &t->recipe;
    const char *const optimizer = simclr_program_string(t->program, meta_of(t)->optimizer);
    const struct rates *const rates = find_rates(optimizer);
    const char *const text = o->lr_scaling ? o->lr_scaling : rates->scaling;
    enum sc_lr_scaling scaling;
    if (!parse_scaling(text, &scaling))
        return sc_fail(t->diag, SIMCLR_USAGE, NULL,
                       "option '--lr-scaling': found '%s', expected linear, sqrt or none",
                       text);
    SC_TRY(sc_recipe_set(t->diag, &r->lr_scaling, text));
    r->lr = o->has_lr                 ? o->lr
            : scaling == SC_LR_LINEAR ? rates->linear
            : scaling == SC_LR_SQRT   ? rates->sqrt
                                      : rates->none;
    r->peak_lr = sc_schedule_peak(r->lr, scaling, r->batch);
    return SIMCLR_OK;
}

// ---- lengths ----

static simclr_status settle_length(struct sc_training *t)
{
    const struct simclr_train_options *const o = t->options;
    struct sc_recipe *const r = &t->recipe;
    if ((o->epochs > 0) == (o->steps > 0))
        return usage(t, o->epochs > 0 ? "options '--epochs' and '--steps' exclude each other"
                                      : "option '--epochs' or '--steps' is missing");
    r->epochs = o->epochs;
    r->steps = o->steps;
    r->total_steps = o->steps;
    if (o->epochs > 0 && !sc_checked_mul_i64(o->epochs, r->steps_per_epoch, &r->total_steps))
        return usage(t, "option '--epochs': more steps than can be counted");
    return SIMCLR_OK;
}

static simclr_status settle_warmup(struct sc_training *t)
{
    struct sc_recipe *const r = &t->recipe;
    const char *text = t->options->warmup;
    char tenth[32];
    if (!text) {
        const int64_t limit = r->total_steps / 10;
        (void)snprintf(tenth, sizeof tenth, "%" PRId64 "it", limit);
        text = limit / 10 < r->steps_per_epoch ? tenth : "10ep";
    }
    uint64_t steps;
    SC_TRY(sc_parse_stretch(t->diag, "warmup", text, (uint64_t)r->steps_per_epoch, &steps));
    if (steps > (uint64_t)r->total_steps)
        return sc_fail(t->diag, SIMCLR_USAGE, NULL,
                       "option '--warmup': %s is %" PRIu64 " steps, the whole run has %" PRId64,
                       text, steps, r->total_steps);
    r->warmup_steps = (int64_t)steps;
    return sc_recipe_set(t->diag, &r->warmup, text);
}

static simclr_status parse_interval(struct sc_training *t)
{
    const char *const text = t->recipe.checkpoint_every;
    char *end;
    const double minutes = strtod(text, &end);
    if (end != text && strcmp(end, "min") == 0 && minutes > 0 && minutes < 1e9) {
        t->interval = (struct sc_interval){.seconds = 60.0 * minutes};
        return SIMCLR_OK;
    }
    t->interval = (struct sc_interval){0};
    SC_TRY(sc_parse_stretch(t->diag, "checkpoint-every", text,
                            (uint64_t)t->recipe.steps_per_epoch, &t->interval.steps));
    if (t->interval.steps > 0) return SIMCLR_OK;
    return sc_fail(t->diag, SIMCLR_USAGE, NULL,
                   "option '--checkpoint-every': found '%s', expected at least one step", text);
}

// ---- all of it ----

// A seed must survive being written as a number of JSON.
static const int64_t max_seed = INT64_C(1) << 53;

static simclr_status settle_new(struct sc_training *t)
{
    const struct simclr_train_options *const o = t->options;
    struct sc_recipe *const r = &t->recipe;
    r->n_images = simclr_dataset_n_images(t->dataset);
    r->steps_per_epoch = r->n_images / r->batch;
    if (r->steps_per_epoch == 0)
        return sc_fail(t->diag, SIMCLR_USAGE, NULL,
                       "'%s' has %" PRId64 " images, expected at least one batch of %" PRId64,
                       r->data, r->n_images, r->batch);
    r->seed = o->has_seed ? o->seed : 0;
    if (r->seed < 0 || r->seed > max_seed)
        return sc_fail(t->diag, SIMCLR_USAGE, NULL,
                       "option '--seed': found %" PRId64 ", expected 0 to %" PRId64, r->seed,
                       max_seed);
    SC_TRY(settle_length(t));
    SC_TRY(settle_lr(t));
    return settle_warmup(t);
}

static simclr_status check_resumed(const struct sc_training *t)
{
    const struct sc_recipe *const r = &t->recipe;
    const int64_t n = simclr_dataset_n_images(t->dataset);
    if (n != r->n_images)
        return sc_fail(t->diag, SIMCLR_BAD_INPUT, NULL,
                       "'%s' has %" PRId64 " images, the run was started on %" PRId64, r->data,
                       n, r->n_images);
    if (meta_of(t)->batch != r->batch || r->steps_per_epoch != n / r->batch)
        return sc_fail(t->diag, SIMCLR_BAD_INPUT, t->dir,
                       "config.json and program.scp do not belong together");
    return SIMCLR_OK;
}

simclr_status sc_training_settle(struct sc_training *t)
{
    const struct simclr_train_options *const o = t->options;
    struct sc_recipe *const r = &t->recipe;
    SC_TRY(t->is_resumed ? check_resumed(t) : settle_new(t));
    if (o->checkpoint_every || !r->checkpoint_every)
        SC_TRY(sc_recipe_set(t->diag, &r->checkpoint_every,
                             o->checkpoint_every ? o->checkpoint_every : "10min"));
    if (o->keep > 0) r->keep = o->keep;
    if (r->keep == 0) r->keep = 2;
    t->schedule = (struct sc_schedule){.peak = r->peak_lr,
                                       .warmup = (uint64_t)r->warmup_steps,
                                       .total = (uint64_t)r->total_steps};
    return parse_interval(t);
}

// ---- resuming ----

static bool contradicts_text(const struct sc_training *t, const char *option, const char *given,
                             const char *recorded)
{
    if (!given || strcmp(given, recorded) == 0) return false;
    sc_report(t->diag, SIMCLR_ERROR, NULL,
              "option '--%s': found '%s', the run to resume was started with '%s'", option,
              given, recorded);
    return true;
}

static bool contradicts_count(const struct sc_training *t, const char *option, bool is_given,
                              int64_t given, int64_t recorded)
{
    if (!is_given || given == recorded) return false;
    sc_report(t->diag, SIMCLR_ERROR, NULL,
              "option '--%s': found %" PRId64 ", the run to resume was started with %" PRId64,
              option, given, recorded);
    return true;
}

simclr_status sc_training_check_options(const struct sc_training *t)
{
    const struct simclr_train_options *const o = t->options;
    const struct sc_recipe *const r = &t->recipe;
    bool bad = contradicts_count(t, "epochs", o->epochs > 0, o->epochs, r->epochs);
    bad |= contradicts_count(t, "steps", o->steps > 0, o->steps, r->steps);
    bad |= contradicts_count(t, "seed", o->has_seed, o->seed, r->seed);
    bad |= contradicts_text(t, "lr-scaling", o->lr_scaling, r->lr_scaling);
    bad |= contradicts_text(t, "warmup", o->warmup, r->warmup);
    bad |= contradicts_text(t, "augment", o->augment, r->augment);
    if (o->has_lr && o->lr != r->lr) {
        sc_report(t->diag, SIMCLR_ERROR, NULL,
                  "option '--lr': found %g, the run to resume was started with %g", o->lr,
                  r->lr);
        bad = true;
    }
    if (!bad) return SIMCLR_OK;
    sc_report(t->diag, SIMCLR_HINT, NULL,
              "a resumed run keeps its recipe: leave the option out, or start a new run");
    return SIMCLR_USAGE;
}
