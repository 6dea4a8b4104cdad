// SPDX-License-Identifier: Apache-2.0
#include "tests/data/pictures.h"

enum { RECORD = 3073 };

// A CIFAR-10 file of n records; record i has label (first + i) % 10 and planes
// filled with 10, 20, 30 plus i.
static void write_cifar(struct scratch *s, const char *name, int n, int first, size_t surplus)
{
    uint8_t *const bytes = calloc((size_t)(n + 1), RECORD);
    assert_non_null(bytes);
    for (int i = 0; i < n; i++) {
        uint8_t *const record = bytes + i * RECORD;
        record[0] = (uint8_t)((first + i) % 10);
        for (int c = 0; c < 3; c++)
            memset(record + 1 + 1024 * c, 10 * (c + 1) + i, 1024);
    }
    (void)scratch_write(s, name, bytes, (size_t)n * RECORD + surplus);
    free(bytes);
}

static void cifar_files_are_read_in_order(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    write_cifar(s, "data_batch_2.bin", 3, 5, 0);
    write_cifar(s, "data_batch_1.bin", 4, 0, 0);
    write_cifar(s, "test_batch.bin", 2, 7, 0);
    assert_int_equal(open_in(s, "cifar10:", "", SIMCLR_SPLIT_TRAIN, &ds), SIMCLR_OK);
    assert_int_equal(simclr_dataset_n_images(ds), 7);
    assert_int_equal(simclr_dataset_n_classes(ds), 10);
    static const int labels[7] = {0, 1, 2, 3, 5, 6, 7};
    for (int i = 0; i < 7; i++)
        assert_int_equal(simclr_dataset_label(ds, i), labels[i]);
    assert_string_equal(simclr_dataset_class_name(ds, 3), "cat");
    struct simclr_image image;
    assert_int_equal(simclr_dataset_fetch(ds, &s->diag, 5, NULL, &image), SIMCLR_OK);
    const uint8_t expected[6] = {11, 21, 31, 11, 21, 31};
    assert_memory_equal(image.pixels, expected, sizeof expected);
    char origin[64];
    simclr_dataset_origin(ds, 5, origin, sizeof origin);
    assert_string_equal(origin, "data_batch_2.bin #1");
    simclr_dataset_free(ds);
    assert_int_equal(open_in(s, "", "", SIMCLR_SPLIT_TEST, &ds), SIMCLR_OK);
    assert_int_equal(simclr_dataset_n_images(ds), 2);
    simclr_dataset_free(ds);
}

static void a_remainder_of_a_record_is_refused(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    write_cifar(s, "data_batch_1.bin", 2, 0, 5);
    assert_int_equal(open_in(s, "cifar10:", "", SIMCLR_SPLIT_TRAIN, &ds), SIMCLR_BAD_INPUT);
    scratch_assert_message(s, "data_batch_1.bin: error: 6151 bytes, expected a multiple of "
                              "3073, the size of a CIFAR-10 record");
}

static void a_label_above_nine_is_refused(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    static uint8_t bytes[2 * RECORD];
    bytes[RECORD] = 10;
    (void)scratch_write(s, "data_batch_1.bin", bytes, sizeof bytes);
    assert_int_equal(open_in(s, "cifar10:", "", SIMCLR_SPLIT_TRAIN, &ds), SIMCLR_BAD_INPUT);
    scratch_assert_message(s, "record 1 has label 10, expected 0 to 9");
}

static void a_missing_split_is_named(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    write_cifar(s, "data_batch_1.bin", 2, 0, 0);
    assert_int_equal(open_in(s, "cifar10:", "", SIMCLR_SPLIT_TEST, &ds), SIMCLR_BAD_INPUT);
    scratch_assert_message(s, "error: no test_batch.bin here");
}

static void classes_are_the_sorted_folders(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    make_dir(s, "d/zebra");
    make_dir(s, "d/Ant");
    make_dir(s, "d/.hidden");
    (void)write_picture(s, "d/zebra/2.jpg", 32, 32, 3);
    (void)write_picture(s, "d/zebra/1.jpg", 32, 32, 2);
    (void)write_picture(s, "d/Ant/9.JPG", 32, 32, 1);
    (void)scratch_write(s, "d/Ant/notes.txt", "x", 1);
    assert_int_equal(open_in(s, "folder:", "d", SIMCLR_SPLIT_PRETRAIN, &ds), SIMCLR_OK);
    assert_int_equal(simclr_dataset_n_images(ds), 3);
    assert_int_equal(simclr_dataset_n_classes(ds), 2);
    assert_string_equal(simclr_dataset_class_name(ds, 0), "Ant");
    assert_string_equal(simclr_dataset_class_name(ds, 1), "zebra");
    static const char *const origins[3] = {"Ant/9.JPG", "zebra/1.jpg", "zebra/2.jpg"};
    for (int i = 0; i < 3; i++) {
        char origin[64];
        simclr_dataset_origin(ds, i, origin, sizeof origin);
        assert_string_equal(origin, origins[i]);
        assert_int_equal(simclr_dataset_label(ds, i), i > 0);
    }
    int64_t h, w;
    assert_true(simclr_dataset_common_size(ds, &h, &w));
    assert_int_equal(h, 32);
    simclr_dataset_free(ds);
}

static void a_flat_folder_is_unlabelled_and_may_mix_sizes(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    (void)write_picture(s, "b.jpg", 40, 32, 3);
    (void)write_picture(s, "a.jpg", 32, 64, 2);
    assert_int_equal(open_in(s, "", "", SIMCLR_SPLIT_PRETRAIN, &ds), SIMCLR_OK);
    assert_int_equal(simclr_dataset_n_classes(ds), 0);
    assert_int_equal(simclr_dataset_label(ds, 1), -1);
    int64_t h, w;
    assert_false(simclr_dataset_common_size(ds, &h, &w));
    simclr_dataset_image_size(ds, 1, &h, &w);
    assert_int_equal(h, 40);
    assert_int_equal(w, 32);
    struct simclr_image image;
    assert_int_equal(simclr_dataset_fetch(ds, &s->diag, 1, NULL, &image), SIMCLR_OK);
    assert_int_equal(image.h, 40);
    simclr_dataset_free(ds);
}

static void folders_of_splits_are_recognised(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    make_dir(s, "train/a");
    make_dir(s, "val/a");
    (void)write_picture(s, "train/a/1.jpg", 32, 32, 1);
    (void)write_picture(s, "train/a/2.jpg", 32, 32, 1);
    (void)write_picture(s, "val/a/3.jpg", 32, 32, 1);
    static const int n_images[] = {[SIMCLR_SPLIT_PRETRAIN] = 2, 2, 1};
    for (int split = SIMCLR_SPLIT_PRETRAIN; split <= SIMCLR_SPLIT_TEST; split++) {
        assert_int_equal(open_in(s, "folder:", "", (enum simclr_split)split, &ds), SIMCLR_OK);
        assert_int_equal(simclr_dataset_n_images(ds), n_images[split]);
        assert_int_equal(simclr_dataset_n_classes(ds), 1);
        simclr_dataset_free(ds);
    }
}

static void without_splits_every_fifth_image_of_a_class_is_held_out(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    make_dir(s, "a");
    make_dir(s, "b");
    for (int i = 0; i < 7; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%s/%d.jpg", "a", i);
        (void)write_picture(s, name, 16, 16, i);
        name[0] = 'b';
        (void)write_picture(s, name, 16, 16, i);
    }
    static const int n_images[] = {[SIMCLR_SPLIT_PRETRAIN] = 14, 12, 2};
    for (int split = SIMCLR_SPLIT_PRETRAIN; split <= SIMCLR_SPLIT_TEST; split++) {
        assert_int_equal(open_in(s, "folder:", "", (enum simclr_split)split, &ds), SIMCLR_OK);
        assert_int_equal(simclr_dataset_n_images(ds), n_images[split]);
        if (split == SIMCLR_SPLIT_TEST) {
            char origin[64];
            simclr_dataset_origin(ds, 1, origin, sizeof origin);
            assert_string_equal(origin, "b/4.jpg");
            scratch_assert_message(s, "note: no folders train and test: every fifth image");
        }
        simclr_dataset_free(ds);
    }
}

static void every_corrupt_image_is_named_in_order(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    for (int i = 0; i < 25; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%02d.jpg", i);
        (void)write_picture(s, name, 32, 32, i);
        if (i > 0) (void)scratch_write(s, name, "\xff\xd8\xff no picture", 14);
    }
    assert_int_equal(open_in(s, "folder:", "", SIMCLR_SPLIT_PRETRAIN, &ds), SIMCLR_BAD_INPUT);
    assert_int_equal(s->n_messages, 20);
    assert_int_equal(s->diag.n_errors, 24);
    scratch_assert_message(s, "20.jpg: error: cannot decode the image: ");
}

// The header is fine, the rest is missing: found when the pixels are decoded.
static void a_cut_off_image_is_named(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    struct sc_map map;
    (void)write_picture(s, "good.jpg", 64, 64, 1);
    assert_int_equal(sc_map_open(&s->diag, s->path, &map), SIMCLR_OK);
    (void)scratch_write(s, "short.jpg", map.data, map.size - 200);
    sc_map_close(&map);
    assert_int_equal(open_in(s, "folder:", "", SIMCLR_SPLIT_PRETRAIN, &ds), SIMCLR_BAD_INPUT);
    assert_int_equal(s->n_messages, 1);
    scratch_assert_message(s, "short.jpg: error: cannot decode the image: ");
}

static void what_is_no_data_is_said(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    static const struct {
        const char *spec;
        simclr_status status;
        const char *message;
    } cases[] = {
        {"no/such/place", SIMCLR_IO, "simclr: error: no such folder: 'no/such/place'"},
        {"folder:no/such/place", SIMCLR_IO, "simclr: error: no such folder: 'no/such/place'"},
        {"cifar10:no/such/place", SIMCLR_IO, "simclr: error: no such folder: 'no/such/place'"},
        {"mnist:x", SIMCLR_USAGE,
         "simclr: error: data 'mnist:x' is of kind 'mnist', expected cifar10, folder or "
         "synthetic"},
        {"synthetic:classes=2", SIMCLR_USAGE,
         "simclr: error: data 'synthetic': classes is 2, expected 8 to 24"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            simclr_dataset_open(&s->diag, cases[i].spec, SIMCLR_SPLIT_TRAIN, 1, &ds),
            cases[i].status);
        assert_string_equal(s->message, cases[i].message);
    }
    assert_int_equal(open_in(s, "folder:", "", SIMCLR_SPLIT_TRAIN, &ds), SIMCLR_BAD_INPUT);
    scratch_assert_message(s, "no .jpg, .jpeg or .png file here");
    (void)scratch_write(s, "file", "x", 1);
    assert_int_equal(open_in(s, "", "file", SIMCLR_SPLIT_TRAIN, &ds), SIMCLR_IO);
    scratch_assert_message(s, "is a file, expected a folder");
}

static void the_real_cifar_subset_is_read(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    char path[512];
    if (!real_data("cifar10-original-subset", path, sizeof path)) skip();
    assert_int_equal(simclr_dataset_open(&s->diag, path, SIMCLR_SPLIT_TRAIN, 2, &ds),
                     SIMCLR_OK);
    assert_int_equal(simclr_dataset_n_images(ds), 5170);
    simclr_dataset_free(ds);
    assert_int_equal(simclr_dataset_open(&s->diag, path, SIMCLR_SPLIT_TEST, 2, &ds), SIMCLR_OK);
    assert_int_equal(simclr_dataset_n_images(ds), 1017);
    simclr_dataset_free(ds);
}

static void real_photographs_are_read_by_class(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *ds;
    char path[512];
    if (!real_data("imagenette-224", path, sizeof path)) skip();
    assert_int_equal(simclr_dataset_open(&s->diag, path, SIMCLR_SPLIT_TEST, 2, &ds), SIMCLR_OK);
    assert_int_equal(simclr_dataset_n_images(ds), 250);
    assert_int_equal(simclr_dataset_n_classes(ds), 10);
    int64_t h, w;
    assert_true(simclr_dataset_common_size(ds, &h, &w));
    assert_int_equal(h, 224);
    assert_int_equal(simclr_dataset_label(ds, 249), 9);
    simclr_dataset_free(ds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(cifar_files_are_read_in_order),
        SCRATCH_TEST(a_remainder_of_a_record_is_refused),
        SCRATCH_TEST(a_label_above_nine_is_refused),
        SCRATCH_TEST(a_missing_split_is_named),
        SCRATCH_TEST(classes_are_the_sorted_folders),
        SCRATCH_TEST(a_flat_folder_is_unlabelled_and_may_mix_sizes),
        SCRATCH_TEST(folders_of_splits_are_recognised),
        SCRATCH_TEST(without_splits_every_fifth_image_of_a_class_is_held_out),
        SCRATCH_TEST(every_corrupt_image_is_named_in_order),
        SCRATCH_TEST(a_cut_off_image_is_named),
        SCRATCH_TEST(what_is_no_data_is_said),
        SCRATCH_TEST(the_real_cifar_subset_is_read),
        SCRATCH_TEST(real_photographs_are_read_by_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
