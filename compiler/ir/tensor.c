// SPDX-License-Identifier: Apache-2.0
//
// Tensors of the interpreter, and the way from and to raw elements.
#include "compiler/ir/eval.h"

#include "runtime/base/checked.h"
#include "runtime/base/integer.h"

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

void sc_tensor_load(struct sc_tensor *t, const void *data)
{
    const char *const bytes = data; // may be borrowed from a file, where nothing is aligned
    for (int64_t k = 0; k < t->count; k++) {
        float f32;
        if (t->dtype == SIMCLR_f32)
            t->f[k] =
                (double)*(float *)memcpy(&f32, bytes + (size_t)k * sizeof f32, sizeof f32);
        else if (t->dtype == SIMCLR_f64)
            memcpy(&t->f[k], bytes + (size_t)k * sizeof *t->f, sizeof *t->f);
        else
            t->i[k] = sc_int_wrap(t->dtype, sc_int_load(t->dtype, data, (size_t)k));
    }
}

void sc_tensor_store(const struct sc_tensor *t, void *data)
{
    for (int64_t k = 0; k < t->count; k++) {
        if (t->dtype == SIMCLR_f32)
            ((float *)data)[k] = (float)t->f[k];
        else if (t->dtype == SIMCLR_f64)
            ((double *)data)[k] = t->f[k];
        else
            sc_int_store(t->dtype, data, (size_t)k, t->i[k]);
    }
}
