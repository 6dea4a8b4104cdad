// SPDX-License-Identifier: Apache-2.0
//
// eliminate-dead: removes nodes whose results nobody uses.
#include "compiler/passes/passes.h"

bool sc_pass_eliminate_dead(struct sc_graph *g, const struct sc_pass_context *ctx)
{
    (void)ctx;
    return sc_graph_remove_dead(g);
}
