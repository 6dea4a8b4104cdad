// SPDX-License-Identifier: Apache-2.0
//
// What the optimizers share: one step for one parameter. Operands are the parameter
// w, its gradient g, then the state; outputs the new parameter and the new state.
#ifndef SC_OPS_OPTIMIZER_H
#define SC_OPS_OPTIMIZER_H

#include "compiler/ops/rules.h"

// The first n_tensors operands are f32 of one shape, the next is the learning rate,
// f32[]; outputs have the parameter's type.
bool sc_infer_optimizer(struct sc_infer *ctx, int n_tensors, int n_out);

#define SC_OPTIMIZER_WHY_NO_GRAD "it is a step of the optimizer"

#endif
