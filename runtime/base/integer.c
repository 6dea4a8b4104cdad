// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/integer.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int64_t sc_int_load(simclr_dtype dtype, const void *data, size_t i)
{
    union {
        int8_t i8;
        int16_t i16;
        int32_t i32;
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        int64_t i64;
    } u = {.i64 = 0};
    const size_t size = simclr_dtype_size(dtype);
    memcpy(&u, (const char *)data + i * size, size);
    switch (dtype) {
    case SIMCLR_i8: return u.i8;
    case SIMCLR_i16: return u.i16;
    case SIMCLR_i32: return u.i32;
    case SIMCLR_bool:
    case SIMCLR_u8: return u.u8;
    case SIMCLR_u16: return u.u16;
    case SIMCLR_u32: return u.u32;
    case SIMCLR_i64:
    case SIMCLR_u64: return u.i64;
    case SIMCLR_f32:
    case SIMCLR_f64:
    case SIMCLR_N_DTYPES: break;
    }
    assert(false && "a float is no integer");
    return 0;
}

void sc_int_store(simclr_dtype dtype, void *data, size_t i, int64_t x)
{
    const int64_t wrapped = dtype == SIMCLR_bool ? x != 0 : x;
    const int8_t i8 = (int8_t)wrapped;
    const int16_t i16 = (int16_t)wrapped;
    const int32_t i32 = (int32_t)wrapped;
    const void *const from[] = {[1] = &i8, [2] = &i16, [4] = &i32, [8] = &wrapped};
    const size_t size = simclr_dtype_size(dtype);
    memcpy((char *)data + i * size, from[size], size);
}

struct sc_int_range sc_int_range(simclr_dtype dtype)
{
    switch (dtype) {
    case SIMCLR_i8: return (struct sc_int_range){INT8_MIN, INT8_MAX};
    case SIMCLR_i16: return (struct sc_int_range){INT16_MIN, INT16_MAX};
    case SIMCLR_i32: return (struct sc_int_range){INT32_MIN, INT32_MAX};
    case SIMCLR_i64: return (struct sc_int_range){INT64_MIN, INT64_MAX};
    case SIMCLR_u8: return (struct sc_int_range){0, UINT8_MAX};
    case SIMCLR_u16: return (struct sc_int_range){0, UINT16_MAX};
    case SIMCLR_u32: return (struct sc_int_range){0, UINT32_MAX};
    case SIMCLR_u64: return (struct sc_int_range){0, INT64_MAX};
    case SIMCLR_bool: return (struct sc_int_range){0, 1};
    case SIMCLR_f32:
    case SIMCLR_f64:
    case SIMCLR_N_DTYPES: break;
    }
    assert(false && "a float is no integer");
    return (struct sc_int_range){0, 0};
}

int64_t sc_int_least(simclr_dtype dtype)
{
    return sc_int_range(dtype).low;
}

int64_t sc_int_most(simclr_dtype dtype)
{
    return dtype == SIMCLR_u64 ? -1 : sc_int_range(dtype).high; // all bits set
}

int64_t sc_int_wrap(simclr_dtype dtype, int64_t x)
{
    const size_t bits = 8 * simclr_dtype_size(dtype);
    if (dtype == SIMCLR_bool) return x != 0;
    if (bits == 64) return x;
    const uint64_t span = (uint64_t)1 << bits;
    const int64_t low = (int64_t)((uint64_t)x & (span - 1));
    return low > sc_int_range(dtype).high ? low - (int64_t)span : low;
}

bool sc_int_less(simclr_dtype dtype, int64_t x, int64_t y)
{
    return dtype == SIMCLR_u64 ? (uint64_t)x < (uint64_t)y : x < y;
}

double sc_int_to_real(simclr_dtype dtype, int64_t x)
{
    return dtype == SIMCLR_u64 ? (double)(uint64_t)x : (double)x;
}

int64_t sc_int_from_real(simclr_dtype dtype, double x)
{
    if (dtype == SIMCLR_bool) return x != 0;
    if (isnan(x)) return 0;
    if (dtype == SIMCLR_u64)
        return x <= 0 ? 0 : (int64_t)(x >= 0x1p64 ? UINT64_MAX : (uint64_t)x);
    const struct sc_int_range range = sc_int_range(dtype);
    if (x <= (double)range.low) return range.low;
    if (x >= (double)range.high) return range.high;
    return (int64_t)x;
}
