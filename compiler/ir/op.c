// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/op.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum simclr_op sc_op_find(const char *name)
{
    for (int op = 0; op < SIMCLR_N_OPS; op++) {
        if (strcmp(sc_op_table[op].name, name) == 0) return (enum simclr_op)op;
    }
    return SIMCLR_N_OPS;
}

bool sc_infer_fail(struct sc_infer *ctx, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(ctx->error, sizeof ctx->error, fmt, args);
    va_end(args);
    return false;
}

struct kernel_row {
    enum simclr_op op;
    const char *name;
};

static const struct kernel_row kernel_rows[] = {
#define KERNEL(op, name, unit, about) {SIMCLR_OP_##op, #name},
#include <simclr/kernels.def>
#undef KERNEL
};

const char *sc_kernel_name(enum simclr_op op, uint32_t kernel)
{
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof kernel_rows / sizeof *kernel_rows; i++) {
        if (kernel_rows[i].op == op && n++ == kernel) return kernel_rows[i].name;
    }
    return n == 0 && kernel == 0 ? "default" : NULL;
}
