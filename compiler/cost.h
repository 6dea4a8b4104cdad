// SPDX-License-Identifier: Apache-2.0
//
// What a graph costs to compute, counted from shapes.
#ifndef SC_COST_H
#define SC_COST_H

#include "compiler/ir/graph.h"

// `macs` are the multiplications and additions of products and convolutions, by
// definition: padding counts, Winograd's tiles save nothing. `flops` are all floating
// point operations, two for each of those; a function such as exp counts as one.
struct sc_cost {
    double macs, flops;
};
struct sc_cost sc_cost_of(const struct sc_graph *g);
// False for an operation that the table of rules lacks.
bool sc_cost_is_known(enum simclr_op op);

#endif
