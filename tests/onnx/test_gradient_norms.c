// SPDX-License-Identifier: Apache-2.0
//
// Gradients of normalisation and attention with respect to what they normalise, scale and
// attend to, where the node tests (test_gradient.c) do not go. The loss is the sum of the
// output times a random tensor r.
#include "tests/onnx/slopes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// Behind `y`: the loss.
#define LOSS                                                                                   \
    "  z = Mul (y, r)\n"                                                                       \
    "  loss = ReduceSum <keepdims = 0> (z)\n"                                                  \
    "}\n"

static void lrn(void **state)
{
    (void)state;
    slopes_check("m (float[2,5,2,3] r, float[2,5,2,3] x) => (float loss)\n"
                 "{\n"
                 "  w = RandomNormal <shape = [5, 5, 1, 1]> ()\n"
                 "  v = Conv (x, w)\n"
                 "  y = LRN <size = 4, alpha = 0.5> (v)\n" LOSS,
                 1);
}

static void layer_norm_over_two_axes(void **state)
{
    (void)state;
    slopes_check("m (float[4,2,3] r, float[4,2,3] x) => (float loss)\n"
                 "{\n"
                 "  w = RandomNormal <shape = [3, 3]> ()\n"
                 "  s = RandomNormal <shape = [2, 3]> ()\n"
                 "  b = RandomNormal <shape = [3]> ()\n"
                 "  v = MatMul (x, w)\n"
                 "  u, mean, inverse = LayerNormalization <axis = 1> (v, s, b)\n"
                 "  u1 = Add (u, mean)\n"
                 "  y = Mul (u1, inverse)\n" LOSS,
                 3);
}

static void rms_norm(void **state)
{
    (void)state;
    slopes_check("m (float[4,2,3] r, float[4,2,3] x) => (float loss)\n"
                 "{\n"
                 "  w = RandomNormal <shape = [3, 3]> ()\n"
                 "  s = RandomNormal <shape = [3]> ()\n"
                 "  v = MatMul (x, w)\n"
                 "  y = RMSNormalization (v, s)\n" LOSS,
                 2);
}

static void group_and_instance_norm(void **state)
{
    (void)state;
    slopes_check("m (float[2,4,3,2] r, float[2,4,3,2] x) => (float loss)\n"
                 "{\n"
                 "  w = RandomNormal <shape = [4, 4, 1, 1]> ()\n"
                 "  s = RandomNormal <shape = [4]> ()\n"
                 "  b = RandomNormal <shape = [4]> ()\n"
                 "  t = RandomNormal <shape = [4]> ()\n"
                 "  c = RandomNormal <shape = [4]> ()\n"
                 "  v = Conv (x, w)\n"
                 "  u = GroupNormalization <num_groups = 2> (v, s, b)\n"
                 "  y = InstanceNormalization (u, t, c)\n" LOSS,
                 5);
}

static void mean_variance_and_lp_norm(void **state)
{
    (void)state;
    slopes_check("m (float[2,4,3,2] r, float[2,4,3,2] x) => (float loss)\n"
                 "{\n"
                 "  w = RandomNormal <shape = [4, 4, 1, 1]> ()\n"
                 "  v = Conv (x, w)\n"
                 "  u = MeanVarianceNormalization <axes = [1, 2, 3]> (v)\n"
                 "  y = LpNormalization <axis = 1> (u)\n" LOSS,
                 1);
}

// Queries, keys and values are products of x with weights.
#define OPERANDS                                                                               \
    "  wq = RandomNormal <shape = [4, 8]> ()\n"                                                \
    "  wk = RandomNormal <shape = [4, 4]> ()\n"                                                \
    "  wv = RandomNormal <shape = [4, 6]> ()\n"                                                \
    "  q = MatMul (x, wq)\n"                                                                   \
    "  k = MatMul (x, wk)\n"                                                                   \
    "  v = MatMul (x, wv)\n"

static void attention_of_grouped_queries(void **state)
{
    (void)state;
    slopes_check("m (float[2,3,12] r, float[2,3,4] x) => (float loss)\n"
                 "{\n" OPERANDS "  y = Attention <q_num_heads = 4, kv_num_heads = 2, "
                 "is_causal = 1, softcap = 2.0> (q, k, v)\n" LOSS,
                 3);
}

static void attention_that_sees_nothing_has_no_slope(void **state)
{
    (void)state;
    slopes_check("m (float[2,3,12] r, float[2,3,4] x) => (float loss) "
                 "<bool[3,3] mask = {0, 0, 0, 1, 0, 1, 0, 1, 0}>\n"
                 "{\n" OPERANDS "  y = Attention <q_num_heads = 4, kv_num_heads = 2> "
                 "(q, k, v, mask)\n" LOSS,
                 3);
}

static void attention_of_keys_that_are_kept(void **state)
{
    (void)state;
    slopes_check("m (float[2,3,12] r, float[2,3,4] x, float[4,3,3] mask) => (float loss) "
                 "<int64[2] kept = {2, 3}>\n"
                 "{\n" OPERANDS "  y = Attention <q_num_heads = 4, kv_num_heads = 2, "
                 "left_window_size = 1, is_causal = 1> (q, k, v, mask, , , kept)\n" LOSS,
                 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lrn),
        cmocka_unit_test(layer_norm_over_two_axes),
        cmocka_unit_test(rms_norm),
        cmocka_unit_test(group_and_instance_norm),
        cmocka_unit_test(mean_variance_and_lp_norm),
        cmocka_unit_test(attention_of_grouped_queries),
        cmocka_unit_test(attention_that_sees_nothing_has_no_slope),
        cmocka_unit_test(attention_of_keys_that_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
