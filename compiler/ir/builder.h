// SPDX-License-Identifier: Apache-2.0
//
// Building graphs so that the code reads as mathematics:
//     dx[0] = sc_matmul(b, dy[0], false, w, true); // da = dy b^T
// Every call infers the types of what it makes. Within passes and gradient
// rules a shape error is our bug and aborts with the node; the importer uses
// sc_try_build and turns the text into a message about the user's node.
//
// At most one argument of a call may itself build something: C leaves the order
// of two open, and with it the order of nodes in a dump.
#ifndef SC_IR_BUILDER_H
#define SC_IR_BUILDER_H

#include "compiler/ir/attr.h"

struct sc_builder {
    struct sc_graph *graph;
    struct sc_origin origin; // given to every node built
};

// One node. attr NULL means all defaults. Returns NULL after writing `error`
// (at least 400 bytes).
struct sc_node *sc_try_build(struct sc_builder *b, enum simclr_op op,
                             const union simclr_attr *attr, struct sc_value *const *in,
                             int n_in, char *error);
// The same, and it must succeed.
struct sc_node *sc_build_node(struct sc_builder *b, enum simclr_op op,
                              const union simclr_attr *attr, struct sc_value *const *in,
                              int n_in);
// The first output of such a node: sc_build(b, SIMCLR_OP_conv2d_grad_weight, &attr, x, dy).
#define sc_build(b, op, attr, ...)                                                             \
    (sc_build_node(                                                                            \
         (b), (op), (attr), (struct sc_value *[]){__VA_ARGS__},                                \
         (int)(sizeof((struct sc_value *[]){__VA_ARGS__}) / sizeof(struct sc_value *)))        \
         ->out[0])

struct sc_value *sc_scalar(struct sc_builder *b, double value);                   // f32[]
struct sc_value *sc_ints(struct sc_builder *b, const int64_t *values, int64_t n); // i64[n]
// A constant; the expansion of a scalar one beyond SC_MAX_FILL elements.
enum { SC_MAX_FILL = 4096 };
struct sc_value *sc_fill(struct sc_builder *b, double value, simclr_dtype dtype,
                         const struct simclr_shape *shape);

// The operations most used. What would change nothing (scale by 1, cast to the
// same type, reshape or expand to the same shape, the identity permutation) is
// left out and x returned.
struct sc_value *sc_neg(struct sc_builder *b, struct sc_value *x);
struct sc_value *sc_exp(struct sc_builder *b, struct sc_value *x);
struct sc_value *sc_log(struct sc_builder *b, struct sc_value *x);
struct sc_value *sc_sqrt(struct sc_builder *b, struct sc_value *x);
struct sc_value *sc_reciprocal(struct sc_builder *b, struct sc_value *x);
struct sc_value *sc_add(struct sc_builder *b, struct sc_value *x, struct sc_value *y);
struct sc_value *sc_sub(struct sc_builder *b, struct sc_value *x, struct sc_value *y);
struct sc_value *sc_mul(struct sc_builder *b, struct sc_value *x, struct sc_value *y);
struct sc_value *sc_div(struct sc_builder *b, struct sc_value *x, struct sc_value *y);
struct sc_value *sc_scale(struct sc_builder *b, struct sc_value *x, double factor);
struct sc_value *sc_equal(struct sc_builder *b, struct sc_value *x, struct sc_value *y);
struct sc_value *sc_less(struct sc_builder *b, struct sc_value *x, struct sc_value *y);
struct sc_value *sc_where(struct sc_builder *b, struct sc_value *c, struct sc_value *x,
                          struct sc_value *y);
struct sc_value *sc_cast(struct sc_builder *b, struct sc_value *x, simclr_dtype to);
struct sc_value *sc_matmul(struct sc_builder *b, struct sc_value *x, bool trans_x,
                           struct sc_value *y, bool trans_y);
struct sc_value *sc_reduce_sum(struct sc_builder *b, struct sc_value *x,
                               const struct simclr_dims *axes, bool keepdims);
struct sc_value *sc_reshape(struct sc_builder *b, struct sc_value *x,
                            const struct simclr_shape *shape);
struct sc_value *sc_expand(struct sc_builder *b, struct sc_value *x,
                           const struct simclr_shape *shape);
struct sc_value *sc_transpose(struct sc_builder *b, struct sc_value *x,
                              const struct simclr_dims *perm);
// The adjoint of broadcasting: sums x over the axes along which a tensor of
// `shape` was stretched to x's shape. x itself if there are none.
struct sc_value *sc_sum_to(struct sc_builder *b, struct sc_value *x,
                           const struct simclr_shape *shape);

// The shape two operands broadcast to (numpy's rule); false if they do not.
bool sc_broadcast(const struct simclr_shape *a, const struct simclr_shape *b,
                  struct simclr_shape *out);
// Value of a constant with one element, as double; false if it is not one.
bool sc_constant_scalar(const struct sc_value *v, double *out);

#endif
