// SPDX-License-Identifier: Apache-2.0
//
// Linking encoder, head and loss into one graph: which input is fed by what, and
// what the symbolic extents are.
#ifndef SC_ONNX_LINK_H
#define SC_ONNX_LINK_H

#include "compiler/onnx/importer.h"

struct sc_link {
    struct sc_module *m;
    const struct simclr_compile_options *options;
    struct sc_import *out;
    struct sc_scope encoder, head, loss; // of a model with its own loss: encoder alone
    struct sc_scope branch;              // of two image inputs: the branch that makes h
    bool has_head, has_loss;
    bool failed;
    // Of a model that is not trained.
    bool took_batch;
    simclr_status file_status;        // of the first --input that cannot be opened
    struct sc_value *images, *labels; // NULL: no such input, or unknown
    struct sc_value *h, *z, *l;       // NULL: unknown
};

// A mistake in `model`.
void sc_link_fail(struct sc_link *l, const struct sc_onnx_model *model, const char *fmt, ...)
    SC_PRINTF(3, 4);
void sc_link_hint(struct sc_link *l, const struct sc_onnx_model *model, const char *fmt, ...)
    SC_PRINTF(3, 4);

// link_input.c

// The inputs of a model that are no initializers: those of float elements and
// those of integers, by position. Others are reported.
enum { SC_MAX_PORTS = 3 };
struct sc_ports {
    const Onnx__ValueInfoProto *images[SC_MAX_PORTS], *labels[SC_MAX_PORTS];
    int n_images, n_labels;
};
struct sc_ports sc_link_ports(struct sc_link *l, const struct sc_onnx_model *model);

// Makes the input of the graph for images; sets its extents in l->out.
void sc_link_images(struct sc_link *l, struct sc_scope *s, const Onnx__ValueInfoProto *info);
// What sc_link_images consists of: the extents with so many rows, false after
// reporting; and the input, not yet bound.
bool sc_link_image_shape(struct sc_link *l, struct sc_scope *s,
                         const Onnx__ValueInfoProto *info, int64_t rows,
                         struct simclr_shape *shape);
void sc_link_make_images(struct sc_link *l, const char *name, const struct simclr_shape *shape);
// Makes the input for labels and binds it.
void sc_link_labels(struct sc_link *l, struct sc_scope *s, const Onnx__ValueInfoProto *info);
// Feeds `value` (NULL: unknown) to an input after comparing what the model
// declares with what it gets; `giver` is what it comes from ("the encoder").
void sc_link_feed(struct sc_link *l, struct sc_scope *s, const Onnx__ValueInfoProto *info,
                  struct sc_value *value, const char *giver);
// Without training: makes the input of the declared type, a port of its own name, or the
// constant that --input says it is; sets l->took_batch if its first extent is --batch's.
void sc_link_tensor(struct sc_link *l, struct sc_scope *s, const Onnx__ValueInfoProto *info);
// Warns of --bind options that name no extent of any input.
void sc_link_check_bindings(struct sc_link *l);

// link.c

// One row of features per image: [rows, D], or [rows, D, 1, 1], which is seen as it;
// NULL after reporting.
struct sc_value *sc_link_rows(struct sc_link *l, struct sc_scope *s, const char *what,
                              const char *name, struct sc_value *v);
// Rows [first, first + n) of v, a matrix or images.
struct sc_value *sc_link_slice(struct sc_scope *s, struct sc_value *v, int64_t first,
                               int64_t n);
bool sc_link_has_output(const struct sc_onnx_model *model, const char *name);
// The name of h in a model with a loss of its own; NULL after reporting.
const char *sc_link_find_h(struct sc_link *l, const struct sc_onnx_model *model);
// Imports the loss of that name (NULL: there is none).
void sc_link_loss(struct sc_link *l, struct sc_scope *s, const char *name);

// link_views.c: a model that takes the two views as two inputs; `loss` is the name
// of its loss.
void sc_link_views(struct sc_link *l, const struct sc_ports *ports, const char *loss);

// insert_norm.c

// Puts a BatchNormalization behind each convolution that has lost its own.
void sc_link_insert_norms(struct sc_link *l, struct sc_onnx_model *model);

// advise.c

// What would make every node fail: quantised models, files of external data that are
// not there. False after saying it once.
bool sc_link_check_model(struct sc_link *l, struct sc_onnx_model *model);
// What the export has done to the encoder and its owner may not know; after the import
// up to `h`.
void sc_link_advise(struct sc_link *l, const char *h);

#endif
