// SPDX-License-Identifier: Apache-2.0
//
// Blocks are chained, each at least as large as what was asked for; the newest
// serves small requests from its end. Nothing is freed before the arena is.
#include "runtime/base/arena.h"

#include "runtime/base/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16, BLOCK_SIZE = 64 * 1024 };

struct block {
    struct block *next;
    size_t used, capacity;
    _Alignas(ALIGNMENT) unsigned char data[];
};

struct sc_arena {
    struct block *newest;
    size_t n_bytes;
};

static _Noreturn void die_of_hunger(size_t n, size_t size)
{
    (void)fprintf(stderr, "simclrc: error: out of memory (%zu items of %zu bytes)\n", n, size);
    exit(simclr_exit_code(SIMCLR_NO_MEMORY));
}

struct sc_arena *sc_arena_new(void)
{
    struct sc_arena *const arena = calloc(1, sizeof *arena);
    if (!arena) die_of_hunger(1, sizeof *arena);
    return arena;
}

void sc_arena_free(struct sc_arena *arena)
{
    if (!arena) return;
    struct block *next;
    for (struct block *b = arena->newest; b; b = next) {
        next = b->next;
        free(b);
    }
    free(arena);
}

static struct block *add_block(struct sc_arena *arena, size_t capacity)
{
    size_t total;
    if (!sc_checked_add(sizeof(struct block), capacity, &total)) die_of_hunger(1, capacity);
    struct block *const b = malloc(total);
    if (!b) die_of_hunger(1, capacity);
    b->used = 0;
    b->capacity = capacity;
    // A large block goes behind the newest, which still has room for small ones.
    if (capacity > BLOCK_SIZE && arena->newest) {
        b->next = arena->newest->next;
        arena->newest->next = b;
    } else {
        b->next = arena->newest;
        arena->newest = b;
    }
    return b;
}

void *sc_arena_alloc(struct sc_arena *arena, size_t n, size_t size)
{
    size_t bytes, padded;
    if (!sc_checked_mul(n, size, &bytes) || !sc_checked_add(bytes, ALIGNMENT - 1, &padded))
        die_of_hunger(n, size);
    padded &= ~(size_t)(ALIGNMENT - 1);
    if (padded == 0) padded = ALIGNMENT;
    struct block *b = arena->newest;
    if (!b || padded > b->capacity - b->used)
        b = add_block(arena, padded > BLOCK_SIZE ? padded : (size_t)BLOCK_SIZE);
    void *const p = b->data + b->used;
    b->used += padded;
    arena->n_bytes += padded;
    return memset(p, 0, padded);
}

void *sc_arena_grow(struct sc_arena *arena, const void *old, size_t old_n, size_t new_n,
                    size_t size)
{
    void *const p = sc_arena_alloc(arena, new_n, size);
    const size_t n_kept = old_n < new_n ? old_n : new_n;
    if (old && n_kept > 0) memcpy(p, old, n_kept * size);
    return p;
}

void *sc_arena_reserve(struct sc_arena *arena, void *ptr, size_t n, size_t size)
{
    enum { FIRST = 8 };
    if (n == 0) return ptr ? ptr : sc_arena_alloc(arena, FIRST, size);
    const bool is_full = n >= FIRST && (n & (n - 1)) == 0;
    return is_full ? sc_arena_grow(arena, ptr, n, 2 * n, size) : ptr;
}

char *sc_arena_strndup(struct sc_arena *arena, const char *text, size_t n)
{
    char *const copy = sc_arena_alloc(arena, n + 1, 1);
    if (n > 0) memcpy(copy, text, n);
    return copy;
}

char *sc_arena_strdup(struct sc_arena *arena, const char *text)
{
    return sc_arena_strndup(arena, text, strlen(text));
}

char *sc_arena_printf(struct sc_arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    const size_t size = n < 0 ? 1 : (size_t)n + 1;
    char *const text = sc_arena_alloc(arena, size, 1);
    if (n >= 0) (void)vsnprintf(text, size, fmt, again);
    va_end(again);
    return text;
}

size_t sc_arena_bytes(const struct sc_arena *arena)
{
    return arena->n_bytes;
}
