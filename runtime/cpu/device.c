// SPDX-License-Identifier: Apache-2.0
#include "runtime/cpu/device.h"

#include "runtime/base/checked.h"
#include "runtime/core/facts.h"
#include "runtime/cpu/blas.h"
#include "runtime/cpu/kernel.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// ---- instruction sets ----

// Best first; the portable one runs everywhere.
struct isa {
    const char *name;
    const struct sc_cpu_op *const *ops;
    bool (*is_there)(void);
};

#if defined(__x86_64__)
static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("fma");
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

static bool always(void)
{
    return true;
}

static const struct isa isas[] = {
#if defined(__x86_64__)
    {"avx512", sc_cpu_ops_avx512, has_avx512},
    {"avx2", sc_cpu_ops_avx2, has_avx2},
#endif
    {"portable", sc_cpu_ops_portable, always},
};
enum { N_ISAS = sizeof isas / sizeof isas[0] };

static simclr_status select_isa(struct simclr_diag *diag, const struct isa **out)
{
    const char *const wanted = getenv("SIMCLR_CPU_ISA");
    for (int i = 0; i < N_ISAS; i++) {
        if (wanted && strcmp(wanted, isas[i].name) != 0) continue;
        if (isas[i].is_there()) {
            *out = &isas[i];
            return SIMCLR_OK;
        }
        if (wanted)
            return sc_fail(diag, SIMCLR_DEVICE, NULL,
                           "SIMCLR_CPU_ISA is '%s', which this machine does not have", wanted);
    }
    return sc_fail(diag, SIMCLR_USAGE, NULL,
                   "SIMCLR_CPU_ISA is '%s', expected avx512, avx2 or portable (x86-64), or "
                   "portable",
                   wanted);
}

// ---- the device ----

struct cpu {
    struct sc_device device;
    const struct simclr_program *program;
    const struct isa *isa;
    struct sc_pool *pool;
    struct simclr_memory memory;
    char *persistent, *arena, *scratch;
    struct sc_call *calls;       // one per instruction
    struct sc_operand *operands; // of all calls
    double *times;               // of all calls; NULL if nobody asked
};

static void cpu_close(struct sc_device *device)
{
    struct cpu *const cpu = (struct cpu *)device;
    sc_pool_free(cpu->pool);
    free(cpu->persistent);
    free(cpu->arena);
    free(cpu->scratch);
    free(cpu->calls);
    free(cpu->operands);
    free(cpu->times);
    free(cpu);
}

static simclr_status allocate(struct simclr_diag *diag, const char *what, uint64_t bytes,
                              char **out)
{
    const uint64_t rounded = bytes + (SIMCLR_SCP_ALIGN - bytes % SIMCLR_SCP_ALIGN);
    *out = rounded > bytes && rounded <= SIZE_MAX / 2
               ? aligned_alloc(SIMCLR_SCP_ALIGN, (size_t)rounded)
               : NULL;
    if (*out) return SIMCLR_OK;
    return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "cannot allocate %" PRIu64 " bytes of %s",
                   bytes, what);
}

static uint64_t scratch_stride(const struct cpu *cpu)
{
    const uint64_t bytes = cpu->program->sections.meta->scratch_bytes;
    return (bytes + SIMCLR_SCP_ALIGN - 1) / SIMCLR_SCP_ALIGN * SIMCLR_SCP_ALIGN;
}

static simclr_status allocate_regions(struct cpu *cpu, struct simclr_diag *diag)
{
    const struct simclr_meta *const m = cpu->program->sections.meta;
    const uint64_t n_threads = (uint64_t)sc_pool_n_threads(cpu->pool);
    size_t scratch;
    if (m->scratch_bytes > SIZE_MAX / 2 ||
        !sc_checked_mul(scratch_stride(cpu), n_threads, &scratch))
        scratch = SIZE_MAX;
    cpu->memory = (struct simclr_memory){.persistent = m->persistent_bytes,
                                         .arena = m->arena_bytes,
                                         .constants = cpu->program->sections.n_constants,
                                         .scratch = scratch};
    SC_TRY(allocate(diag, "parameters", m->persistent_bytes, &cpu->persistent));
    SC_TRY(allocate(diag, "arena", m->arena_bytes, &cpu->arena));
    SC_TRY(allocate(diag, "scratch", scratch, &cpu->scratch));
    memset(cpu->persistent, 0, m->persistent_bytes);
    return SIMCLR_OK;
}

// Constants lie in the program's bytes, and no instruction writes them.
static char *base_of(const struct cpu *cpu, uint32_t space)
{
    if (space == SIMCLR_SPACE_arena) return cpu->arena;
    if (space == SIMCLR_SPACE_persistent) return cpu->persistent;
    return (char *)(uintptr_t)cpu->program->sections.constants;
}

static struct sc_operand operand(const struct cpu *cpu, uint32_t value)
{
    const struct simclr_value *const v = &cpu->program->sections.values[value];
    const struct simclr_shape shape = sc_value_shape(v);
    return (struct sc_operand){.data = base_of(cpu, v->space) + v->offset,
                               .dtype = (simclr_dtype)v->dtype,
                               .shape = shape,
                               .count = simclr_shape_count(&shape)};
}

static simclr_status check_call(const struct cpu *cpu, const struct sc_call *call,
                                struct simclr_diag *diag)
{
    const struct simclr_instr *const instr = call->instr;
    const struct sc_cpu_op *const op = cpu->isa->ops[instr->op];
    const char *const name = sc_op_facts[instr->op].name;
    const char *const origin = simclr_program_string(cpu->program, instr->origin);
    if (!op)
        return sc_fail(diag, SIMCLR_UNSUPPORTED, cpu->program->path,
                       "instruction %td (%s, from '%s') is not supported by the CPU",
                       instr - cpu->program->sections.instrs, name, origin);
    const char *const wrong = op->check(call);
    if (!wrong) return SIMCLR_OK;
    return sc_fail(diag, SIMCLR_BAD_INPUT, cpu->program->path,
                   "instruction %td (%s, from '%s') cannot run: %s",
                   instr - cpu->program->sections.instrs, name, origin, wrong);
}

static simclr_status prepare_calls(struct cpu *cpu, bool wants_times, struct simclr_diag *diag)
{
    const struct simclr_sections *const s = &cpu->program->sections;
    size_t n_operands = 0;
    for (uint64_t i = 0; i < s->n_instrs; i++)
        n_operands += (size_t)s->instrs[i].n_in + s->instrs[i].n_out;
    cpu->calls = calloc(s->n_instrs + 1, sizeof *cpu->calls);
    cpu->operands = calloc(n_operands + 1, sizeof *cpu->operands);
    if (wants_times) cpu->times = calloc(s->n_instrs + 1, sizeof *cpu->times);
    if (!cpu->calls || !cpu->operands || (wants_times && !cpu->times))
        return sc_fail(diag, SIMCLR_NO_MEMORY, NULL,
                       "out of memory for %" PRIu64 " instructions", s->n_instrs);
    struct sc_operand *next = cpu->operands;
    for (uint64_t i = 0; i < s->n_instrs; i++) {
        const struct simclr_instr *const instr = &s->instrs[i];
        const uint32_t n = instr->n_in + instr->n_out;
        for (uint32_t k = 0; k < n; k++)
            next[k] = operand(cpu, s->operands[instr->operands + k]);
        cpu->calls[i] = (struct sc_call){.instr = instr,
                                         .attr = &instr->attr,
                                         .n_in = instr->n_in,
                                         .n_out = instr->n_out,
                                         .in = next,
                                         .out = next + instr->n_in,
                                         .workspace = cpu->arena + instr->workspace_offset,
                                         .scratch = cpu->scratch,
                                         .scratch_stride = scratch_stride(cpu),
                                         .pool = cpu->pool};
        SC_TRY(check_call(cpu, &cpu->calls[i], diag));
        next += n;
    }
    return SIMCLR_OK;
}

static simclr_status prepare(struct cpu *cpu, const struct sc_device_request *request)
{
    SC_TRY(select_isa(request->diag, &cpu->isa));
    SC_TRY(sc_pool_new(request->diag, request->n_threads, &cpu->pool));
    SC_TRY(allocate_regions(cpu, request->diag));
    return prepare_calls(cpu, request->wants_times, request->diag);
}

static simclr_status cpu_open(const struct sc_device_request *request, struct sc_device **out)
{
    struct cpu *const cpu = calloc(1, sizeof *cpu);
    if (!cpu) return sc_fail(request->diag, SIMCLR_NO_MEMORY, NULL, "out of memory");
    cpu->device.ops = &sc_cpu_device;
    cpu->program = request->program;
    sc_blas_init();
    const simclr_status status = prepare(cpu, request);
    if (status == SIMCLR_OK)
        *out = &cpu->device;
    else
        cpu_close(&cpu->device);
    return status;
}

static struct simclr_memory cpu_memory(const struct sc_device *device)
{
    return ((const struct cpu *)device)->memory;
}

static void *cpu_host(struct sc_device *device, enum simclr_space space, uint64_t offset,
                      uint64_t size)
{
    (void)size;
    return base_of((const struct cpu *)device, (uint32_t)space) + offset;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static simclr_status cpu_run(struct sc_device *device, const struct simclr_entry *entry)
{
    const struct cpu *const cpu = (const struct cpu *)device;
    double before = cpu->times ? now() : 0;
    for (uint32_t i = entry->first_instr; i < entry->first_instr + entry->n_instrs; i++) {
        const struct sc_call *const call = &cpu->calls[i];
        cpu->isa->ops[call->instr->op]->run(call);
        if (!cpu->times) continue;
        const double after = now();
        cpu->times[i] += after - before;
        before = after;
    }
    return SIMCLR_OK;
}

static const double *cpu_times(const struct sc_device *device)
{
    return ((const struct cpu *)device)->times;
}

const struct sc_device_ops sc_cpu_device = {.name = "cpu",
                                            .open = cpu_open,
                                            .close = cpu_close,
                                            .memory = cpu_memory,
                                            .host = cpu_host,
                                            .run = cpu_run,
                                            .times = cpu_times};
