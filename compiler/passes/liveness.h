// SPDX-License-Identifier: Apache-2.0
//
// Lifetimes. Values that share bytes form a class, named by its root: a view
// belongs to the class of what it looks at, and the memory planner joins more
// (results written in place). Time is the index of a node; a class is alive
// from the node that makes it to the last one that reads it, both included.
#ifndef SC_PASSES_LIVENESS_H
#define SC_PASSES_LIVENESS_H

#include "compiler/ir/op.h"

struct sc_liveness {
    uint32_t *parent; // by value id: the way to the root; ask sc_liveness_root
    uint32_t *begin;  // by id of a root; 0 for graph inputs
    uint32_t *end;    // by id of a root; n_nodes for what outlives the last node
    uint64_t *bytes;  // by id of a root
};

// Views share; nothing else does. Graph outputs live to the end; the new value of
// an updated parameter only to its last reader: the planner says where it goes.
// The arrays live in the graph's arena.
struct sc_liveness sc_liveness_compute(const struct sc_graph *g);

// The id of the root of the class of `v`. A class is transient, in the arena, if
// its root is a graph input or a result.
uint32_t sc_liveness_root(const struct sc_liveness *l, const struct sc_value *v);
bool sc_is_transient(const struct sc_value *root);

// Joins the class of `v` to that of `to`, which from now on lives as long as both.
void sc_liveness_share(struct sc_liveness *l, const struct sc_value *v,
                       const struct sc_value *to);

// The value that owns the bytes of `v`: v, or what v is a view of.
struct sc_value *sc_storage_of(struct sc_value *v);

// Bytes of a value or a workspace, rounded up to SIMCLR_SCP_ALIGN as everything in the arena is.
uint64_t sc_storage_bytes(const struct sc_value *v);
uint64_t sc_workspace_bytes(const struct sc_node *n);

// True if output 0 of `n` may be written over `in[k]`, as far as the operation is
// concerned: pointwise or marked in-place, same type.
bool sc_may_overwrite(const struct sc_node *n, int k);

// For an optimizer step, the operand whose new value output `out` is; -1 for any
// other operation.
int sc_optimizer_operand(enum simclr_op op, int out);

// The most bytes of transient classes, and workspace, alive at one time: no plan
// needs less.
uint64_t sc_liveness_peak(const struct sc_graph *g, const struct sc_liveness *l);

#endif
