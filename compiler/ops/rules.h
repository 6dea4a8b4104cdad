// SPDX-License-Identifier: Apache-2.0
//
// What the rules of the operations share: checks and messages of shape
// inference, walks over tensors for the definitions, and questions that folding
// asks. An operation's own file holds everything else.
#ifndef SC_OPS_RULES_H
#define SC_OPS_RULES_H

#include "compiler/ir/builder.h"
#include "runtime/base/integer.h"

#define OP(stem, attrs, min_in, max_in, n_out, traits, cpu, vulkan)                            \
    extern const struct sc_op_info sc_op_info_##stem;
#include <simclr/ops.def>
#undef OP

// Shape inference. Each check writes its message and returns false if it fails.
// Operands are counted from one in messages, from zero in code.

// The type of a value as text, "f32[2,3]", to be used within one expression.
struct sc_type_text {
    char s[240];
};
struct sc_type_text sc_type_text(const struct sc_value *v);

bool sc_infer_dtype(struct sc_infer *ctx, int operand, simclr_dtype expected);
bool sc_infer_rank(struct sc_infer *ctx, int operand, int32_t expected);
bool sc_infer_same_shape(struct sc_infer *ctx, int operand, int other);
bool sc_infer_scalar(struct sc_infer *ctx, int operand);
// f32[count], for per-channel vectors; `what` names it ("scale").
bool sc_infer_vector(struct sc_infer *ctx, int operand, const char *what, int64_t count);
bool sc_infer_axis(struct sc_infer *ctx, int64_t axis, int32_t rank);
// A list of extents: none negative, at most eight.
bool sc_infer_dims(struct sc_infer *ctx, const struct simclr_dims *dims);
// Sets output `out`; returns true, so that a rule ends with it.
bool sc_infer_set(struct sc_infer *ctx, int out, simclr_dtype dtype,
                  const struct simclr_shape *shape);
bool sc_infer_set_like(struct sc_infer *ctx, int out, int operand);

// Whole rules: operands broadcast to one output of the same dtype, which is f32
// or, for the _number rules, also i64 or i32.
bool sc_infer_float(struct sc_infer *ctx);
bool sc_infer_number(struct sc_infer *ctx);
bool sc_infer_arithmetic(struct sc_infer *ctx); // f32 or any integer type
// The same with a bool output, for any common dtype.
bool sc_infer_compare(struct sc_infer *ctx);
// Operands and output are bool.
bool sc_infer_logic(struct sc_infer *ctx);

// A sliding window along one axis, as in ONNX: Conv and the pools.
struct sc_window {
    int64_t in, kernel, stride, dilation, pad_begin, pad_end;
    bool ceil_mode;
};
// Checks the window and computes how many positions it has; `axis` is "height"
// or "width".
bool sc_infer_window(struct sc_infer *ctx, const char *axis, const struct sc_window *w,
                     int64_t *out);
struct sc_range {
    int64_t begin, end; // end excluded
};
// The output positions whose tap `k` (of the kernel) falls inside the input.
struct sc_range sc_window_inside(const struct sc_window *w, int64_t k, int64_t n_out);

// Definitions.

// Applies f to every element; f_int (NULL where integers are not taken) to
// integers, whose results wrap to the output's dtype.
void sc_eval_unary(const struct sc_tensor *const *in, struct sc_tensor *const *out,
                   double (*f)(double), int64_t (*f_int)(int64_t));
void sc_eval_binary(const struct sc_tensor *const *in, struct sc_tensor *const *out,
                    double (*f)(double, double), int64_t (*f_int)(int64_t, int64_t));
// Comparisons: truth values from floats or integers.
void sc_eval_compare(const struct sc_tensor *const *in, struct sc_tensor *const *out,
                     bool (*f)(double, double), bool (*f_int)(int64_t, int64_t));
void sc_copy_element(const struct sc_tensor *from, int64_t i, struct sc_tensor *to, int64_t j);
void sc_set_zero(struct sc_tensor *t);

// Visits the elements of a tensor in the row-major order of `shape`, keeping
// `offset` up to date by one stride per axis.
struct sc_walk {
    int32_t rank;
    int64_t dim[SIMCLR_MAX_RANK], stride[SIMCLR_MAX_RANK], index[SIMCLR_MAX_RANK];
    int64_t offset;
};
// Walks a row-major tensor of `shape` as if broadcast to `over`.
struct sc_walk sc_walk_broadcast(const struct simclr_shape *shape,
                                 const struct simclr_shape *over);
// Walks with the strides given, from offset 0.
struct sc_walk sc_walk_strided(const struct simclr_shape *over, const int64_t *stride);
void sc_walk_next(struct sc_walk *w);
// Row-major strides of a shape.
void sc_strides(const struct simclr_shape *shape, int64_t *stride);

// A tensor seen as [outer, n, inner] around one axis.
struct sc_axis_view {
    int64_t outer, n, inner;
};
struct sc_axis_view sc_axis_view(const struct simclr_shape *shape, int64_t axis);

// Gradient rules and folding.

// Is v a constant whose elements all equal `value`?
bool sc_is_fill(const struct sc_value *v, double value);
// The node that made v if its operation is `op`; NULL otherwise.
const struct sc_node *sc_made_by(const struct sc_value *v, enum simclr_op op);
// v if it has the type of n's first output, so that it can stand for it; or NULL.
struct sc_value *sc_if_same_type(struct sc_value *v, const struct sc_node *n);
struct simclr_shape sc_dims_shape(const struct simclr_dims *dims);
struct simclr_dims sc_shape_dims(const struct simclr_shape *shape);

#endif
