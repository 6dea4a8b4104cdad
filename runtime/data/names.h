// SPDX-License-Identifier: Apache-2.0
//
// A growing list of strings that can run out of memory: paths, class names.
#ifndef SC_DATA_NAMES_H
#define SC_DATA_NAMES_H

#include <simclr/types.h>

struct sc_names {
    size_t n;
    size_t *start; // of each string within `text`
    char *text;
    size_t n_text, text_capacity, capacity;
};

void sc_names_deinit(struct sc_names *names);
const char *sc_names_get(const struct sc_names *names, size_t i);
// False if memory is exhausted; the list is as before then.
bool sc_names_add(struct sc_names *names, const char *text);
// Adds `dir`/`name`.
bool sc_names_add_path(struct sc_names *names, const char *dir, const char *name);
// In the order of their bytes, which no locale changes.
void sc_names_sort(struct sc_names *names);

#endif
