// SPDX-License-Identifier: Apache-2.0
//
// The pipeline: which passes run, in which order, and what is checked between
// them. The order is that of passes.def; the constraints below say why it is so.
#include "compiler/compilation.h"

#include "compiler/ir/verify.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

// `first` comes before `then`, because ...
static const struct {
    const char *first, *then, *reason;
} order[] = {
    {"fuse-nt-xent", "differentiate", "the fused loss brings its own, stable gradient"},
    {"select-entry", "lower-batch-norm", "the entry says which form BatchNormalization takes"},
    {"lower-batch-norm", "differentiate",
     "the training form has the gradient through the statistics"},
    {"differentiate", "insert-optimizer", "the optimizer consumes gradients"},
    {"fold-constants", "fuse-pointwise", "micro-programs are not folded"},
    {"eliminate-common", "fuse-pointwise", "equal operations are found one by one"},
    {"eliminate-dead", "fuse-pointwise", "a dead use would keep a chain from being fused"},
    {"fuse-pointwise", "select-kernels", "kernels are chosen for the operations that remain"},
    {"select-kernels", "plan-memory", "the plan needs every workspace"},
    {"schedule", "plan-memory", "lifetimes are those of the final order"},
};

static size_t pass_position(const char *name)
{
    for (size_t i = 0; i < sc_n_passes; i++) {
        if (!strcmp(sc_passes[i].name, name)) return i;
    }
    return sc_n_passes;
}

static bool order_holds(void)
{
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (pass_position(order[i].first) >= pass_position(order[i].then)) return false;
    }
    return true;
}

simclr_status sc_pipeline_check(const struct simclr_compilation *c)
{
    if (!order_holds()) abort(); // a row of passes.def stands in the wrong place
    for (size_t i = 0; i < c->options.n_skip_passes; i++) {
        const char *name = c->options.skip_passes[i];
        const size_t at = pass_position(name);
        if (at == sc_n_passes)
            return sc_fail(c->diag, SIMCLR_USAGE, NULL, "there is no pass '%s'", name);
        if (sc_passes[at].required)
            return sc_fail(c->diag, SIMCLR_USAGE, NULL,
                           "pass '%s' is required and cannot be skipped", name);
    }
    return SIMCLR_OK;
}

static bool is_skipped(const struct simclr_compilation *c, const char *name)
{
    for (size_t i = 0; i < c->options.n_skip_passes; i++) {
        if (!strcmp(c->options.skip_passes[i], name)) return true;
    }
    return false;
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static bool verifies_each(const struct simclr_compilation *c)
{
#ifdef NDEBUG
    return c->options.verify_each;
#else
    (void)c;
    return true;
#endif
}

simclr_status sc_pipeline_run(struct simclr_compilation *c, struct sc_graph *g,
                              enum simclr_stage stage)
{
    for (size_t i = 0; i < sc_n_passes; i++) {
        const struct sc_pass *pass = &sc_passes[i];
        if (pass->stage != stage || is_skipped(c, pass->name)) continue;
        const double start = now_ms();
        const int errors = c->diag->n_errors;
        pass->run(g, &c->context);
        if (c->diag->n_errors > errors) return SIMCLR_BAD_INPUT;
        if (c->options.time_passes)
            sc_report(c->diag, SIMCLR_NOTE, NULL, "pass %s on %s: %.2f ms, %u nodes",
                      pass->name, g->name, now_ms() - start, g->n_nodes);
        if (verifies_each(c)) sc_verify_thoroughly(g, pass->name);
    }
    return SIMCLR_OK;
}
