// SPDX-License-Identifier: Apache-2.0
//
// Integers of every element type are computed on as int64: what is narrower keeps
// its value, a u64 keeps its bits, so that sums, differences and products are right
// for all of them once they are wrapped. Order, quotients and conversions of a u64
// are not, and ask here.
#ifndef SC_BASE_INTEGER_H
#define SC_BASE_INTEGER_H

#include <simclr/types.h>

// Element i of unaligned data of an integer type, and back: stores wrap.
int64_t sc_int_load(simclr_dtype dtype, const void *data, size_t i);
void sc_int_store(simclr_dtype dtype, void *data, size_t i, int64_t x);

// The least and the largest value of an integer type; of a u64, which has larger
// ones, the largest int64.
struct sc_int_range {
    int64_t low, high;
};
struct sc_int_range sc_int_range(simclr_dtype dtype);

// The ends of the order that sc_int_less defines.
int64_t sc_int_least(simclr_dtype dtype);
int64_t sc_int_most(simclr_dtype dtype);

// Reduced to the range of its type, two's complement; a bool is 0 or 1.
int64_t sc_int_wrap(simclr_dtype dtype, int64_t x);
bool sc_int_less(simclr_dtype dtype, int64_t x, int64_t y);
// The nearest double.
double sc_int_to_real(simclr_dtype dtype, int64_t x);
// Without its fraction; beyond the type's range its nearest end; of NaN 0. To bool,
// whether it is not 0.
int64_t sc_int_from_real(simclr_dtype dtype, double x);

#endif
