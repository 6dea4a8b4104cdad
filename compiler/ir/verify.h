// SPDX-License-Identifier: Apache-2.0
//
// Checks on graphs. An invalid graph is a bug of ours, never of the user's
// model: verify prints the graph with the complaint under the node, and aborts.
#ifndef SC_IR_VERIFY_H
#define SC_IR_VERIFY_H

#include "compiler/ir/graph.h"

// Definitions before uses, ids dense, arity and types as the operation infers
// them, updates of the parameter's own type, at most one per parameter.
void sc_verify(const struct sc_graph *g, const char *pass);

// A copy in the same module, called `name` (NULL: the same): equal text, nothing
// shared but parameters, constants and strings. Ids are those of the original.
struct sc_graph *sc_clone(const struct sc_graph *g, const char *name);

// What follows every pass in debug builds and tests: verify; then clone and
// print; then parse and print: all three texts equal, or abort naming the pass.
void sc_verify_thoroughly(const struct sc_graph *g, const char *pass);

#endif
