// SPDX-License-Identifier: Apache-2.0
//
// Comparisons, logic, and choice by truth values.
#include "compiler/onnx/importer.h"

#include <math.h>

SC_IMPORT_BINARY(equal)
SC_IMPORT_BINARY(less)
SC_IMPORT_BINARY(and)
SC_IMPORT_BINARY(or)

struct sc_value *sc_import_not(struct sc_scope *s)
{
    return sc_make(s, SIMCLR_OP_not, NULL, sc_in(s, 0));
}

// One, and not both.
static struct sc_value *either(struct sc_scope *s, struct sc_value *a, struct sc_value *b)
{
    struct sc_value *const both = sc_make(s, SIMCLR_OP_and, NULL, a, b);
    return sc_make(s, SIMCLR_OP_and, NULL, sc_make(s, SIMCLR_OP_or, NULL, a, b),
                   sc_make(s, SIMCLR_OP_not, NULL, both));
}

struct sc_value *sc_import_xor(struct sc_scope *s)
{
    return either(s, sc_in(s, 0), sc_in(s, 1));
}

struct sc_value *sc_import_xor_old(struct sc_scope *s)
{
    return either(s, sc_in(s, 0), sc_old_operand(s));
}

struct sc_value *sc_import_greater(struct sc_scope *s)
{
    return sc_make(s, SIMCLR_OP_less, NULL, sc_in(s, 1), sc_in(s, 0));
}

struct sc_value *sc_import_greater_old(struct sc_scope *s)
{
    return sc_make(s, SIMCLR_OP_less, NULL, sc_old_operand(s), sc_in(s, 0));
}

// a <= b is not b < a, but for NaN; so it is a < b or a = b.
static struct sc_value *less_or_equal(struct sc_scope *s, struct sc_value *a,
                                      struct sc_value *b)
{
    return sc_make(s, SIMCLR_OP_or, NULL, sc_make(s, SIMCLR_OP_less, NULL, a, b),
                   sc_make(s, SIMCLR_OP_equal, NULL, a, b));
}

struct sc_value *sc_import_less_or_equal(struct sc_scope *s)
{
    return less_or_equal(s, sc_in(s, 0), sc_in(s, 1));
}

struct sc_value *sc_import_greater_or_equal(struct sc_scope *s)
{
    return less_or_equal(s, sc_in(s, 1), sc_in(s, 0));
}

struct sc_value *sc_import_where(struct sc_scope *s)
{
    return sc_make(s, SIMCLR_OP_where, NULL, sc_in(s, 0), sc_in(s, 1), sc_in(s, 2));
}

// NaN alone differs from itself.
struct sc_value *sc_import_is_nan(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    return sc_make(s, SIMCLR_OP_not, NULL, sc_make(s, SIMCLR_OP_equal, NULL, x, x));
}

struct sc_value *sc_import_is_inf(struct sc_scope *s)
{
    const bool negative = sc_attr_i(s, "detect_negative", 1) != 0;
    const bool positive = sc_attr_i(s, "detect_positive", 1) != 0;
    struct sc_value *x = sc_in(s, 0);
    if (!x) return NULL;
    if (!negative && !positive) return sc_fill(&s->b, 0, SIMCLR_bool, &x->shape);
    if (negative && positive) x = sc_make(s, SIMCLR_OP_abs, NULL, x);
    const double infinity = positive ? (double)INFINITY : -(double)INFINITY;
    return sc_make(s, SIMCLR_OP_equal, NULL, x, sc_make_scalar(s, infinity, SIMCLR_f32));
}
