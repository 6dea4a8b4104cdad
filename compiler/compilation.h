// SPDX-License-Identifier: Apache-2.0
//
// One compilation, from opened models to planned graphs: what compiler.c drives,
// pipeline.c transforms, emit.c writes down and inspect.c shows.
#ifndef SC_COMPILATION_H
#define SC_COMPILATION_H

#include <simclr/compiler.h>

#include "compiler/onnx/import.h"
#include "compiler/passes/passes.h"
#include "runtime/base/str.h"

enum { SC_MAX_MODELS = 3 };

struct simclr_compilation {
    struct simclr_compile_options options; // defaults filled in; strings borrow from the caller
    struct simclr_diag *diag;              // the caller's, or own_diag
    struct simclr_diag own_diag;           // prints to stderr
    struct sc_module *module;
    struct sc_onnx_model *models[SC_MAX_MODELS]; // the encoder or whole model first
    size_t n_models;
    struct sc_import import;   // its graph is the one of stage `graph`
    struct sc_graph *imported; // the same before any pass; NULL: the import failed
    struct sc_pass_context context;
    float mean[4], std[4];
    enum simclr_stage reached;
    // Each entry's graph as it stood after each stage; NULL: the program has no such entry.
    struct sc_graph *graphs[SC_N_ENTRIES][SIMCLR_N_STAGES];
    struct sc_str dump, summary;
};

// The name of an entry in programs and dumps.
const char *sc_entry_name(enum sc_entry_kind entry);
// Whether the program has that entry: run alone, or all others.
bool sc_has_entry(const struct simclr_compilation *c, enum sc_entry_kind entry);

// Runs the passes of `stage` on `g`. Fails if a pass reported an error.
SC_MUST_USE simclr_status sc_pipeline_run(struct simclr_compilation *c, struct sc_graph *g,
                                          enum simclr_stage stage);
// Refuses names in options.skip_passes that are unknown or required.
SC_MUST_USE simclr_status sc_pipeline_check(const struct simclr_compilation *c);

// Applies --train and --freeze (select.c).
SC_MUST_USE simclr_status sc_select_params(struct simclr_compilation *c);

// simclr_compile, but what there is when it fails is kept: *out is NULL only if there is
// no memory, and may lack models, parameters and graphs.
SC_MUST_USE simclr_status sc_compile(const struct simclr_compile_options *options,
                                     enum simclr_stage last, struct simclr_diag *diag,
                                     struct simclr_compilation **out);

// Builds the program from the planned graphs and writes it.
SC_MUST_USE simclr_status sc_emit(struct simclr_compilation *c, const char *path);

// Total bytes of the persistent region, and each parameter's place in it (by
// index, in the module's arena).
uint64_t sc_layout_params(const struct sc_module *m, uint64_t **offsets);

#endif
