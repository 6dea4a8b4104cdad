// SPDX-License-Identifier: Apache-2.0
//
// What only binary models have: sparse tensors, and fields that are newer than the
// schema.
#include "tests/onnx/protobuf.h"
#include "tests/onnx/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

// A sparse float[2,3] with `n` values at `indices`, which are [n] or [n,2].
static struct sc_str new_sparse(size_t n, const int64_t *indices, bool has_coordinates)
{
    const float values[4] = {1.5f, -2, 3, 4};
    struct sc_str sparse = {0}, v = {0}, at = {0};
    put_int(&v, 1, n);
    put_int(&v, 2, 1);
    put_text(&v, 8, "w");
    put_bytes(&v, 9, values, n * sizeof *values);
    put_int(&at, 1, n);
    if (has_coordinates) put_int(&at, 1, 2);
    put_int(&at, 2, 7);
    put_bytes(&at, 9, indices, n * (has_coordinates ? 2 : 1) * sizeof *indices);
    put_message(&sparse, 1, &v);
    put_message(&sparse, 2, &at);
    put_int(&sparse, 3, 2);
    put_int(&sparse, 3, 3);
    return sparse;
}

// y = Mul (w, w) with a sparse initializer w, or with the Constant w, if `is_constant`.
static struct sc_str model_with_sparse(struct sc_str *sparse, bool is_constant)
{
    struct sc_str model = new_model(), graph = {0}, node = {0}, output = {0};
    if (is_constant) {
        struct sc_str constant = {0}, attribute = {0};
        put_text(&attribute, 1, "sparse_value");
        put_message(&attribute, 22, sparse);
        put_int(&attribute, 20, 11);
        put_text(&constant, 2, "w");
        put_text(&constant, 4, "Constant");
        put_message(&constant, 5, &attribute);
        put_message(&graph, 1, &constant);
    } else {
        put_message(&graph, 15, sparse);
    }
    put_text(&node, 1, "w");
    put_text(&node, 1, "w");
    put_text(&node, 2, "y");
    put_text(&node, 4, "Mul");
    put_message(&graph, 1, &node);
    put_text(&graph, 2, "g");
    put_text(&output, 1, "y");
    put_message(&graph, 12, &output);
    put_message(&model, 7, &graph);
    return model;
}

static void sparse_tensors_become_dense(void **state)
{
    (void)state;
    const int64_t flat[2] = {1, 5}, coordinates[4] = {0, 1, 1, 2};
    for (int k = 0; k < 4; k++) {
        struct sc_str sparse =
            k & 1 ? new_sparse(2, coordinates, true) : new_sparse(2, flat, false);
        struct sc_str model = model_with_sparse(&sparse, k >= 2);
        struct run r;
        run_init(&r);
        assert_int_equal(sc_onnx_open_bytes(r.m, "m.onnx", model.data, model.size, &r.model),
                         SIMCLR_OK);
        run_import(&r, true);
        assert_string_equal(sc_str_text(&r.messages), "");
        run_eval(&r);
        const double want[6] = {0, 2.25, 0, 0, 0, 4};
        assert_int_equal(r.out[0]->count, 6);
        for (int i = 0; i < 6; i++)
            assert_true(r.out[0]->f[i] == want[i]);
        run_deinit(&r);
        sc_str_free(&model);
    }
}

static void check_sparse(struct sc_str sparse, const char *message)
{
    struct sc_str model = model_with_sparse(&sparse, false);
    check_open(&model, SIMCLR_BAD_INPUT, message);
}

static void sparse_tensors_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const int64_t outside[2] = {1, 6}, negative[2] = {-1, 2}, corner[4] = {0, 1, 1, 3};
    check_sparse(new_sparse(2, outside, false),
                 "m.onnx: error: sparse initializer 'w': element 1 is outside the tensor\n");
    check_sparse(new_sparse(2, negative, false),
                 "m.onnx: error: sparse initializer 'w': element 0 is outside the tensor\n");
    check_sparse(new_sparse(2, corner, true),
                 "m.onnx: error: sparse initializer 'w': element 1 is outside the tensor\n");
    struct sc_str sparse = new_sparse(2, outside, false);
    put_int(&sparse, 3, 1 << 24);
    check_sparse(sparse,
                 "m.onnx: error: sparse initializer 'w': an extent is negative or there "
                 "are more than 67108864 elements\n");
    sparse = new_sparse(2, corner, true);
    put_int(&sparse, 3, 1);
    check_sparse(sparse,
                 "m.onnx: error: sparse initializer 'w': values and indices do not fit, "
                 "expected 2 places in a tensor of rank 3\n");
    sparse = new_sparse(2, corner, true);
    for (int i = 0; i < 7; i++)
        put_int(&sparse, 3, 1);
    check_sparse(sparse, "m.onnx: error: sparse initializer 'w': rank is 9, at most 8 is "
                         "supported\n");
    struct sc_str empty = {0};
    check_sparse(empty,
                 "m.onnx: error: sparse initializer '': it has no values or no indices\n");
    struct sc_str values_only = {0}, values = new_weight();
    put_message(&values_only, 1, &values);
    check_sparse(values_only,
                 "m.onnx: error: sparse initializer 'w': it has no values or no indices\n");
}

// A function of domain "d" with one node, y = op (x), whose attribute `alpha` is the
// function's.
static struct sc_str new_function(const char *overload, const char *op, float alpha)
{
    struct sc_str f = {0}, node = {0}, reference = {0}, absent = {0}, opset = {0};
    put_text(&f, 1, "f");
    put_text(&f, 4, "x");
    put_text(&f, 5, "y");
    put_text(&node, 1, "x");
    put_text(&node, 2, "y");
    put_text(&node, 4, op);
    put_text(&reference, 1, "alpha");
    put_text(&reference, 21, "slope");
    put_message(&node, 5, &reference);
    put_message(&f, 7, &node);
    put_int(&opset, 2, 17);
    put_message(&f, 9, &opset);
    put_text(&f, 10, "d");
    put_text(&absent, 1, "slope");
    put_varint(&absent, 2 << 3 | 5);
    sc_str_append_n(&absent, (const char *)&alpha, sizeof alpha);
    put_int(&absent, 20, 1);
    put_message(&f, 11, &absent); // newer than the schema, as is 13
    if (*overload) put_text(&f, 13, overload);
    return f;
}

static void functions_have_overloads_and_defaults(void **state)
{
    (void)state;
    const float values[2] = {-8, 2};
    struct sc_str model = new_model(), graph = {0}, w = new_weight();
    put_bytes(&w, 9, values, sizeof values);
    const char *const overloads[] = {"", "other"};
    for (int i = 0; i < 2; i++) {
        struct sc_str node = {0}, output = {0};
        put_text(&node, 1, "w");
        put_text(&node, 2, i == 0 ? "y" : "z");
        put_text(&node, 4, "f");
        put_text(&node, 7, "d");
        if (i == 1) put_text(&node, 8, overloads[i]);
        put_message(&graph, 1, &node);
        put_text(&output, 1, i == 0 ? "y" : "z");
        put_message(&graph, 12, &output);
    }
    put_message(&graph, 5, &w);
    put_message(&model, 7, &graph);
    for (int i = 0; i < 2; i++) {
        struct sc_str f = new_function(overloads[i], "LeakyRelu", i == 0 ? 0.5f : 0.125f);
        put_message(&model, 25, &f);
    }
    struct run r;
    run_init(&r);
    assert_int_equal(sc_onnx_open_bytes(r.m, "m.onnx", model.data, model.size, &r.model),
                     SIMCLR_OK);
    run_import(&r, true);
    assert_string_equal(sc_str_text(&r.messages), "");
    run_eval(&r);
    assert_true(r.out[0]->f[0] == -4 && r.out[0]->f[1] == 2);
    assert_true(r.out[1]->f[0] == -1 && r.out[1]->f[1] == 2);
    run_deinit(&r);
    sc_str_free(&model);
}

static void an_input_that_is_no_tensor_is_refused(void **state)
{
    (void)state;
    struct sc_str model = new_model(), graph = {0}, node = {0}, input = {0}, output = {0};
    struct sc_str type = {0}, sequence = {0};
    put_text(&node, 1, "list");
    put_text(&node, 2, "y");
    put_text(&node, 4, "SequenceLength");
    put_message(&graph, 1, &node);
    put_text(&input, 1, "list");
    put_message(&type, 4, &sequence);
    put_message(&input, 2, &type);
    put_message(&graph, 11, &input);
    put_text(&output, 1, "y");
    put_message(&graph, 12, &output);
    put_message(&model, 7, &graph);
    struct run r;
    run_init(&r);
    assert_int_equal(sc_onnx_open_bytes(r.m, "m.onnx", model.data, model.size, &r.model),
                     SIMCLR_OK);
    const struct simclr_compile_options options = {.loss = "none"};
    const struct sc_import_options how = {.compile = &options, .encoder = r.model};
    struct sc_import import;
    assert_int_equal(sc_onnx_import_run(r.m, &how, &import), SIMCLR_BAD_INPUT);
    assert_string_equal(
        sc_str_text(&r.messages),
        "m.onnx: error: input 'list' of node 'y' (SequenceLength) is no tensor, "
        "expected one\n"
        "m.onnx: node 'y' (SequenceLength): error: operator is not supported\n"
        "m.onnx: node 'y' (SequenceLength): hint: sequences are not supported: use Shape of one "
        "tensor\n");
    run_deinit(&r);
    sc_str_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sparse_tensors_become_dense),
        cmocka_unit_test(sparse_tensors_that_do_not_fit_are_refused),
        cmocka_unit_test(an_input_that_is_no_tensor_is_refused),
        cmocka_unit_test(functions_have_overloads_and_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
