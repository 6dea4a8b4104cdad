// SPDX-License-Identifier: Apache-2.0
//
// schedule and plan-memory on random graphs, judged by sc_plan_check, and the
// judge itself on plans that are wrong.
#include "compiler/ir/builder.h"
#include "compiler/ir/verify.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/plan.h"
#include "runtime/base/rng.h"
#include "tests/unit/ir_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { SIDE = 8, N_NODES = 60, N_PARAMS = 5, N_GRAPHS = 300 };

struct maker {
    struct sc_rng rng;
    struct sc_builder b;
    struct sc_value *pool[4 * N_NODES]; // f32[SIDE,SIDE] values to choose operands from
    uint32_t n_pool;
    struct sc_value *lr;
};

static struct sc_value *any(struct maker *m)
{
    // Mostly recent ones, so that values die.
    const uint32_t recent = m->n_pool < 8 ? m->n_pool : 8;
    const uint32_t from = sc_rng_below(&m->rng, 5) == 0 ? m->n_pool : recent;
    return m->pool[m->n_pool - 1 - sc_rng_below(&m->rng, from)];
}

static void keep(struct maker *m, struct sc_value *v)
{
    m->pool[m->n_pool++] = v;
}

static void add_view(struct maker *m)
{
    const struct simclr_shape flat = sc_shape(1, (int64_t[]){SIDE * SIDE});
    const struct simclr_shape square = sc_shape(2, (int64_t[]){SIDE, SIDE});
    struct sc_value *const v = sc_reshape(&m->b, any(m), &flat);
    keep(m, sc_reshape(&m->b, sc_build(&m->b, SIMCLR_OP_relu, NULL, v), &square));
}

static void add_node(struct maker *m)
{
    switch (sc_rng_below(&m->rng, 8)) {
    case 0:
    case 1: {
        struct sc_value *const x = any(m);
        keep(m, sc_add(&m->b, x, any(m)));
        break;
    }
    case 2: keep(m, sc_build(&m->b, SIMCLR_OP_relu, NULL, any(m))); break;
    case 3:
    case 4: {
        struct sc_value *const x = any(m);
        struct sc_value *const y = any(m);
        struct sc_value *const product = sc_matmul(&m->b, x, false, y, true);
        product->def->kernel.workspace_bytes = sc_rng_below(&m->rng, 3) * 100;
        keep(m, product);
        break;
    }
    case 5: add_view(m); break;
    case 6: {
        struct sc_value *const x = any(m);
        struct sc_value *const y = any(m);
        struct sc_value *const in[] = {x, y, any(m), m->lr};
        struct sc_node *const step = sc_build_node(&m->b, SIMCLR_OP_sgd, NULL, in, 4);
        keep(m, step->out[0]);
        keep(m, step->out[1]);
        break;
    }
    default: keep(m, sc_build(&m->b, SIMCLR_OP_copy, NULL, any(m))); break;
    }
}

static struct sc_graph *random_graph(struct sc_module *module, uint64_t seed)
{
    const struct simclr_shape square = sc_shape(2, (int64_t[]){SIDE, SIDE});
    const struct simclr_shape scalar = sc_shape_scalar();
    struct sc_graph *const g = sc_graph_new(module, "random");
    struct maker m = {.b = {.graph = g}};
    sc_rng_init(&m.rng, seed, 0, 0);
    m.lr = sc_graph_input(g, "lr", SIMCLR_PORT_lr, SIMCLR_f32, &scalar);
    keep(&m, sc_graph_input(g, "x", SIMCLR_PORT_tensor, SIMCLR_f32, &square));
    for (int i = 0; i < N_PARAMS; i++) {
        struct sc_param *const p =
            sc_module_add_param(module, sc_arena_printf(module->arena, "p%d", i), &square);
        keep(&m, sc_graph_param(g, p));
    }
    for (int i = 0; i < N_NODES; i++)
        add_node(&m);
    for (int i = 0; i < N_PARAMS; i++) {
        if (sc_rng_below(&m.rng, 4) > 0) sc_graph_update(g, module->params[i], any(&m));
    }
    for (uint32_t i = 0; i < 3; i++)
        sc_graph_output(g, sc_arena_printf(module->arena, "y%u", (unsigned)i),
                        SIMCLR_PORT_tensor, any(&m), NULL);
    (void)sc_graph_remove_dead(g);
    return g;
}

static void random_graphs_are_planned_without_overlap(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= N_GRAPHS; seed++) {
        struct sc_module *const module = sc_module_new(NULL);
        struct sc_graph *const g = random_graph(module, seed);
        sc_verify(g, "the test");
        const uint64_t peak = sc_plan_peak(g);
        (void)sc_pass_schedule(g, NULL);
        sc_verify_thoroughly(g, "schedule");
        assert_true(sc_plan_peak(g) <= peak);
        (void)sc_pass_plan_memory(g, NULL);
        sc_verify_thoroughly(g, "plan-memory");
        struct sc_str complaint = {0};
        if (!sc_plan_check(g, &complaint))
            fail_msg("seed %d: %s", (int)seed, sc_str_text(&complaint));
        assert_true(g->arena_bytes >= sc_plan_peak(g));
        sc_str_free(&complaint);
        sc_module_free(module);
    }
}

static const char chain[] = "graph @f {\n"
                            "  input %x : f32[16,16]\n"
                            "  param %w : f32[16,16]\n"
                            "  %0 : f32[16,16] = matmul(%x, %w)\n"
                            "  %1 : f32[16,16] = matmul(%0, %x)\n"
                            "  %2 : f32[16,16] = add(%1, %w)\n"
                            "  output y = %1\n"
                            "  update %w = %2\n"
                            "}\n";

// Plans the chain, lets `spoil` do what a planner must not, and expects `text`.
static void expect_complaint(void (*spoil)(struct sc_graph *g), const char *text)
{
    struct parsed p;
    parsed_init(&p, chain);
    assert_non_null(p.graphs);
    struct sc_graph *const g = p.graphs[0];
    (void)sc_pass_plan_memory(g, NULL);
    struct sc_str complaint = {0};
    assert_true(sc_plan_check(g, &complaint));
    spoil(g);
    assert_false(sc_plan_check(g, &complaint));
    assert_string_equal(sc_str_text(&complaint), text);
    sc_str_free(&complaint);
    parsed_deinit(&p);
}

static void overwrite_operand(struct sc_graph *g)
{
    g->nodes[0]->out[0]->offset = g->inputs[0]->offset;
}

static void overwrite_output(struct sc_graph *g)
{
    g->nodes[1]->kernel.workspace_bytes = 64;
    g->nodes[1]->kernel.workspace_offset = g->nodes[1]->out[0]->offset;
}

static void leave_arena(struct sc_graph *g)
{
    g->arena_bytes -= 64;
}

static void lose_update(struct sc_graph *g)
{
    g->nodes[2]->out[0]->space = SIMCLR_SPACE_arena;
}

static void write_frozen(struct sc_graph *g)
{
    g->n_updates = 0;
}

static void checker_finds_what_is_wrong(void **state)
{
    (void)state;
    expect_complaint(overwrite_operand, "node 0 (matmul): cannot write over operand 0\n"
                                        "node 1 (matmul): overwritten before use: operand 1\n");
    expect_complaint(overwrite_output, "node 1 (matmul): workspace lies on result 0\n");
    expect_complaint(leave_arena,
                     "node 3 (the end): outside the arena or unaligned: value 3\n");
    expect_complaint(lose_update,
                     "node 3 (the end): not in its parameter's storage: update 0\n");
    expect_complaint(write_frozen,
                     "node 2 (add): written where nothing may change: result 0\n");
}

static void blocks_fill_gaps(void **state)
{
    (void)state;
    struct sc_arena *const arena = sc_arena_new();
    // The third fits into the hole that the first leaves; the empty one takes nothing.
    struct sc_block blocks[] = {{.size = 128, .begin = 0, .end = 1},
                                {.size = 256, .begin = 0, .end = 5},
                                {.size = 64, .begin = 2, .end = 5},
                                {.size = 0, .begin = 0, .end = 5},
                                {.size = 64, .begin = 3, .end = 5}};
    assert_int_equal(sc_place_blocks(arena, blocks, 5), 384);
    assert_int_equal(blocks[3].offset, 0);
    assert_true(blocks[2].offset != blocks[4].offset);
    assert_int_equal(sc_place_blocks(arena, NULL, 0), 0);
    sc_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs_are_planned_without_overlap),
        cmocka_unit_test(checker_finds_what_is_wrong),
        cmocka_unit_test(blocks_fill_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
