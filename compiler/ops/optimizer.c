// SPDX-License-Identifier: Apache-2.0
#include "compiler/ops/optimizer.h"

bool sc_infer_optimizer(struct sc_infer *ctx, int n_tensors, int n_out)
{
    for (int i = 0; i < n_tensors; i++) {
        if (!sc_infer_dtype(ctx, i, SIMCLR_f32) || !sc_infer_same_shape(ctx, i, 0))
            return false;
    }
    if (!sc_infer_dtype(ctx, n_tensors, SIMCLR_f32) || !sc_infer_scalar(ctx, n_tensors))
        return false;
    for (int i = 0; i < n_out; i++)
        (void)sc_infer_set_like(ctx, i, 0);
    return true;
}
