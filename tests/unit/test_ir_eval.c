// SPDX-License-Identifier: Apache-2.0
//
// The interpreter of graphs, its tensors, and initial values.
#include "compiler/ir/builder.h"
#include "compiler/ir/eval.h"
#include "runtime/base/init.h"
#include "runtime/base/rng.h"
#include "tests/unit/ir_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct sc_tensor *tensor_of(const struct sc_value *v, const double *elements)
{
    struct sc_tensor *const t = sc_tensor_new(v->dtype, &v->shape);
    for (int64_t i = 0; i < t->count; i++)
        t->f[i] = elements[i];
    return t;
}

static void graphs_run_and_give_outputs_and_updates(void **state)
{
    (void)state;
    struct parsed p;
    parsed_init(&p, "graph @g {\n"
                    "  input %x : f32[2]\n"
                    "  param %w : f32[2]\n"
                    "  const %c : f32[] = 10\n"
                    "  %a : f32[2] = mul(%x, %w)\n"
                    "  %b : f32[2] = add(%a, %c)\n"
                    "  %dead : f32[2] = neg(%b)\n"
                    "  output y = %b\n"
                    "  output again = %b\n"
                    "  output given = %x\n"
                    "  output known = %c\n"
                    "  update %w = %a\n"
                    "}\n");
    struct sc_graph *const g = p.graphs[0];
    struct sc_tensor **const given = calloc(g->n_values, sizeof *given);
    struct sc_tensor **const result = calloc(g->n_values, sizeof *result);
    struct sc_tensor *const x = tensor_of(g->inputs[0], (double[]){1, 2});
    struct sc_param *const param = sc_module_find_param(p.module, "w");
    const struct sc_value *const w = sc_graph_param(g, param);
    given[g->inputs[0]->id] = x;
    given[w->id] = tensor_of(w, (double[]){3, 4});
    sc_eval_graph(g, given, result);

    const struct sc_tensor *const y = result[g->outputs[0].value->id];
    assert_true(y->f[0] == 13 && y->f[1] == 18);
    const struct sc_tensor *const copy = result[g->inputs[0]->id];
    assert_ptr_not_equal(copy, x);
    assert_true(copy->f[0] == 1 && copy->f[1] == 2);
    assert_true(result[g->outputs[3].value->id]->f[0] == 10);
    const struct sc_tensor *const update = result[g->updates[0].value->id];
    assert_true(update->f[0] == 3 && update->f[1] == 8);
    assert_null(result[w->id]);

    for (uint32_t i = 0; i < g->n_values; i++) {
        sc_tensor_free(given[i]);
        sc_tensor_free(result[i]);
    }
    free(given);
    free(result);
    parsed_deinit(&p);
}

static void tensors_keep_elements_of_every_type(void **state)
{
    (void)state;
    static const float f32[] = {0.1f, -3};
    static const double f64[] = {0.1, -3};
    static const int64_t i64[] = {INT64_MIN, 3};
    static const int32_t i32[] = {INT32_MIN, 3};
    static const uint8_t u8[] = {255, 3};
    static const uint8_t bools[] = {1, 0};
    static const int8_t i8[] = {INT8_MIN, 3};
    static const int16_t i16[] = {INT16_MIN, 3};
    static const uint16_t u16[] = {UINT16_MAX, 3};
    static const uint32_t u32[] = {UINT32_MAX, 3};
    static const uint64_t u64[] = {UINT64_MAX, 3};
    const void *const data[SIMCLR_N_DTYPES] = {
        [SIMCLR_f32] = f32, [SIMCLR_f64] = f64,    [SIMCLR_i64] = i64, [SIMCLR_i32] = i32,
        [SIMCLR_u8] = u8,   [SIMCLR_bool] = bools, [SIMCLR_i8] = i8,   [SIMCLR_i16] = i16,
        [SIMCLR_u16] = u16, [SIMCLR_u32] = u32,    [SIMCLR_u64] = u64,
    };
    const struct simclr_shape shape = sc_shape(1, (int64_t[]){2});
    for (int dtype = 0; dtype < SIMCLR_N_DTYPES; dtype++) {
        struct sc_tensor *const t = sc_tensor_new((simclr_dtype)dtype, &shape);
        char stored[16] = {0};
        sc_tensor_load(t, data[dtype]);
        sc_tensor_store(t, stored);
        assert_memory_equal(stored, data[dtype], 2 * simclr_dtype_size((simclr_dtype)dtype));
        assert_true((t->f != NULL) == simclr_dtype_is_float((simclr_dtype)dtype));
        assert_true((t->i != NULL) != (t->f != NULL));
        sc_tensor_free(t);
    }
    sc_tensor_free(NULL);
}

static void stores_round_to_nearest(void **state)
{
    (void)state;
    const struct simclr_shape shape = sc_shape_scalar();
    struct sc_tensor *const t = sc_tensor_new(SIMCLR_f32, &shape);
    t->f[0] = 0.1;
    float stored = 0;
    sc_tensor_store(t, &stored);
    assert_true(stored == 0.1f);
    sc_tensor_free(t);
}

enum { N = 1001 };

static void initial_values_are_the_numbers_of_the_streams(void **state)
{
    (void)state;
    struct sc_rng rng;
    float values[N];
    sc_init_fill(SIMCLR_INIT_normal, 0.5, 0.1, 7, "w", N, values);
    sc_rng_init(&rng, 7, sc_hash_text("w"), 0);
    for (int i = 0; i < N; i++)
        assert_true(values[i] == (float)(0.5 + 0.1 * sc_rng_normal(&rng)));
    sc_init_fill(SIMCLR_INIT_uniform, -2, 3, 7, "w", N, values);
    sc_rng_init(&rng, 7, sc_hash_text("w"), 0);
    for (int i = 0; i < N; i++)
        assert_true(values[i] == (float)(-2 + 5 * (double)sc_rng_uniform(&rng)));
    sc_init_fill(SIMCLR_INIT_constant, 0.1, 0, 7, "w", N, values);
    assert_true(values[0] == 0.1f && values[N - 1] == 0.1f);
}

static void initial_values_depend_on_seed_and_name(void **state)
{
    (void)state;
    float a[4], b[4], c[4], d[4];
    sc_init_fill(SIMCLR_INIT_normal, 0, 1, 7, "w", 4, a);
    sc_init_fill(SIMCLR_INIT_normal, 0, 1, 8, "w", 4, b);
    sc_init_fill(SIMCLR_INIT_normal, 0, 1, 7, "v", 4, c);
    sc_init_fill(SIMCLR_INIT_normal, 0, 1, 7, "w", 3, d);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    assert_memory_equal(a, d, 3 * sizeof *a);
}

static void the_interpreter_starts_like_the_runtime(void **state)
{
    (void)state;
    static const float stored[] = {1, 2, 3};
    struct sc_param p = {
        .name = "w", .shape = sc_shape(1, (int64_t[]){3}), .init = SIMCLR_INIT_normal, .b = 2};
    struct sc_tensor *const t = sc_tensor_new(SIMCLR_f32, &p.shape);
    float expected[3];
    sc_init_fill(SIMCLR_INIT_normal, 0, 2, 5, "w", 3, expected);
    sc_eval_init(&p, 5, t);
    for (int i = 0; i < 3; i++)
        assert_true(t->f[i] == (double)expected[i]);
    p.init = SIMCLR_INIT_stored;
    p.stored = stored;
    sc_eval_init(&p, 5, t);
    assert_true(t->f[0] == 1 && t->f[2] == 3);
    sc_tensor_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graphs_run_and_give_outputs_and_updates),
        cmocka_unit_test(tensors_keep_elements_of_every_type),
        cmocka_unit_test(stores_round_to_nearest),
        cmocka_unit_test(initial_values_are_the_numbers_of_the_streams),
        cmocka_unit_test(initial_values_depend_on_seed_and_name),
        cmocka_unit_test(the_interpreter_starts_like_the_runtime),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
