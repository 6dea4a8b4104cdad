// SPDX-License-Identifier: Apache-2.0
//
// The IR's text, its other printers, and its parser. The grammar is in
// docs/ir.md. A printed graph is a function of the graph alone and parses back
// to a graph that prints the same.
#ifndef SC_IR_TEXT_H
#define SC_IR_TEXT_H

#include "compiler/ir/graph.h"
#include "runtime/base/str.h"

void sc_print_text(const struct sc_graph *g, struct sc_str *out);
void sc_print_dot(const struct sc_graph *g, struct sc_str *out);
void sc_print_json(const struct sc_graph *g, struct sc_str *out);

// Parses the text of one or more graphs into `m`, whose parameters they declare:
// the graphs, in order, in an array of the arena. Every mistake is reported as
// "FILE:LINE:COLUMN: error: ..."; the status is BAD_INPUT then and nothing is
// returned. Values of parameters whose init is `stored` are not in the text:
// their `stored` is NULL.
SC_MUST_USE simclr_status sc_parse_text(struct sc_module *m, const char *file, const char *text,
                                        size_t size, struct sc_graph ***graphs,
                                        uint32_t *n_graphs);

#endif
