// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/scratch.h"

#include "runtime/base/safetensors.h"

// A file with this header and `n` bytes of zeros.
static const char *write_file(struct scratch *s, const char *header, size_t n)
{
    uint8_t file[1024] = {0};
    const size_t length = strlen(header);
    file[0] = (uint8_t)length;
    file[1] = (uint8_t)(length >> 8);
    memcpy(file + 8, header, length);
    return scratch_write(s, "a.safetensors", file, 8 + length + n);
}

static void what_is_written_is_read_back_in_order_of_names(void **state)
{
    struct scratch *const s = *state;
    float w[3] = {1, 2, 3}, b[1] = {4};
    int64_t step = 17;
    bool flags[3] = {true, false, true};
    const struct simclr_tensor tensors[] = {
        {.name = "w", .dtype = SIMCLR_f32, .shape = {.rank = 1, .dim = {3}}, .data = w},
        {.name = "flags",
         .dtype = SIMCLR_bool,
         .shape = {.rank = 1, .dim = {3}},
         .data = flags},
        {.name = "b\"\n", .dtype = SIMCLR_f32, .shape = {.rank = 2, .dim = {1, 1}}, .data = b},
        {.name = "step", .dtype = SIMCLR_i64, .shape = {.rank = 0}, .data = &step},
        {.name = "none", .dtype = SIMCLR_f32, .shape = {.rank = 1, .dim = {0}}, .data = NULL},
    };
    const char *const path = scratch_path(s, "a.safetensors");
    assert_int_equal(sc_safetensors_write(&s->diag, path, tensors, 5), SIMCLR_OK);
    struct sc_safetensors file;
    assert_int_equal(sc_safetensors_open(&s->diag, path, &file), SIMCLR_OK);
    static const char *const names[] = {"b\"\n", "flags", "none", "step", "w"};
    assert_int_equal(file.n_tensors, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(file.tensor[i].name, names[i]);
    for (size_t i = 0; i < 5; i++) {
        const struct simclr_tensor *const t = sc_safetensors_find(&file, tensors[i].name);
        assert_non_null(t);
        assert_int_equal(t->dtype, tensors[i].dtype);
        assert_true(simclr_shape_equal(&t->shape, &tensors[i].shape));
        const size_t n = (size_t)simclr_shape_count(&t->shape) * simclr_dtype_size(t->dtype);
        if (n > 0) assert_memory_equal(t->data, tensors[i].data, n);
    }
    assert_null(sc_safetensors_find(&file, "v"));
    sc_safetensors_close(&file);
}

static void equal_content_gives_equal_bytes(void **state)
{
    struct scratch *const s = *state;
    float w[2] = {1, 2};
    const struct simclr_tensor a = {
        .name = "a", .dtype = SIMCLR_f32, .shape = {.rank = 1, .dim = {2}}, .data = w};
    const struct simclr_tensor b = {
        .name = "b", .dtype = SIMCLR_f32, .shape = {.rank = 1, .dim = {2}}, .data = w};
    const struct simclr_tensor ab[] = {a, b}, ba[] = {b, a};
    char first[128];
    (void)snprintf(first, sizeof first, "%s", scratch_path(s, "1"));
    assert_int_equal(sc_safetensors_write(&s->diag, first, ab, 2), SIMCLR_OK);
    const char *const second = scratch_path(s, "2");
    assert_int_equal(sc_safetensors_write(&s->diag, second, ba, 2), SIMCLR_OK);
    struct sc_map x, y;
    assert_int_equal(sc_map_open(&s->diag, first, &x), SIMCLR_OK);
    assert_int_equal(sc_map_open(&s->diag, second, &y), SIMCLR_OK);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    sc_map_close(&x);
    sc_map_close(&y);
}

static void metadata_is_passed_over_and_an_empty_file_is_fine(void **state)
{
    struct scratch *const s = *state;
    struct sc_safetensors file;
    const char *const path = write_file(s, "{\"__metadata__\":{\"format\":\"pt\"}}", 0);
    assert_int_equal(sc_safetensors_open(&s->diag, path, &file), SIMCLR_OK);
    assert_int_equal(file.n_tensors, 0);
    assert_null(sc_safetensors_find(&file, "a"));
    sc_safetensors_close(&file);
}

static void what_is_wrong_is_said(void **state)
{
    struct scratch *const s = *state;
    static const struct {
        const char *header, *message;
    } cases[] = {
        {"{\"a\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[0,8]}}",
         "tensor 'a' has dtype 'BF16', which is not supported"},
        {"{\"a\":{\"shape\":[4],\"data_offsets\":[0,16]}}", "tensor 'a' has no dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]}}",
         "tensor 'a' has no valid shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,16]}}",
         "tensor 'a' has no valid shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[9e15,9e15],\"data_offsets\":[0,16]}}",
         "tensor 'a' has no valid shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[0,20]}}",
         "tensor 'a' does not lie within the file's 16 bytes of data"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]}}",
         "tensor 'a' does not lie within the file's 16 bytes of data"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,16]}}",
         "tensor 'a' has 16 bytes, expected 12 for its shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         "'a'"},
        {"[]", "the header is not a JSON object"},
        {"{\"a\":", "the header is not a JSON object"},
        {"{\"a\":7}", "tensor 'a' has no dtype"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sc_safetensors file;
        const char *const path = write_file(s, cases[i].header, 16);
        assert_int_not_equal(sc_safetensors_open(&s->diag, path, &file), SIMCLR_OK);
        scratch_assert_message(s, cases[i].message);
        s->diag.n_errors = 0;
    }
}

static void a_header_beyond_the_file_is_refused(void **state)
{
    struct scratch *const s = *state;
    static const uint8_t cases[][8] = {{1, 0, 0, 0, 0, 0, 0, 0},
                                       {255, 255, 255, 255, 255, 255, 255, 255}};
    for (size_t i = 0; i < 2; i++) {
        struct sc_safetensors file;
        const char *const path = scratch_write(s, "a", cases[i], 8);
        assert_int_equal(sc_safetensors_open(&s->diag, path, &file), SIMCLR_BAD_INPUT);
        scratch_assert_message(s, "not a safetensors file: 8 bytes");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_is_written_is_read_back_in_order_of_names),
        SCRATCH_TEST(equal_content_gives_equal_bytes),
        SCRATCH_TEST(metadata_is_passed_over_and_an_empty_file_is_fine),
        SCRATCH_TEST(what_is_wrong_is_said),
        SCRATCH_TEST(a_header_beyond_the_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
