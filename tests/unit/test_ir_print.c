// SPDX-License-Identifier: Apache-2.0
//
// The printers for other people's tools: DOT and JSON, whole and exact.
#include "tests/unit/ir_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char text[] =
    "graph @train [lowered, planned, arena=256] {\n"
    "  input %x : f32[2,3] @arena+0 {role=images}\n"
    "  param %w : f32[3,4] @persistent+0 {role=trainable, part=head, init=normal(0,0.05)}\n"
    "  param %m : f32[3,4] @persistent+64 {role=slot, part=head, init=stored, of=%w}\n"
    "  const %c0 : f32[] @constant+0 = 0.5\n"
    "  %\"a\\\"b\" : f32[2,4] @arena+64 = matmul(%x, %w)  # \"m.onnx\": 'fc \"1\"' (Gemm)\n"
    "  %0 : f32[3,4] @arena+128 = matmul(%x, %\"a\\\"b\") {trans_a=1} [scratch=32]  "
    "# m.onnx: 'fc' (Gemm), by autodiff\n"
    "  %1 : f32[3,4] @arena+128 = mul(%0, %c0)  # by insert-optimizer\n"
    "  grad %w = %0\n"
    "  update %w = %1\n"
    "}\n";

static const char expected_dot[] = "digraph \"train\" {\n"
                                   "  node [shape=box];\n"
                                   "  subgraph cluster_forward {\n"
                                   "    label=forward;\n"
                                   "    n0 [label=\"matmul (fc \\\"1\\\")\"];\n"
                                   "  }\n"
                                   "  subgraph cluster_backward {\n"
                                   "    label=backward;\n"
                                   "    n1 [label=\"matmul (fc)\"];\n"
                                   "  }\n"
                                   "  subgraph cluster_optimizer {\n"
                                   "    label=optimizer;\n"
                                   "    n2 [label=\"mul\"];\n"
                                   "  }\n"
                                   "  v0 [shape=invhouse, label=\"%x\"];\n"
                                   "  v1 [shape=cylinder, label=\"%w\"];\n"
                                   "  v2 [shape=cylinder, label=\"%m\"];\n"
                                   "  o0 [shape=house, label=\"w\"];\n"
                                   "  u0 [shape=cylinder, label=\"w\"];\n"
                                   "  v0 -> n0 [label=\"f32[2,3]\"];\n"
                                   "  v1 -> n0 [label=\"f32[3,4]\"];\n"
                                   "  v0 -> n1 [label=\"f32[2,3]\"];\n"
                                   "  n0 -> n1 [label=\"f32[2,4]\"];\n"
                                   "  n1 -> n2 [label=\"f32[3,4]\"];\n"
                                   "  n1 -> o0 [label=\"f32[3,4]\"];\n"
                                   "  n2 -> u0 [label=\"f32[3,4]\"];\n"
                                   "}\n";

#define KERNEL_0(scratch)                                                                      \
    "\"kernel\":\"default\",\"tile\":0,\"scratch_bytes\":" #scratch                            \
    ",\"workspace_bytes\":0,\"workspace_offset\":0"

static const char expected_json[] =
    "{\"version\":1,\"graph\":\"train\",\"lowered\":true,\"planned\":true,"
    "\"arena_bytes\":256,\n"
    "\"inputs\":[{\"value\":\"%x\",\"dtype\":\"f32\",\"shape\":[2,3],\"name\":\"x\","
    "\"space\":\"arena\",\"offset\":0,\"role\":\"images\"}],\n"
    "\"params\":[{\"name\":\"w\",\"dtype\":\"f32\",\"shape\":[3,4],\"role\":\"trainable\","
    "\"part\":\"head\",\"excluded\":false,\"init\":\"normal\",\"a\":0,\"b\":0.05,"
    "\"read\":true,\"value\":\"%w\"},\n"
    "{\"name\":\"m\",\"dtype\":\"f32\",\"shape\":[3,4],\"role\":\"slot\",\"part\":\"head\","
    "\"excluded\":false,\"init\":\"stored\",\"of\":\"w\",\"read\":true,\"value\":\"%m\"}],\n"
    "\"constants\":[{\"value\":\"%c0\",\"dtype\":\"f32\",\"shape\":[],"
    "\"space\":\"constant\",\"offset\":0,\"data\":\"0.5\"}],\n"
    "\"nodes\":[{\"op\":\"matmul\",\"in\":[\"%x\",\"%w\"],"
    "\"out\":[{\"value\":\"%\\\"a\\\\\\\"b\\\"\",\"dtype\":\"f32\",\"shape\":[2,4],"
    "\"name\":\"a\\\"b\",\"space\":\"arena\",\"offset\":64}],"
    "\"attrs\":{\"trans_a\":0,\"trans_b\":0}," KERNEL_0(
        0) ","
           "\"origin\":{\"file\":\"m.onnx\",\"node\":\"fc \\\"1\\\"\",\"op_type\":\"Gemm\"}},\n"
           "{\"op\":\"matmul\",\"in\":[\"%x\",\"%\\\"a\\\\\\\"b\\\"\"],"
           "\"out\":[{\"value\":\"%0\",\"dtype\":\"f32\",\"shape\":[3,4],"
           "\"space\":\"arena\",\"offset\":128}],"
           "\"attrs\":{\"trans_a\":1,\"trans_b\":0}," KERNEL_0(
               32) ","
                   "\"origin\":{\"file\":\"m.onnx\",\"node\":\"fc\",\"op_type\":\"Gemm\","
                   "\"made_by\":\"autodiff\"}},\n"
                   "{\"op\":\"mul\",\"in\":[\"%0\",\"%c0\"],"
                   "\"out\":[{\"value\":\"%1\",\"dtype\":\"f32\",\"shape\":[3,4],"
                   "\"space\":\"arena\",\"offset\":128}],\"attrs\":{}," KERNEL_0(
                       0) ","
                          "\"origin\":{\"made_by\":\"insert-optimizer\"}}],\n"
                          "\"outputs\":[{\"name\":\"w\",\"role\":\"grad\",\"value\":\"%0\",\"param\":\"w\"}],\n"
                          "\"updates\":[{\"param\":\"w\",\"value\":\"%1\"}]}\n";

static void expect_printed(void (*print)(const struct sc_graph *, struct sc_str *),
                           const char *source, const char *expected)
{
    struct parsed p;
    parsed_init(&p, source);
    assert_string_equal(sc_str_text(&p.messages), "");
    struct sc_str printed = {0};
    print(p.graphs[0], &printed);
    assert_string_equal(sc_str_text(&printed), expected);
    sc_str_free(&printed);
    parsed_deinit(&p);
}

static void dot_frames_forward_backward_and_optimizer(void **state)
{
    (void)state;
    expect_printed(sc_print_dot, text, expected_dot);
}

static void json_has_everything_the_text_has(void **state)
{
    (void)state;
    expect_printed(sc_print_json, text, expected_json);
}

static void json_numbers_are_numbers_of_json(void **state)
{
    (void)state;
    expect_printed(
        sc_print_json,
        "graph @g {\n"
        "  input %z : f32[4,2]\n"
        "  %0 : f32[], %1 : f32[4] = nt_xent(%z) {temperature=inf}\n"
        "  %2 : f64[] = cast(%0) {to=f64}\n"
        "}\n",
        "{\"version\":1,\"graph\":\"g\",\"lowered\":false,\"planned\":false,"
        "\"arena_bytes\":0,\n"
        "\"inputs\":[{\"value\":\"%z\",\"dtype\":\"f32\",\"shape\":[4,2],\"name\":\"z\","
        "\"role\":\"tensor\"}],\n"
        "\"params\":[],\n"
        "\"constants\":[],\n"
        "\"nodes\":[{\"op\":\"nt_xent\",\"in\":[\"%z\"],\"out\":["
        "{\"value\":\"%0\",\"dtype\":\"f32\",\"shape\":[]},"
        "{\"value\":\"%1\",\"dtype\":\"f32\",\"shape\":[4]}],"
        "\"attrs\":{\"temperature\":\"inf\",\"halves\":0},\"origin\":{}},\n"
        "{\"op\":\"cast\",\"in\":[\"%0\"],\"out\":["
        "{\"value\":\"%2\",\"dtype\":\"f64\",\"shape\":[]}],"
        "\"attrs\":{\"to\":\"f64\"},\"origin\":{}}],\n"
        "\"outputs\":[],\n"
        "\"updates\":[]}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dot_frames_forward_backward_and_optimizer),
        cmocka_unit_test(json_has_everything_the_text_has),
        cmocka_unit_test(json_numbers_are_numbers_of_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
