// SPDX-License-Identifier: Apache-2.0
//
// How the values of a graph are called in print, and the pieces all printers
// share.
#ifndef SC_IR_SPELL_H
#define SC_IR_SPELL_H

#include "compiler/ir/words.h"

// The names of one graph's values. A model's name is written `%x`, or `%"a.b"`
// if it is no identifier or looks like a counted constant; the second thing of
// the same name is `%x.2`, where parameters come first, then inputs, constants
// and results. Values without a name are counted in print order:
// constants `%c0`, `%c1`, inputs and results `%0`, `%1`.
enum { SC_MAX_LISTED = 16 }; // elements of a constant printed one by one

struct sc_spelling {
    struct sc_arena *arena;
    const struct sc_graph *graph;
    const char **text; // by value id, with the %
    // The parameters the graph mentions: first those it reads, by value id, then
    // those it only updates or names.
    struct sc_param **params;
    uint32_t n_params, n_read;
};

void sc_spelling_init(struct sc_spelling *s, const struct sc_graph *g);
void sc_spelling_deinit(struct sc_spelling *s);
// Also for values that are not in the graph, which only a broken graph uses.
const char *sc_spell(const struct sc_spelling *s, const struct sc_value *v);

// `%` and the parameter's name.
void sc_append_param(struct sc_str *out, const struct sc_param *p);
// A field of an attribute struct, found at `at`: `[1,1]`, `1e-05`, `f32`,
// `"add(0,1); relu(2)"`.
void sc_append_attr(struct sc_str *out, enum simclr_attr_kind kind, const void *at);
// The elements of a constant: `0.1`, `[1,2]`, `splat(0)` or the bytes, `0x...`.
void sc_append_elements(struct sc_str *out, const struct sc_value *v);

// The text, with `complaint` on a line of its own under the node (under the
// graph's first line if `node` is NULL).
void sc_print_complaint(const struct sc_graph *g, const struct sc_node *node,
                        const char *complaint, struct sc_str *out);

#endif
