// SPDX-License-Identifier: Apache-2.0
//
// Nodes that stand for other nodes: calls of local functions, operators with
// bodies, branches of If.
#ifndef SC_ONNX_FUNCTIONS_H
#define SC_ONNX_FUNCTIONS_H

#include "compiler/onnx/model.h"

// Sets model->graph.
SC_MUST_USE simclr_status sc_onnx_inline(struct sc_onnx_model *model);
// Appends the nodes and initializers of `branch`, which is taken for `node`, an If
// with at least one output, to those of `into`.
SC_MUST_USE simclr_status sc_onnx_take_branch(struct sc_onnx_model *model,
                                              const Onnx__NodeProto *node,
                                              const Onnx__GraphProto *branch,
                                              Onnx__GraphProto *into);
// The nth default of a function's attributes (IR 9), NULL behind the last.
const Onnx__AttributeProto *sc_onnx_function_default(struct sc_onnx_model *model,
                                                     const Onnx__FunctionProto *f, size_t nth);
void sc_onnx_function_set_default(struct sc_module *m, Onnx__FunctionProto *f,
                                  const Onnx__AttributeProto *a);

// body.c: the function that computes an operator whose row of import.def says
// "body", at that opset; NULL if it has none, or the node has not the inputs for
// it, which the importer reports.
const Onnx__FunctionProto *sc_onnx_body(struct sc_onnx_model *model,
                                        const Onnx__NodeProto *node, int64_t opset);

// A file of bodies/, embedded by cmake/embed.cmake.
struct sc_body {
    const char *name;  // of the operator; NULL ends the table
    const char *about; // the first line of its file
    const unsigned char *data;
    size_t size;
};
extern const struct sc_body sc_bodies[];

#endif
