// SPDX-License-Identifier: Apache-2.0
//
// What the reductions share: attributes, shape rule, and a walk that says for
// every element of the input which element of the output it goes to.
#ifndef SC_OPS_REDUCE_H
#define SC_OPS_REDUCE_H

#include "compiler/ops/rules.h"

// Walks x; `offset` is the position in the output.
struct sc_walk sc_walk_reduce(const struct simclr_shape *x, const struct sc_attr_reduce *a);
// How many elements are reduced to one.
int64_t sc_reduce_size(const struct simclr_shape *x, const struct sc_attr_reduce *a);
// x's shape with the reduced axes kept as 1.
struct simclr_shape sc_reduce_kept(const struct simclr_shape *x,
                                   const struct sc_attr_reduce *a);

bool sc_infer_reduce(struct sc_infer *ctx); // checks axes and sets shape and x's dtype
bool sc_infer_not_bool(struct sc_infer *ctx);
// The gradient rule of reduce_max and reduce_min.
void sc_grad_extreme(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                     struct sc_value **dx);
// The adjoint of summing: dy spread over x's shape.
struct sc_value *sc_unreduce(struct sc_builder *b, struct sc_value *dy,
                             const struct sc_node *n);
// Reducing single elements changes the shape at most.
struct sc_value *sc_fold_reduce(struct sc_builder *b, const struct sc_node *n);

#endif
