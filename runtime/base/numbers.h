// SPDX-License-Identifier: Apache-2.0
//
// Arrays of numbers of any type that files hold, read one element at a time: for
// conversions and comparisons, not for speed.
#ifndef SC_BASE_NUMBERS_H
#define SC_BASE_NUMBERS_H

#include "runtime/base/diag.h"

// Little-endian elements that somebody else owns, at any alignment.
struct sc_numbers {
    char kind;       // 'f', 'i', 'u' or 'b' (bool)
    size_t size;     // bytes of an element: 2, 4, 8 of a float; 1, 2, 4, 8; 1 of a bool
    bool is_fortran; // the first axis is the densest
    struct simclr_shape shape;
    int64_t count;
    const uint8_t *data;
};

// A float, or an integer as 64 bits in two's complement and its sign.
struct sc_number {
    bool is_float;
    double real;
    bool is_negative;
    uint64_t bits;
};

struct sc_numbers sc_numbers_of(const struct simclr_tensor *tensor);

// Element i in row-major order.
struct sc_number sc_numbers_get(const struct sc_numbers *n, int64_t i);
double sc_number_real(struct sc_number x); // an integer beyond 2^53 is rounded
bool sc_number_same(struct sc_number x, struct sc_number y); // integers, exactly

// Whether elements of `n` may become `to`: floats of any size become floats, rounded to
// nearest, and integers and bools become whatever holds their values.
bool sc_numbers_convertible(const struct sc_numbers *n, simclr_dtype to);
// Writes them row-major into `out`. False if `to` does not hold element *bad.
SC_MUST_USE bool sc_numbers_convert(const struct sc_numbers *n, simclr_dtype to, void *out,
                                    int64_t *bad);

// "f32", "i64", ...: what dtypes.def calls such elements, or would.
struct sc_number_type {
    char s[8];
};
struct sc_number_type sc_numbers_type(const struct sc_numbers *n);

#endif
