// SPDX-License-Identifier: Apache-2.0
//
// The operations and their attribute structs, as the rows of ops.def and
// attrs.def make them: what compiler and runtime both know of an operation.
// Attribute structs are plain data of 8-byte fields and are stored in program
// files as they are.
#ifndef SIMCLR_ATTRS_H
#define SIMCLR_ATTRS_H

#include <simclr/types.h>

enum simclr_op {
#define OP(stem, attrs, min_in, max_in, n_out, traits, cpu, vulkan) SIMCLR_OP_##stem,
#include <simclr/ops.def>
#undef OP
    SIMCLR_N_OPS
};

// A pointwise micro-program. Registers 0 .. n_in-1 hold the operands; operation
// i writes register n_in + i, and the last one written is the output. `op` is a
// simclr_op with trait P; unused operand registers are 0.
enum { SIMCLR_MAX_CODE = 20 };
struct simclr_code_step {
    uint16_t op;
    uint8_t a, b;
};
struct simclr_code {
    int64_t n_steps;
    struct simclr_code_step step[SIMCLR_MAX_CODE];
};

// What `scatter` makes of the element it finds and the update.
enum simclr_scatter {
    SIMCLR_SCATTER_set,
    SIMCLR_SCATTER_add,
    SIMCLR_SCATTER_mul,
    SIMCLR_SCATTER_max,
    SIMCLR_SCATTER_min,
    SIMCLR_N_SCATTERS
};

enum simclr_attr_kind {
    SIMCLR_ATTR_i64,
    SIMCLR_ATTR_f64,
    SIMCLR_ATTR_flag,
    SIMCLR_ATTR_dtype,
    SIMCLR_ATTR_i64x2,
    SIMCLR_ATTR_i64x4,
    SIMCLR_ATTR_dims,
    SIMCLR_ATTR_code
};

// A list of up to eight integers: extents, axes, a permutation.
struct simclr_dims {
    int64_t n;
    int64_t v[SIMCLR_MAX_RANK];
};

#define SIMCLR_FIELD_i64(field)   int64_t field;
#define SIMCLR_FIELD_f64(field)   double field;
#define SIMCLR_FIELD_flag(field)  int64_t field;
#define SIMCLR_FIELD_dtype(field) int64_t field;
#define SIMCLR_FIELD_i64x2(field) int64_t field[2];
#define SIMCLR_FIELD_i64x4(field) int64_t field[4];
#define SIMCLR_FIELD_dims(field)  struct simclr_dims field;
#define SIMCLR_FIELD_code(field)  struct simclr_code field;

// struct sc_attr_conv2d and its like; `reserved_` keeps the empty group legal C.
#define ATTRS_BEGIN(group)                 struct sc_attr_##group {
#define ATTR(group, kind, field, default_) SIMCLR_FIELD_##kind(field)
#define ATTRS_END(group)                                                                       \
    int64_t reserved_;                                                                         \
    }                                                                                          \
    ;
#include <simclr/attrs.def>
#undef ATTRS_BEGIN
#undef ATTR
#undef ATTRS_END

// Room for any of them.
union simclr_attr {
#define ATTRS_BEGIN(group) struct sc_attr_##group group;
#define ATTR(group, kind, field, default_)
#define ATTRS_END(group)
#include <simclr/attrs.def>
#undef ATTRS_BEGIN
#undef ATTR
#undef ATTRS_END
};

#endif
