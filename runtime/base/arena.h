// SPDX-License-Identifier: Apache-2.0
//
// An arena: many small allocations that die together. Not thread-safe. For the
// compiler, where one compilation is one arena; exhaustion of memory prints a
// message and exits with code 3, so no caller checks. Not for tensors.
#ifndef SC_BASE_ARENA_H
#define SC_BASE_ARENA_H

#include "runtime/base/diag.h"

#include <stddef.h>

struct sc_arena;

struct sc_arena *sc_arena_new(void);
void sc_arena_free(struct sc_arena *arena); // NULL is allowed

// Zeroed storage of n * size bytes, aligned to 16. The product is checked.
void *sc_arena_alloc(struct sc_arena *arena, size_t n, size_t size);
// A grown copy: the first old_n elements of `old` (may be NULL), then zeros.
void *sc_arena_grow(struct sc_arena *arena, const void *old, size_t old_n, size_t new_n,
                    size_t size);
char *sc_arena_strdup(struct sc_arena *arena, const char *text);
char *sc_arena_strndup(struct sc_arena *arena, const char *text, size_t n);
char *sc_arena_printf(struct sc_arena *arena, const char *fmt, ...) SC_PRINTF(2, 3);
size_t sc_arena_bytes(const struct sc_arena *arena); // allocated so far, for the plan

#define SC_NEW(arena, type)          ((type *)sc_arena_alloc((arena), 1, sizeof(type)))
#define SC_NEW_ARRAY(arena, type, n) ((type *)sc_arena_alloc((arena), (n), sizeof(type)))

// Appends to an arena-owned array `ptr` of `n` elements, whose capacity is the
// next power of two (at least 8): SC_PUSH(arena, g->nodes, g->n_nodes) = node;
#define SC_PUSH(arena, ptr, n)                                                                 \
    (*((ptr) = sc_arena_reserve((arena), (ptr), (size_t)(n), sizeof *(ptr)), (n)++,            \
       (ptr) + (n)-1))
// Makes room for one more element behind the first n; the helper of SC_PUSH.
void *sc_arena_reserve(struct sc_arena *arena, void *ptr, size_t n, size_t size);

#endif
