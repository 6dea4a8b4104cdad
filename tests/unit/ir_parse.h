// SPDX-License-Identifier: Apache-2.0
//
// Graphs written as text, for tests, and what the parser says about them.
#ifndef SIMCLR_TESTS_UNIT_IR_PARSE_H
#define SIMCLR_TESTS_UNIT_IR_PARSE_H

#include "compiler/ir/text.h"

#include <string.h>

struct parsed {
    struct simclr_diag diag;
    struct sc_str messages; // one per line
    struct sc_module *module;
    struct sc_graph **graphs; // NULL if the text has mistakes
    uint32_t n_graphs;
};

static inline void parsed_message(void *user, enum simclr_severity severity, const char *line)
{
    (void)severity;
    struct parsed *const p = user;
    sc_str_append(&p->messages, line);
    sc_str_append(&p->messages, "\n");
}

// The text is called "t".
static inline void parsed_init(struct parsed *p, const char *text)
{
    *p = (struct parsed){.diag = {.sink = parsed_message, .user = p}};
    p->module = sc_module_new(&p->diag);
    if (sc_parse_text(p->module, "t", text, strlen(text), &p->graphs, &p->n_graphs) !=
        SIMCLR_OK)
        p->graphs = NULL;
}

static inline void parsed_deinit(struct parsed *p)
{
    sc_module_free(p->module);
    sc_str_free(&p->messages);
}

#endif
