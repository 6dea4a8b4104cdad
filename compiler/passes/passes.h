// SPDX-License-Identifier: Apache-2.0
//
// The passes. One per file; file, function and command-line name are one word
// (fold_constants.c, sc_pass_fold_constants, fold-constants). A pass changes the
// graph it is given and says whether it did. What is the user's fault it reports to
// the module's sink: whoever runs passes stops when there are errors.
#ifndef SC_PASSES_PASSES_H
#define SC_PASSES_PASSES_H

#include <simclr/compiler.h>

#include "compiler/ir/graph.h"

// What passes are told about the compilation.
struct sc_optimizer {
    enum simclr_op op;      // sgd, adam or lars
    union simclr_attr attr; // as for a parameter that is not excluded
};

enum sc_entry_kind {
    SC_ENTRY_train,       // forward, backward, update
    SC_ENTRY_grad,        // forward, backward, gradients as outputs
    SC_ENTRY_embed,       // inference form, h
    SC_ENTRY_project,     // inference form, z
    SC_ENTRY_recalibrate, // training form, running statistics only
    SC_ENTRY_run,         // the model as it is; alone, without the others
    SC_N_ENTRIES
};

struct sc_pass_context {
    const struct simclr_compile_options *options;
    enum sc_entry_kind entry;
    struct sc_optimizer optimizer;
    bool freeze_bn;
    bool unbiased_bn; // running variances are those of PyTorch: see lower_batch_norm.c
    bool strict_conv; // no algorithm that is less exact than the plain sum
};

typedef bool sc_pass_fn(struct sc_graph *g, const struct sc_pass_context *ctx);

#define PASS(name, text, stage, required, about) sc_pass_fn sc_pass_##name;
#include "compiler/passes/passes.def"
#undef PASS

struct sc_pass {
    const char *name;        // "fold-constants"
    enum simclr_stage stage; // of whose making it is a part
    bool required;
    sc_pass_fn *run;
    const char *about;
};
extern const struct sc_pass sc_passes[];
extern const size_t sc_n_passes;
const struct sc_pass *sc_pass_find(const char *name); // NULL if there is none

// Parses "lars:momentum=0.9,weight_decay=1e-6,eta=0.001"; USAGE with a message
// that lists what is known otherwise.
SC_MUST_USE simclr_status sc_optimizer_parse(struct simclr_diag *diag, const char *text,
                                             struct sc_optimizer *out);
// The same with every key written out, for the program's meta data.
const char *sc_optimizer_print(struct sc_arena *arena, const struct sc_optimizer *optimizer);

#endif
