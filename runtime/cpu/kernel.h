// SPDX-License-Identifier: Apache-2.0
//
// What a kernel is given and what it owes. runtime/cpu/ops/<op>.c defines one
// SC_CPU_OP(stem) for each row of ops.def that the CPU runs; the folder is
// compiled once per instruction set, with SC_CPU_ISA its name.
//
// Every kernel keeps these rules: work is cut into tasks, and sums are ordered,
// by shapes alone, so that results do not depend on the number of threads; tensors
// are row-major, canonical (NCHW), aligned to 64 bytes; an output may be the same
// memory as an input only where ops.def says P or I, and then exactly the same
// (element i over element i).
#ifndef SC_CPU_KERNEL_H
#define SC_CPU_KERNEL_H

#include <simclr/program.h>

#include "runtime/base/thread.h"

struct sc_operand {
    void *data;
    simclr_dtype dtype;
    struct simclr_shape shape;
    int64_t count; // elements
};

// One instruction, ready to run.
struct sc_call {
    const struct simclr_instr *instr;
    const union simclr_attr *attr;
    uint32_t n_in, n_out;
    const struct sc_operand *in, *out;
    void *workspace; // instr->workspace_bytes, shared
    char *scratch;   // instr->scratch_bytes for each thread, scratch_stride apart
    size_t scratch_stride;
    struct sc_pool *pool;
};

struct sc_cpu_op {
    // Whether the operands' types and shapes, the attributes, the tile and the sizes
    // of scratch and workspace are such that `run` stays within them: NULL, or what
    // is wrong. Called once, when the session is made; data are not there yet.
    const char *(*check)(const struct sc_call *call);
    void (*run)(const struct sc_call *call);
};

static inline void *sc_call_scratch(const struct sc_call *call, int thread)
{
    return call->scratch + (size_t)thread * call->scratch_stride;
}

// The kernels of one instruction set, by operation; NULL where the CPU has none.
#define SC_CPU_TABLE(isa) extern const struct sc_cpu_op *const sc_cpu_ops_##isa[SIMCLR_N_OPS];
SC_CPU_TABLE(portable)
SC_CPU_TABLE(avx2)
SC_CPU_TABLE(avx512)
#undef SC_CPU_TABLE

// Within runtime/cpu/ops: names that differ by instruction set.
#ifdef SC_CPU_ISA
#define SC_CPU_PASTE_(name, isa) name##_##isa
#define SC_CPU_PASTE(name, isa)  SC_CPU_PASTE_(name, isa)
#define SC_CPU_NAME(name)        SC_CPU_PASTE(name, SC_CPU_ISA)
#define SC_CPU_OP(stem)          const struct sc_cpu_op SC_CPU_NAME(sc_cpu_op_##stem)

#define OP(stem, attrs, min_in, max_in, n_out, traits, cpu, vulkan) extern SC_CPU_OP(stem);
#include <simclr/ops.def>
#undef OP
#endif

#endif
