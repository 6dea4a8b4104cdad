// SPDX-License-Identifier: Apache-2.0
//
// Binary models, most of them wrong: each is built here, byte by byte.
#include "tests/harness/scratch.h"
#include "tests/onnx/protobuf.h"
#include "tests/onnx/run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_model_without_graph_is_refused(void **state)
{
    (void)state;
    struct sc_str model = new_model();
    check_open(&model, SIMCLR_BAD_INPUT, "m.onnx: error: the model has no graph\n");
}

static void an_empty_file_is_refused(void **state)
{
    (void)state;
    struct sc_str model = {0};
    check_open(&model, SIMCLR_BAD_INPUT, "m.onnx: error: the file is empty\n");
}

static void a_repeated_graph_is_refused(void **state)
{
    (void)state;
    struct sc_str model = new_model(), graph = {0};
    put_message(&model, 7, &graph);
    put_message(&model, 7, &graph);
    check_open(
        &model, SIMCLR_BAD_INPUT,
        "m.onnx: error: this is no ONNX model: a field that may come once is repeated at "
        "byte 8\n");
}

static void graphs_nested_too_deep_are_refused(void **state)
{
    (void)state;
    struct sc_str inner = {0};
    for (int i = 0; i < 22; i++) { // a graph in an attribute of a node of a graph ...
        struct sc_str node = {0}, attribute = {0}, graph = {0};
        put_message(&attribute, 6, &inner);
        put_message(&node, 5, &attribute);
        put_message(&graph, 1, &node);
        inner = graph;
    }
    struct sc_str model = new_model();
    put_message(&model, 7, &inner);
    struct run r;
    run_init(&r);
    assert_int_equal(sc_onnx_open_bytes(r.m, "m.onnx", model.data, model.size, &r.model),
                     SIMCLR_BAD_INPUT);
    assert_non_null(
        strstr(sc_str_text(&r.messages), "messages are nested deeper than 64 levels at byte"));
    run_deinit(&r);
    sc_str_free(&model);
}

static void a_length_past_the_end_is_refused(void **state)
{
    (void)state;
    struct sc_str model = new_model();
    put_varint(&model, 7 << 3 | 2);
    put_varint(&model, 1000);
    check_open(&model, SIMCLR_BAD_INPUT,
               "m.onnx: error: this is no ONNX model: a field runs past the end at byte 6\n");
}

static void a_nul_in_a_name_is_refused(void **state)
{
    (void)state;
    struct sc_str model = new_model(), graph = {0};
    put_bytes(&graph, 2, "a\0b", 3);
    put_message(&model, 7, &graph);
    check_open(&model, SIMCLR_BAD_INPUT,
               "m.onnx: error: this is no ONNX model: a name with a NUL byte at byte 8\n");
}

static void a_field_of_the_wrong_type_is_refused(void **state)
{
    (void)state;
    struct sc_str model = new_model();
    put_int(&model, 7, 1);
    check_open(&model, SIMCLR_BAD_INPUT,
               "m.onnx: error: this is no ONNX model: a field has the wrong type\n");
}

static void an_unknown_wire_type_is_refused(void **state)
{
    (void)state;
    struct sc_str model = new_model();
    put_varint(&model, 7 << 3 | 3);
    check_open(&model, SIMCLR_BAD_INPUT,
               "m.onnx: error: this is no ONNX model: an unknown wire type at byte 6\n");
}

static void field_number_zero_is_refused(void **state)
{
    (void)state;
    struct sc_str model = new_model();
    put_int(&model, 0, 1);
    check_open(&model, SIMCLR_BAD_INPUT,
               "m.onnx: error: this is no ONNX model: no field number at byte 6\n");
}

static void a_number_without_end_is_refused(void **state)
{
    (void)state;
    struct sc_str model = new_model();
    sc_str_append(&model, "\x08\xff\xff");
    check_open(&model, SIMCLR_BAD_INPUT,
               "m.onnx: error: this is no ONNX model: a number is cut off at byte 7\n");
}

static void what_unpacks_to_too_much_is_refused(void **state)
{
    (void)state;
    struct sc_str model = new_model(), graph = {0};
    for (int i = 0; i < 1000000; i++)
        sc_str_append_n(&graph, "\x0a\x00", 2); // an empty node
    put_message(&model, 7, &graph);
    check_open(&model, SIMCLR_BAD_INPUT,
               "m.onnx: error: the model unpacks to more than 32 MiB + 16 times its size\n");
}

// y = Add (x, w) with w = {1, 2} in raw_data, or wherever `w` says.
static struct sc_str model_with_weight(struct sc_str *w)
{
    struct sc_str model = new_model(), graph = {0}, node = {0}, output = {0};
    put_text(&node, 1, "w");
    put_text(&node, 1, "w");
    put_text(&node, 2, "y");
    put_text(&node, 4, "Mul");
    put_message(&graph, 1, &node);
    put_text(&graph, 2, "g");
    put_message(&graph, 5, w);
    put_text(&output, 1, "y");
    put_message(&graph, 12, &output);
    put_message(&model, 7, &graph);
    return model;
}

static void put_entry(struct sc_str *w, const char *key, const char *value)
{
    struct sc_str entry = {0};
    put_text(&entry, 1, key);
    put_text(&entry, 2, value);
    put_message(w, 13, &entry);
}

static void raw_data_stays_in_the_file(void **state)
{
    (void)state;
    const float values[2] = {1.5f, -2};
    struct sc_str w = new_weight();
    put_bytes(&w, 9, values, sizeof values);
    struct sc_str model = model_with_weight(&w);
    struct run r;
    run_init(&r);
    assert_int_equal(sc_onnx_open_bytes(r.m, "m.onnx", model.data, model.size, &r.model),
                     SIMCLR_OK);
    run_import(&r, true);
    assert_string_equal(sc_str_text(&r.messages), "");
    const char *const stored = r.m->params[0]->stored;
    assert_true(stored > model.data && stored < model.data + model.size);
    run_eval(&r);
    assert_true(r.out[0]->f[0] == 2.25 && r.out[0]->f[1] == 4);
    run_deinit(&r);
    sc_str_free(&model);
}

static void an_output_without_a_name_is_refused(void **state)
{
    (void)state;
    struct sc_str model = new_model(), graph = {0}, output = {0};
    put_message(&graph, 12, &output);
    put_message(&model, 7, &graph);
    struct run r;
    run_init(&r);
    assert_int_equal(sc_onnx_open_bytes(r.m, "m.onnx", model.data, model.size, &r.model),
                     SIMCLR_OK);
    run_import(&r, true);
    assert_string_equal(sc_str_text(&r.messages), "m.onnx: error: there is no tensor ''\n");
    run_deinit(&r);
    sc_str_free(&model);
}

static void an_unknown_element_type_is_refused(void **state)
{
    (void)state;
    struct sc_str w = {0};
    put_int(&w, 1, 2);
    put_int(&w, 2, 99);
    put_text(&w, 8, "w");
    struct sc_str model = model_with_weight(&w);
    struct run r;
    run_init(&r);
    assert_int_equal(sc_onnx_open_bytes(r.m, "m.onnx", model.data, model.size, &r.model),
                     SIMCLR_OK);
    run_import(&r, true);
    assert_string_equal(sc_str_text(&r.messages), "m.onnx: node 'y' (Mul): error: tensor 'w': "
                                                  "elements of type 99 are unknown\n");
    run_deinit(&r);
    sc_str_free(&model);
}

static void a_value_beyond_its_type_is_refused(void **state)
{
    (void)state;
    struct sc_str w = {0};
    put_int(&w, 1, 1);
    put_int(&w, 2, 2); // uint8
    put_int(&w, 5, 300);
    put_text(&w, 8, "w");
    struct sc_str model = model_with_weight(&w);
    struct run r;
    run_init(&r);
    assert_int_equal(sc_onnx_open_bytes(r.m, "m.onnx", model.data, model.size, &r.model),
                     SIMCLR_OK);
    run_import(&r, true);
    assert_string_equal(sc_str_text(&r.messages), "m.onnx: node 'y' (Mul): error: tensor 'w': "
                                                  "it has the value 300, which is no uint8\n");
    run_deinit(&r);
    sc_str_free(&model);
}

static void a_model_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    const float values[2] = {1.5f, -2};
    struct sc_str w = new_weight();
    put_bytes(&w, 9, values, sizeof values);
    struct sc_str model = model_with_weight(&w);
    for (size_t n = 1; n < model.size; n++) {
        struct run r;
        run_init(&r);
        assert_int_equal(sc_onnx_open_bytes(r.m, "m.onnx", model.data, n, &r.model),
                         SIMCLR_BAD_INPUT);
        run_deinit(&r);
    }
    sc_str_free(&model);
}

// Opens a model in the scratch folder whose weight lies at `location`, and imports it.
static void check_external(struct scratch *s, const char *location, const char *offset,
                           const char *length, const char *message)
{
    struct sc_str w = new_weight();
    put_int(&w, 14, 1);
    put_entry(&w, "location", location);
    put_entry(&w, "offset", offset);
    put_entry(&w, "length", length);
    struct sc_str model = model_with_weight(&w);
    const char *const path = scratch_write(s, "m.onnx", model.data, model.size);
    struct run r;
    run_init(&r);
    assert_int_equal(sc_onnx_open(r.m, path, &r.model), SIMCLR_OK);
    run_import(&r, true);
    if (!strstr(sc_str_text(&r.messages), message) || (!*message && r.messages.size > 0))
        fail_msg("'%s', expected '%s'", sc_str_text(&r.messages), message);
    if (!*message) {
        run_eval(&r);
        assert_true(r.out[0]->f[0] == 9 && r.out[0]->f[1] == 16);
    }
    run_deinit(&r);
    sc_str_free(&model);
}

static void external_data_stays_within_the_folder(void **state)
{
    struct scratch *const s = *state;
    const float values[4] = {1, 2, 3, 4};
    (void)scratch_write(s, "w.bin", values, sizeof values);
    assert_int_equal(symlink("w.bin", scratch_path(s, "link")), 0);
    assert_int_equal(symlink(".", scratch_path(s, "loop")), 0);
    check_external(s, "w.bin", "8", "8", "");
    check_external(s, "w.bin", "12", "8",
                   "external data 'w.bin' has 16 bytes, expected 8 at "
                   "offset 12");
    check_external(s, "w.bin", "8", "4", "it has 1 values, expected 2");
    check_external(s, "w.bin", "-8", "4", "external data has no location, offset or length");
    check_external(s, "nothing.bin", "0", "8",
                   "cannot open external data 'nothing.bin': No such");
    check_external(s, "link", "0", "8", "'link' is behind a symbolic link, expected a file");
    check_external(s, "loop/w.bin", "0", "8", "'loop/w.bin' is behind a symbolic link");
    check_external(s, "../w.bin", "0", "8",
                   "'../w.bin' is not a path within the model's folder");
    check_external(s, "/etc/passwd", "0", "8", "is not a path within the model's folder");
    check_external(s, ".", "0", "8", "cannot read external data '.'");
    check_external(s, "w.bin", "8", "9", "has 16 bytes, expected 9 at offset 8");
    check_external(s, "w.bin", "18446744073709551615", "8", "has 16 bytes, expected 8 at");
    check_external(s, "w.bin", "18446744073709551616", "8",
                   "has no location, offset or length");
    check_external(s, "w.bin", "8", "7", "it has 1 values, expected 2");
    char *const file = strdup(scratch_path(s, "w.bin"));
    assert_non_null(file);
    assert_int_equal(link(file, scratch_path(s, "hard")), 0);
    free(file);
    check_external(s, "hard", "8", "8",
                   "external data 'hard' has 2 hard links, expected a file of its own");
}

static void external_data_may_lie_at_any_offset(void **state)
{
    struct scratch *const s = *state;
    const float values[2] = {3, 4};
    char bytes[3 + sizeof values] = "abc";
    memcpy(bytes + 3, values, sizeof values);
    (void)scratch_write(s, "w.bin", bytes, sizeof bytes);
    check_external(s, "w.bin", "3", "8", "");
}

static void training_information_is_ignored_with_a_note(void **state)
{
    (void)state;
    struct sc_str w = new_weight(), info = {0}, graph = {0};
    const float values[2] = {1, 2};
    put_bytes(&w, 9, values, sizeof values);
    struct sc_str model = model_with_weight(&w);
    put_message(&info, 2, &graph);
    put_message(&model, 20, &info);
    check_open(&model, SIMCLR_OK,
               "m.onnx: note: the model's training information is ignored: simclrc derives its "
               "own\n");
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    struct run r;
    run_init(&r);
    assert_int_equal(sc_onnx_open(r.m, "resnet99", &r.model), SIMCLR_IO);
    assert_int_equal(sc_onnx_open(r.m, "./nothing.onnx", &r.model), SIMCLR_IO);
    assert_string_equal(
        sc_str_text(&r.messages),
        "simclrc: error: there is no file 'resnet99' and no model of that name\n"
        "simclrc: hint: --list-models lists the models that come with simclrc\n"
        "simclrc: error: cannot open './nothing.onnx': No such file or directory\n");
    run_deinit(&r);
}

static void every_model_of_ours_opens_and_has_a_line_about_it(void **state)
{
    (void)state;
    size_t n = 0;
    for (const char *name; (name = simclr_model_name(n)); n++) {
        struct run r;
        run_init(&r);
        assert_int_equal(sc_onnx_open(r.m, name, &r.model), SIMCLR_OK);
        assert_true(strlen(simclr_model_about(n)) > 10);
        run_deinit(&r);
    }
    assert_true(n > 0);
    assert_null(simclr_model_about(n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_without_graph_is_refused),
        cmocka_unit_test(an_empty_file_is_refused),
        cmocka_unit_test(a_repeated_graph_is_refused),
        cmocka_unit_test(graphs_nested_too_deep_are_refused),
        cmocka_unit_test(a_length_past_the_end_is_refused),
        cmocka_unit_test(a_nul_in_a_name_is_refused),
        cmocka_unit_test(a_field_of_the_wrong_type_is_refused),
        cmocka_unit_test(an_unknown_wire_type_is_refused),
        cmocka_unit_test(field_number_zero_is_refused),
        cmocka_unit_test(a_number_without_end_is_refused),
        cmocka_unit_test(what_unpacks_to_too_much_is_refused),
        cmocka_unit_test(raw_data_stays_in_the_file),
        cmocka_unit_test(an_output_without_a_name_is_refused),
        cmocka_unit_test(an_unknown_element_type_is_refused),
        cmocka_unit_test(a_value_beyond_its_type_is_refused),
        cmocka_unit_test(a_model_cut_off_anywhere_is_refused),
        SCRATCH_TEST(external_data_stays_within_the_folder),
        SCRATCH_TEST(external_data_may_lie_at_any_offset),
        cmocka_unit_test(training_information_is_ignored_with_a_note),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(every_model_of_ours_opens_and_has_a_line_about_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
