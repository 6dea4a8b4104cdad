// SPDX-License-Identifier: Apache-2.0
//
// Training, and what is done with single programs and runs: a run is the folder
// that a training leaves behind:
//   program.scp     the program, copied
//   config.json     the recipe, all options written out
//   metrics.jsonl   one JSON object per step
//   checkpoints/    the newest, step-00000123/ and so on
#ifndef SIMCLR_TRAIN_H
#define SIMCLR_TRAIN_H

#include <simclr/types.h>

// Zero is the default of every field, where one is named.
struct simclr_train_options {
    const char *program;   // file; may be NULL if a run is resumed
    const char *data;      // see simclr_dataset_open; may be NULL if a run is resumed
    const char *out;       // the run
    bool resumes;          // continue the run in `out`, if there is one
    int64_t epochs, steps; // exactly one, unless a run is resumed
    bool has_lr, has_seed; // false: the defaults below
    double lr; // base rate; by the optimizer: lars 0.3, sgd 0.12, adam and adamw 0.001
    const char
        *lr_scaling; // "linear": lr * N / 256; "sqrt": lr * sqrt(N); "none". By the optimizer:
                     // linear; none for adam and adamw
    const char *warmup;  // "10ep" or "500it"; 10 epochs, or a tenth of the run if that is less
    const char *augment; // see simclr_augment_parse; by the image size: simclr-cifar up to 64
                         // pixels, then simclr-imagenet; none for supervised programs
    int64_t seed;        // of the data's order and its views; 0
    const char *checkpoint_every; // "1ep", "500it" or "10min" (the default)
    int64_t keep;                 // checkpoints; 2
    int64_t threads;              // one per core
};

// What a training holds in memory, in bytes.
struct simclr_train_plan {
    uint64_t parameters, optimizer, statistics;
    uint64_t arena, constants, scratch;
    uint64_t loader, images;
    uint64_t total;
    // And what is going to happen.
    int64_t n_images, batch, steps_per_epoch, total_steps, first_step;
    double peak_lr;
    int64_t warmup_steps;
};

struct simclr_train_progress {
    int64_t step, total_steps; // the first is 1
    int64_t epoch, n_epochs;
    double loss, lr;
    double chance;        // loss of a model that knows nothing; 0 if unknown
    bool has_contrastive; // of NT-Xent: the next two
    double accuracy, entropy;
    double images_per_s; // smoothed
    double seconds_left;
};

// Called from the thread that trains; NULL functions are not called.
struct simclr_train_observer {
    void *user;
    void (*planned)(void *user, const struct simclr_train_plan *plan);
    // After each step. True: stop here; a checkpoint is written first.
    bool (*stepped)(void *user, const struct simclr_train_progress *progress);
};

struct simclr_train_result {
    int64_t step, total_steps; // steps done, in all
    double loss;               // of the last step; 0 if none was done
};

// Trains (algorithm 1 of the paper), from the beginning or from the newest
// checkpoint, to the end or until the observer stops it. The losses are the same
// for any number of threads and any number of interruptions. A loss or parameter
// that is not finite ends the training with BAD_INPUT, nothing of it saved.
simclr_status simclr_train(const struct simclr_train_options *options,
                           const struct simclr_train_observer *observer,
                           struct simclr_diag *diag, struct simclr_train_result *out);

struct simclr_step_options {
    const char *program;
    const char *input;  // .npy: f32 of the images' shape
    const char *labels; // .npy: i64 per row; for supervised programs
    const char *params; // safetensors by parameter name; NULL: the initial values
    const char *grads;  // safetensors to write, gradients by parameter name; may be NULL
    int64_t threads;
};

struct simclr_step_result {
    float loss;
    int64_t n_grads;
    bool has_contrastive;
    float accuracy, entropy;
};

// One forward and backward pass over a given batch; nothing is updated.
simclr_status simclr_step(const struct simclr_step_options *options, struct simclr_diag *diag,
                          struct simclr_step_result *out);

struct simclr_export_result {
    int64_t step;   // of the checkpoint
    uint64_t bytes; // written
};

// Writes the trained encoder of a run (or of one checkpoint's folder) as ONNX, in
// inference form. Whole or not at all.
simclr_status simclr_export(const char *run, const char *path, struct simclr_diag *diag,
                            struct simclr_export_result *out);

#endif
