// SPDX-License-Identifier: Apache-2.0
//
// What the compiler knows of an operation. compiler/ops/<stem>.c defines one
// `const struct sc_op_info sc_op_info_<stem>` for each row of ops.def; a row
// without one is a link error that names it.
#ifndef SC_IR_OP_H
#define SC_IR_OP_H

#include "compiler/ir/graph.h"

// A tensor of the interpreter: floats in double, integers and bools in int64,
// row-major. Exactly one of f and i is set, by dtype.
struct sc_tensor {
    simclr_dtype dtype;
    struct simclr_shape shape;
    int64_t count;
    double *f;
    int64_t *i;
};

enum { SC_MAX_OUT = 4 };

// Shape inference. The rule reads node->attr and the inputs' types and fills
// dtype[] and shape[] of every output, or says what is wrong and returns false.
struct sc_infer {
    const struct sc_node *node;
    simclr_dtype dtype[SC_MAX_OUT];
    struct simclr_shape shape[SC_MAX_OUT];
    char error[400];
};
// Writes the message ("weight has 3 input channels, input has 4") and returns false.
bool sc_infer_fail(struct sc_infer *ctx, const char *fmt, ...) SC_PRINTF(2, 3);

struct sc_builder;

struct sc_op_info {
    // The definition, in double: plain loops. `out` tensors are allocated, their
    // contents undefined. Inputs and outputs never overlap.
    void (*eval)(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out);
    bool (*infer)(struct sc_infer *ctx);
    // The gradient rule: dy[i] is the gradient of output i (NULL: none flows);
    // sets dx[i] for every input that has one and leaves the others NULL. NULL
    // where nothing is differentiable: then `why_no_grad` says why, for users.
    void (*grad)(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx);
    const char *why_no_grad;
    // Why this node has no gradient although the operation has a rule; NULL, also as
    // the function, if it has one.
    const char *(*refuse_grad)(const struct sc_node *n);
    // Local rewriting: a value equal to output 0 that costs less (an input, a
    // constant), or NULL. Constant operands are folded by `eval` already.
    struct sc_value *(*fold)(struct sc_builder *b, const struct sc_node *n);
};

enum {
    SC_TRAIT__ = 0,
    SC_TRAIT_P = 1, // pointwise: may join a micro-program; implies in-place
    SC_TRAIT_I = 2, // may run in place
    SC_TRAIT_V = 4  // a view
};

enum simclr_attr_group {
#define ATTRS_BEGIN(group) SC_ATTRS_##group,
#define ATTR(group, kind, field, default_)
#define ATTRS_END(group)
#include <simclr/attrs.def>
#undef ATTRS_BEGIN
#undef ATTR
#undef ATTRS_END
    SC_N_ATTRS
};

// The row of ops.def and the rules, together.
struct sc_op_row {
    const char *name;
    enum simclr_attr_group attrs;
    int min_in, max_in, n_out; // max_in -1: any number
    unsigned traits;
    bool on_cpu, on_vulkan;
    const struct sc_op_info *info;
};

// The table is filled by compiler/ops/table.c, the only reader of all rules.
extern const struct sc_op_row sc_op_table[SIMCLR_N_OPS];
// SIMCLR_N_OPS if there is no such operation.
enum simclr_op sc_op_find(const char *name);

// The rows of kernels.def. The name of an operation's kernel number `kernel`:
// NULL past the last; "default" for number 0 of an operation without rows.
const char *sc_kernel_name(enum simclr_op op, uint32_t kernel);

#endif
