// SPDX-License-Identifier: Apache-2.0
//
// What gather and gather_elements share: indices count from the end if negative.
// An index outside the axis is refused at compile time if it is constant. At run
// time nothing can be refused any more: a float read from outside is NaN, so that
// the mistake shows in whatever is computed from it, an integer is 0, and a
// gradient that belongs outside is dropped.
#ifndef SC_OPS_INDEX_H
#define SC_OPS_INDEX_H

#include "compiler/ops/rules.h"

// The position on an axis of n elements; -1 if the index is outside.
int64_t sc_index_position(int64_t index, int64_t n);
// Copies from[i] to to[j]; stores NaN or 0 if i is negative.
void sc_copy_indexed(const struct sc_tensor *from, int64_t i, struct sc_tensor *to, int64_t j);
// Adds from[i] to to[j]; does nothing if j is negative.
void sc_add_indexed(const struct sc_tensor *from, int64_t i, struct sc_tensor *to, int64_t j);
// Checks that `operand` is i64 and, where it is constant, within an axis of n elements.
bool sc_infer_indices(struct sc_infer *ctx, int operand, int64_t axis, int64_t n);

#endif
