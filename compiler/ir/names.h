// SPDX-License-Identifier: Apache-2.0
//
// A map from text to pointers that lives in an arena: names of parameters,
// spellings of values.
#ifndef SC_IR_NAMES_H
#define SC_IR_NAMES_H

#include "runtime/base/arena.h"

struct sc_names;

struct sc_names *sc_names_new(struct sc_arena *arena);
// Where the pointer for `name` is kept: NULL at first. Borrows `name`. The
// address holds until the next call.
void **sc_names_slot(struct sc_names *names, const char *name);
// The pointer for `name`; NULL if there is none.
void *sc_names_find(const struct sc_names *names, const char *name);

#endif
