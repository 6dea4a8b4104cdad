// SPDX-License-Identifier: Apache-2.0
//
// Open addressing with linear probing, never more than half full.
#include "compiler/ir/names.h"

#include "runtime/base/rng.h"

#include <string.h>

struct entry {
    const char *name; // NULL: free
    void *data;
};

struct sc_names {
    struct sc_arena *arena;
    struct entry *entries;
    size_t n_entries, capacity; // a power of two
};

struct sc_names *sc_names_new(struct sc_arena *arena)
{
    enum { FIRST = 64 };
    struct sc_names *const names = SC_NEW(arena, struct sc_names);
    *names = (struct sc_names){
        .arena = arena, .entries = SC_NEW_ARRAY(arena, struct entry, FIRST), .capacity = FIRST};
    return names;
}

// The entry of `name`, or the free one where it belongs.
static struct entry *probe(const struct sc_names *names, const char *name)
{
    size_t i = (size_t)sc_hash_text(name) & (names->capacity - 1);
    while (names->entries[i].name && strcmp(names->entries[i].name, name) != 0)
        i = (i + 1) & (names->capacity - 1);
    return &names->entries[i];
}

static void grow(struct sc_names *names)
{
    const struct entry *const old = names->entries;
    const size_t n_old = names->capacity;
    names->capacity = 2 * n_old;
    names->entries = SC_NEW_ARRAY(names->arena, struct entry, names->capacity);
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].name) *probe(names, old[i].name) = old[i];
    }
}

void **sc_names_slot(struct sc_names *names, const char *name)
{
    struct entry *e = probe(names, name);
    if (!e->name) {
        if (2 * (names->n_entries + 1) > names->capacity) {
            grow(names);
            e = probe(names, name);
        }
        e->name = name;
        names->n_entries++;
    }
    return &e->data;
}

void *sc_names_find(const struct sc_names *names, const char *name)
{
    return probe(names, name)->data;
}
