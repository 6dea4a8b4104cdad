// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic on sizes that come from files. Each returns false on overflow and
// leaves *out untouched then.
#ifndef SC_BASE_CHECKED_H
#define SC_BASE_CHECKED_H

#include <simclr/types.h>

static inline bool sc_checked_mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

static inline bool sc_checked_add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

static inline bool sc_checked_mul_i64(int64_t a, int64_t b, int64_t *out)
{
    int64_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

// True if [offset, offset + size) lies within a file or buffer of `total` bytes.
static inline bool sc_range_within(uint64_t offset, uint64_t size, uint64_t total)
{
    return offset <= total && size <= total - offset;
}

// The number of bytes of a tensor; false if an extent is negative, the rank is
// out of range, or the product overflows int64.
bool sc_checked_nbytes(simclr_dtype dtype, const struct simclr_shape *shape, size_t *out);

#endif
