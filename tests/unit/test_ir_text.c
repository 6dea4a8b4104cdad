// SPDX-License-Identifier: Apache-2.0
//
// The text of graphs: every construct prints, parses back, and prints the same.
#include "compiler/ir/attr.h"
#include "compiler/ir/builder.h"
#include "compiler/ir/verify.h"
#include "tests/unit/ir_parse.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

// The text parses, verifies, and prints as itself.
static void expect_fixed_point(const char *text)
{
    struct parsed p;
    parsed_init(&p, text);
    assert_string_equal(sc_str_text(&p.messages), "");
    assert_non_null(p.graphs);
    struct sc_str printed = {0};
    for (uint32_t i = 0; i < p.n_graphs; i++) {
        sc_verify_thoroughly(p.graphs[i], "parsing");
        sc_print_text(p.graphs[i], &printed);
    }
    assert_string_equal(sc_str_text(&printed), text);
    sc_str_free(&printed);
    parsed_deinit(&p);
}

static void empty_graph_prints_as_itself(void **state)
{
    (void)state;
    expect_fixed_point("graph @train {\n}\n");
    expect_fixed_point("graph @\"a b\" {\n}\n");
}

static void every_construct_prints_as_itself(void **state)
{
    (void)state;
    expect_fixed_point(
        "graph @train {\n"
        "  input %x : f32[8,3,32,32] {role=images}\n"
        "  input %lr : f32[] {role=lr}\n"
        "  input %y : f32[8]\n"
        "  param %\"conv1.weight\" : f32[16,3,3,3] {role=trainable, part=encoder, "
        "init=normal(0,0.05)}\n"
        "  param %g : f32[16] {role=trainable, part=head, excluded, init=constant(1)}\n"
        "  param %b : f32[16] {role=frozen, part=head, excluded, init=stored}\n"
        "  param %\"g.momentum\" : f32[16] {role=slot, part=head, init=constant(0), of=%g}\n"
        "  param %mean : f32[16] {role=statistic, part=encoder, init=uniform(-1,1e-05), "
        "unread}\n"
        "  const %c0 : f32[] = 0.1\n"
        "  const %c1 : i64[4] = [1,2,3,4]\n"
        "  const %mask : bool[2] = [0,1]\n"
        "  %0 : f32[8,16,32,32] = conv2d(%x, %\"conv1.weight\") {pads=[1,1,1,1]}  "
        "# resnet8.onnxtxt: 'conv1' (Conv)\n"
        "  %1 : f32[8,16,32,32], %2 : f32[16], %3 : f32[16] = batch_norm_train(%0, %g, %b) "
        "{epsilon=0.001}  # 'bn' (BatchNormalization), by lower-batch-norm\n"
        "  %act : f32[8,16,32,32] = pointwise(%1, %c0) {code=\"mul(0,1); relu(2)\"}  "
        "# m.onnx: by fuse-pointwise\n"
        "  %4 : f32[16], %5 : f32[16] = sgd(%g, %2, %\"g.momentum\", %lr) {nesterov=1}  "
        "# by insert-optimizer\n"
        "  %6 : f64[16] = cast(%3) {to=f64}\n"
        "  grad %g = %2\n"
        "  output loss = %6 {role=loss}\n"
        "  output \"layer1.out\" = %act\n"
        "  output dg = %2 {role=grad, param=%g}\n"
        "  update %g = %4\n"
        "  update %\"g.momentum\" = %5\n"
        "  update %mean = %3\n"
        "}\n");
}

// The example of docs/ir.md, which promises one of everything.
static void the_documented_example_prints_as_itself(void **state)
{
    (void)state;
    static char text[32768];
    FILE *const file = fopen("docs/ir.md", "r");
    assert_non_null(file);
    const size_t n = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[n] = '\0';
    char *const start = strstr(text, "```\ngraph @train {");
    assert_non_null(start);
    char *const end = strstr(start + 4, "```");
    assert_non_null(end);
    *end = '\0';
    expect_fixed_point(start + 4);
}

static void lowered_and_planned_graphs_print_as_themselves(void **state)
{
    (void)state;
    expect_fixed_point(
        "graph @train [lowered] {\n"
        "  input %x : f32[8,3,8,8]\n"
        "  param %w : f32[4,3,3,3] {role=trainable, part=encoder, init=constant(0)}\n"
        "  %0 : f32[8,4,6,6] = conv2d(%x, %w) [kernel=implicit, tile=64, scratch=1024]\n"
        "  %1 : f32[8,4,6,6] = relu(%0)\n"
        "  output y = %1\n"
        "}\n");
    expect_fixed_point(
        "graph @train [lowered, planned, arena=4096] {\n"
        "  input %x : f32[8,3,8,8] @arena+64\n"
        "  param %w : f32[4,3,1,1] @persistent+128 {role=trainable, part=encoder, "
        "init=constant(0)}\n"
        "  const %c0 : f32[] @constant+0 = 2\n"
        "  %0 : f32[8,4,8,8] @arena+1024 = conv2d(%x, %w) [kernel=direct, workspace=64, "
        "at=192]  # 'c'\n"
        "  %1 : f32[8,4,8,8] @arena+1024 = mul(%0, %c0)\n"
        "  output y = %1\n"
        "}\n");
}

static void graphs_of_one_text_share_parameters(void **state)
{
    (void)state;
    static const char text[] =
        "graph @a {\n"
        "  param %v : f32[2] {role=trainable, part=encoder, init=constant(0)}\n"
        "  param %w : f32[2] {role=trainable, part=encoder, init=constant(1)}\n"
        "  %0 : f32[2] = add(%v, %w)\n"
        "  output y = %0\n"
        "}\n"
        "graph @b {\n"
        "  param %w : f32[2] {role=trainable, part=encoder, init=constant(1)}\n"
        "  param %v : f32[2] {role=trainable, part=encoder, init=constant(0)}\n"
        "  output y = %w\n"
        "}\n";
    expect_fixed_point(text);
    struct parsed p;
    parsed_init(&p, text);
    assert_int_equal(p.n_graphs, 2);
    assert_int_equal(p.module->n_params, 2);
    parsed_deinit(&p);
}

static void names_are_kept_whatever_they_contain(void **state)
{
    (void)state;
    expect_fixed_point(
        "graph @g {\n"
        "  input %_a1 : f32[1]\n"
        "  input %\"1\" : f32[1]\n"
        "  input %\"c0\" : f32[1]\n"
        "  input %\"\" : f32[1]\n"
        "  input %\"/layer1/Relu_output_0\" : f32[1]\n"
        "  input %\"quote \\\" slash \\\\ line\\n tab\\t bell\\x07 #'\" : f32[1]\n"
        "  input %\"\xc3\xa9\xff\" : f32[1]\n"
        "  input %0 : f32[1]\n"
        "  output \"\" = %0\n"
        "}\n");
}

static void equal_names_are_told_apart_by_ordinals(void **state)
{
    (void)state;
    expect_fixed_point("graph @g {\n"
                       "  input %x.2 : f32[1]\n"
                       "  param %x : f32[1] {role=trainable, part=encoder, init=constant(0)}\n"
                       "  const %\"a.b\" : f32[] = 1\n"
                       "  %\"a.b\".2 : f32[1] = relu(%x)\n"
                       "  %x.3 : f32[1] = add(%\"a.b\".2, %x.2)\n"
                       "  output x = %x.3\n"
                       "}\n");
}

static void origins_are_kept_whatever_they_contain(void **state)
{
    (void)state;
    expect_fixed_point(
        "graph @g {\n"
        "  input %x : f32[1]\n"
        "  %0 : f32[1] = relu(%x)  # \"my model.onnx\": 'it\\'s' (\"a b\"), by p\n"
        "  %1 : f32[1] = relu(%x)  # ''\n"
        "  %2 : f32[1] = relu(%x)  # (Relu)\n"
        "  %3 : f32[1] = relu(%x)  # by:\n"
        "  %4 : f32[1] = relu(%x)  # (Relu), by \"autodiff of x\"\n"
        "  %5 : f32[1] = relu(%x)  # \"\":\n"
        "}\n");
}

static void other_comments_are_ignored(void **state)
{
    (void)state;
    struct parsed p;
    parsed_init(&p, "# first\n\ngraph @g { # here\n  # alone\n"
                    "  input %x : f32[1] # x: 'y'\n"
                    "  %0 : f32[1] = relu(%x) # not an origin\n"
                    "} # last\n# after\n");
    assert_string_equal(sc_str_text(&p.messages), "");
    struct sc_str printed = {0};
    sc_print_text(p.graphs[0], &printed);
    assert_string_equal(sc_str_text(&printed),
                        "graph @g {\n  input %x : f32[1]\n  %0 : f32[1] = relu(%x)\n}\n");
    sc_str_free(&printed);
    parsed_deinit(&p);
}

static void constants_print_exactly(void **state)
{
    (void)state;
    expect_fixed_point("graph @g {\n"
                       "  const %c0 : f32[] = 1e-05\n"
                       "  const %c1 : f32[4] = [inf,-inf,nan,-0]\n"
                       "  const %c2 : f64[2,1] = [0.1,1e+300]\n"
                       "  const %c3 : i64[2] = [-9223372036854775808,9223372036854775807]\n"
                       "  const %c4 : i32[1] = [-5]\n"
                       "  const %c5 : u8[1] = [255]\n"
                       "  const %c6 : bool[2] = 0x0002\n"
                       "  const %c7 : f32[0] = []\n"
                       "  const %c8 : f32[32] = splat(0.5)\n"
                       "  const %c9 : u8[17] = 0x000102030405060708090a0b0c0d0eff10\n"
                       "  const %c10 : f32[] = 0x0100c07f\n"
                       "  const %c11 : f32[2] = [16777216,1.1754944e-38]\n"
                       "}\n");
}

static void printing_is_a_function_of_the_graph_alone(void **state)
{
    (void)state;
    struct sc_module *const m = sc_module_new(NULL);
    struct sc_graph *const g = sc_graph_new(m, "g");
    struct sc_builder b = {.graph = g, .origin = {.made_by = "test"}};
    const struct simclr_shape shape = sc_shape(1, (int64_t[]){3});
    struct sc_value *const x = sc_graph_input(g, "x", SIMCLR_PORT_tensor, SIMCLR_f32, &shape);
    (void)sc_exp(&b, x); // dead: takes an id and a number with it
    sc_graph_output(g, "y", SIMCLR_PORT_tensor, sc_neg(&b, sc_scale(&b, x, 2)), NULL);
    assert_true(sc_graph_remove_dead(g));
    sc_verify_thoroughly(g, "remove-dead");
    struct sc_str printed = {0};
    sc_print_text(g, &printed);
    assert_string_equal(sc_str_text(&printed), "graph @g {\n"
                                               "  input %x : f32[3]\n"
                                               "  const %c0 : f32[] = 2\n"
                                               "  %0 : f32[3] = mul(%x, %c0)  # by test\n"
                                               "  %1 : f32[3] = neg(%0)  # by test\n"
                                               "  output y = %1\n"
                                               "}\n");
    sc_str_free(&printed);
    sc_module_free(m);
}

static void attributes_start_at_their_defaults(void **state)
{
    (void)state;
    for (int op = 0; op < SIMCLR_N_OPS; op++) {
        const union simclr_attr attr = sc_attr_default((enum simclr_op)op);
        const struct sc_attr_field *const fields = sc_attr_fields(sc_op_table[op].attrs);
        for (const struct sc_attr_field *f = fields; f->name; f++)
            assert_true(sc_attr_is_default(f, (const char *)&attr + f->offset));
        assert_true(sc_attr_equal((enum simclr_op)op, &attr, &attr));
    }
}

static void attributes_differ_where_one_field_does(void **state)
{
    (void)state;
    const enum simclr_op op = SIMCLR_OP_conv2d;
    const union simclr_attr a = sc_attr_default(op);
    union simclr_attr b = a;
    b.conv2d.pads[3] = 1;
    assert_false(sc_attr_equal(op, &a, &b));
    assert_true(sc_attr_hash(op, &a) != sc_attr_hash(op, &b));
    b = a;
    assert_true(sc_attr_equal(op, &a, &b));
    assert_true(sc_attr_hash(op, &a) == sc_attr_hash(op, &b));
    assert_int_equal(a.conv2d.strides[0], 1);
    assert_int_equal(a.conv2d.strides[1], 1);
    assert_int_equal(a.conv2d.group, 1);
    // Beyond its length a list has no meaning.
    union simclr_attr c = sc_attr_default(SIMCLR_OP_reshape);
    union simclr_attr d = c;
    c.reshape.shape = (struct simclr_dims){.n = 1, .v = {5, 6}};
    d.reshape.shape = (struct simclr_dims){.n = 1, .v = {5, 7}};
    assert_true(sc_attr_equal(SIMCLR_OP_reshape, &c, &d));
    assert_true(sc_attr_hash(SIMCLR_OP_reshape, &c) == sc_attr_hash(SIMCLR_OP_reshape, &d));
    d.reshape.shape.n = 2;
    assert_false(sc_attr_equal(SIMCLR_OP_reshape, &c, &d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_graph_prints_as_itself),
        cmocka_unit_test(every_construct_prints_as_itself),
        cmocka_unit_test(the_documented_example_prints_as_itself),
        cmocka_unit_test(lowered_and_planned_graphs_print_as_themselves),
        cmocka_unit_test(graphs_of_one_text_share_parameters),
        cmocka_unit_test(names_are_kept_whatever_they_contain),
        cmocka_unit_test(equal_names_are_told_apart_by_ordinals),
        cmocka_unit_test(origins_are_kept_whatever_they_contain),
        cmocka_unit_test(other_comments_are_ignored),
        cmocka_unit_test(constants_print_exactly),
        cmocka_unit_test(printing_is_a_function_of_the_graph_alone),
        cmocka_unit_test(attributes_start_at_their_defaults),
        cmocka_unit_test(attributes_differ_where_one_field_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
