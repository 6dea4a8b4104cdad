// SPDX-License-Identifier: Apache-2.0
#include "runtime/core/facts.h"

#define ATTRS_BEGIN(group) static const struct sc_attr_fact attrs_##group[] = {
#define ATTR(group, kind, field, default_)                                                     \
    {#field, SIMCLR_ATTR_##kind, offsetof(struct sc_attr_##group, field)},
#define ATTRS_END(group)                                                                       \
    {                                                                                          \
        NULL, SIMCLR_ATTR_i64, 0                                                               \
    }                                                                                          \
    }                                                                                          \
    ;
#include <simclr/attrs.def>
#undef ATTRS_BEGIN
#undef ATTR
#undef ATTRS_END

enum traits { TRAIT__, TRAIT_P, TRAIT_I, TRAIT_V };

const struct sc_op_facts sc_op_facts[SIMCLR_N_OPS] = {
#define OP(stem, group, min_in_, max_in_, n_out_, traits, cpu, vulkan)                         \
    [SIMCLR_OP_##stem] = {.name = #stem,                                                       \
                          .attrs = attrs_##group,                                              \
                          .min_in = min_in_,                                                   \
                          .max_in = (uint32_t)(max_in_),                                       \
                          .n_out = n_out_,                                                     \
                          .is_pointwise = TRAIT_##traits == TRAIT_P},
#include <simclr/ops.def>
#undef OP
};

static const struct {
    enum simclr_op op;
    const char *name;
} kernels[] = {
#define KERNEL(op_, name_, unit, about) {SIMCLR_OP_##op_, #name_},
#include <simclr/kernels.def>
#undef KERNEL
};
enum { N_KERNELS = sizeof kernels / sizeof kernels[0] };

uint32_t sc_op_n_kernels(enum simclr_op op)
{
    uint32_t n = 0;
    for (int i = 0; i < N_KERNELS; i++)
        n += kernels[i].op == op;
    return n > 0 ? n : 1;
}

const char *sc_op_kernel_name(enum simclr_op op, uint32_t kernel)
{
    for (int i = 0; i < N_KERNELS; i++) {
        if (kernels[i].op == op && kernel-- == 0) return kernels[i].name;
    }
    return "default";
}
