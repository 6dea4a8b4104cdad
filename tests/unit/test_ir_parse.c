// SPDX-License-Identifier: Apache-2.0
//
// What the parser says about wrong texts: every message, where it stands, and
// that one mistake gives one message.
#include "tests/unit/ir_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct wrong {
    const char *text;
    const char *messages; // without "t:" and "error: ", one per line
};

static void expect_messages(const struct wrong *w)
{
    struct parsed p;
    parsed_init(&p, w->text);
    assert_null(p.graphs);
    struct sc_str expected = {0};
    for (const char *line = w->messages; *line;) {
        const int n = (int)strcspn(line, "\n");
        const int n_place = (int)strcspn(line, " ");
        sc_str_printf(&expected, "t:%.*s: error:%.*s\n", n_place, line, n - n_place,
                      line + n_place);
        line += n + (line[n] == '\n');
    }
    assert_string_equal(sc_str_text(&p.messages), sc_str_text(&expected));
    sc_str_free(&expected);
    parsed_deinit(&p);
}

static void expect_all(const struct wrong *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expect_messages(&cases[i]);
}

#define EXPECT_ALL(cases) expect_all((cases), sizeof(cases) / sizeof *(cases))

static void what_is_no_graph_is_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"", "1:1 end of text found, graph expected"},
        {"\n  # only this\n", "3:1 end of text found, graph expected"},
        {"module", "1:1 'module' found, graph expected"},
        {"graph g {", "1:7 'g' found, '@' expected"},
        {"graph @1 {", "1:8 '1' found, the graph's name expected"},
        {"graph @g\n", "1:9 end of line found, '{' expected"},
        {"graph @g [fast] {", "1:11 'fast' found, lowered, planned or arena expected"},
        {"graph @g [arena=x] {", "1:17 'x' found, an integer expected"},
        {"graph @g {", "1:11 end of text found, '}' expected"},
        {"graph @g { input %x : f32[]\n}", "1:12 'input' found, end of line expected"},
        {"graph @g {\n} }", "2:3 '}' found, end of line expected"},
        {"graph @\"a\n\" {", "1:8 '\"' found, the graph's name expected"},
        {"graph @\"a\\q\" {", "1:8 '\"' found, the graph's name expected"},
        {"graph @\"a\\x00\" {", "1:8 '\"' found, the graph's name expected"},
    };
    EXPECT_ALL(cases);
}

// Most mistakes need two values and a line with the mistake.
static void expect_in_graph(const char *line, const char *message)
{
    struct sc_str text = {0};
    sc_str_printf(&text,
                  "graph @g {\n"
                  "input %%x : f32[8,4]\n"
                  "param %%w : f32[5,3]\n"
                  "%s\n"
                  "}\n",
                  line);
    const struct wrong w = {sc_str_text(&text), message};
    expect_messages(&w);
    sc_str_free(&text);
}

static void expect_lines(const struct wrong *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expect_in_graph(cases[i].text, cases[i].messages);
}

#define EXPECT_LINES(cases) expect_lines((cases), sizeof(cases) / sizeof *(cases))

static void statements_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"foo",
         "4:1 'foo' found, input, param, const, a value, output, grad or update expected"},
        {"= 3", "4:1 '=' found, input, param, const, a value, output, grad or update expected"},
        {"%", "4:1 '%' found, input, param, const, a value, output, grad or update expected"},
        {"%0x",
         "4:1 '%0x' found, input, param, const, a value, output, grad or update expected"},
        {"%y.1 : f32[]",
         "4:1 '%y.1' found, input, param, const, a value, output, grad or update expected"},
        {"input", "4:6 end of line found, a value expected"},
        {"input %y", "4:9 end of line found, ':' expected"},
        {"input %y : f32[] {part=head}", "4:19 'part' found, role expected"},
        {"input %y : f32[] {role=x}",
         "4:24 'x' found, the role of an input or output expected"},
        {"input %y : f32[] {role=lr", "4:26 end of line found, '}' expected"},
        {"input %x : f32[]", "4:7 '%x' is defined twice"},
        {"input %y : f32[] more", "4:18 'more' found, end of line expected"},
    };
    EXPECT_LINES(cases);
}

static void wrong_types_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"input %y : f16[]", "4:12 'f16' found, an element type expected"},
        {"input %y : 3", "4:12 '3' found, an element type expected"},
        {"input %y : f32", "4:15 end of line found, '[' expected"},
        {"input %y : f32[1", "4:17 end of line found, ',' expected"},
        {"input %y : f32[a]", "4:16 'a' found, an integer expected"},
        {"input %y : f32[1.5]", "4:16 '1.5' found, an integer expected"},
        {"input %y : f32[-1]", "4:16 -1 found, 0 to 9223372036854775807 expected"},
        {"input %y : f32[9223372036854775808]",
         "4:16 9223372036854775808 found, 0 to 9223372036854775807 expected"},
        {"input %y : f32[1,1,1,1,1,1,1,1,1]", "4:32 more than 8 axes"},
        {"input %y : u8[4294967296,4294967296]", "4:12 the tensor is too large"},
        {"input %y : f32[] @moon+4",
         "4:19 'moon' found, arena, persistent or constant expected"},
        {"input %y : f32[] @arena-4", "4:24 -4 found, 0 to 9223372036854775807 expected"},
    };
    EXPECT_LINES(cases);
}

static void wrong_constants_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"const %c0 : f32[]", "4:18 end of line found, '=' expected"},
        {"const %c0 : f32[] = x", "4:21 'x' found, a number expected"},
        {"const %c0 : f64[] = 1e", "4:21 '1e' found, a number expected"},
        {"const %c0 : f64[] = ]", "4:21 ']' found, a number expected"},
        {"const %c0 : i64[] = 0.5", "4:21 '0.5' found, an integer expected"},
        {"const %c0 : i32[] = 2147483648",
         "4:21 2147483648 found, -2147483648 to 2147483647 expected"},
        {"const %c0 : u8[] = -1", "4:20 -1 found, 0 to 255 expected"},
        {"const %c0 : bool[] = 2", "4:22 2 found, 0 to 1 expected"},
        {"const %c0 : f32[1] = 1", "4:22 '1' found, '[', splat or 0x expected"},
        {"const %c0 : f32[2] = [1]", "4:22 1 elements found, 2 expected"},
        {"const %c0 : f32[2] = [1 2]", "4:25 '2' found, ',' expected"},
        {"const %c0 : f32[2] = [1,2,3]", "4:26 more than the 2 elements expected"},
        {"const %c0 : f32[2] = splat 1", "4:28 '1' found, '(' expected"},
        {"const %c0 : f32[2] = splat(1", "4:29 end of line found, ')' expected"},
        {"const %c0 : u8[2] = 0x00", "4:21 2 hexadecimal digits found, 4 expected"},
        {"const %c0 : u8[2] = 0x00xy", "4:21 'xy' found, two digits of 0-9 and a-f expected"},
        {"const %c0 : f32[1000000000] = splat(0)",
         "4:31 constants of more than 1073741824 bytes"},
    };
    EXPECT_LINES(cases);
}

static void wrong_parameters_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"param %0 : f32[]", "4:7 a parameter needs a name"},
        {"param %v : f64[]", "4:7 parameter is f64, f32 expected"},
        {"param %w : f32[5,3]", "4:7 '%w' is defined twice"},
        {"param %x : f32[5,3]", "4:7 '%x' is defined twice"},
        {"param %v : f32[] {size=3}",
         "4:19 'size' found, role, part, init, of, excluded or unread expected"},
        {"param %v : f32[] {role}", "4:23 '}' found, '=' expected"},
        {"param %v : f32[] {role=chief}",
         "4:24 'chief' found, trainable, frozen, statistic or slot expected"},
        {"param %v : f32[] {part=tail}", "4:24 'tail' found, encoder or head expected"},
        {"param %v : f32[] {init=random}",
         "4:24 'random' found, constant, normal, uniform or stored expected"},
        {"param %v : f32[] {init=constant}", "4:32 '}' found, '(' expected"},
        {"param %v : f32[] {init=normal(0)}", "4:32 ')' found, ',' expected"},
        {"param %v : f32[] {excluded", "4:27 end of line found, '}' expected"},
        {"param %v : f32[] {role=slot, of=3}", "4:33 '3' found, a parameter expected"},
        {"param %v : f32[] {role=slot, of=%u}", "4:33 '%u' is not declared"},
        {"param %v : f32[] {role=slot, of=%v}", "4:33 parameter 'v' is a slot of itself"},
        {"param %v : f32[] {of=%u}\nparam %u : f32[] {of=%v}",
         "5:22 parameter 'u' is a slot of itself"},
    };
    EXPECT_LINES(cases);
}

static void parameters_that_differ_between_graphs_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"graph @a {\nparam %w : f32[1]\n}\ngraph @b {\nparam %w : f32[2]\n}\n",
         "5:7 parameter 'w' differs from its earlier declaration"},
        {"graph @a {\nparam %w : f32[1]\nparam %v : f32[1]\n}\n"
         "graph @b {\nparam %w : f32[1]\nparam %v : f32[1] {of=%w}\n}\n",
         "7:23 parameter 'v' differs from its earlier declaration"},
    };
    EXPECT_ALL(cases);
}

static void wrong_nodes_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"%0 : f32[8,4] relu(%x)", "4:15 'relu' found, '=' expected"},
        {"%0 : f32[8,4] = 3", "4:17 '3' found, an operation expected"},
        {"%0 : f32[8,4] = rely(%x)", "4:17 there is no operation 'rely'"},
        {"%0 : f32[8,4] = relu %x", "4:22 '%x' found, '(' expected"},
        {"%0 : f32[8,4] = relu(x)", "4:22 'x' found, a value expected"},
        {"%0 : f32[8,4] = relu(%x", "4:24 end of line found, ',' expected"},
        {"%0 : f32[8,4] = relu(%y)", "4:22 '%y' is not defined"},
        {"%0 : f32[8,4] = relu(%0)", "4:22 '%0' is not defined"},
        {"%0 : f32[8,4] = relu(%x, %x)", "4:17 relu: 2 inputs, 1 expected"},
        {"%0 : f32[8,4] = concat()", "4:17 concat: 0 inputs, at least 1 expected"},
        {"%0 : f32[8,4] = pointwise()", "4:17 pointwise: 0 inputs, 1 to 8 expected"},
        {"%0 : f32[8,4], %1 : f32[8] = relu(%x)", "4:30 2 results, relu makes 1"},
        {"%0 : f32[8] = relu(%x)", "4:1 '%0' is declared f32[8], relu makes f32[8,4]"},
        {"%0 : i64[8,4] = relu(%x)", "4:1 '%0' is declared i64[8,4], relu makes f32[8,4]"},
        {"%x : f32[8,4] = relu(%x)", "4:1 '%x' is defined twice"},
        {"%0 : f32[8,4] = relu(%x) 5", "4:26 '5' found, end of line expected"},
    };
    EXPECT_LINES(cases);
}

static void wrong_attributes_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"%0 : f32[4,8] = transpose(%x) {}", "4:32 '}' found, an attribute expected"},
        {"%0 : f32[4,8] = transpose(%x) {axis=1}", "4:32 transpose has no attribute 'axis'"},
        {"%0 : f32[4,8] = transpose(%x) {perm}", "4:36 '}' found, '=' expected"},
        {"%0 : f32[4,8] = transpose(%x) {perm=1}", "4:37 '1' found, '[' expected"},
        {"%0 : f32[4,8] = transpose(%x) {perm=[1,0]", "4:42 end of line found, '}' expected"},
        {"%0 : f32[4,8] = transpose(%x) {perm=[1,0], perm=[1,0]}",
         "4:44 'perm' is given twice"},
        {"%0 : f32[4,8] = transpose(%x) {perm=[1,2,3,4,5,6,7,8,9]}",
         "4:37 more than 8 elements"},
        {"%0 : f32[4,8] = conv2d(%x, %x) {pads=[1,2]}", "4:38 2 elements found, 4 expected"},
        {"%0 : f32[4,8] = conv2d(%x, %x) {strides=[1,2,3]}", "4:41 more than 2 elements"},
        {"%0 : f32[4,8] = conv2d(%x, %x) {group=two}", "4:39 'two' found, an integer expected"},
        {"%0 : f32[4,8] = matmul(%x, %x) {trans_a=2}", "4:41 2 found, 0 to 1 expected"},
        {"%0 : f32[4,8] = cast(%x) {to=f8}", "4:30 'f8' found, an element type expected"},
        {"%0 : f32[] = nt_xent(%x) {temperature=hot}", "4:39 'hot' found, a number expected"},
    };
    EXPECT_LINES(cases);
}

static void wrong_pointwise_code_is_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"%0 : f32[8,4] = pointwise(%x) {code=relu}",
         "4:37 'relu' found, a program in double quotes expected"},
        {"%0 : f32[8,4] = pointwise(%x) {code=\"\"}",
         "4:38 end of text found, an operation expected"},
        {"%0 : f32[8,4] = pointwise(%x) {code=\"matmul(0,0)\"}",
         "4:38 'matmul' found, a pointwise operation expected"},
        {"%0 : f32[8,4] = pointwise(%x) {code=\"relu(0); neg(2)\"}",
         "4:51 2 found, 0 to 1 expected"},
        {"%0 : f32[8,4] = pointwise(%x) {code=\"add(0)\"}", "4:43 ')' found, ',' expected"},
        {"%0 : f32[8,4] = pointwise(%x) {code=\"relu 0\"}", "4:43 '0' found, '(' expected"},
        {"%0 : f32[8,4] = pointwise(%x) {code=\"relu(0) relu(0)\"}",
         "4:46 'relu' found, ';' expected"},
        {"%0 : f32[8,4] = pointwise(%x) {code=\"neg(0);neg(0);neg(0);neg(0);neg(0);neg(0);"
         "neg(0);neg(0);neg(0);neg(0);neg(0);neg(0);neg(0);neg(0);neg(0);neg(0);neg(0);neg(0);"
         "neg(0);neg(0);neg(0)\"}",
         "4:178 more than 20 steps"},
    };
    EXPECT_LINES(cases);
}

static void wrong_kernels_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"%0 : f32[8,4] = relu(%x) [speed=9]",
         "4:27 'speed' found, kernel, tile, scratch, workspace or at expected"},
        {"%0 : f32[8,4] = relu(%x) [kernel=fast]", "4:34 relu has no kernel 'fast'"},
        {"%0 : f32[8,4] = relu(%x) [kernel=3]", "4:34 '3' found, a kernel expected"},
        {"%0 : f32[8,4] = relu(%x) [scratch=-1]",
         "4:35 -1 found, 0 to 9223372036854775807 expected"},
        {"%0 : f32[8,4] = relu(%x) [tile=1", "4:33 end of line found, ']' expected"},
    };
    EXPECT_LINES(cases);
}

static void wrong_outputs_and_updates_are_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"output %x = %x", "4:8 '%x' found, the name of an output expected"},
        {"output y %x", "4:10 '%x' found, '=' expected"},
        {"output y = %z", "4:12 '%z' is not defined"},
        {"output y = %x {kind=loss}", "4:16 'kind' found, role or param expected"},
        {"output y = %x {role=boss}",
         "4:21 'boss' found, the role of an input or output expected"},
        {"output y = %x {param=%x}", "4:22 '%x' is not a parameter"},
        {"grad %x = %x", "4:6 '%x' is not a parameter"},
        {"grad %w = %x", "4:6 value is f32[8,4], parameter 'w' is f32[5,3]"},
        {"update %z = %x", "4:8 '%z' is not defined"},
        {"update %w = %x", "4:8 value is f32[8,4], parameter 'w' is f32[5,3]"},
        {"update %w = %w\nupdate %w = %w", "5:8 parameter 'w' is updated twice"},
        {"output y = %x {role=grad, param=%w}",
         "4:8 value is f32[8,4], parameter 'w' is f32[5,3]"},
    };
    EXPECT_LINES(cases);
}

static void independent_mistakes_are_reported_together_and_their_consequences_not(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"graph @g {\n"
         "input %x : f16[8]\n"
         "param %w : f64[1]\n"
         "%0 : f32[8] = relu(%x)\n"
         "%1 : f32[8] = neg(%0)\n"
         "%y : f32[8] = nope(%1)\n"
         "grad %w = %y\n"
         "update %w = %y\n"
         "output y = %z\n"
         "}\n",
         "2:12 'f16' found, an element type expected\n"
         "3:7 parameter is f64, f32 expected\n"
         "6:15 there is no operation 'nope'\n"
         "9:12 '%z' is not defined\n"},
    };
    EXPECT_ALL(cases);
}

// Texts made from a good one by cutting it off or changing one byte: some are
// good, none crashes. The good ones verify; sanitizers see the rest.
static void damaged_texts_do_no_harm(void **state)
{
    (void)state;
    static const char good[] =
        "graph @train [lowered, planned, arena=4096] {\n"
        "  input %x : f32[2,3,4,4] @arena+64 {role=images}\n"
        "  param %\"a.b\" : f32[2,3,3,3] @persistent+0 {role=slot, part=head, excluded, "
        "init=normal(0,1), of=%w}\n"
        "  param %w : f32[2] @persistent+0 {init=stored, unread}\n"
        "  const %c0 : i64[2] @constant+0 = [1,2]\n"
        "  const %c1 : f32[20] = splat(1)\n"
        "  const %c2 : u8[2] = 0xff00\n"
        "  %0 : f32[2,2,4,4] = conv2d(%x, %\"a.b\") {pads=[1,1,1,1], group=1} [kernel=implicit, "
        "tile=1]  # \"f\": 'n' (Conv), by p\n"
        "  %y : f32[2,2,4,4] = pointwise(%0, %0) {code=\"add(0,1); relu(2)\"}\n"
        "  %1 : f32[2,32] = reshape(%y) {shape=[2,32]}\n"
        "  %2 : f32[1,32] = slice(%1) {starts=[0,0], sizes=[1,32], steps=[1,1]}\n"
        "  %3 : f32[2,1] = reduce_sum(%1) {axes=[1]}\n"
        "  %4 : f32[4,32] = concat(%1, %1)\n"
        "  %5 : f32[2,2,2,2] = max_pool2d(%y) {kernel=[2,2], strides=[2,2]}\n"
        "  output loss = %1 {role=loss, param=%w}\n"
        "  grad %\"a.b\" = %\"a.b\"\n"
        "  update %\"a.b\" = %\"a.b\"\n"
        "}\n";
    const size_t n = sizeof good - 1;
    for (size_t i = 0; i < n; i++) {
        static const char changes[] = "0-%\"[]{}(),=:@#x9\n";
        for (size_t k = 0; k < sizeof changes; k++) { // the last one cuts off
            char text[sizeof good];
            memcpy(text, good, sizeof good);
            text[i] = changes[k];
            struct parsed p;
            parsed_init(&p, text);
            assert_true(p.graphs || p.diag.n_errors > 0);
            parsed_deinit(&p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_graph_is_refused),
        cmocka_unit_test(statements_that_are_none_are_refused),
        cmocka_unit_test(wrong_types_are_refused),
        cmocka_unit_test(wrong_constants_are_refused),
        cmocka_unit_test(wrong_parameters_are_refused),
        cmocka_unit_test(parameters_that_differ_between_graphs_are_refused),
        cmocka_unit_test(wrong_nodes_are_refused),
        cmocka_unit_test(wrong_attributes_are_refused),
        cmocka_unit_test(wrong_pointwise_code_is_refused),
        cmocka_unit_test(wrong_kernels_are_refused),
        cmocka_unit_test(wrong_outputs_and_updates_are_refused),
        cmocka_unit_test(independent_mistakes_are_reported_together_and_their_consequences_not),
        cmocka_unit_test(damaged_texts_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
