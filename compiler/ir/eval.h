// SPDX-License-Identifier: Apache-2.0
//
// The interpreter: runs a graph by its operations' definitions, in double. It is
// what every backend, gradient rule and pass is measured against, and how
// constants are folded.
#ifndef SC_IR_EVAL_H
#define SC_IR_EVAL_H

#include "compiler/ir/op.h"

// Heap-owned tensors; exhaustion of memory exits as in runtime/base/arena.h.
struct sc_tensor *sc_tensor_new(simclr_dtype dtype, const struct simclr_shape *shape);
void sc_tensor_free(struct sc_tensor *t); // NULL is allowed
// From and to raw elements in dtype. Stores to f32 round to nearest.
void sc_tensor_load(struct sc_tensor *t, const void *data);
void sc_tensor_store(const struct sc_tensor *t, void *data);

// One node.
void sc_eval_node(const struct sc_node *n, const struct sc_tensor *const *in,
                  struct sc_tensor *const *out);

// A whole graph. `given`, by value id, holds the tensors of inputs and params
// (owned by the caller, shapes as declared); constants come from the graph.
// Fills `result`, by value id and all NULL at first, with the values of the
// graph's outputs and updates (new tensors; the caller frees them); what nobody
// needs any more is freed on the way.
void sc_eval_graph(const struct sc_graph *g, struct sc_tensor *const *given,
                   struct sc_tensor **result);

// The initial value of a parameter, as described by its initializer: the same
// numbers as the runtime makes: both call runtime/base/init.h.
void sc_eval_init(const struct sc_param *p, uint64_t seed, struct sc_tensor *out);

#endif
