// SPDX-License-Identifier: Apache-2.0
//
// Building and rewriting graphs, and the verifier.
#include "compiler/ir/builder.h"
#include "compiler/ir/verify.h"
#include "tests/unit/ir_parse.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct sc_value *value_named(const struct sc_graph *g, const char *name)
{
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (g->values[i]->name && strcmp(g->values[i]->name, name) == 0) return g->values[i];
    }
    return NULL;
}

static void expect_text(const struct sc_graph *g, const char *text)
{
    struct sc_str printed = {0};
    sc_print_text(g, &printed);
    assert_string_equal(sc_str_text(&printed), text);
    sc_str_free(&printed);
}

static void parameters_are_found_by_name_and_added_once(void **state)
{
    (void)state;
    struct sc_module *const m = sc_module_new(NULL);
    const struct simclr_shape shape = sc_shape(1, (int64_t[]){3});
    for (int i = 0; i < 1000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "layer%d.weight", i);
        const struct sc_param *const p = sc_module_add_param(m, name, &shape);
        assert_int_equal(p->index, i);
        assert_ptr_equal(sc_module_find_param(m, name), p);
        assert_null(sc_module_add_param(m, name, &shape));
    }
    assert_int_equal(m->n_params, 1000);
    assert_null(sc_module_find_param(m, "layer1000.weight"));
    sc_module_free(m);
}

static void a_parameter_has_one_value_per_graph(void **state)
{
    (void)state;
    struct sc_module *const m = sc_module_new(NULL);
    struct sc_graph *const g = sc_graph_new(m, "g");
    struct sc_graph *const h = sc_graph_new(m, "h");
    const struct simclr_shape shape = sc_shape(1, (int64_t[]){3});
    struct sc_param *const p = sc_module_add_param(m, "p", &shape);
    struct sc_value *const v = sc_graph_param(g, p);
    for (int i = 0; i < 100; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "q%d", i);
        (void)sc_graph_param(g, sc_module_add_param(m, name, &shape));
    }
    assert_ptr_equal(sc_graph_param(g, p), v);
    assert_ptr_not_equal(sc_graph_param(h, p), v);
    sc_verify(g, "building");
    sc_module_free(m);
}

static void removing_dead_nodes_keeps_inputs_and_what_is_used(void **state)
{
    (void)state;
    struct parsed p;
    parsed_init(&p, "graph @g {\n"
                    "  input %x : f32[2]\n"
                    "  input %unused : f32[2]\n"
                    "  param %w : f32[2]\n"
                    "  param %dead : f32[2]\n"
                    "  const %c : f32[] = 3\n"
                    "  const %d : f32[] = 4\n"
                    "  %a : f32[2] = mul(%x, %c)\n"
                    "  %b : f32[2] = mul(%dead, %d)\n"
                    "  %b2 : f32[2] = neg(%b)\n"
                    "  output y = %a\n"
                    "  update %w = %x\n"
                    "}\n");
    struct sc_graph *const g = p.graphs[0];
    assert_true(sc_graph_remove_dead(g));
    assert_false(sc_graph_remove_dead(g));
    sc_verify_thoroughly(g, "remove-dead");
    expect_text(g,
                "graph @g {\n"
                "  input %x : f32[2]\n"
                "  input %unused : f32[2]\n"
                "  param %w : f32[2] {role=trainable, part=encoder, init=constant(0), unread}\n"
                "  const %c : f32[] = 3\n"
                "  %a : f32[2] = mul(%x, %c)\n"
                "  output y = %a\n"
                "  update %w = %x\n"
                "}\n");
    // A parameter value that went comes back on demand.
    struct sc_param *const dead = sc_module_find_param(p.module, "dead");
    assert_ptr_equal(sc_graph_param(g, dead)->param, dead);
    sc_verify(g, "asking");
    parsed_deinit(&p);
}

static void a_map_is_applied_along_chains_to_every_use(void **state)
{
    (void)state;
    struct parsed p;
    parsed_init(&p, "graph @g {\n"
                    "  input %x : f32[2]\n"
                    "  param %w : f32[2]\n"
                    "  %a : f32[2] = neg(%x)\n"
                    "  %b : f32[2] = exp(%a)\n"
                    "  %c : f32[2] = add(%b, %a)\n"
                    "  output y = %b\n"
                    "  output z = %c\n"
                    "  update %w = %b\n"
                    "}\n");
    struct sc_graph *const g = p.graphs[0];
    struct sc_value **const map = sc_graph_new_map(g);
    const uint32_t n = g->n_values;
    struct sc_value *const x = value_named(g, "x");
    struct sc_value *const a = value_named(g, "a");
    struct sc_value *const b = value_named(g, "b");
    map[b->id] = a;
    map[a->id] = x;
    sc_graph_apply_map(g, map, n);
    assert_true(sc_graph_remove_dead(g));
    sc_verify_thoroughly(g, "mapping");
    expect_text(g,
                "graph @g {\n"
                "  input %x : f32[2]\n"
                "  param %w : f32[2] {role=trainable, part=encoder, init=constant(0), unread}\n"
                "  %c : f32[2] = add(%x, %x)\n"
                "  output y = %x\n"
                "  output z = %c\n"
                "  update %w = %x\n"
                "}\n");
    parsed_deinit(&p);
}

static void sorting_moves_only_what_must_move(void **state)
{
    (void)state;
    struct parsed p;
    parsed_init(&p, "graph @g {\n"
                    "  input %x : f32[2]\n"
                    "  %a : f32[2] = neg(%x)\n"
                    "  %b : f32[2] = exp(%x)\n"
                    "  %c : f32[2] = log(%x)\n"
                    "  %d : f32[2] = add(%a, %c)\n"
                    "  output y = %d\n"
                    "}\n");
    struct sc_graph *const g = p.graphs[0];
    struct sc_node *const before[] = {g->nodes[0], g->nodes[1], g->nodes[2], g->nodes[3]};
    sc_graph_sort(g);
    assert_memory_equal(g->nodes, before, sizeof before);
    // d a b c: d needs a and c.
    g->nodes[0] = before[3];
    g->nodes[1] = before[0];
    g->nodes[2] = before[1];
    g->nodes[3] = before[2];
    sc_graph_sort(g);
    struct sc_node *const after[] = {before[0], before[2], before[3], before[1]};
    assert_memory_equal(g->nodes, after, sizeof after);
    sc_verify_thoroughly(g, "sorting");
    parsed_deinit(&p);
}

static void uses_are_counted(void **state)
{
    (void)state;
    struct parsed p;
    parsed_init(&p, "graph @g {\n"
                    "  input %x : f32[2]\n"
                    "  param %w : f32[2]\n"
                    "  %a : f32[2] = add(%x, %x)\n"
                    "  output y = %a\n"
                    "  update %w = %a\n"
                    "}\n");
    struct sc_graph *const g = p.graphs[0];
    const uint32_t *const n_uses = sc_graph_count_uses(g);
    assert_int_equal(n_uses[value_named(g, "x")->id], 2);
    assert_int_equal(n_uses[value_named(g, "w")->id], 0);
    assert_int_equal(n_uses[value_named(g, "a")->id], 2);
    parsed_deinit(&p);
}

static void a_clone_can_be_changed_without_the_original(void **state)
{
    (void)state;
    static const char text[] =
        "graph @g {\n"
        "  input %x : f32[2]\n"
        "  param %w : f32[2] {role=trainable, part=encoder, init=constant(0)}\n"
        "  %0 : f32[2] = mul(%x, %w)  # 'n'\n"
        "  output y = %0\n"
        "  update %w = %0\n"
        "}\n";
    struct parsed p;
    parsed_init(&p, text);
    struct sc_graph *const copy = sc_clone(p.graphs[0], "copy");
    assert_string_equal(copy->name, "copy");
    struct sc_builder b = {.graph = copy};
    struct sc_value *v = copy->outputs[0].value;
    for (int i = 0; i < 50; i++)
        v = sc_neg(&b, v);
    sc_graph_output(copy, "z", SIMCLR_PORT_tensor, v, NULL);
    (void)sc_graph_input(copy, "more", SIMCLR_PORT_tensor, SIMCLR_f32, &v->shape);
    sc_verify_thoroughly(copy, "changing");
    sc_verify_thoroughly(p.graphs[0], "cloning");
    expect_text(p.graphs[0], text);
    parsed_deinit(&p);
}

static void shapes_broadcast_as_in_numpy(void **state)
{
    (void)state;
    const struct simclr_shape a = sc_shape(3, (int64_t[]){4, 1, 3});
    const struct simclr_shape b = sc_shape(2, (int64_t[]){5, 1});
    const struct simclr_shape expected = sc_shape(3, (int64_t[]){4, 5, 3});
    const struct simclr_shape none = sc_shape(1, (int64_t[]){2});
    const struct simclr_shape empty = sc_shape(1, (int64_t[]){0});
    const struct simclr_shape one = sc_shape(1, (int64_t[]){1});
    struct simclr_shape out;
    assert_true(sc_broadcast(&a, &b, &out));
    assert_true(simclr_shape_equal(&out, &expected));
    assert_true(sc_broadcast(&b, &a, &out));
    assert_true(simclr_shape_equal(&out, &expected));
    assert_false(sc_broadcast(&a, &none, &out));
    assert_true(sc_broadcast(&one, &empty, &out));
    assert_int_equal(out.dim[0], 0);
}

static void sum_to_undoes_broadcasting(void **state)
{
    (void)state;
    struct parsed p;
    parsed_init(&p, "graph @g {\n  input %x : f32[4,5,3]\n}\n");
    struct sc_graph *const g = p.graphs[0];
    struct sc_builder b = {.graph = g};
    struct sc_value *const x = g->inputs[0];
    const struct simclr_shape shapes[] = {
        sc_shape(3, (int64_t[]){4, 5, 3}), sc_shape(1, (int64_t[]){3}),
        sc_shape(2, (int64_t[]){5, 1}), sc_shape(3, (int64_t[]){4, 1, 3}), sc_shape_scalar()};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct sc_value *const v = sc_sum_to(&b, x, &shapes[i]);
        assert_true(simclr_shape_equal(&v->shape, &shapes[i]));
        sc_graph_output(g, "y", SIMCLR_PORT_tensor, v, NULL);
    }
    expect_text(g, "graph @g {\n"
                   "  input %x : f32[4,5,3]\n"
                   "  %0 : f32[3] = reduce_sum(%x) {axes=[0,1], keepdims=0}\n"
                   "  %1 : f32[1,5,1] = reduce_sum(%x) {axes=[0,2]}\n"
                   "  %2 : f32[5,1] = reshape(%1) {shape=[5,1]}\n"
                   "  %3 : f32[4,1,3] = reduce_sum(%x) {axes=[1]}\n"
                   "  %4 : f32[] = reduce_sum(%x) {axes=[0,1,2], keepdims=0}\n"
                   "  output y = %x\n"
                   "  output y = %0\n"
                   "  output y = %2\n"
                   "  output y = %3\n"
                   "  output y = %4\n"
                   "}\n");
    parsed_deinit(&p);
}

static void the_builder_leaves_out_what_changes_nothing(void **state)
{
    (void)state;
    struct parsed p;
    parsed_init(&p, "graph @g {\n  input %x : f32[4,5]\n}\n");
    struct sc_graph *const g = p.graphs[0];
    struct sc_builder b = {.graph = g};
    struct sc_value *const x = g->inputs[0];
    assert_ptr_equal(sc_scale(&b, x, 1), x);
    assert_ptr_equal(sc_cast(&b, x, SIMCLR_f32), x);
    assert_ptr_equal(sc_reshape(&b, x, &x->shape), x);
    assert_ptr_equal(sc_expand(&b, x, &x->shape), x);
    assert_ptr_equal(sc_transpose(&b, x, &(struct simclr_dims){.n = 2, .v = {0, 1}}), x);
    assert_int_equal(g->n_nodes, 0);
    parsed_deinit(&p);
}

static void constants_are_made_and_read(void **state)
{
    (void)state;
    struct sc_module *const m = sc_module_new(NULL);
    struct sc_graph *const g = sc_graph_new(m, "g");
    struct sc_builder b = {.graph = g};
    const struct simclr_shape small = sc_shape(2, (int64_t[]){2, 1});
    const struct simclr_shape large = sc_shape(2, (int64_t[]){1000, 1000});
    double value = 0;
    assert_true(sc_constant_scalar(sc_scalar(&b, 0.5), &value));
    assert_true(value == 0.5);
    assert_true(sc_constant_scalar(sc_ints(&b, (int64_t[]){-7}, 1), &value));
    assert_true(value == -7);
    struct sc_value *const two = sc_fill(&b, 2, SIMCLR_i32, &small);
    assert_int_equal(two->kind, SC_VALUE_constant);
    assert_false(sc_constant_scalar(two, &value));
    (void)sc_fill(&b, 1, SIMCLR_bool, &small);
    (void)sc_fill(&b, 1.5, SIMCLR_f64, &small);
    struct sc_value *const zeros = sc_fill(&b, 0, SIMCLR_f32, &large);
    assert_int_equal(zeros->def->op, SIMCLR_OP_expand);
    assert_false(sc_constant_scalar(zeros, &value));
    sc_verify_thoroughly(g, "building");
    expect_text(g, "graph @g {\n"
                   "  const %c0 : f32[] = 0.5\n"
                   "  const %c1 : i64[1] = [-7]\n"
                   "  const %c2 : i32[2,1] = [2,2]\n"
                   "  const %c3 : bool[2,1] = [1,1]\n"
                   "  const %c4 : f64[2,1] = [1.5,1.5]\n"
                   "  const %c5 : f32[] = 0\n"
                   "  %0 : f32[1000,1000] = expand(%c5) {shape=[1000,1000]}\n"
                   "}\n");
    sc_module_free(m);
}

static void a_wrong_node_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct parsed p;
    parsed_init(&p, "graph @g {\n  input %x : f32[4,5]\n}\n");
    struct sc_builder b = {.graph = p.graphs[0]};
    struct sc_value *const x = p.graphs[0]->inputs[0];
    char error[400];
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_expand);
    attr.reshape.shape =
        (struct simclr_dims){.n = 4, .v = {INT64_MAX / 64, INT64_MAX / 64, 4, 5}};
    assert_null(sc_try_build(&b, SIMCLR_OP_expand, &attr, &x, 1, error));
    assert_true(strlen(error) > 0);
    assert_null(sc_try_build(&b, SIMCLR_OP_add, NULL, &x, 1, error));
    assert_string_equal(error, "1 inputs, 2 expected");
    assert_int_equal(p.graphs[0]->n_nodes, 0);
    parsed_deinit(&p);
}

// Runs `action` in a child that must abort after printing something that holds
// `text`.
static void expect_abort(void (*action)(struct sc_graph *g), struct sc_graph *g,
                         const char *text)
{
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        (void)dup2(fd[1], STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        action(g);
        _exit(0);
    }
    (void)close(fd[1]);
    char printed[4096];
    size_t size = 0;
    ssize_t n;
    while ((n = read(fd[0], printed + size, sizeof printed - 1 - size)) > 0)
        size += (size_t)n;
    printed[size] = '\0';
    (void)close(fd[0]);
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    if (!strstr(printed, text)) print_error("%s\n", printed);
    assert_non_null(strstr(printed, text));
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
}

static void verify_it(struct sc_graph *g)
{
    sc_verify(g, "testing");
}

static void swap_nodes(struct sc_graph *g)
{
    struct sc_node *const first = g->nodes[0];
    g->nodes[0] = g->nodes[1];
    g->nodes[1] = first;
    sc_verify(g, "swapping");
}

static void change_type(struct sc_graph *g)
{
    g->nodes[1]->out[0]->shape = sc_shape(1, (int64_t[]){3});
    sc_verify(g, "changing");
}

static void update_twice(struct sc_graph *g)
{
    sc_graph_update(g, g->updates[0].param, g->updates[0].value);
    sc_verify(g, "updating");
}

static void update_wrongly(struct sc_graph *g)
{
    struct sc_builder b = {.graph = g};
    g->updates[0].value = sc_scalar(&b, 0);
    sc_verify(g, "updating");
}

static void lose_a_definition(struct sc_graph *g)
{
    g->n_nodes = 0;
    g->n_outputs = 0;
    g->n_updates = 0;
    sc_verify(g, "losing");
}

static void use_anothers_value(struct sc_graph *g)
{
    g->nodes[1]->in[0] = sc_clone(g, NULL)->inputs[0];
    sc_verify(g, "mixing");
}

static void add_apples_to_pears(struct sc_graph *g)
{
    struct sc_builder b = {.graph = g,
                           .origin = {.node = "conv1", .op_type = "Conv", .made_by = "test"}};
    (void)sc_add(&b, sc_ints(&b, (int64_t[]){1, 2}, 2), g->inputs[0]);
}

static void go_in_circles(struct sc_graph *g)
{
    g->nodes[0]->in[0] = g->nodes[1]->out[0];
    sc_graph_sort(g);
}

static void the_verifier_shows_the_graph_and_aborts(void **state)
{
    (void)state;
    struct parsed p;
    parsed_init(&p, "graph @g {\n"
                    "  input %x : f32[2]\n"
                    "  param %w : f32[2]\n"
                    "  %a : f32[2] = neg(%x)\n"
                    "  %b : f32[2] = exp(%a)\n"
                    "  output y = %b\n"
                    "  update %w = %b\n"
                    "}\n");
    struct sc_graph *const g = p.graphs[0];
    sc_verify(g, "parsing");
    expect_abort(swap_nodes, g,
                 "  %b : f32[2] = exp(%a)\n"
                 "  # ^ error: input 0 is used before its definition\n"
                 "  %a : f32[2] = neg(%x)\n");
    expect_abort(change_type, g, "  # ^ error: result 0 is f32[3], exp makes f32[2]\n");
    expect_abort(change_type, g, "graph 'g' is wrong after changing");
    expect_abort(update_twice, g, "parameter 'w' is updated twice");
    expect_abort(update_wrongly, g, "update of parameter 'w' has another type than it");
    expect_abort(lose_a_definition, g, "has no definition");
    expect_abort(use_anothers_value, g, "input 0 is not in the graph");
    expect_abort(add_apples_to_pears, g, "internal error: add(i64[2], f32[2]): ");
    expect_abort(go_in_circles, g, "a node uses its own result");
    g->values[0]->id = 1;
    expect_abort(verify_it, g, "value 0 has id 1");
    parsed_deinit(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_found_by_name_and_added_once),
        cmocka_unit_test(a_parameter_has_one_value_per_graph),
        cmocka_unit_test(removing_dead_nodes_keeps_inputs_and_what_is_used),
        cmocka_unit_test(a_map_is_applied_along_chains_to_every_use),
        cmocka_unit_test(sorting_moves_only_what_must_move),
        cmocka_unit_test(uses_are_counted),
        cmocka_unit_test(a_clone_can_be_changed_without_the_original),
        cmocka_unit_test(shapes_broadcast_as_in_numpy),
        cmocka_unit_test(sum_to_undoes_broadcasting),
        cmocka_unit_test(the_builder_leaves_out_what_changes_nothing),
        cmocka_unit_test(constants_are_made_and_read),
        cmocka_unit_test(a_wrong_node_is_refused_with_a_reason),
        cmocka_unit_test(the_verifier_shows_the_graph_and_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
