// SPDX-License-Identifier: Apache-2.0
//
// Messages about nodes, in the user's names.
#ifndef SC_PASSES_REPORT_H
#define SC_PASSES_REPORT_H

#include "compiler/ir/graph.h"

// Reports about the node `n` derives from: "m.onnx: node 'fc' (Gemm): error: ...",
// with ", made by autodiff" behind the operator if a pass made it.
void sc_report_node(const struct sc_graph *g, const struct sc_node *n,
                    enum simclr_severity severity, const char *fmt, ...) SC_PRINTF(4, 5);

#endif
