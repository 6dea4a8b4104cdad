// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the importer share: one ONNX model imported as it is, without
// linking, and run by the interpreter.
#ifndef SC_TESTS_ONNX_RUN_H
#define SC_TESTS_ONNX_RUN_H

#include "compiler/ir/eval.h"
#include "compiler/onnx/importer.h"

enum { RUN_MAX_TENSORS = 16 };

struct run {
    struct simclr_diag diag; // collects into `messages`, one line each
    struct sc_str messages;
    struct sc_module *m;
    struct sc_onnx_model *model;
    struct sc_scope scope;
    struct sc_graph *graph;
    // By position among the model's inputs that are no initializers.
    struct sc_tensor *in[RUN_MAX_TENSORS];
    int n_in;
    // By position among its outputs; NULL where the import failed.
    struct sc_tensor *out[RUN_MAX_TENSORS];
    int n_out;
};

void run_init(struct run *r);
void run_deinit(struct run *r);
// The inputs of the model that are no initializers.
int run_inputs(const struct sc_onnx_model *model, const Onnx__ValueInfoProto **infos);
// Makes r->in, zeros of the declared types; symbolic extents are 2.
void run_declared(struct run *r);
// Fills r->in: the numbers behind `# NAME = ` in `text`, zeros without such a line.
void run_make_inputs(struct run *r, const char *text);
// Imports r->model. Inputs are given at run time if they are float and
// `floats_are_given`, else they are constants of the values in r->in. Parameters
// start with the stored values.
void run_import(struct run *r, bool floats_are_given);
// Fills r->out.
void run_eval(struct run *r);

#endif
