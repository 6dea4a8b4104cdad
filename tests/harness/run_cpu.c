// SPDX-License-Identifier: Apache-2.0
//
// The test of kernels: the case's graph takes the way of every program (kernel
// selection, schedule, memory plan, session), on every instruction set that this
// machine has and on one and three threads, whose results must be equal in every
// bit. Only the file in between is left out: the sections are built in memory.
#include "tests/harness/op_case.h"

#include "compiler/ir/eval.h"
#include "compiler/passes/passes.h"
#include "runtime/core/session.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_VALUES = 64, MAX_PORTS = OP_CASE_MAX_IN + SC_MAX_OUT };

// A program in memory, and what its sections point to.
struct image {
    struct simclr_program program;
    struct simclr_meta meta;
    struct simclr_entry entry;
    struct simclr_port ports[MAX_PORTS];
    struct simclr_value values[MAX_VALUES];
    struct simclr_instr instrs[MAX_VALUES];
    uint32_t operands[MAX_VALUES];
    uint32_t n_operands;
    uint8_t *constants;
};

static void lower(struct op_graph *g)
{
    const struct simclr_compile_options options = {0};
    const struct sc_pass_context ctx = {.options = &options};
    for (int i = 0; i < g->node->n_out; i++)
        sc_graph_output(g->graph, "y", SIMCLR_PORT_tensor, g->node->out[i], NULL);
    (void)sc_pass_select_kernels(g->graph, &ctx);
    (void)sc_pass_schedule(g->graph, &ctx);
    (void)sc_pass_plan_memory(g->graph, &ctx);
    assert_true(g->graph->is_planned);
    assert_true(g->graph->n_values <= MAX_VALUES && g->graph->n_nodes <= MAX_VALUES);
}

static uint64_t rounded_bytes(const struct sc_value *v)
{
    const uint64_t bytes =
        (uint64_t)simclr_shape_count(&v->shape) * simclr_dtype_size(v->dtype);
    return (bytes + SIMCLR_SCP_ALIGN - 1) / SIMCLR_SCP_ALIGN * SIMCLR_SCP_ALIGN;
}

static void add_values(struct image *im, const struct sc_graph *g)
{
    uint64_t n_constants = 0;
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (g->values[i]->space == SIMCLR_SPACE_constant)
            n_constants += rounded_bytes(g->values[i]);
    }
    im->constants = aligned_alloc(SIMCLR_SCP_ALIGN, n_constants + SIMCLR_SCP_ALIGN);
    assert_non_null(im->constants);
    im->program.sections.n_constants = n_constants;
    n_constants = 0;
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct sc_value *v = g->values[i];
        struct simclr_value *r = &im->values[i];
        *r = (struct simclr_value){
            .dtype = v->dtype, .space = v->space, .rank = v->shape.rank, .offset = v->offset};
        memcpy(r->dim, v->shape.dim, sizeof r->dim);
        if (v->space != SIMCLR_SPACE_constant) continue;
        const size_t size = (size_t)simclr_shape_count(&v->shape) * simclr_dtype_size(v->dtype);
        memcpy(im->constants + n_constants, v->data, size);
        r->offset = n_constants;
        n_constants += rounded_bytes(v);
    }
}

static void add_instr(struct image *im, const struct sc_node *n)
{
    struct simclr_instr *r = &im->instrs[im->entry.n_instrs++];
    *r = (struct simclr_instr){.op = n->op,
                               .n_in = (uint32_t)n->n_in,
                               .n_out = (uint32_t)n->n_out,
                               .operands = im->n_operands,
                               .kernel = n->kernel.kernel,
                               .tile = n->kernel.tile,
                               .scratch_bytes = n->kernel.scratch_bytes,
                               .workspace_offset = n->kernel.workspace_offset,
                               .workspace_bytes = n->kernel.workspace_bytes,
                               .attr = n->attr};
    assert_true(im->n_operands + r->n_in + r->n_out <= MAX_VALUES);
    for (int i = 0; i < n->n_in; i++)
        im->operands[im->n_operands++] = n->in[i]->id;
    for (int i = 0; i < n->n_out; i++)
        im->operands[im->n_operands++] = n->out[i]->id;
    if (r->scratch_bytes > im->meta.scratch_bytes) im->meta.scratch_bytes = r->scratch_bytes;
}

static void add_ports(struct image *im, const struct sc_graph *g)
{
    im->entry.n_inputs = g->n_inputs;
    im->entry.first_output = g->n_inputs;
    im->entry.n_outputs = g->n_outputs;
    for (uint32_t i = 0; i < g->n_inputs; i++)
        im->ports[i] = (struct simclr_port){.value = g->inputs[i]->id};
    for (uint32_t i = 0; i < g->n_outputs; i++)
        im->ports[g->n_inputs + i] = (struct simclr_port){.value = g->outputs[i].value->id};
}

static void image_init(struct image *im, const struct sc_graph *g)
{
    memset(im, 0, sizeof *im);
    add_values(im, g);
    SC_FOR_EACH_NODE(g, n)
    {
        if (!(sc_op_table[n->op].traits & SC_TRAIT_V)) add_instr(im, n); // a view is no work
    }
    add_ports(im, g);
    im->entry.arena_bytes = im->meta.arena_bytes = g->arena_bytes;
    struct simclr_sections *s = &im->program.sections;
    s->meta = &im->meta;
    s->strings = "";
    s->n_strings = 1;
    s->constants = im->constants;
    s->entries = &im->entry;
    s->n_entries = 1;
    s->ports = im->ports;
    s->n_ports = g->n_inputs + g->n_outputs;
    s->values = im->values;
    s->n_values = g->n_values;
    s->instrs = im->instrs;
    s->n_instrs = im->entry.n_instrs;
    s->operands = im->operands;
    s->n_operands = im->n_operands;
}

// Keeps the last message, so that an instruction set this machine lacks is no noise.
static void keep_message(void *user, enum simclr_severity severity, const char *line)
{
    (void)severity;
    (void)snprintf(user, 400, "%s", line);
}

// Runs the program once; the outputs are new raw bytes, the caller's to free.
// False if the machine lacks the instruction set.
static bool run(const struct op_case *c, const struct image *im, const char *isa, int n_threads,
                struct sc_tensor *const *in, void **out)
{
    char message[400] = "";
    struct simclr_diag diag = {.sink = keep_message, .user = message};
    const struct simclr_session_options options = {.device = "cpu", .n_threads = n_threads};
    struct simclr_session *session;
    assert_int_equal(setenv("SIMCLR_CPU_ISA", isa, 1), 0);
    const simclr_status status = simclr_session_new(&im->program, &options, &diag, &session);
    if (status == SIMCLR_DEVICE && strcmp(isa, "portable") != 0) return false;
    if (status != SIMCLR_OK) fail_msg("no session: %s", message);
    const struct simclr_entry *entry = &im->entry;
    uint32_t port = 0;
    for (int k = 0; k < c->n_in; k++) {
        if (c->in[k].is_constant) continue;
        const struct simclr_tensor t = simclr_session_port(session, &im->ports[port++]);
        sc_tensor_store(in[k], t.data);
    }
    if (simclr_session_run(session, entry) != SIMCLR_OK) fail_msg("%s: %s", isa, message);
    for (uint32_t i = 0; i < entry->n_outputs; i++) {
        const struct simclr_tensor t =
            simclr_session_port(session, &im->ports[entry->first_output + i]);
        const size_t size = (size_t)simclr_shape_count(&t.shape) * simclr_dtype_size(t.dtype);
        out[i] = malloc(size + 1);
        assert_non_null(out[i]);
        memcpy(out[i], t.data, size);
    }
    simclr_session_free(session);
    return true;
}

static double largest(const struct sc_tensor *t)
{
    double max = 0;
    for (int64_t i = 0; i < t->count; i++) {
        if (isfinite(t->f[i])) max = fmax(max, fabs(t->f[i]));
    }
    return max;
}

// f32 sums of K terms err as sqrt(K) eps of the largest element; functions of a
// few ulp and their chains stay within four of those.
static double tolerance(const struct op_case *c, const struct sc_tensor *want)
{
    const double n_terms = c->sum_length ? (double)c->sum_length : 1;
    return 4 * 0x1p-23 * sqrt(n_terms) * largest(want);
}

static bool agrees(double got, double want, double allowed)
{
    if (isnan(want)) return isnan(got);
    if (isinf(want)) return got == want;
    return fabs(got - want) <= allowed;
}

static void compare(const struct op_case *c, const char *isa, int k, const void *raw,
                    const struct sc_tensor *want)
{
    struct sc_tensor *got = sc_tensor_new(want->dtype, &want->shape);
    sc_tensor_load(got, raw);
    const double allowed = want->f ? tolerance(c, want) : 0;
    for (int64_t i = 0; i < want->count; i++) {
        if (want->f && !agrees(got->f[i], want->f[i], allowed))
            fail_msg("%s, output %d, element %lld: %.9g, by definition %.9g, allowed %.3g", isa,
                     k + 1, (long long)i, got->f[i], want->f[i], allowed);
        if (want->i && got->i[i] != want->i[i])
            fail_msg("%s, output %d, element %lld: %lld, by definition %lld", isa, k + 1,
                     (long long)i, (long long)got->i[i], (long long)want->i[i]);
    }
    sc_tensor_free(got);
}

static void test_isa(const struct op_case *c, const struct image *im, const char *isa,
                     struct sc_tensor *const *in, struct sc_tensor *const *want)
{
    void *one[SC_MAX_OUT] = {NULL}, *three[SC_MAX_OUT] = {NULL};
    if (!run(c, im, isa, 1, in, one)) return;
    assert_true(run(c, im, isa, 3, in, three));
    for (int k = 0; k < SC_MAX_OUT && want[k]; k++) {
        compare(c, isa, k, one[k], want[k]);
        const size_t size = (size_t)want[k]->count * simclr_dtype_size(want[k]->dtype);
        if (!one[k] || !three[k] || memcmp(one[k], three[k], size) != 0)
            fail_msg("%s, output %d differs between one and three threads", isa, k + 1);
    }
    for (int k = 0; k < SC_MAX_OUT; k++) {
        free(one[k]);
        free(three[k]);
    }
}

void op_test_cpu(void **state)
{
    static const char *const isas[] = {"portable", "avx2", "avx512"};
    const struct op_case *c = *state;
    struct sc_tensor *in[OP_CASE_MAX_IN] = {NULL}, *want[SC_MAX_OUT] = {NULL};
    struct op_graph g;
    struct image im;
    op_graph_init(&g, c);
    if (!g.node) fail_msg("refused: %s", g.error);
    op_case_operands(c, in);
    op_case_define(g.node, in, want);
    lower(&g);
    image_init(&im, g.graph);
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        test_isa(c, &im, isas[i], in, want);
    assert_int_equal(unsetenv("SIMCLR_CPU_ISA"), 0);
    free(im.constants);
    op_tensors_free(in, c->n_in);
    op_tensors_free(want, g.node->n_out);
    op_graph_deinit(&g);
}
