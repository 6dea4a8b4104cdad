// SPDX-License-Identifier: Apache-2.0
//
// What batch normalisation with given and with its own statistics share: x has the
// channels on axis 1 and any number of axes after it.
#ifndef SC_OPS_BATCH_NORM_H
#define SC_OPS_BATCH_NORM_H

#include "compiler/ops/rules.h"

// Operand is f32 with a channel axis.
bool sc_infer_normalized(struct sc_infer *ctx, int operand);
// A vector over channels reshaped to broadcast over a tensor of `rank` axes.
struct sc_value *sc_per_channel(struct sc_builder *b, struct sc_value *v, int32_t rank);
// The sum over all axes but the channels'.
struct sc_value *sc_channel_sum(struct sc_builder *b, struct sc_value *x);

#endif
