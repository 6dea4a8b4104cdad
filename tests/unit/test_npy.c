// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/scratch.h"

#include "runtime/base/npy.h"

// A version 1.0 file with this header, blanks and newline added, and data.
static const char *write_npy(struct scratch *s, const char *dict, const void *data, size_t n)
{
    uint8_t file[512] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0};
    memset(file + 10, ' ', 118);
    memcpy(file + 10, dict, strlen(dict));
    file[127] = '\n';
    memcpy(file + 128, data, n);
    return scratch_write(s, "a.npy", file, 128 + n);
}

static void what_is_written_is_read_back(void **state)
{
    struct scratch *const s = *state;
    float values[6] = {1, -2, 3.5f, 0, 1e-30f, 7};
    const struct simclr_tensor tensor = {
        .dtype = SIMCLR_f32, .shape = {.rank = 2, .dim = {2, 3}}, .data = values};
    const char *const path = scratch_path(s, "a.npy");
    assert_int_equal(sc_npy_write(&s->diag, path, &tensor), SIMCLR_OK);
    struct sc_npy npy;
    assert_int_equal(sc_npy_open(&s->diag, path, &npy), SIMCLR_OK);
    assert_int_equal(npy.tensor.dtype, SIMCLR_f32);
    assert_true(simclr_shape_equal(&npy.tensor.shape, &tensor.shape));
    assert_memory_equal(npy.tensor.data, values, sizeof values);
    assert_int_equal((uintptr_t)npy.tensor.data % 64, 0);
    sc_npy_close(&npy);
}

static void every_rank_and_dtype_survives(void **state)
{
    struct scratch *const s = *state;
    const uint8_t zeros[64] = {0};
    for (int32_t rank = 0; rank <= SIMCLR_MAX_RANK; rank++) {
        for (int dtype = 0; dtype < SIMCLR_N_DTYPES; dtype++) {
            struct simclr_tensor t = {.dtype = (simclr_dtype)dtype,
                                      .shape = {.rank = rank},
                                      .data = (void *)(uintptr_t)zeros};
            for (int32_t i = 0; i < rank; i++)
                t.shape.dim[i] = 1 + (i == 0);
            const char *const path = scratch_path(s, "r.npy");
            assert_int_equal(sc_npy_write(&s->diag, path, &t), SIMCLR_OK);
            struct sc_npy npy;
            assert_int_equal(sc_npy_open(&s->diag, path, &npy), SIMCLR_OK);
            assert_int_equal(npy.tensor.dtype, t.dtype);
            assert_true(simclr_shape_equal(&npy.tensor.shape, &t.shape));
            sc_npy_close(&npy);
        }
    }
}

static void numpy_s_own_spelling_is_read(void **state)
{
    struct scratch *const s = *state;
    const int64_t values[3] = {4, 5, 6};
    const char *const path = write_npy(
        s, "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", values, sizeof values);
    struct sc_npy npy;
    assert_int_equal(sc_npy_open(&s->diag, path, &npy), SIMCLR_OK);
    assert_int_equal(npy.tensor.dtype, SIMCLR_i64);
    assert_int_equal(npy.tensor.shape.rank, 1);
    assert_memory_equal(npy.tensor.data, values, sizeof values);
    sc_npy_close(&npy);
}

static void what_is_wrong_is_said(void **state)
{
    struct scratch *const s = *state;
    static const struct {
        const char *dict;
        size_t n_bytes;
        const char *message;
    } cases[] = {
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }", 6,
         "element type '<f2' is not supported"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", 16,
         "the array is in Fortran order, expected C order"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 8,
         "8 bytes of data, expected 12 for the shape"},
        {"{'descr': '<f4', 'shape': (3,), }", 12, "the .npy header is not a dict"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }", 12,
         "the .npy header is not a dict"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999), }", 4,
         "the shape is too large"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 4,
         "the .npy header is not a dict"},
    };
    const uint8_t data[16] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const path = write_npy(s, cases[i].dict, data, cases[i].n_bytes);
        struct sc_npy npy;
        assert_int_not_equal(sc_npy_open(&s->diag, path, &npy), SIMCLR_OK);
        scratch_assert_message(s, cases[i].message);
        s->diag.n_errors = 0;
    }
}

static void a_cut_off_file_is_refused_at_every_length(void **state)
{
    struct scratch *const s = *state;
    const float values[3] = {1, 2, 3};
    (void)write_npy(s, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", values,
                    sizeof values);
    struct sc_map map;
    assert_int_equal(sc_map_open(&s->diag, s->path, &map), SIMCLR_OK);
    for (size_t n = 0; n < map.size; n++) {
        struct sc_npy npy;
        const char *const path = scratch_write(s, "cut.npy", map.data, n);
        assert_int_equal(sc_npy_open(&s->diag, path, &npy), SIMCLR_BAD_INPUT);
    }
    sc_map_close(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(what_is_written_is_read_back),
        SCRATCH_TEST(every_rank_and_dtype_survives),
        SCRATCH_TEST(numpy_s_own_spelling_is_read),
        SCRATCH_TEST(what_is_wrong_is_said),
        SCRATCH_TEST(a_cut_off_file_is_refused_at_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
