// SPDX-License-Identifier: Apache-2.0
//
// From ONNX files to the forward graph. The only part of the house that sees
// protobuf types. Reading (onnx/reader, onnx/text) checks the file; importing
// (import.def, import_<family>.c) turns their operators into ours.
#ifndef SC_ONNX_IMPORT_H
#define SC_ONNX_IMPORT_H

#include <simclr/compiler.h>

#include "compiler/ir/graph.h"
#include "runtime/base/str.h"

// A model in memory, from a file or from the models that come with us. It lives in
// the module's arena but for the mapped files, which close unmaps: keep it open as
// long as initial values of parameters (sc_param.stored) may be read.
struct sc_onnx_model;

// `name` is a path (.onnx binary, .onnxtxt text, told apart by content) or the
// name of a model of ours. Reports and returns a status if it cannot be used.
SC_MUST_USE simclr_status sc_onnx_open(struct sc_module *m, const char *name,
                                       struct sc_onnx_model **out);
void sc_onnx_close(struct sc_onnx_model *model); // NULL is allowed
// Whether the model brings its own loss: one of its outputs is declared scalar,
// or is made by a loss operator. Such a model is trained as it is; any other is an encoder.
bool sc_onnx_has_loss(const struct sc_onnx_model *model);
// Appends the model in ONNX's textual syntax; weights above 16 elements are elided by `...`.
void sc_onnx_print(const struct sc_onnx_model *model, struct sc_str *out);
// All models of a compilation in one document: structure, types and shapes, no values.
void sc_onnx_print_json(struct sc_onnx_model *const *models, size_t n, struct sc_str *out);
void sc_onnx_print_dot(struct sc_onnx_model *const *models, size_t n, struct sc_str *out);

struct sc_import_options {
    const struct simclr_compile_options *compile;
    struct sc_onnx_model *encoder; // or the whole model, if head and loss are NULL
    struct sc_onnx_model *head;    // NULL: h is z
    struct sc_onnx_model *loss;    // NULL: the model brings its own, or has none
};

// A float tensor of the models that is no parameter.
struct sc_constant {
    const char *file, *name;
    const struct sc_value *value; // of kind constant
};

// What the linked models amount to.
struct sc_import {
    struct sc_graph *
        graph; // "model": inputs images, [labels]; outputs by role: embedding, projection, loss
    bool two_views, halves;
    int64_t batch, rows, channels, height, width;
    int64_t n_classes, h_dim, z_dim;
    const char *encoder_name, *head_name, *loss_name;
    struct sc_constant *constants;
    size_t n_constants;
};

// Links, binds and imports. All independent mistakes are reported (at most 20).
SC_MUST_USE simclr_status sc_onnx_import(struct sc_module *m,
                                         const struct sc_import_options *options,
                                         struct sc_import *out);

// options->encoder as it is, nothing trained: every input and every output is a port
// of its own name, in the file's order, and everything is computed as the file says.
SC_MUST_USE simclr_status sc_onnx_import_run(struct sc_module *m,
                                             const struct sc_import_options *options,
                                             struct sc_import *out);

// The encoder as it will be exported: inference form, symbolic batch, the user's
// names, no head; parameters are holes. `index` of each param must be final.
struct sc_template {
    struct simclr_segment *segments;
    uint32_t n_segments;
    uint8_t *bytes; // of the literal segments
    size_t n_bytes;
};
SC_MUST_USE simclr_status sc_onnx_template(struct sc_module *m, struct sc_onnx_model *encoder,
                                           const struct sc_import *import,
                                           struct sc_template *out);

// What a file says of itself, for --check (facts.c). Texts are "" where it says nothing.
struct sc_onnx_port {
    const char *name, *declared; // "float[N,3,224,224]"
    const char *here;            // "f32[512,3,224,224]"; NULL: not reached by the import
    const char *bindings;        // "N = 512": its symbolic extents; "" if there are none
    bool is_input;
};
enum sc_support {
    SC_SUPPORT_supported,
    SC_SUPPORT_body,
    SC_SUPPORT_function,
    SC_SUPPORT_refused
};
struct sc_onnx_operator {
    const char *domain, *name;
    enum sc_support support;
    const char *why; // it is refused; "" if nothing is known but that
    size_t n_nodes;
    // Of the operations it has become in the graph: how many there are, and why the
    // first of those without a gradient has none (NULL: all have one).
    size_t n_made;
    const char *why_no_grad;
};
struct sc_onnx_sidecar { // a file of external data
    const char *location;
    bool is_there;
    uint64_t size;
};
struct sc_onnx_facts {
    const char *file, *graph, *producer, *opsets; // "17, com.microsoft 1"
    int64_t ir_version;
    size_t n_nodes, n_initializers, n_functions;
    uint64_t initializer_bytes;
    struct sc_onnx_port *ports;
    size_t n_ports;
    struct sc_onnx_operator *operators; // most frequent first
    size_t n_operators;
    struct sc_onnx_sidecar *sidecars;
    size_t n_sidecars;
};
// `made` is the graph of the import that `model` took part in, or NULL.
struct sc_onnx_facts sc_onnx_describe(struct sc_onnx_model *model, const struct sc_graph *made);
// The width of h; 0 if the import did not come that far. *name is where h is, or NULL.
int64_t sc_onnx_width_of_h(const struct sc_onnx_model *model, const char **name);

#endif
