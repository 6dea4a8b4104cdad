// SPDX-License-Identifier: Apache-2.0
//
// The kernels of one instruction set as a table: a row of ops.def that promises
// the CPU and has no kernel is a link error that names it.
#include "runtime/cpu/kernel.h"

#define ROW_0(stem)
#define ROW_1(stem) [SIMCLR_OP_##stem] = &SC_CPU_NAME(sc_cpu_op_##stem),

const struct sc_cpu_op *const SC_CPU_NAME(sc_cpu_ops)[SIMCLR_N_OPS] = {
#define OP(stem, attrs, min_in, max_in, n_out, traits, cpu, vulkan) ROW_##cpu(stem)
#include <simclr/ops.def>
#undef OP
};
