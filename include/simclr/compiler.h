// SPDX-License-Identifier: Apache-2.0
//
// The compiler as a library: ONNX descriptions in, a program out, every stage
// open to inspection. The command simclrc is this header's first customer.
#ifndef SIMCLR_COMPILER_H
#define SIMCLR_COMPILER_H

#include <simclr/types.h>

// A dimension bound by name: "--bind height=224".
struct simclr_binding {
    const char *name;
    int64_t value;
};

// An input whose value is known at compile time: "--input shape=s.npy".
struct simclr_fixed_input {
    const char *name, *file;
};

// "--train PATTERN" or "--freeze PATTERN". In a pattern * stands for any letters and
// ? for one.
struct simclr_selection {
    const char *pattern;
    bool train;
};

// Zero is the default of every field.
struct simclr_compile_options {
    // A file (.onnx, .onnxtxt) or the name of a model that comes with us. Either
    // `model` (one file, with or without a loss), or encoder with head and loss
    // (NULL: "nonlinear" and "nt_xent"). The loss "none" compiles the one model as
    // it is, without training: a program with the one entry "run", for which head, h,
    // image_size, temperature, optimizer, bn, bn_var, insert_bn, selections and normalize
    // have no meaning.
    const char *model, *encoder, *head, *loss;
    const char *h;      // tensor where the encoder ends; NULL: its output
    int64_t batch;      // images per step; 0: 256. Without training: the symbolic
                        // first extent of inputs, 0: bindings say what it is
    int64_t image_size; // 0: as the encoder says; binds symbolic height and width
    const struct simclr_binding *bindings;
    size_t n_bindings;
    const struct simclr_fixed_input *fixed; // without training: constants from .npy files
    size_t n_fixed;
    const char *normalize; // "none" (default), "imagenet", "cifar10", or "m,m,m/s,s,s"
    const char *optimizer; // "sgd" ("lars", "sgd", "adam", "adamw") with ":key=value,..."
    const char *bn;        // "train" (default) or "freeze"
    const char *bn_var;    // running variance: "population" (default) or "unbiased"
    bool insert_bn;        // behind convolutions whose own was merged into them
    const char *conv;      // "fast" (default: Winograd's tiles where they pay) or "strict"
    double temperature;    // 0: as the loss says
    // Which parameters are trained: the last selection that matches a name decides.
    // A float constant of the models is a parameter where its whole name is given.
    const struct simclr_selection *selections;
    size_t n_selections;
    const char *init_file;          // safetensors with initial values by parameter name
    uint64_t seed;                  // of initial weights
    const char *const *skip_passes; // names; required passes are refused
    size_t n_skip_passes;
    bool verify_each; // verify after each pass (always on in debug builds)
    bool time_passes; // print the time each pass took, as notes
};

struct simclr_compilation;

enum simclr_stage {
#define STAGE(name, description) SIMCLR_STAGE_##name,
#include <simclr/stages.def>
#undef STAGE
    SIMCLR_N_STAGES
};

// Reads and links the models, then compiles up to and including `last`. Every
// mistake found is reported. On success *out is set; free it in any case.
simclr_status simclr_compile(const struct simclr_compile_options *options,
                             enum simclr_stage last, struct simclr_diag *diag,
                             struct simclr_compilation **out);
void simclr_compilation_free(struct simclr_compilation *c);

// One stage of one entry (NULL: "train", or the only one, "run") as text, dot or json.
// Stage onnx is the models themselves, as text in ONNX's textual syntax. The string
// belongs to the compilation.
simclr_status simclr_compilation_dump(struct simclr_compilation *c, enum simclr_stage stage,
                                      const char *entry, const char *format, const char **out);
// Every parameter and float constant of the models: name, type, role, how it starts,
// whether it is decayed. As text or json. Needs stage graph; the string belongs to the
// compilation.
simclr_status simclr_compilation_dump_params(struct simclr_compilation *c, const char *format,
                                             const char **out);
// What a step will hold in memory, as a table for people.
const char *simclr_compilation_plan_summary(struct simclr_compilation *c);

// Explains models to their owner, broken ones too: compiles them as far as they can be
// and reports as text or json what is in the files, what is supported, what would be
// trained and what a step would cost. The status is that of the compilation. *report is
// NULL if the options are wrong, else to be freed with free().
simclr_status simclr_check(const struct simclr_compile_options *options, const char *format,
                           struct simclr_diag *diag, char **report);

// Writes the program, whole or not at all. Needs stage plan.
simclr_status simclr_compilation_write(struct simclr_compilation *c, const char *path);

// The models that come with the compiler: name and one line about each; NULL past the end.
const char *simclr_model_name(size_t i);
const char *simclr_model_about(size_t i);

// Names of stages and passes, in order; NULL past the end.
const char *simclr_stage_name(size_t i);
const char *simclr_stage_about(size_t i);
const char *simclr_pass_name(size_t i);
const char *simclr_pass_about(size_t i);
bool simclr_pass_is_required(size_t i);

#endif
