// SPDX-License-Identifier: Apache-2.0
//
// Who makes and who uses each tensor of a model: for what looks at a graph as a
// whole, before and beside the import.
#ifndef SC_ONNX_WIRING_H
#define SC_ONNX_WIRING_H

#include "compiler/onnx/model.h"

struct sc_wire {
    const Onnx__NodeProto *maker; // NULL: an input, an initializer or nothing
    const Onnx__TensorProto *tensor;
    const Onnx__NodeProto **users;
    size_t n_users;
    bool is_pooled; // one number per channel: see wiring.c
};

struct sc_wiring;

struct sc_wiring *sc_wiring_new(struct sc_arena *arena, const Onnx__GraphProto *graph);
// Never NULL: a tensor that is not there has no maker and no users.
const struct sc_wire *sc_wiring_find(const struct sc_wiring *w, const char *name);
// The maker, or the initializer, behind nodes that hand their first input on unchanged
// (Identity, Dropout): the wire of that tensor, and its name.
const struct sc_wire *sc_wiring_source(const struct sc_wiring *w, const char *name,
                                       const char **source);

bool sc_onnx_is_op(const Onnx__NodeProto *node, const char *op_type); // NULL is no node
// Input or output `i`; "" if there is none.
const char *sc_onnx_in(const Onnx__NodeProto *node, size_t i);
const char *sc_onnx_out(const Onnx__NodeProto *node, size_t i);

// Convolutions that look as if an exporter had merged a BatchNormalization into them:
// they have a bias, work on images (not behind a global pooling, as in squeeze and
// excitation) and nothing normalises what they make.
struct sc_merged {
    bool *is_merged; // by node
    size_t n_merged, n_convs;
    bool is_likely; // so many that it is probably the exporter's doing
};
struct sc_merged sc_onnx_find_merged(struct sc_arena *arena, const Onnx__GraphProto *graph);

#endif
