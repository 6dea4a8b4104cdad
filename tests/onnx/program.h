// SPDX-License-Identifier: Apache-2.0
//
// A model along the way that users take: compiled with --loss none into a file, run by a
// session on the CPU.
#ifndef SC_TESTS_ONNX_PROGRAM_H
#define SC_TESTS_ONNX_PROGRAM_H

#include "compiler/ir/eval.h"
#include "runtime/base/str.h"

#include <simclr/compiler.h>

enum { PROGRAM_MAX = 16 };

struct program_case {
    const char *model; // file
    // The model's inputs that are no initializers; `in` NULL where there are no data.
    const char *names[PROGRAM_MAX];
    struct sc_tensor *in[PROGRAM_MAX];
    bool is_fixed[PROGRAM_MAX]; // at compile time
    int n_in;
    const struct simclr_binding *bindings;
    size_t n_bindings;
    // What came out, NULL at first; free with program_free.
    struct sc_tensor *out[PROGRAM_MAX];
    int n_out;
    struct sc_str messages; // errors, one line each
};

enum program_outcome { PROGRAM_RAN, PROGRAM_REFUSED, PROGRAM_FAILED };

// REFUSED if the compiler says no, FAILED if anything does later.
enum program_outcome program_run(struct program_case *c);
void program_free(struct program_case *c); // outputs and messages

// A name for a temporary file of this process: in memory where there is such a place.
void program_temporary(char *path, size_t size, const char *suffix);

#endif
