// SPDX-License-Identifier: Apache-2.0
//
// The fold rules of operations: what they find, and what they must leave alone.
#include "compiler/ir/builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct sc_module *module;
    struct sc_builder b;
    struct sc_value *x; // f32[2,3]
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    const struct simclr_shape shape = {2, {2, 3}};
    f->module = sc_module_new(NULL);
    f->b.graph = sc_graph_new(f->module, "test");
    f->x = sc_graph_input(f->b.graph, "x", SIMCLR_PORT_tensor, SIMCLR_f32, &shape);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sc_module_free(f->module);
    free(f);
    return 0;
}

static struct sc_value *input(struct fixture *f, simclr_dtype dtype, int rank,
                              const int64_t *dim)
{
    const struct simclr_shape shape = sc_shape(rank, dim);
    return sc_graph_input(f->b.graph, NULL, SIMCLR_PORT_tensor, dtype, &shape);
}

static struct sc_value *unary(struct fixture *f, enum simclr_op op, struct sc_value *x)
{
    return sc_build(&f->b, op, NULL, x);
}

static struct sc_value *binary(struct fixture *f, enum simclr_op op, struct sc_value *x,
                               struct sc_value *y)
{
    return sc_build(&f->b, op, NULL, x, y);
}

// What the rule of v's own operation makes of v.
static struct sc_value *fold(struct fixture *f, const struct sc_value *v)
{
    return sc_op_table[v->def->op].info->fold(&f->b, v->def);
}

static void neutral_elements_vanish(void **state)
{
    struct fixture *f = *state;
    struct sc_value *zero = sc_scalar(&f->b, 0), *one = sc_scalar(&f->b, 1);
    assert_ptr_equal(fold(f, binary(f, SIMCLR_OP_add, f->x, zero)), f->x);
    assert_ptr_equal(fold(f, binary(f, SIMCLR_OP_add, zero, f->x)), f->x);
    assert_ptr_equal(fold(f, binary(f, SIMCLR_OP_sub, f->x, zero)), f->x);
    assert_ptr_equal(fold(f, binary(f, SIMCLR_OP_mul, f->x, one)), f->x);
    assert_ptr_equal(fold(f, binary(f, SIMCLR_OP_mul, one, f->x)), f->x);
    assert_ptr_equal(fold(f, binary(f, SIMCLR_OP_div, f->x, one)), f->x);
}

static void zero_minus_x_and_one_over_x_stay(void **state)
{
    struct fixture *f = *state;
    assert_null(fold(f, binary(f, SIMCLR_OP_sub, sc_scalar(&f->b, 0), f->x)));
    assert_null(fold(f, binary(f, SIMCLR_OP_div, sc_scalar(&f->b, 1), f->x)));
    assert_null(fold(f, binary(f, SIMCLR_OP_add, f->x, sc_scalar(&f->b, 2))));
}

static void a_zero_that_stretches_the_shape_stays(void **state)
{
    struct fixture *f = *state;
    const struct simclr_shape shape = {3, {4, 1, 1}};
    struct sc_value *zeros = sc_fill(&f->b, 0, SIMCLR_f32, &shape);
    assert_null(fold(f, binary(f, SIMCLR_OP_add, f->x, zeros)));
}

static void integers_fold_like_floats(void **state)
{
    struct fixture *f = *state;
    struct sc_value *i = input(f, SIMCLR_i64, 1, (int64_t[]){2});
    const struct simclr_shape shape = {1, {2}};
    struct sc_value *zeros = sc_fill(&f->b, 0, SIMCLR_i64, &shape);
    assert_ptr_equal(fold(f, binary(f, SIMCLR_OP_add, i, zeros)), i);
}

static void involutions_cancel(void **state)
{
    struct fixture *f = *state;
    struct sc_value *truth = input(f, SIMCLR_bool, 1, (int64_t[]){2});
    assert_ptr_equal(fold(f, unary(f, SIMCLR_OP_neg, unary(f, SIMCLR_OP_neg, f->x))), f->x);
    assert_ptr_equal(fold(f, unary(f, SIMCLR_OP_not, unary(f, SIMCLR_OP_not, truth))), truth);
    assert_null(fold(f, unary(f, SIMCLR_OP_neg, f->x)));
}

static void idempotent_operations_apply_once(void **state)
{
    struct fixture *f = *state;
    struct sc_value *relu = unary(f, SIMCLR_OP_relu, f->x);
    struct sc_value *abs_x = unary(f, SIMCLR_OP_abs, f->x);
    assert_ptr_equal(fold(f, unary(f, SIMCLR_OP_relu, relu)), relu);
    assert_ptr_equal(fold(f, unary(f, SIMCLR_OP_abs, abs_x)), abs_x);
}

static void neutral_truth_values_vanish(void **state)
{
    struct fixture *f = *state;
    const struct simclr_shape shape = {1, {2}};
    struct sc_value *truth = input(f, SIMCLR_bool, 1, shape.dim);
    struct sc_value *yes = sc_fill(&f->b, 1, SIMCLR_bool, &shape);
    struct sc_value *no = sc_fill(&f->b, 0, SIMCLR_bool, &shape);
    assert_ptr_equal(fold(f, binary(f, SIMCLR_OP_and, truth, yes)), truth);
    assert_null(fold(f, binary(f, SIMCLR_OP_and, truth, no)));
    assert_ptr_equal(fold(f, binary(f, SIMCLR_OP_or, no, truth)), truth);
    assert_null(fold(f, binary(f, SIMCLR_OP_or, yes, truth)));
}

static void a_cast_to_the_same_type_vanishes(void **state)
{
    struct fixture *f = *state;
    const union simclr_attr same = {.cast = {.to = SIMCLR_f32}};
    const union simclr_attr other = {.cast = {.to = SIMCLR_i64}};
    assert_ptr_equal(fold(f, sc_build(&f->b, SIMCLR_OP_cast, &same, f->x)), f->x);
    assert_null(fold(f, sc_build(&f->b, SIMCLR_OP_cast, &other, f->x)));
}

static void a_known_condition_chooses(void **state)
{
    struct fixture *f = *state;
    const struct simclr_shape scalar = {0};
    struct sc_value *yes = sc_fill(&f->b, 1, SIMCLR_bool, &scalar);
    struct sc_value *no = sc_fill(&f->b, 0, SIMCLR_bool, &scalar);
    struct sc_value *row = input(f, SIMCLR_f32, 1, (int64_t[]){3});
    assert_ptr_equal(fold(f, sc_where(&f->b, yes, f->x, row)), f->x);
    const struct sc_value *expanded = fold(f, sc_where(&f->b, no, f->x, row));
    assert_int_equal(expanded->def->op, SIMCLR_OP_expand);
    assert_ptr_equal(expanded->def->in[0], row);
}

static void simple_powers_become_simple_operations(void **state)
{
    struct fixture *f = *state;
    static const struct {
        double exponent;
        enum simclr_op op;
    } simple[] = {{2, SIMCLR_OP_mul}, {0.5, SIMCLR_OP_sqrt}, {-1, SIMCLR_OP_reciprocal}};
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        struct sc_value *exponent = sc_scalar(&f->b, simple[i].exponent);
        const struct sc_value *v = fold(f, binary(f, SIMCLR_OP_pow, f->x, exponent));
        assert_int_equal(v->def->op, simple[i].op);
    }
    assert_ptr_equal(fold(f, binary(f, SIMCLR_OP_pow, f->x, sc_scalar(&f->b, 1))), f->x);
    assert_null(fold(f, binary(f, SIMCLR_OP_pow, f->x, sc_scalar(&f->b, 3))));
}

static void the_logarithm_of_softmax_is_log_softmax(void **state)
{
    struct fixture *f = *state;
    const union simclr_attr rows = {.axis = {.axis = 1}};
    struct sc_value *softmax = sc_build(&f->b, SIMCLR_OP_softmax, &rows, f->x);
    const struct sc_value *v = fold(f, sc_log(&f->b, softmax));
    assert_int_equal(v->def->op, SIMCLR_OP_log_softmax);
    assert_int_equal(v->def->attr.axis.axis, 1);
    assert_ptr_equal(v->def->in[0], f->x);
}

static void reshapes_join(void **state)
{
    struct fixture *f = *state;
    const struct simclr_shape flat = {1, {6}}, tall = {2, {3, 2}};
    struct sc_value *twice = sc_reshape(&f->b, sc_reshape(&f->b, f->x, &flat), &tall);
    const struct sc_value *once = fold(f, twice);
    assert_ptr_equal(once->def->in[0], f->x);
    struct sc_value *there = sc_reshape(&f->b, f->x, &flat);
    assert_ptr_equal(fold(f, sc_reshape(&f->b, there, &f->x->shape)), f->x);
}

static void transposes_join(void **state)
{
    struct fixture *f = *state;
    const struct simclr_dims swap = {2, {1, 0}}, turn = {3, {1, 2, 0}};
    struct sc_value *back = sc_transpose(&f->b, sc_transpose(&f->b, f->x, &swap), &swap);
    assert_ptr_equal(fold(f, back), f->x);
    struct sc_value *cube = input(f, SIMCLR_f32, 3, (int64_t[]){2, 3, 4});
    struct sc_value *two = sc_transpose(&f->b, sc_transpose(&f->b, cube, &turn), &turn);
    const struct sc_value *one = fold(f, two);
    assert_ptr_equal(one->def->in[0], cube);
    assert_int_equal(one->def->attr.transpose.perm.v[0], 2);
    assert_int_equal(one->def->attr.transpose.perm.v[1], 0);
    assert_int_equal(one->def->attr.transpose.perm.v[2], 1);
}

static void a_transpose_that_moves_only_ones_is_a_reshape(void **state)
{
    struct fixture *f = *state;
    const struct simclr_dims perm = {3, {1, 0, 2}};
    struct sc_value *column = input(f, SIMCLR_f32, 3, (int64_t[]){1, 5, 4});
    assert_int_equal(fold(f, sc_transpose(&f->b, column, &perm))->def->op, SIMCLR_OP_reshape);
}

static void expansions_join(void **state)
{
    struct fixture *f = *state;
    struct sc_value *row = input(f, SIMCLR_f32, 1, (int64_t[]){3});
    const struct simclr_shape rows = {2, {2, 3}}, cube = {3, {4, 2, 3}}, one = {2, {1, 3}};
    struct sc_value *twice = sc_expand(&f->b, sc_expand(&f->b, row, &rows), &cube);
    assert_ptr_equal(fold(f, twice)->def->in[0], row);
    assert_int_equal(fold(f, sc_expand(&f->b, row, &one))->def->op, SIMCLR_OP_reshape);
}

static void a_product_takes_transposes_as_flags(void **state)
{
    struct fixture *f = *state;
    const struct simclr_dims swap = {2, {1, 0}};
    struct sc_value *w = input(f, SIMCLR_f32, 2, (int64_t[]){5, 3});
    struct sc_value *turned = sc_transpose(&f->b, w, &swap);
    const struct sc_node *n = fold(f, sc_matmul(&f->b, f->x, false, turned, false))->def;
    assert_ptr_equal(n->in[0], f->x);
    assert_ptr_equal(n->in[1], w);
    assert_false(n->attr.matmul.trans_a);
    assert_true(n->attr.matmul.trans_b);
}

static void a_batch_times_one_matrix_is_one_product(void **state)
{
    struct fixture *f = *state;
    struct sc_value *batch = input(f, SIMCLR_f32, 3, (int64_t[]){4, 2, 3});
    struct sc_value *w = input(f, SIMCLR_f32, 2, (int64_t[]){3, 5});
    const struct sc_value *v = fold(f, sc_matmul(&f->b, batch, false, w, false));
    assert_int_equal(v->def->op, SIMCLR_OP_reshape);
    assert_int_equal(v->def->in[0]->shape.rank, 2);
    assert_int_equal(v->def->in[0]->shape.dim[0], 8);
}

static void a_slice_of_everything_vanishes(void **state)
{
    struct fixture *f = *state;
    union simclr_attr all = {
        .slice = {.starts = {2, {0, 0}}, .sizes = {2, {2, 3}}, .steps = {2, {1, 1}}}};
    assert_ptr_equal(fold(f, sc_build(&f->b, SIMCLR_OP_slice, &all, f->x)), f->x);
    all.slice.starts.v[1] = 2;
    all.slice.steps.v[1] = -1; // reverses the columns
    assert_null(fold(f, sc_build(&f->b, SIMCLR_OP_slice, &all, f->x)));
}

static void joining_one_tensor_vanishes(void **state)
{
    struct fixture *f = *state;
    assert_ptr_equal(fold(f, unary(f, SIMCLR_OP_concat, f->x)), f->x);
    assert_null(fold(f, binary(f, SIMCLR_OP_concat, f->x, f->x)));
}

static void reducing_single_elements_is_a_reshape(void **state)
{
    struct fixture *f = *state;
    const struct simclr_dims first = {1, {0}}, none = {0};
    struct sc_value *row = input(f, SIMCLR_f32, 2, (int64_t[]){1, 3});
    const struct sc_value *v = fold(f, sc_reduce_sum(&f->b, row, &first, false));
    assert_int_equal(v->def->op, SIMCLR_OP_reshape);
    assert_ptr_equal(fold(f, sc_reduce_sum(&f->b, f->x, &none, true)), f->x);
    assert_null(fold(f, sc_reduce_sum(&f->b, f->x, &first, true)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(neutral_elements_vanish),
        TEST(zero_minus_x_and_one_over_x_stay),
        TEST(a_zero_that_stretches_the_shape_stays),
        TEST(integers_fold_like_floats),
        TEST(involutions_cancel),
        TEST(idempotent_operations_apply_once),
        TEST(neutral_truth_values_vanish),
        TEST(a_cast_to_the_same_type_vanishes),
        TEST(a_known_condition_chooses),
        TEST(simple_powers_become_simple_operations),
        TEST(the_logarithm_of_softmax_is_log_softmax),
        TEST(reshapes_join),
        TEST(transposes_join),
        TEST(a_transpose_that_moves_only_ones_is_a_reshape),
        TEST(expansions_join),
        TEST(a_product_takes_transposes_as_flags),
        TEST(a_batch_times_one_matrix_is_one_product),
        TEST(a_slice_of_everything_vanishes),
        TEST(joining_one_tensor_vanishes),
        TEST(reducing_single_elements_is_a_reshape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
