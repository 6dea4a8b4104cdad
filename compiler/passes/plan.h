// SPDX-License-Identifier: Apache-2.0
//
// What plan-memory decides about storage, for the passes before it and for
// those who check and report its result.
#ifndef SC_PASSES_PLAN_H
#define SC_PASSES_PLAN_H

#include "compiler/passes/liveness.h"
#include "runtime/base/str.h"

// The classes of storage of `g` in its present order: views, new values of
// parameters that are written over the old ones, and results that are written
// over an operand. A new value that cannot be written in place is a transient
// of its own that lives to the end.
struct sc_liveness sc_plan_storage(struct sc_graph *g);

// The most bytes alive at one time in that order: no arena is smaller.
uint64_t sc_plan_peak(struct sc_graph *g);

// A block of the arena: `size` bytes, a multiple of SIMCLR_SCP_ALIGN, from time
// `begin` to `end`, both included; `offset` is the result.
struct sc_block {
    uint64_t size;
    uint32_t begin, end;
    uint64_t offset;
};

// Gives every block an offset so that no two that are alive at one time overlap;
// returns the size of the arena. A function of the blocks alone.
uint64_t sc_place_blocks(struct sc_arena *arena, struct sc_block *blocks, uint32_t n);

// Runs a planned graph in the mind, byte ranges instead of numbers: true if every
// operand still holds its value when it is read, every output and every updated
// parameter at the end. Otherwise appends what is wrong. Knows nothing of
// lifetimes, so that it can judge them.
bool sc_plan_check(const struct sc_graph *g, struct sc_str *complaint);

#endif
