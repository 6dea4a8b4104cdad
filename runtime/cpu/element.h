// SPDX-License-Identifier: Apache-2.0
//
// Single elements of any dtype, for what is not worth a loop of its own: index
// arithmetic, comparisons, casts.
#ifndef SC_CPU_ELEMENT_H
#define SC_CPU_ELEMENT_H

#include "runtime/base/integer.h"
#include "runtime/cpu/kernel.h"

static inline double sc_get_real(const struct sc_operand *o, int64_t i)
{
    if (o->dtype == SIMCLR_f32) return (double)((const float *)o->data)[i];
    return ((const double *)o->data)[i];
}

// As runtime/base/integer.h holds them.
static inline int64_t sc_get_int(const struct sc_operand *o, int64_t i)
{
    if (o->dtype == SIMCLR_i64) return ((const int64_t *)o->data)[i];
    return sc_int_load(o->dtype, o->data, (size_t)i);
}

static inline void sc_put_real(const struct sc_operand *o, int64_t i, double x)
{
    if (o->dtype == SIMCLR_f32)
        ((float *)o->data)[i] = (float)x;
    else
        ((double *)o->data)[i] = x;
}

// Integers wrap to the dtype; a bool is 0 or 1.
static inline void sc_put_int(const struct sc_operand *o, int64_t i, int64_t x)
{
    if (o->dtype == SIMCLR_i64)
        ((int64_t *)o->data)[i] = x;
    else
        sc_int_store(o->dtype, o->data, (size_t)i, x);
}

#endif
