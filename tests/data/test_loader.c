// SPDX-License-Identifier: Apache-2.0
#include "tests/data/pictures.h"

#include "runtime/data/dataset.h"

#include <unistd.h>

enum { N_IMAGES = 100, BATCH = 16, SIDE = 16, N_STEPS = 20 };

static struct simclr_dataset *open_synthetic(struct scratch *s)
{
    struct simclr_dataset *ds;
    assert_int_equal(
        simclr_dataset_open(&s->diag, "synthetic:n=100,size=16", SIMCLR_SPLIT_TRAIN, 2, &ds),
        SIMCLR_OK);
    return ds;
}

static struct simclr_loader *start(struct scratch *s, const struct simclr_dataset *ds,
                                   const struct simclr_loader_options *options)
{
    struct simclr_augment a;
    struct simclr_loader *loader;
    assert_int_equal(simclr_augment_parse(&s->diag, "simclr-cifar", &a), SIMCLR_OK);
    assert_int_equal(simclr_loader_new(&s->diag, ds, &a, options, &loader), SIMCLR_OK);
    return loader;
}

static struct simclr_batch next(struct simclr_loader *loader)
{
    struct simclr_batch batch;
    assert_int_equal(simclr_loader_next(loader, &batch), SIMCLR_OK);
    return batch;
}

static size_t row_bytes(const struct simclr_batch *batch)
{
    return (size_t)batch->n_rows * 3 * SIDE * SIDE * sizeof *batch->x;
}

static const struct simclr_loader_options two_views = {
    .batch = BATCH, .views = 2, .h = SIDE, .w = SIDE, .seed = 7, .n_threads = 1};

// Steps run over several epochs, so that shuffles are compared too.
static void batches_do_not_depend_on_the_number_of_threads(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const ds = open_synthetic(s);
    for (int n_threads = 2; n_threads <= 4; n_threads++) {
        struct simclr_loader_options many = two_views;
        many.n_threads = n_threads;
        many.n_prefetch = n_threads;
        struct simclr_loader *const a = start(s, ds, &two_views), *const b =
                                                                      start(s, ds, &many);
        for (int i = 0; i < N_STEPS; i++) {
            const struct simclr_batch x = next(a), y = next(b);
            assert_int_equal(x.step, i);
            assert_int_equal(x.epoch, i / (N_IMAGES / BATCH));
            assert_int_equal(x.n_rows, 2 * BATCH);
            assert_int_equal(row_bytes(&x), row_bytes(&y));
            assert_memory_equal(x.x, y.x, row_bytes(&x));
            assert_memory_equal(x.label, y.label, BATCH * sizeof *x.label);
        }
        simclr_loader_free(a);
        simclr_loader_free(b);
    }
    simclr_dataset_free(ds);
}

static void a_restart_goes_on_where_it_was(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const ds = open_synthetic(s);
    struct simclr_loader *const whole = start(s, ds, &two_views);
    for (int i = 0; i < N_STEPS; i++) {
        const struct simclr_batch x = next(whole);
        if (i % 3 != 0) continue;
        struct simclr_loader_options later = two_views;
        later.first_step = (uint64_t)i;
        struct simclr_loader *const part = start(s, ds, &later);
        const struct simclr_batch y = next(part);
        assert_int_equal(y.step, i);
        assert_memory_equal(x.x, y.x, row_bytes(&x));
        assert_memory_equal(x.label, y.label, BATCH * sizeof *x.label);
        simclr_loader_free(part);
    }
    simclr_loader_free(whole);
    simclr_dataset_free(ds);
}

// Rows 2k and 2k + 1, less their batch, are views 0 and 1 of one image: told by
// undoing everything but the order, with "none" as augmentation both are equal.
static void neighbouring_rows_are_views_of_one_image(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const ds = open_synthetic(s);
    struct simclr_loader *loader;
    assert_int_equal(simclr_loader_new(&s->diag, ds, NULL, &two_views, &loader), SIMCLR_OK);
    const struct simclr_batch batch = next(loader);
    const size_t n = 3 * SIDE * SIDE;
    for (size_t k = 0; k < BATCH; k++)
        assert_memory_equal(batch.x + 2 * k * n, batch.x + (2 * k + 1) * n, n * sizeof(float));
    simclr_loader_free(loader);
    loader = start(s, ds, &two_views);
    const struct simclr_batch augmented = next(loader);
    for (size_t k = 0; k < BATCH; k++)
        assert_memory_not_equal(augmented.x + 2 * k * n, augmented.x + (2 * k + 1) * n,
                                n * sizeof(float));
    simclr_loader_free(loader);
    simclr_dataset_free(ds);
}

// The label of an image tells little, its pixels tell which it is.
static int find_image(struct scratch *s, const struct simclr_dataset *ds, const float *row)
{
    for (int i = 0; i < N_IMAGES; i++) {
        struct simclr_image image;
        assert_int_equal(simclr_dataset_fetch(ds, &s->diag, i, NULL, &image), SIMCLR_OK);
        bool is_it = true;
        for (int k = 0; k < SIDE * SIDE && is_it; k++)
            is_it = (int)(row[k] * 255.0f + 0.5f) == image.pixels[3 * k];
        if (is_it) return i;
    }
    return -1;
}

static void an_epoch_shows_an_image_at_most_once_in_a_new_order(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const ds = open_synthetic(s);
    struct simclr_loader_options one = two_views;
    one.views = 1;
    struct simclr_loader *loader;
    assert_int_equal(simclr_loader_new(&s->diag, ds, NULL, &one, &loader), SIMCLR_OK);
    assert_int_equal(simclr_loader_steps_per_epoch(loader), N_IMAGES / BATCH);
    int order[2][N_IMAGES / BATCH * BATCH];
    for (int epoch = 0; epoch < 2; epoch++) {
        bool seen[N_IMAGES] = {false};
        for (int step = 0; step < N_IMAGES / BATCH; step++) {
            const struct simclr_batch batch = next(loader);
            assert_int_equal(batch.n_rows, BATCH);
            for (int k = 0; k < BATCH; k++) {
                const int i = find_image(s, ds, batch.x + k * 3 * SIDE * SIDE);
                assert_in_range(i, 0, N_IMAGES - 1);
                assert_false(seen[i]);
                assert_int_equal(batch.label[k], simclr_dataset_label(ds, i));
                seen[i] = true;
                order[epoch][step * BATCH + k] = i;
            }
        }
    }
    assert_memory_not_equal(order[0], order[1], sizeof order[0]);
    simclr_loader_free(loader);
    simclr_dataset_free(ds);
}

static void a_sequential_loader_shows_all_in_order_then_nothing(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const ds = open_synthetic(s);
    struct simclr_loader_options sequential = two_views;
    sequential.is_sequential = true;
    sequential.batch = 48;
    struct simclr_loader *const loader = start(s, ds, &sequential);
    assert_int_equal(simclr_loader_steps_per_epoch(loader), 3);
    int i = 0;
    for (;;) {
        const struct simclr_batch batch = next(loader);
        assert_int_equal(batch.n_rows, batch.n_images);
        if (batch.n_images == 0) break;
        for (int k = 0; k < batch.n_images; k++, i++)
            assert_int_equal(find_image(s, ds, batch.x + k * 3 * SIDE * SIDE), i);
    }
    assert_int_equal(i, N_IMAGES);
    assert_int_equal(next(loader).n_images, 0);
    simclr_loader_free(loader);
    simclr_dataset_free(ds);
}

static void rows_are_normalised_and_laid_out_as_asked(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const ds = open_synthetic(s);
    struct simclr_loader_options plain = two_views;
    plain.is_sequential = true;
    struct simclr_loader_options other = plain;
    other.is_nhwc = true;
    for (int c = 0; c < 3; c++) {
        other.mean[c] = 0.25f * (float)(c + 1);
        other.std[c] = 0.5f;
    }
    struct simclr_loader *const a = start(s, ds, &plain), *const b = start(s, ds, &other);
    const struct simclr_batch x = next(a), y = next(b);
    for (int i = 0; i < SIDE * SIDE; i++) {
        for (int c = 0; c < 3; c++) {
            const float expected = (x.x[c * SIDE * SIDE + i] - other.mean[c]) / 0.5f;
            assert_float_equal(y.x[3 * i + c], expected, 1e-6);
        }
    }
    simclr_loader_free(a);
    simclr_loader_free(b);
    simclr_dataset_free(ds);
}

static void a_batch_larger_than_the_data_is_refused(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const ds = open_synthetic(s);
    struct simclr_loader_options large = two_views;
    large.batch = N_IMAGES + 1;
    struct simclr_loader *loader;
    assert_int_equal(simclr_loader_new(&s->diag, ds, NULL, &large, &loader), SIMCLR_USAGE);
    assert_string_equal(
        s->message,
        "simclr: error: the data has 100 images, expected at least one batch of 101");
    large.batch = 0;
    assert_int_equal(simclr_loader_new(&s->diag, ds, NULL, &large, &loader), SIMCLR_USAGE);
    scratch_assert_message(s, "a batch of 0 images of 16 x 16 pixels in 2 views");
    simclr_dataset_free(ds);
}

// What a folder too large for memory is: its pixels are read when they are needed.
static struct simclr_dataset *open_files(struct scratch *s)
{
    struct simclr_dataset *ds;
    for (int i = 0; i < 8; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%d.jpg", i);
        (void)write_picture(s, name, 20 + i, 40 - i, i);
    }
    assert_int_equal(open_in(s, "folder:", "", SIMCLR_SPLIT_PRETRAIN, &ds), SIMCLR_OK);
    free(ds->pixels);
    ds->pixels = NULL;
    return ds;
}

static void files_give_the_same_batches_as_memory(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const files = open_files(s);
    struct simclr_dataset *memory;
    assert_int_equal(open_in(s, "folder:", "", SIMCLR_SPLIT_PRETRAIN, &memory), SIMCLR_OK);
    struct simclr_loader_options small = two_views;
    small.batch = 3;
    small.n_threads = 3;
    struct simclr_loader *const a = start(s, files, &small), *const b =
                                                                 start(s, memory, &small);
    for (int i = 0; i < 6; i++) {
        const struct simclr_batch x = next(a), y = next(b);
        assert_memory_equal(x.x, y.x, row_bytes(&x));
        assert_int_equal(x.label[0], -1);
    }
    simclr_loader_free(a);
    simclr_loader_free(b);
    simclr_dataset_free(files);
    simclr_dataset_free(memory);
}

static void a_file_that_goes_away_ends_the_run_with_its_name(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const ds = open_files(s);
    assert_int_equal(unlink(scratch_path(s, "5.jpg")), 0);
    struct simclr_loader_options small = two_views;
    small.batch = 8;
    struct simclr_loader *const loader = start(s, ds, &small);
    struct simclr_batch batch;
    assert_int_equal(simclr_loader_next(loader, &batch), SIMCLR_IO);
    assert_int_equal(simclr_loader_next(loader, &batch), SIMCLR_IO);
    assert_int_equal(s->n_messages, 1);
    scratch_assert_message(s, "5.jpg': No such file or directory");
    simclr_loader_free(loader);
    simclr_dataset_free(ds);
}

static void the_memory_is_counted(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const ds = open_synthetic(s);
    struct simclr_loader *const loader = start(s, ds, &two_views);
    const size_t rows = 2 * BATCH * 3 * SIDE * SIDE * sizeof(float);
    assert_true(simclr_loader_bytes(loader) >= 3 * rows);
    assert_true(simclr_loader_bytes(loader) < 4 * rows);
    simclr_loader_free(loader); // with batches nobody took
    simclr_loader_free(NULL);
    simclr_dataset_free(ds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(batches_do_not_depend_on_the_number_of_threads),
        SCRATCH_TEST(a_restart_goes_on_where_it_was),
        SCRATCH_TEST(neighbouring_rows_are_views_of_one_image),
        SCRATCH_TEST(an_epoch_shows_an_image_at_most_once_in_a_new_order),
        SCRATCH_TEST(a_sequential_loader_shows_all_in_order_then_nothing),
        SCRATCH_TEST(rows_are_normalised_and_laid_out_as_asked),
        SCRATCH_TEST(a_batch_larger_than_the_data_is_refused),
        SCRATCH_TEST(files_give_the_same_batches_as_memory),
        SCRATCH_TEST(a_file_that_goes_away_ends_the_run_with_its_name),
        SCRATCH_TEST(the_memory_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
