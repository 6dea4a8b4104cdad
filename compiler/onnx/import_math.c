// SPDX-License-Identifier: Apache-2.0
//
// Functions of one number that are activations of no network: theirs and ours mean
// the same.
#include "compiler/onnx/importer.h"

#define UNARY(function)                                                                        \
    struct sc_value *sc_import_##function(struct sc_scope *s)                                  \
    {                                                                                          \
        return sc_make(s, SIMCLR_OP_##function, NULL, sc_in(s, 0));                            \
    }
UNARY(neg)
UNARY(abs)
UNARY(sign)
UNARY(sqrt)
UNARY(exp)
UNARY(log)
UNARY(reciprocal)
UNARY(sin)
UNARY(cos)
UNARY(tan)
UNARY(asin)
UNARY(acos)
UNARY(atan)
UNARY(sinh)
UNARY(cosh)
UNARY(asinh)
UNARY(acosh)
UNARY(atanh)
UNARY(erf)
UNARY(floor)
UNARY(ceil)
UNARY(round)
