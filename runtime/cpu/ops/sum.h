// SPDX-License-Identifier: Apache-2.0
//
// Sums in double over floats, with vectors: four running sums per lane, added at
// the end in a fixed order.
#ifndef SC_CPU_OPS_SUM_H
#define SC_CPU_OPS_SUM_H

#include "runtime/cpu/ops/vec.h"

enum { SC_HALF = SC_LANES / 2 };

// sum x[i]
static inline double sc_sum(const float *x, int64_t n)
{
    sc_vd a = {0}, b = {0}, c = {0}, d = {0};
    int64_t i = 0;
    for (; i + 4 * SC_HALF <= n; i += 4 * SC_HALF) {
        a += sc_load_f64(x + i);
        b += sc_load_f64(x + i + SC_HALF);
        c += sc_load_f64(x + i + 2 * SC_HALF);
        d += sc_load_f64(x + i + 3 * SC_HALF);
    }
    double sum = sc_sum_lanes((a + b) + (c + d));
    for (; i < n; i++)
        sum += (double)x[i];
    return sum;
}

// A sum and a second one beside it.
struct sc_pair {
    double first, second;
};

// sum x[i] and sum x[i]^2; products of two floats are exact in double.
static inline struct sc_pair sc_sum_squares(const float *x, int64_t n)
{
    sc_vd a = {0}, b = {0}, aa = {0}, bb = {0};
    int64_t i = 0;
    for (; i + 2 * SC_HALF <= n; i += 2 * SC_HALF) {
        const sc_vd u = sc_load_f64(x + i), v = sc_load_f64(x + i + SC_HALF);
        a += u;
        b += v;
        aa += u * u;
        bb += v * v;
    }
    struct sc_pair sum = {sc_sum_lanes(a + b), sc_sum_lanes(aa + bb)};
    for (; i < n; i++) {
        sum.first += (double)x[i];
        sum.second += (double)x[i] * (double)x[i];
    }
    return sum;
}

// sum y[i] and sum y[i] (x[i] - shift)
static inline struct sc_pair sc_sum_products(const float *y, const float *x, double shift,
                                             int64_t n)
{
    const sc_vd s = shift - (sc_vd){0};
    sc_vd a = {0}, b = {0}, ax = {0}, bx = {0};
    int64_t i = 0;
    for (; i + 2 * SC_HALF <= n; i += 2 * SC_HALF) {
        const sc_vd u = sc_load_f64(y + i), v = sc_load_f64(y + i + SC_HALF);
        a += u;
        b += v;
        ax += u * (sc_load_f64(x + i) - s);
        bx += v * (sc_load_f64(x + i + SC_HALF) - s);
    }
    struct sc_pair sum = {sc_sum_lanes(a + b), sc_sum_lanes(ax + bx)};
    for (; i < n; i++) {
        sum.first += (double)y[i];
        sum.second += (double)y[i] * ((double)x[i] - shift);
    }
    return sum;
}

#endif
