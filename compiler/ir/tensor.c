// SPDX-License-Identifier: Apache-2.0
//
// Tensors of the interpreter, and the way from and to raw elements.
#include "compiler/ir/eval.h"

#include "runtime/base/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must_alloc(size_t n, size_t size)
{
    size_t n_bytes = 0;
    void *const p =
        sc_checked_mul(n, size, &n_bytes) ? malloc(n_bytes > 0 ? n_bytes : 1) : NULL;
    if (!p) {
        (void)fprintf(stderr, "simclrc: error: out of memory (tensor of %zu elements)\n", n);
        exit(simclr_exit_code(SIMCLR_NO_MEMORY));
    }
    return p;
}

struct sc_tensor *sc_tensor_new(simclr_dtype dtype, const struct simclr_shape *shape)
{
    struct sc_tensor *const t = must_alloc(1, sizeof *t);
    *t =
        (struct sc_tensor){.dtype = dtype, .shape = *shape, .count = simclr_shape_count(shape)};
    if (simclr_dtype_is_float(dtype))
        t->f = must_alloc((size_t)t->count, sizeof *t->f);
    else
        t->i = must_alloc((size_t)t->count, sizeof *t->i);
    return t;
}

void sc_tensor_free(struct sc_tensor *t)
{
    if (!t) return;
    free(t->f);
    free(t->i);
    free(t);
}

// The loops of all element types differ in the type alone. What is loaded may be
// borrowed from a file, where nothing is aligned.
#define LOAD(type, as, to)                                                                     \
    for (int64_t k = 0; k < t->count; k++) {                                                   \
        type element;                                                                          \
        memcpy(&element, (const char *)data + (size_t)k * sizeof element, sizeof element);     \
        (to)[k] = (as)element;                                                                 \
    }
#define STORE(type, from)                                                                      \
    for (int64_t k = 0; k < t->count; k++)                                                     \
    ((type *)data)[k] = (type)(from)[k]

void sc_tensor_load(struct sc_tensor *t, const void *data)
{
    switch (t->dtype) {
    case SIMCLR_f32: LOAD(float, double, t->f); break;
    case SIMCLR_f64: LOAD(double, double, t->f); break;
    case SIMCLR_i64: LOAD(int64_t, int64_t, t->i); break;
    case SIMCLR_i32: LOAD(int32_t, int64_t, t->i); break;
    case SIMCLR_u8: LOAD(uint8_t, int64_t, t->i); break;
    case SIMCLR_bool: LOAD(uint8_t, bool, t->i); break;
    case SIMCLR_N_DTYPES: break;
    }
}

void sc_tensor_store(const struct sc_tensor *t, void *data)
{
    switch (t->dtype) {
    case SIMCLR_f32: STORE(float, t->f); break;
    case SIMCLR_f64: STORE(double, t->f); break;
    case SIMCLR_i64: STORE(int64_t, t->i); break;
    case SIMCLR_i32: STORE(int32_t, t->i); break;
    case SIMCLR_u8: STORE(uint8_t, t->i); break;
    case SIMCLR_bool: STORE(bool, t->i); break;
    case SIMCLR_N_DTYPES: break;
    }
}
