// SPDX-License-Identifier: Apache-2.0
//
// bench_ops PROGRAM.scp [ENTRY [RUNS [THREADS]]]: where the time of a step goes.
// Runs an entry (default "train") on made-up inputs and prints, for the fastest run
// of each instruction: every convolution with its rate, then the sum per operation,
// then the step; and first the rate of a plain product of matrices (matmul), if the
// program has one, for comparison. Build a program with, for example,
//     simclrc --encoder resnet18-cifar --image-size 32 --batch 32 -o r18.scp
// It is not a test.
#include <simclr/runtime.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_names[] = {
#define OP(stem, attrs, min_in, max_in, n_out, traits, cpu, vulkan) #stem,
#include <simclr/ops.def>
#undef OP
};

static const struct simclr_value *operand(const struct simclr_sections *s,
                                          const struct simclr_instr *instr, uint32_t i)
{
    return &s->values[s->operands[instr->operands + i]];
}

static double count(const struct simclr_value *v)
{
    double n = 1;
    for (int32_t i = 0; i < v->rank; i++)
        n *= (double)v->dim[i];
    return n;
}

// Multiplications and additions of a convolution or matmul, padding included; 0
// for other operations. `weight` and `result` are those of the forward direction.
static double flops(const struct simclr_sections *s, const struct simclr_instr *instr)
{
    const struct simclr_value *const a = operand(s, instr, 0), *const b = operand(s, instr, 1);
    const struct simclr_value *const out = operand(s, instr, instr->n_in);
    const struct simclr_value *weight = b, *result = out;
    if (instr->op == SIMCLR_OP_matmul) {
        const int64_t k = a->dim[a->rank - (instr->attr.matmul.trans_a ? 2 : 1)];
        return 2 * count(out) * (double)k;
    }
    if (instr->op == SIMCLR_OP_conv2d_grad_input) result = a;
    if (instr->op == SIMCLR_OP_conv2d_grad_weight) {
        weight = out;
        result = b;
    }
    const bool is_conv = instr->op == SIMCLR_OP_conv2d ||
                         instr->op == SIMCLR_OP_conv2d_grad_input ||
                         instr->op == SIMCLR_OP_conv2d_grad_weight;
    return is_conv ? 2 * count(result) * count(weight) / (double)weight->dim[0] : 0;
}

static void print_shape(const struct simclr_value *v)
{
    printf(" [");
    for (int32_t i = 0; i < v->rank; i++)
        printf("%s%lld", i > 0 ? "," : "", (long long)v->dim[i]);
    printf("]");
}

static void print_instr(const struct simclr_sections *s, const struct simclr_instr *instr,
                        double seconds)
{
    const double work = flops(s, instr);
    if (work <= 0) return;
    printf("%8.3f ms %7.1f GFLOP/s  %-18s", seconds * 1e3, work / seconds * 1e-9,
           op_names[instr->op]);
    for (uint32_t i = 0; i < instr->n_in + instr->n_out; i++)
        print_shape(operand(s, instr, i));
    printf("\n");
}

static void fill_input(const struct simclr_tensor *t)
{
    const int64_t n = simclr_shape_count(&t->shape);
    uint32_t state = 1;
    for (int64_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        if (t->dtype == SIMCLR_f32) ((float *)t->data)[i] = (float)(state >> 8) * 0x1p-24f;
        if (t->dtype == SIMCLR_i64) ((int64_t *)t->data)[i] = t->shape.rank == 0;
    }
}

static void fill_inputs(struct simclr_session *session, const struct simclr_entry *entry)
{
    const struct simclr_sections *const s =
        simclr_program_sections(simclr_session_program(session));
    for (uint32_t i = 0; i < entry->n_inputs; i++) {
        const struct simclr_port *const port = &s->ports[entry->first_input + i];
        const struct simclr_tensor t = simclr_session_port(session, port);
        fill_input(&t);
        if (port->role == SIMCLR_PORT_lr) *(float *)t.data = 0.01f;
    }
}

// Fills `best` with the least time of each instruction over the runs; the least
// time of a whole run is returned.
static double measure(struct simclr_session *session, const struct simclr_entry *entry,
                      int n_runs, double *best, double *before)
{
    double best_run = 1e30;
    const double *const times = simclr_session_times(session);
    for (int run = 0; run <= n_runs; run++) { // the first one warms up
        fill_inputs(session, entry);
        memcpy(before, times + entry->first_instr, entry->n_instrs * sizeof *before);
        if (simclr_session_run(session, entry) != SIMCLR_OK) exit(3);
        double sum = 0;
        for (uint32_t i = 0; i < entry->n_instrs; i++) {
            const double t = times[entry->first_instr + i] - before[i];
            if (run <= 1 || t < best[i]) best[i] = t;
            sum += t;
        }
        if (run > 0 && sum < best_run) best_run = sum;
    }
    return best_run;
}

static void report(const struct simclr_sections *s, const struct simclr_entry *entry,
                   const double *best, double best_run)
{
    double by_op[SIMCLR_N_OPS] = {0}, work[SIMCLR_N_OPS] = {0}, sum = 0;
    for (uint32_t i = 0; i < entry->n_instrs; i++) {
        const struct simclr_instr *const instr = &s->instrs[entry->first_instr + i];
        print_instr(s, instr, best[i]);
        by_op[instr->op] += best[i];
        work[instr->op] += flops(s, instr);
        sum += best[i];
    }
    for (int op = 0; op < SIMCLR_N_OPS; op++) {
        if (by_op[op] <= 0) continue;
        printf("%8.3f ms  %-20s", by_op[op] * 1e3, op_names[op]);
        if (work[op] > 0) printf(" %7.1f GFLOP/s", work[op] / by_op[op] * 1e-9);
        printf("\n");
    }
    printf("%8.3f ms  sum of the fastest\n%8.3f ms  fastest run\n", sum * 1e3, best_run * 1e3);
}

int main(int argc, char **argv)
{
    struct simclr_program *program;
    struct simclr_session *session;
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_ops PROGRAM.scp [ENTRY [RUNS [THREADS]]]\n");
        return 2;
    }
    struct simclr_diag diag = {.program = "bench_ops"};
    const struct simclr_session_options options = {.n_threads = argc > 4 ? atoi(argv[4]) : 0,
                                                   .wants_times = true};
    simclr_status status = simclr_program_open(argv[1], &diag, &program);
    if (status != SIMCLR_OK) return simclr_exit_code(status);
    const struct simclr_entry *const entry =
        simclr_program_entry(program, argc > 2 ? argv[2] : "train");
    status = entry ? simclr_session_new(program, &options, &diag, &session) : SIMCLR_USAGE;
    if (status == SIMCLR_OK) {
        simclr_session_initialize(session);
        double *const best = calloc(2 * (size_t)entry->n_instrs + 1, sizeof *best);
        if (!best) return 3;
        const double run =
            measure(session, entry, argc > 3 ? atoi(argv[3]) : 3, best, best + entry->n_instrs);
        report(simclr_program_sections(program), entry, best, run);
        free(best);
        simclr_session_free(session);
    }
    simclr_program_free(program);
    return simclr_exit_code(status);
}
