// SPDX-License-Identifier: Apache-2.0
//
// ONNX's own test data, where the distribution has it (libonnx-testdata): folders with a
// model, and inputs and outputs as TensorProto files.
#ifndef SC_TESTS_ONNX_TESTDATA_H
#define SC_TESTS_ONNX_TESTDATA_H

#include "compiler/ir/eval.h"
#include "compiler/onnx/model.h"

// Calls `fn` for the folder of each case, in order: of the collection `only` ("node"), or
// of all (NULL). False if there is no such data here.
typedef void testdata_fn(void *user, const char *dir, const char *name);
bool testdata_each(const char *only, testdata_fn *fn, void *user);

// A TensorProto file, double precision as single; NULL if it is none of our types.
struct sc_tensor *testdata_load(struct sc_module *m, const char *path);

#endif
