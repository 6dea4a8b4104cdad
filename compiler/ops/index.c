// SPDX-License-Identifier: Apache-2.0
#include "compiler/ops/index.h"

#include <math.h>

int64_t sc_index_position(int64_t index, int64_t n)
{
    if (index < 0) index += n;
    return index >= 0 && index < n ? index : -1;
}

void sc_copy_indexed(const struct sc_tensor *from, int64_t i, struct sc_tensor *to, int64_t j)
{
    if (i >= 0)
        sc_copy_element(from, i, to, j);
    else if (to->f)
        to->f[j] = (double)NAN;
    else
        to->i[j] = 0;
}

void sc_add_indexed(const struct sc_tensor *from, int64_t i, struct sc_tensor *to, int64_t j)
{
    if (j >= 0) to->f[j] += from->f[i];
}

bool sc_infer_indices(struct sc_infer *ctx, int operand, int64_t axis, int64_t n)
{
    const struct sc_value *indices = ctx->node->in[operand];
    if (!sc_infer_dtype(ctx, operand, SIMCLR_i64)) return false;
    if (indices->kind != SC_VALUE_constant) return true;
    const int64_t *data = indices->data;
    for (int64_t i = 0; i < simclr_shape_count(&indices->shape); i++) {
        if (sc_index_position(data[i], n) < 0)
            return sc_infer_fail(ctx,
                                 "index %lld is outside axis %lld, which has %lld elements",
                                 (long long)data[i], (long long)axis, (long long)n);
    }
    return true;
}
