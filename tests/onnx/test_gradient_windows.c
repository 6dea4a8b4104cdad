// SPDX-License-Identifier: Apache-2.0
//
// Gradients of windows over several axes, which become several operations, where the
// node tests (test_gradient.c) do not go: whole models, imported and
// differentiated, interpreted in double against central differences of the loss, which
// is the sum of the output times a random tensor r.
#include "tests/onnx/slopes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void conv_over_one_axis(void **state)
{
    (void)state;
    slopes_check(
        "m (float[2,4,7] x, float[2,6,4] r) => (float loss)\n"
        "{\n"
        "  w = RandomNormal <shape = [6, 2, 3]> ()\n"
        "  b = RandomNormal <shape = [6]> ()\n"
        "  y = Conv <group = 2, dilations = [2], strides = [2], pads = [3, 1]> (x, w, b)\n"
        "  z = Mul (y, r)\n"
        "  loss = ReduceSum <keepdims = 0> (z)\n"
        "}\n",
        2);
}

static void conv_over_three_axes(void **state)
{
    (void)state;
    slopes_check("m (float[2,2,3,4,3] x, float[2,4,2,3,2] r) => (float loss)\n"
                 "{\n"
                 "  v = RandomNormal <shape = [2, 2, 1, 1, 1]> ()\n"
                 "  w = RandomNormal <shape = [4, 1, 2, 2, 3]> ()\n"
                 "  u = Conv (x, v)\n"
                 "  y = Conv <group = 2, dilations = [2, 1, 1], strides = [2, 1, 2], "
                 "pads = [2, 0, 1, 0, 0, 1]> (u, w)\n"
                 "  z = Mul (y, r)\n"
                 "  loss = ReduceSum <keepdims = 0> (z)\n"
                 "}\n",
                 2);
}

static void conv_over_three_axes_that_joins_two(void **state)
{
    (void)state;
    slopes_check("m (float[2,2,3,2,4] x, float[2,2,3,2,2] r) => (float loss)\n"
                 "{\n"
                 "  v = RandomNormal <shape = [3, 2, 3, 1, 1]> ()\n"
                 "  w = RandomNormal <shape = [2, 3, 1, 1, 3]> ()\n"
                 "  u = Conv <pads = [1, 0, 0, 1, 0, 0]> (x, v)\n"
                 "  y = Conv (u, w)\n"
                 "  z = Mul (y, r)\n"
                 "  loss = ReduceSum <keepdims = 0> (z)\n"
                 "}\n",
                 2);
}

static void conv_transpose_over_one_axis(void **state)
{
    (void)state;
    slopes_check(
        "m (float[2,4,3] x, float[2,6,11] r) => (float loss)\n"
        "{\n"
        "  v = RandomNormal <shape = [4, 4, 1]> ()\n"
        "  w = RandomNormal <shape = [4, 3, 3]> ()\n"
        "  b = RandomNormal <shape = [6]> ()\n"
        "  u = Conv (x, v)\n"
        "  y = ConvTranspose <group = 2, strides = [2], dilations = [3], pads = [1, 0], "
        "output_padding = [1]> (u, w, b)\n"
        "  z = Mul (y, r)\n"
        "  loss = ReduceSum <keepdims = 0> (z)\n"
        "}\n",
        3);
}

static void conv_transpose_over_three_axes(void **state)
{
    (void)state;
    slopes_check("m (float[1,2,2,3,2] x, float[1,4,6,3,4] r) => (float loss)\n"
                 "{\n"
                 "  v = RandomNormal <shape = [2, 2, 1, 1, 1]> ()\n"
                 "  w = RandomNormal <shape = [2, 2, 2, 3, 2]> ()\n"
                 "  u = Conv (x, v)\n"
                 "  y = ConvTranspose <group = 2, strides = [2, 1, 2], dilations = [3, 1, 1], "
                 "output_padding = [2, 0, 0], pads = [1, 1, 0, 1, 1, 0]> (u, w)\n"
                 "  z = Mul (y, r)\n"
                 "  loss = ReduceSum <keepdims = 0> (z)\n"
                 "}\n",
                 2);
}

static void pools_over_three_axes(void **state)
{
    (void)state;
    slopes_check("m (float[1,2,4,5,4] x, float[1,2,2,3,2] r) => (float loss)\n"
                 "{\n"
                 "  v = RandomNormal <shape = [2, 2, 1, 1, 1]> ()\n"
                 "  u = Conv (x, v)\n"
                 "  p = MaxPool <kernel_shape = [2, 2, 3], pads = [1, 0, 1, 0, 0, 1]> (u)\n"
                 "  y = AveragePool <kernel_shape = [2, 3, 2], strides = [2, 2, 2], "
                 "pads = [0, 1, 0, 0, 1, 0], ceil_mode = 1> (p)\n"
                 "  z = Mul (y, r)\n"
                 "  loss = ReduceSum <keepdims = 0> (z)\n"
                 "}\n",
                 1);
}

// Where a window is zero the gradient is zero, not infinity times zero.
static void lp_pools_of_rectified_values(void **state)
{
    (void)state;
    slopes_check("m (float[2,2,9] x, float[2,2,5] r, float[2,2,1] s) => (float loss)\n"
                 "{\n"
                 "  v = RandomNormal <shape = [2, 2, 1]> ()\n"
                 "  c = Conv (x, v)\n"
                 "  u = Relu (c)\n"
                 "  y = LpPool <kernel_shape = [2], strides = [2], ceil_mode = 1> (u)\n"
                 "  t = LpPool <kernel_shape = [2], strides = [2], p = 3, ceil_mode = 1> (u)\n"
                 "  g = GlobalLpPool <p = 4> (c)\n"
                 "  a = Add (y, t)\n"
                 "  b = Mul (a, r)\n"
                 "  d = Mul (g, s)\n"
                 "  z = Add (b, d)\n"
                 "  loss = ReduceSum <keepdims = 0> (z)\n"
                 "}\n",
                 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_over_one_axis),
        cmocka_unit_test(conv_over_three_axes),
        cmocka_unit_test(conv_over_three_axes_that_joins_two),
        cmocka_unit_test(conv_transpose_over_one_axis),
        cmocka_unit_test(conv_transpose_over_three_axes),
        cmocka_unit_test(pools_over_three_axes),
        cmocka_unit_test(lp_pools_of_rectified_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
