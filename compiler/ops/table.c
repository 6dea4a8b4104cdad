// SPDX-License-Identifier: Apache-2.0
//
// The table of all operations: the rows of ops.def beside the rules of the file
// each names. A missing file is a link error that names sc_op_info_<stem>.
#include "compiler/ops/rules.h"

const struct sc_op_row sc_op_table[SIMCLR_N_OPS] = {
#define OP(stem, attrs_, min_in_, max_in_, n_out_, traits_, cpu, vulkan)                       \
    [SIMCLR_OP_##stem] = {.name = #stem,                                                       \
                          .attrs = SC_ATTRS_##attrs_,                                          \
                          .min_in = (min_in_),                                                 \
                          .max_in = (max_in_),                                                 \
                          .n_out = (n_out_),                                                   \
                          .traits = SC_TRAIT_##traits_,                                        \
                          .on_cpu = (cpu),                                                     \
                          .on_vulkan = (vulkan),                                               \
                          .info = &sc_op_info_##stem},
#include <simclr/ops.def>
#undef OP
};
