// SPDX-License-Identifier: Apache-2.0
//
// A model as read: the protobuf tree and the bytes its tensors borrow. Shared by
// the files of compiler/onnx and seen by nobody else.
#ifndef SC_ONNX_MODEL_H
#define SC_ONNX_MODEL_H

#include "onnx/onnx.pb-c.h"

#include "compiler/ir/graph.h"
#include "compiler/ir/names.h"
#include "runtime/base/file.h"
#include "runtime/base/str.h"

struct sc_external {
    const char *location; // as the model writes it
    struct sc_map map;
};

// Where the nodes of a function, a body or a branch come from.
struct sc_onnx_origin {
    int64_t opset;              // of the standard operators among them
    const char *node, *op_type; // what messages call them; NULL: what they are called
    const char *prefix; // of one that stands for others: of the names within; NULL: its output
};

struct sc_onnx_model {
    struct sc_module *module;
    const char *name;    // the locus of messages: the path, or the name of a model of ours
    const char *folder;  // where external data may lie; NULL for a model of ours
    struct sc_map file;  // empty for a model in memory
    const uint8_t *data; // the bytes of the model; raw_data refers to them (struct sc_wire_ref)
    size_t size;
    Onnx__ModelProto *proto;       // in the module's arena; has a graph
    const Onnx__GraphProto *graph; // the same with functions and bodies inlined
    struct sc_onnx_origin origin;  // of its own nodes
    struct sc_names *origins;      // of others, by name of an output
    struct sc_names *bodies;       // parsed, by operator
    size_t n_instances;            // nodes made by inlining
    struct sc_external *externals;
    size_t n_externals;
    // What the import leaves for the template and for facts.c.
    struct sc_scope *scope;
    const char *h; // the tensor where the encoder ends
};

// A model from memory, which is borrowed for the model's life; `name` is the locus
// of messages. Such a model has no external data.
SC_MUST_USE simclr_status sc_onnx_open_bytes(struct sc_module *m, const char *name,
                                             const void *data, size_t size,
                                             struct sc_onnx_model **out);

// An absent string is an empty one.
const char *sc_onnx_text(const char *s);
// Is `domain` that of the standard operators?
bool sc_onnx_is_standard_domain(const char *domain);
// The version of the standard operators that is imported; 0 if none is.
int64_t sc_onnx_opset(const struct sc_onnx_model *model);
int64_t sc_onnx_opset_of(Onnx__OperatorSetIdProto *const *imports, size_t n);
// Where a node of model->graph, or of the graph of a scope, comes from.
const struct sc_onnx_origin *sc_onnx_origin(const struct sc_onnx_model *model,
                                            const Onnx__NodeProto *node);
// The module's arena as protobuf-c wants it.
ProtobufCAllocator sc_onnx_allocator(struct sc_module *m);
// NULL if there is none.
const Onnx__AttributeProto *sc_onnx_attribute(const Onnx__NodeProto *node, const char *name);
const Onnx__TensorProto *sc_onnx_initializer(const Onnx__GraphProto *graph, const char *name);

// Text (text_parse.c). Reports "FILE:LINE:COLUMN: error: ..." and returns NULL if
// the text is no model. `file` and the result live as long as the module.
Onnx__ModelProto *sc_onnx_parse(struct sc_module *m, const char *file, const char *text,
                                size_t size);
// The same for a function on its own.
Onnx__FunctionProto *sc_onnx_parse_function(struct sc_module *m, const char *file,
                                            const char *text, size_t size);

// Tensors (tensor.c).

// The element type by ONNX's number: its name in the textual syntax, our type for
// its values, bytes per element in raw_data.
struct sc_onnx_dtype {
    int number;
    const char *name;
    bool supported;
    simclr_dtype dtype; // f16 and bf16 become f32
    size_t raw_size;    // 0: strings
};
const struct sc_onnx_dtype *sc_onnx_dtype(int number);         // NULL if unknown
const struct sc_onnx_dtype *sc_onnx_dtype_named(const char *); // NULL if unknown

// What a tensor's values are, without looking at them.
struct sc_onnx_tensor {
    simclr_dtype dtype;
    struct simclr_shape shape;
    size_t count;
};
enum { SC_ONNX_ERROR = 400 }; // room for an error text
bool sc_onnx_tensor_type(const Onnx__TensorProto *t, struct sc_onnx_tensor *out, char *error);
// The values as `dtype` ("f32" for parameters), row-major. Borrowed from the file
// where they can be used as they stand (then aligned only if `aligned` is asked
// for), else converted into the arena. NULL after writing `error`.
const void *sc_onnx_tensor_values(struct sc_onnx_model *model, const Onnx__TensorProto *t,
                                  simclr_dtype dtype, bool aligned, char *error);
// sparse.c: the same tensor with its zeros; NULL after writing `error`.
Onnx__TensorProto *sc_onnx_densify(struct sc_onnx_model *model,
                                   const Onnx__SparseTensorProto *sparse, char *error);
// import_constant.c: the tensor of a Constant, however its value is given; NULL
// after writing `error`.
const Onnx__TensorProto *sc_onnx_constant(struct sc_onnx_model *model,
                                          const Onnx__NodeProto *node, char *error);
// A tensor whose values the text leaves out ("{...}").
extern const char sc_onnx_elided[]; // the key that marks it in external_data
bool sc_onnx_tensor_is_elided(const Onnx__TensorProto *t);
// Where a tensor's external data is; NULL if it has none.
const char *sc_onnx_tensor_location(const Onnx__TensorProto *t);
// Opens the file of external data at `location`; false after writing `error`.
bool sc_onnx_open_external(struct sc_onnx_model *model, const char *location, char *error);
// The bytes behind raw_data or external data; false after writing `error`.
bool sc_onnx_tensor_raw(struct sc_onnx_model *model, const Onnx__TensorProto *t,
                        const uint8_t **data, size_t *size, char *error);

#endif
