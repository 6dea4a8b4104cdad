// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/numbers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// NumPy's letters say what dtypes.def says in words.
static const char *const descr[] = {
#define DTYPE(name, size, is_float, npy, safetensors) [SIMCLR_##name] = npy,
#include <simclr/dtypes.def>
#undef DTYPE
};

static char kind_of(simclr_dtype dtype)
{
    return descr[dtype][1];
}

struct sc_numbers sc_numbers_of(const struct simclr_tensor *tensor)
{
    return (struct sc_numbers){.kind = kind_of(tensor->dtype),
                               .size = simclr_dtype_size(tensor->dtype),
                               .shape = tensor->shape,
                               .count = simclr_shape_count(&tensor->shape),
                               .data = tensor->data};
}

// Where element i in row-major order lies.
static int64_t position(const struct sc_numbers *n, int64_t i)
{
    if (!n->is_fortran) return i;
    int64_t stride = n->count, at = 0;
    for (int32_t axis = n->shape.rank - 1; axis >= 0; axis--) {
        const int64_t extent = n->shape.dim[axis];
        stride /= extent;
        at += i % extent * stride;
        i /= extent;
    }
    return at;
}

// IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits.
static double from_half(uint16_t h)
{
    const int exponent = h >> 10 & 31, fraction = h & 1023;
    double x;
    if (exponent == 31)
        x = fraction ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        x = ldexp(fraction, -24);
    else
        x = ldexp(1024 + fraction, exponent - 25);
    return h >> 15 ? -x : x;
}

static double read_real(const uint8_t *at, size_t size)
{
    uint16_t half;
    float f32;
    double f64;
    if (size == 2) return from_half(*(uint16_t *)memcpy(&half, at, sizeof half));
    if (size == 4) return (double)*(float *)memcpy(&f32, at, sizeof f32);
    return *(double *)memcpy(&f64, at, sizeof f64);
}

struct sc_number sc_numbers_get(const struct sc_numbers *n, int64_t i)
{
    const uint8_t *const at = n->data + (size_t)position(n, i) * n->size;
    if (n->kind == 'f')
        return (struct sc_number){.is_float = true, .real = read_real(at, n->size)};
    struct sc_number x = {.is_float = false};
    for (size_t k = 0; k < n->size; k++)
        x.bits |= (uint64_t)at[k] << 8 * k;
    if (n->kind == 'b') x.bits = x.bits != 0;
    x.is_negative = n->kind == 'i' && at[n->size - 1] >> 7;
    if (x.is_negative && n->size < 8) x.bits |= UINT64_MAX << 8 * n->size;
    return x;
}

double sc_number_real(struct sc_number x)
{
    if (x.is_float) return x.real;
    return x.is_negative ? (double)(int64_t)x.bits : (double)x.bits;
}

bool sc_number_same(struct sc_number x, struct sc_number y)
{
    return x.bits == y.bits && x.is_negative == y.is_negative;
}

bool sc_numbers_convertible(const struct sc_numbers *n, simclr_dtype to)
{
    return n->kind != 'f' || simclr_dtype_is_float(to);
}

static bool put_real(struct sc_number x, simclr_dtype to, uint8_t *out)
{
    const double real = sc_number_real(x);
    const float single = (float)real;
    const double kept = to == SIMCLR_f32 ? (double)single : real;
    // An integer is held if it comes back; 2^63 and beyond have a sign bit to lose.
    if (!x.is_float) {
        const bool fits = x.is_negative ? kept >= -0x1p63 && (uint64_t)(int64_t)kept == x.bits
                                        : kept < 0x1p64 && (uint64_t)kept == x.bits;
        if (!fits) return false;
    }
    if (to == SIMCLR_f32)
        memcpy(out, &single, sizeof single);
    else
        memcpy(out, &real, sizeof real);
    return true;
}

static bool put_int(struct sc_number x, simclr_dtype to, uint8_t *out)
{
    const char kind = kind_of(to);
    const size_t size = simclr_dtype_size(to);
    const uint64_t most = kind == 'b' ? 1 : UINT64_MAX >> (64 - 8 * size + (kind == 'i'));
    const bool fits = x.is_negative ? kind == 'i' && ~x.bits <= most : x.bits <= most;
    if (!fits) return false;
    for (size_t k = 0; k < size; k++)
        out[k] = (uint8_t)(x.bits >> 8 * k);
    return true;
}

bool sc_numbers_convert(const struct sc_numbers *n, simclr_dtype to, void *out, int64_t *bad)
{
    const size_t size = simclr_dtype_size(to);
    if (n->kind == kind_of(to) && n->size == size && !n->is_fortran && n->kind != 'b') {
        if (n->count > 0) memcpy(out, n->data, (size_t)n->count * size);
        return true;
    }
    for (int64_t i = 0; i < n->count; i++) {
        uint8_t *const at = (uint8_t *)out + (size_t)i * size;
        const struct sc_number x = sc_numbers_get(n, i);
        *bad = i;
        if (simclr_dtype_is_float(to) ? !put_real(x, to, at) : !put_int(x, to, at))
            return false;
    }
    return true;
}

struct sc_number_type sc_numbers_type(const struct sc_numbers *n)
{
    struct sc_number_type type;
    if (n->kind == 'b')
        (void)snprintf(type.s, sizeof type.s, "bool");
    else
        (void)snprintf(type.s, sizeof type.s, "%c%d", n->kind, (int)(8 * n->size % 1000));
    return type;
}
