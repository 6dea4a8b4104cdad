// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/builder.h"

#include <assert.h>

struct simclr_shape sc_shape(int rank, const int64_t *dim)
{
    assert(rank >= 0 && rank <= SIMCLR_MAX_RANK);
    struct simclr_shape shape = {.rank = rank};
    for (int i = 0; i < rank; i++)
        shape.dim[i] = dim[i];
    return shape;
}

struct simclr_shape sc_shape_scalar(void)
{
    return (struct simclr_shape){.rank = 0};
}

// Extent of axis i counted from the last of `rank` axes; 1 in front of the first.
static int64_t extent(const struct simclr_shape *s, int32_t rank, int32_t i)
{
    const int32_t own = i - (rank - s->rank);
    return own < 0 ? 1 : s->dim[own];
}

bool sc_broadcast(const struct simclr_shape *a, const struct simclr_shape *b,
                  struct simclr_shape *out)
{
    struct simclr_shape r = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int32_t i = 0; i < r.rank; i++) {
        const int64_t da = extent(a, r.rank, i);
        const int64_t db = extent(b, r.rank, i);
        if (da != db && da != 1 && db != 1) return false;
        r.dim[i] = da == 1 ? db : da;
    }
    *out = r;
    return true;
}
