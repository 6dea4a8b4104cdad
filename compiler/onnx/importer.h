// SPDX-License-Identifier: Apache-2.0
//
// What the importers of ONNX's operators see. An importer reads the inputs and
// attributes of the present node and returns the value of its first output; it
// puts further outputs into scope->out. If something is wrong it reports it once,
// by the node's name, and whatever it returns is ignored: readers of inputs and
// attributes return harmless values after a mistake, so that importers need not
// check them one by one.
#ifndef SC_ONNX_IMPORTER_H
#define SC_ONNX_IMPORTER_H

#include "compiler/ir/builder.h"
#include "compiler/ir/names.h"
#include "compiler/onnx/import.h"
#include "compiler/onnx/model.h"

enum { SC_OPSET_OLDEST = 6, SC_OPSET_NEWEST = 28 };

// A float tensor that is, or may turn out to be, a parameter: an initializer, a
// Constant, or a node that describes how a weight starts.
struct sc_weight {
    const char *name;
    const Onnx__TensorProto *tensor; // NULL: described
    bool is_initializer;
    bool is_wanted;   // reaches a slot for weights
    bool is_excluded; // a bias, or of BatchNormalization
    bool is_unusable; // its values cannot be read, which has been reported
    // Of a described weight, once its node is imported.
    bool is_described;
    struct simclr_shape shape;
    enum simclr_init init;
    double a, b;
    // The parameters it became. A vector per channel is one parameter per
    // convolution it belongs to, for exporters merge equal vectors.
    struct sc_copy *copies;
    size_t n_copies;
};
struct sc_copy {
    const char *key; // what it belongs to; "" for anything but a vector per channel
    struct sc_param *param;
};

// What a name of the model stands for.
struct sc_bound {
    struct sc_value *value;          // NULL: not looked at yet, or never
    const Onnx__TensorProto *tensor; // of an initializer
    struct sc_weight *weight;
    const Onnx__NodeProto *maker; // NULL for inputs and initializers
    bool is_unknown;              // its node failed: silence about what depends on it
    bool is_computed;             // its node has been imported
};

struct sc_import_row;

// One model while it is imported.
struct sc_scope {
    struct sc_module *m;
    struct sc_onnx_model *model;
    const struct simclr_compile_options *options; // NULL: all defaults
    Onnx__GraphProto *graph; // its own: branches that are taken replace their If
    int64_t opset;           // of the standard operators; of the present node's
    enum simclr_part part;
    bool is_loss;              // its initializers are constants unless asked for
    bool is_as_written;        // nothing is trained: the file says in which form nodes run
    struct sc_names *bounds;   // struct sc_bound by name
    struct sc_names *declared; // Onnx__ValueInfoProto by name
    bool is_rebound;           // extents are not those that the file declares
    struct sc_scope *elder;    // of the same model: its parameters are this one's too
    struct sc_builder b;
    // Tensors of double or half precision, which are computed as float.
    int n_floats;
    const char *first_float;
    const struct sc_onnx_dtype *first_float_type;
    bool any_failed;
    bool is_unreadable; // of an opset that we do not know: no node is looked at
    // The present node.
    const Onnx__NodeProto *node;
    const char *node_name; // or "#17"
    const char *node_type; // its operator, or the one whose body it is of
    const struct sc_import_row *row;
    struct sc_value **out; // room for every output
    bool failed;
};

typedef struct sc_value *sc_import_fn(struct sc_scope *s);

// A row of import.def.
struct sc_import_row {
    const char *op_type;
    int since, until;   // opsets
    int min_in, max_in; // -1: any number
    int max_out;
    const char *slots; // by input: see import.def
    sc_import_fn *import;
};
#define ONNX(op_type, since, until, fn, min_in, max_in, max_out, slots)                        \
    sc_import_fn sc_import_##fn;
#include "compiler/onnx/import.def"
#undef ONNX

// import.c
// The first opset after `opset` that has a row for the operator; 0 if none has.
int sc_import_since(const char *op_type, int64_t opset);
// What to do about an operator that is refused with advice; NULL for others.
const char *sc_import_refusal(const char *op_type);
void sc_scope_init(struct sc_scope *s, struct sc_module *m, struct sc_graph *g,
                   struct sc_onnx_model *model, enum simclr_part part, bool is_loss);
// Checks opset and initializers, and finds the parameters among them.
void sc_scope_prepare(struct sc_scope *s);
// Imports the nodes `name` depends on, in the file's order, and returns its value;
// NULL if it is unknown, which has been reported.
struct sc_value *sc_scope_import(struct sc_scope *s, const char *name);
// The same for an output of the graph, which may also be an input or an initializer.
struct sc_value *sc_scope_import_output(struct sc_scope *s, const char *name);
// Whether a node of its graph was needed for what has been imported so far.
bool sc_scope_has_imported(const struct sc_scope *s, const Onnx__NodeProto *node);
// The row for a node's operator at the opset that holds for it; NULL if there is none.
const struct sc_import_row *sc_import_find(const struct sc_scope *s,
                                           const Onnx__NodeProto *node);
const struct sc_import_row *sc_import_row(const Onnx__NodeProto *node, int64_t opset);
// Has the node the inputs that the row wants?
bool sc_import_arity_fits(const struct sc_import_row *row, const Onnx__NodeProto *node);
// What messages and dumps call a node: its name, or what it makes, or its place.
const char *sc_node_name(const struct sc_scope *s, const Onnx__NodeProto *node, size_t index);
// Makes nodes known that are new in the graph, and initializers from `first` on.
void sc_scope_declare(struct sc_scope *s, size_t first_initializer,
                      Onnx__NodeProto *const *nodes, size_t n_nodes);

// order.c: puts definitions before uses.
void sc_scope_sort(struct sc_scope *s);

// import_if.c
bool sc_is_if(const Onnx__NodeProto *node);
// Replaces the present node, an If at `index`, by the branch that is taken; false
// after reporting.
bool sc_take_branch(struct sc_scope *s, size_t index);

// declared.c: the types that the file declares for results.
void sc_declared_find(struct sc_scope *s);
// Whether `value` (NULL: unknown) is what the file declares it to be.
bool sc_declared_check(struct sc_scope *s, const char *name, const struct sc_value *value);

// scope.c: names.
struct sc_bound *sc_scope_bound(struct sc_scope *s, const char *name); // made if missing
struct sc_bound *sc_scope_find(const struct sc_scope *s, const char *name);
// Gives a value to a name (an input of the model, an output of a node).
void sc_scope_bind(struct sc_scope *s, const char *name, struct sc_value *value);

// scope.c: messages about the present node. Mistakes return NULL.
struct sc_value *sc_bad_node(struct sc_scope *s, const char *fmt, ...) SC_PRINTF(2, 3);
// "WHAT 'name of input i' has shape ..., expected HOW <expected>"
struct sc_value *sc_bad_shape(struct sc_scope *s, const char *what, int i, const char *how,
                              const struct simclr_shape *expected);
void sc_hint_node(struct sc_scope *s, const char *fmt, ...) SC_PRINTF(2, 3);
void sc_note_node(struct sc_scope *s, const char *fmt, ...) SC_PRINTF(2, 3);
// Without training: which inputs, fixed at compile time, would make `v` known.
void sc_hint_inputs(struct sc_scope *s, const struct sc_value *v);

// scope.c: tensors whose precision is not float, counted for one note per model.
void sc_scope_count_float(struct sc_scope *s, const char *name,
                          const struct sc_onnx_dtype *type);
void sc_scope_note_floats(struct sc_scope *s);

// scope.c: inputs of the present node, from 0.
int sc_n_in(const struct sc_scope *s);
bool sc_has_in(const struct sc_scope *s, int i);
struct sc_value *sc_in(struct sc_scope *s, int i); // NULL if absent
const char *sc_in_name(const struct sc_scope *s, int i);
// A list of integers, or one (scalar or vector), or a number, known at compile
// time; `what` is the input's name in ONNX. False, reported, if it is not.
struct sc_ints {
    const int64_t *v;
    int64_t n;
};
bool sc_in_ints(struct sc_scope *s, int i, const char *what, struct sc_ints *out);
int64_t sc_in_int(struct sc_scope *s, int i, const char *what);
double sc_in_number(struct sc_scope *s, int i, const char *what);
struct sc_floats {
    const double *v;
    int64_t n;
};
bool sc_in_floats(struct sc_scope *s, int i, const char *what, struct sc_floats *out);

// Any tensor known at compile time; the caller frees it. NULL, reported, if it is not.
struct sc_tensor *sc_in_constant(struct sc_scope *s, int i, const char *what);
// An output that is used or asked for, from 0.
bool sc_has_out(const struct sc_scope *s, int i);

// scope.c: attributes of the present node.
bool sc_has_attr(const struct sc_scope *s, const char *name);
int64_t sc_attr_i(struct sc_scope *s, const char *name, int64_t absent);
double sc_attr_f(struct sc_scope *s, const char *name, double absent);
const char *sc_attr_s(struct sc_scope *s, const char *name, const char *absent);
bool sc_attr_ints(struct sc_scope *s, const char *name, struct sc_ints *out); // false: absent
bool sc_attr_floats(struct sc_scope *s, const char *name, struct sc_floats *out);
// An axis counted from the end if negative; `rank` is its limit, `axis` names it.
int64_t sc_axis(struct sc_scope *s, int64_t axis, int32_t rank);

// scope.c: making nodes. What the types do not allow is reported as a mistake of
// the present node; what is constant and small is computed on the spot. NULL among
// the inputs gives NULL.
struct sc_value *sc_make_node(struct sc_scope *s, enum simclr_op op,
                              const union simclr_attr *attr, struct sc_value *const *in,
                              int n_in);
#define sc_make(s, op, attr, ...)                                                              \
    sc_make_node(                                                                              \
        (s), (op), (attr), (struct sc_value *[]){__VA_ARGS__},                                 \
        (int)(sizeof((struct sc_value *[]){__VA_ARGS__}) / sizeof(struct sc_value *)))
struct sc_value *sc_make_reshape(struct sc_scope *s, struct sc_value *x,
                                 const struct simclr_shape *shape);
struct sc_value *sc_make_expand(struct sc_scope *s, struct sc_value *x,
                                const struct simclr_shape *shape);
struct sc_value *sc_make_cast(struct sc_scope *s, struct sc_value *x, simclr_dtype to);
// reduce_sum, reduce_mean or reduce_max.
struct sc_value *sc_make_reduce(struct sc_scope *s, enum simclr_op op, struct sc_value *x,
                                const struct simclr_dims *axes, bool keepdims);
// A constant scalar: `value` must be one that `dtype` and a double hold.
struct sc_value *sc_make_scalar(struct sc_scope *s, double value, simclr_dtype dtype);

// import_taps.c: linear maps along one axis, known at compile time.
struct sc_taps {
    int64_t n_out, n_taps; // n_taps for each output
    int64_t *index;        // [n_out, n_taps]; -1: no tap
    double *weight;
};
// A map without taps: zero.
struct sc_taps sc_taps_new(struct sc_scope *s, int64_t n_out, int64_t n_taps);
// The map applied to x (f32); x itself if it changes nothing.
struct sc_value *sc_make_resample(struct sc_scope *s, struct sc_value *x, int64_t axis,
                                  const struct sc_taps *taps);
// The elements of x (of any dtype) at index[0 .. n), all of them within the axis.
struct sc_value *sc_make_select(struct sc_scope *s, struct sc_value *x, int64_t axis,
                                const int64_t *index, int64_t n);

// import_group_norm.c
// An attribute that says in which precision something is computed: ours is single, which
// serves the others. False, reported, if it is none.
bool sc_check_precision(struct sc_scope *s, const char *attribute);

// import_arithmetic.c
// Input 1 as input 0 reads it before opset 7: operands broadcast only if attribute
// 'broadcast' says so, and then B's axes stand at 'axis' of A (default: at the end).
struct sc_value *sc_old_operand(struct sc_scope *s);
// The importers of an operation of two operands, which broadcast: since opset 7, and before.
#define SC_IMPORT_BINARY(op)                                                                   \
    struct sc_value *sc_import_##op(struct sc_scope *s)                                        \
    {                                                                                          \
        return sc_make(s, SIMCLR_OP_##op, NULL, sc_in(s, 0), sc_in(s, 1));                     \
    }                                                                                          \
    struct sc_value *sc_import_##op##_old(struct sc_scope *s)                                  \
    {                                                                                          \
        return sc_make(s, SIMCLR_OP_##op, NULL, sc_in(s, 0), sc_old_operand(s));               \
    }

// compose.c
// False, reported, if a result of this rank is beyond what we hold.
bool sc_fits_rank(struct sc_scope *s, int64_t rank);
// first, first + 1, ... (i64): n of them along `axis` of a tensor of `rank`.
struct sc_value *sc_make_counting(struct sc_scope *s, int64_t first, int64_t n, int32_t rank,
                                  int64_t axis);
struct sc_value *sc_make_transpose(struct sc_scope *s, struct sc_value *x,
                                   const struct simclr_dims *perm);
// n elements along `axis` from `first` on; the other axes whole.
struct sc_value *sc_make_part(struct sc_scope *s, struct sc_value *x, int64_t axis,
                              int64_t first, int64_t n, int64_t step);
// gather or gather_elements.
struct sc_value *sc_make_gather(struct sc_scope *s, enum simclr_op op, struct sc_value *x,
                                struct sc_value *indices, int64_t axis);
// The same elements without the axes given (sorted), which have one element each.
struct sc_value *sc_make_without_axes(struct sc_scope *s, struct sc_value *y,
                                      const struct simclr_dims *axes);
// Input 0 as Softmax, LogSoftmax and Hardmax see it before opset 13: a matrix, split at
// attribute 'axis' (1). NULL, reported, if the axis is none of its own.
struct sc_value *sc_in_matrix(struct sc_scope *s);
// Input i, integers of 32 or 64 bits, as i64; NULL, reported, if it is something else.
struct sc_value *sc_in_indices(struct sc_scope *s, int i, const char *what);

// weights.c
// Finds the parameters: among initializers from `first_initializer` on, and among
// what the nodes describe, by the slots their uses lead to.
void sc_weights_find(struct sc_scope *s, size_t first_initializer,
                     Onnx__NodeProto *const *nodes, size_t n_nodes);
bool sc_weight_is_param(const struct sc_scope *s, const struct sc_weight *w);
// Its value for input `i` of the present node; NULL after reporting.
struct sc_value *sc_weight_value(struct sc_scope *s, struct sc_weight *w, int i);
// Its value as it is, for no node.
struct sc_value *sc_weight_itself(struct sc_scope *s, struct sc_weight *w);
// The parameter that input `i` of `node` reads, NULL if it reads none (template.c).
struct sc_param *sc_weight_param(struct sc_scope *s, const Onnx__NodeProto *node, int i);
// Adds the float tensors that the import has used as constants.
void sc_weights_list_constants(struct sc_scope *s, struct sc_import *out);
// Says which vectors were given copies of their own.
void sc_weights_note_copies(struct sc_scope *s);
// The weight that the present node describes, if its output reaches a slot.
struct sc_weight *sc_weight_described(struct sc_scope *s);

// import_constant.c
// The value of a tensor of the file as a constant; NULL after reporting.
struct sc_value *sc_import_tensor(struct sc_scope *s, const Onnx__TensorProto *t,
                                  const char *name);

#endif
