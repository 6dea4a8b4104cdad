// SPDX-License-Identifier: Apache-2.0
//
// Vectors of the instruction set being compiled, by the compilers' vector
// extension: SC_LANES floats at any address.
#ifndef SC_CPU_OPS_VEC_H
#define SC_CPU_OPS_VEC_H

#include <simclr/types.h>

#if defined(__AVX512F__)
#define SC_LANES 16
#elif defined(__AVX__)
#define SC_LANES 8
#else
#define SC_LANES 4
#endif

typedef float sc_vf __attribute__((vector_size(4 * SC_LANES), aligned(4), may_alias));
// The same number of lanes in double, and half a vector of floats.
typedef double sc_vd __attribute__((vector_size(4 * SC_LANES), aligned(8), may_alias));
typedef float sc_vh __attribute__((vector_size(2 * SC_LANES), aligned(4), may_alias));

static inline sc_vf sc_load(const float *p)
{
    return *(const sc_vf *)p;
}

static inline void sc_store(float *p, sc_vf v)
{
    *(sc_vf *)p = v;
}

static inline sc_vf sc_splat(float x)
{
    return x - (sc_vf){0};
}

// Half a vector of floats in double.
static inline sc_vd sc_load_f64(const float *p)
{
    return __builtin_convertvector(*(const sc_vh *)p, sc_vd);
}

static inline double sc_sum_lanes(sc_vd v)
{
    double sum = 0;
    for (int i = 0; i < SC_LANES / 2; i++)
        sum += v[i];
    return sum;
}

// Before a loop whose iterations are independent although its arrays may be the
// same (element i over element i).
#if defined(__clang__)
#define SC_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define SC_INDEPENDENT _Pragma("GCC ivdep")
#endif

#endif
