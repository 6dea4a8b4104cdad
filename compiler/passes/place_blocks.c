// SPDX-License-Identifier: Apache-2.0
//
// Offsets for blocks with known lifetimes: the two-dimensional packing problem
// that every static memory planner meets. It is NP-hard; greedy best fit by
// falling size is within a few percent of the lower bound on training graphs
// (Pisarchyk and Lee, "Efficient memory management for deep neural net
// inference", 2020). We try it in three orders and keep the smallest arena.
#include "compiler/passes/plan.h"

#include <stdlib.h>
#include <string.h>

// Order of placing. Ties go to the index, so that the result does not depend on
// how qsort works.
struct item {
    const struct sc_block *block;
    uint32_t index;
};

static int by_index(const struct item *a, const struct item *b)
{
    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_size(const void *left, const void *right)
{
    const struct item *const a = left;
    const struct item *const b = right;
    if (a->block->size != b->block->size) return a->block->size > b->block->size ? -1 : 1;
    return by_index(a, b);
}

static double area(const struct sc_block *b)
{
    return (double)b->size * ((double)b->end - (double)b->begin + 1.0);
}

static int by_area(const void *left, const void *right)
{
    const struct item *const a = left;
    const struct item *const b = right;
    const double area_a = area(a->block);
    const double area_b = area(b->block);
    if (area_a > area_b) return -1;
    if (area_a < area_b) return 1;
    return by_index(a, b);
}

static int by_time(const void *left, const void *right)
{
    const struct item *const a = left;
    const struct item *const b = right;
    if (a->block->begin != b->block->begin) return a->block->begin < b->block->begin ? -1 : 1;
    return by_size(left, right);
}

static bool meet(const struct sc_block *a, const struct sc_block *b)
{
    return a->begin <= b->end && b->begin <= a->end;
}

// The offset of the smallest gap that fits, between placed blocks that are alive
// together with `b`; behind all of them if there is none.
static uint64_t best_fit(const struct sc_block *b, struct sc_block *const *placed, uint32_t n)
{
    uint64_t top = 0; // end of the blocks seen so far
    uint64_t best = 0;
    uint64_t best_gap = UINT64_MAX;
    for (uint32_t i = 0; i < n; i++) {
        const struct sc_block *const p = placed[i];
        if (!meet(b, p)) continue;
        const uint64_t gap = p->offset > top ? p->offset - top : 0;
        if (gap >= b->size && gap < best_gap) {
            best = top;
            best_gap = gap;
        }
        if (top < p->offset + p->size) top = p->offset + p->size;
    }
    return best_gap == UINT64_MAX ? top : best;
}

// Keeps `placed` sorted by offset.
static void insert(struct sc_block **placed, uint32_t n, struct sc_block *b)
{
    uint32_t i = n;
    while (i > 0 && placed[i - 1]->offset > b->offset)
        i--;
    memmove(placed + i + 1, placed + i, (n - i) * sizeof *placed);
    placed[i] = b;
}

static uint64_t place_in_order(struct sc_block *blocks, const struct item *order, uint32_t n,
                               struct sc_block **placed)
{
    uint64_t total = 0;
    uint32_t n_placed = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct sc_block *const b = &blocks[order[i].index];
        b->offset = 0;
        if (b->size == 0) continue;
        b->offset = best_fit(b, placed, n_placed);
        insert(placed, n_placed++, b);
        if (total < b->offset + b->size) total = b->offset + b->size;
    }
    return total;
}

uint64_t sc_place_blocks(struct sc_arena *arena, struct sc_block *blocks, uint32_t n)
{
    static int (*const orders[])(const void *, const void *) = {by_size, by_area, by_time};
    struct item *const order = SC_NEW_ARRAY(arena, struct item, n);
    struct sc_block *const trial = SC_NEW_ARRAY(arena, struct sc_block, n);
    struct sc_block **const placed = SC_NEW_ARRAY(arena, struct sc_block *, n);
    if (n == 0) return 0;

    memcpy(trial, blocks, n * sizeof *blocks);
    uint64_t best = UINT64_MAX;
    for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
        for (uint32_t i = 0; i < n; i++)
            order[i] = (struct item){&blocks[i], i};
        qsort(order, n, sizeof *order, orders[k]);
        const uint64_t total = place_in_order(trial, order, n, placed);
        if (total >= best) continue;
        best = total;
        memcpy(blocks, trial, n * sizeof *blocks);
    }
    return best;
}
