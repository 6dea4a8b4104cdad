// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/checked.h"

bool sc_checked_nbytes(simclr_dtype dtype, const struct simclr_shape *shape, size_t *out)
{
    if (shape->rank < 0 || shape->rank > SIMCLR_MAX_RANK) return false;
    // Zero extents must not hide an overflow of the others: strides are computed
    // from all of them.
    int64_t bytes = (int64_t)simclr_dtype_size(dtype);
    bool is_empty = false;
    for (int32_t i = 0; i < shape->rank; i++) {
        const int64_t dim = shape->dim[i];
        if (dim < 0) return false;
        is_empty = is_empty || dim == 0;
        if (dim > 0 && !sc_checked_mul_i64(bytes, dim, &bytes)) return false;
    }
    if ((uint64_t)bytes > SIZE_MAX) return false;
    *out = is_empty ? 0 : (size_t)bytes;
    return true;
}
