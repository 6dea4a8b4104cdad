// SPDX-License-Identifier: Apache-2.0
//
// Running a program that was compiled without a loss (simclrc --loss none) on arrays
// from .npy files, and looking at what comes out.
#ifndef SIMCLR_RUN_H
#define SIMCLR_RUN_H

#include <simclr/types.h>

struct simclr_run_options {
    const char *program;
    // .npy files, FILE or NAME=FILE; those without a name are for the ports without a
    // file, in the program's order. Every input must have one.
    const char *const *inputs;
    size_t n_inputs;
    const char *const *expected; // the same of outputs; any number
    size_t n_expected;
    // A float is right if |found - expected| <= atol + rtol |expected|, or both are NaN or
    // the same infinity; an integer, if it is equal.
    double rtol, atol;
    const char *out; // folder to make, with a .npy file for each output; NULL: none
    int64_t threads; // 0: one per core
};

enum { SIMCLR_RUN_FILE = 256 };

struct simclr_run_output {
    char *name;
    simclr_dtype dtype;
    struct simclr_shape shape;
    int64_t n_numbers;          // elements that are not NaN
    double min, max, mean;      // of them; 0 if there are none
    char file[SIMCLR_RUN_FILE]; // in the folder; "" if none was asked for
    bool is_compared;           // the rest says with what result
    int64_t n_wrong;
    int64_t worst; // the element furthest out, counted row-major
    double found, expected;
};

struct simclr_run_result {
    struct simclr_run_output *outputs; // in the model's order
    size_t n_outputs;
};

// Checks every file before anything is computed and reports all that do not fit.
// WRONG_RESULT, each wrong output reported, if one is not as expected: the outputs are
// computed and written all the same. Free the result in any case.
simclr_status simclr_run(const struct simclr_run_options *options, struct simclr_diag *diag,
                         struct simclr_run_result *out);
void simclr_run_result_free(struct simclr_run_result *result);

#endif
