// SPDX-License-Identifier: Apache-2.0
//
// What the optimizers share: the first n operands and all outputs are f32 of the
// parameter's shape, and the next operand is the learning rate. New state may be
// written over old, element for element.
#ifndef SC_CPU_OPS_OPTIMIZER_H
#define SC_CPU_OPS_OPTIMIZER_H

#include "runtime/cpu/shape.h"

static inline const char *sc_optimizer_check(const struct sc_call *call, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (call->in[i].dtype != SIMCLR_f32 || call->in[i].count != call->in[0].count)
            return "gradient or state has not the parameter's shape";
    }
    for (uint32_t i = 0; i < call->n_out; i++) {
        if (call->out[i].dtype != SIMCLR_f32 || call->out[i].count != call->in[0].count)
            return "an output has not the parameter's shape";
    }
    return sc_is_scalar(&call->in[n], SIMCLR_f32) ? NULL : "the learning rate is no f32 scalar";
}

#endif
