// SPDX-License-Identifier: Apache-2.0
//
// The two tables of include/simclr, read as arrays.
#include <simclr/types.h>

#include <assert.h>

struct status_info {
    int exit_code;
    const char *text;
};

static const struct status_info status_table[] = {
#define STATUS(name, exit_code, text) [SIMCLR_##name] = {exit_code, text},
#include <simclr/status.def>
#undef STATUS
};

struct dtype_info {
    const char *name;
    size_t size;
    bool is_float;
};

static const struct dtype_info dtype_table[] = {
#define DTYPE(name, size, is_float, npy, safetensors) [SIMCLR_##name] = {#name, size, is_float},
#include <simclr/dtypes.def>
#undef DTYPE
};

int simclr_exit_code(simclr_status status)
{
    assert((size_t)status < sizeof status_table / sizeof *status_table);
    return status_table[status].exit_code;
}

const char *simclr_status_text(simclr_status status)
{
    assert((size_t)status < sizeof status_table / sizeof *status_table);
    return status_table[status].text;
}

size_t simclr_dtype_size(simclr_dtype dtype)
{
    assert(dtype < SIMCLR_N_DTYPES);
    return dtype_table[dtype].size;
}

const char *simclr_dtype_name(simclr_dtype dtype)
{
    assert(dtype < SIMCLR_N_DTYPES);
    return dtype_table[dtype].name;
}

bool simclr_dtype_is_float(simclr_dtype dtype)
{
    assert(dtype < SIMCLR_N_DTYPES);
    return dtype_table[dtype].is_float;
}

int64_t simclr_shape_count(const struct simclr_shape *shape)
{
    int64_t count = 1;
    for (int32_t i = 0; i < shape->rank; i++)
        count *= shape->dim[i];
    return count;
}

bool simclr_shape_equal(const struct simclr_shape *a, const struct simclr_shape *b)
{
    if (a->rank != b->rank) return false;
    for (int32_t i = 0; i < a->rank; i++) {
        if (a->dim[i] != b->dim[i]) return false;
    }
    return true;
}
