// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/scratch.h"

#include <simclr/data.h>

#include <math.h>

enum { BINS = 8, N_BINS = BINS * BINS * BINS, K = 20 };

static struct simclr_dataset *open_split(struct scratch *s, const char *spec,
                                         enum simclr_split split, int n_threads)
{
    struct simclr_dataset *ds;
    assert_int_equal(simclr_dataset_open(&s->diag, spec, split, n_threads, &ds), SIMCLR_OK);
    return ds;
}

static const uint8_t *pixels_of(struct scratch *s, const struct simclr_dataset *ds, int64_t i)
{
    struct simclr_image image;
    assert_int_equal(simclr_dataset_fetch(ds, &s->diag, i, NULL, &image), SIMCLR_OK);
    return image.pixels;
}

static void the_same_parameters_give_the_same_bytes(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const a = open_split(s, "synthetic:n=200", SIMCLR_SPLIT_TRAIN, 1);
    struct simclr_dataset *const b = open_split(s, "synthetic:n=200", SIMCLR_SPLIT_TRAIN, 3);
    struct simclr_dataset *const c =
        open_split(s, "synthetic:n=200,seed=1", SIMCLR_SPLIT_TRAIN, 3);
    struct simclr_dataset *const d = open_split(s, "synthetic:test=200", SIMCLR_SPLIT_TEST, 3);
    const size_t n = 200 * 3 * 32 * 32;
    assert_memory_equal(pixels_of(s, a, 0), pixels_of(s, b, 0), n);
    assert_memory_not_equal(pixels_of(s, a, 0), pixels_of(s, c, 0), n);
    assert_memory_not_equal(pixels_of(s, a, 0), pixels_of(s, d, 0), n);
    simclr_dataset_free(a);
    simclr_dataset_free(b);
    simclr_dataset_free(c);
    simclr_dataset_free(d);
}

// More images are the same images and more.
static void a_larger_set_begins_like_a_smaller_one(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const a = open_split(s, "synthetic:n=20", SIMCLR_SPLIT_TRAIN, 1);
    struct simclr_dataset *const b = open_split(s, "synthetic:n=40", SIMCLR_SPLIT_TRAIN, 1);
    assert_memory_equal(pixels_of(s, a, 0), pixels_of(s, b, 0), 20 * 3 * 32 * 32);
    simclr_dataset_free(a);
    simclr_dataset_free(b);
}

static void classes_have_names_and_equal_shares(void **state)
{
    struct scratch *const s = *state;
    struct simclr_dataset *const ds =
        open_split(s, "synthetic:n=240,classes=24", SIMCLR_SPLIT_TRAIN, 1);
    int count[24] = {0};
    assert_int_equal(simclr_dataset_n_classes(ds), 24);
    for (int64_t i = 0; i < 240; i++)
        count[simclr_dataset_label(ds, i)]++;
    for (int64_t k = 0; k < 24; k++) {
        assert_int_equal(count[k], 10);
        for (int64_t j = 0; j < k; j++)
            assert_string_not_equal(simclr_dataset_class_name(ds, k),
                                    simclr_dataset_class_name(ds, j));
    }
    simclr_dataset_free(ds);
}

static void count_colours(const uint8_t *pixels, float *bin)
{
    memset(bin, 0, N_BINS * sizeof *bin);
    for (int i = 0; i < 32 * 32; i++) {
        int at = 0;
        for (int c = 0; c < 3; c++)
            at = at * BINS + pixels[3 * i + c] * BINS / 256;
        bin[at] += 1.0f / (32 * 32);
    }
}

// The label most frequent among the K training histograms that overlap most.
static int64_t vote(const struct simclr_dataset *train, const float *bins, int64_t n,
                    const float *query)
{
    float best[K];
    int64_t label[K];
    int n_best = 0;
    for (int64_t i = 0; i < n; i++) {
        float overlap = 0;
        for (int b = 0; b < N_BINS; b++)
            overlap += fminf(bins[i * N_BINS + b], query[b]);
        int at = n_best < K ? n_best++ : K;
        for (; at > 0 && best[at - 1] < overlap; at--) {
            if (at < K) {
                best[at] = best[at - 1];
                label[at] = label[at - 1];
            }
        }
        if (at < K) {
            best[at] = overlap;
            label[at] = simclr_dataset_label(train, i);
        }
    }
    int count[24] = {0}, winner = 0;
    for (int i = 0; i < n_best; i++)
        count[label[i]]++;
    for (int k = 1; k < 24; k++)
        winner = count[k] > count[winner] ? k : winner;
    return winner;
}

static void colours_do_not_tell_the_class(void **state)
{
    struct scratch *const s = *state;
    enum { N_TRAIN = 1200, N_TEST = 600 };
    struct simclr_dataset *const train =
        open_split(s, "synthetic:n=1200", SIMCLR_SPLIT_TRAIN, 2);
    struct simclr_dataset *const test =
        open_split(s, "synthetic:test=600", SIMCLR_SPLIT_TEST, 2);
    float *const bins = malloc((size_t)N_TRAIN * N_BINS * sizeof *bins);
    assert_non_null(bins);
    for (int64_t i = 0; i < N_TRAIN; i++)
        count_colours(pixels_of(s, train, i), bins + i * N_BINS);
    int n_right = 0;
    for (int64_t i = 0; i < N_TEST; i++) {
        float query[N_BINS];
        count_colours(pixels_of(s, test, i), query);
        n_right += vote(train, bins, N_TRAIN, query) == simclr_dataset_label(test, i);
    }
    const double accuracy = (double)n_right / N_TEST, chance = 1.0 / 12;
    print_message("colour histograms, kNN: %.1f %%, chance %.1f %%\n", 100 * accuracy,
                  100 * chance);
    assert_true(accuracy < chance + 0.10);
    free(bins);
    simclr_dataset_free(train);
    simclr_dataset_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(the_same_parameters_give_the_same_bytes),
        SCRATCH_TEST(a_larger_set_begins_like_a_smaller_one),
        SCRATCH_TEST(classes_have_names_and_equal_shares),
        SCRATCH_TEST(colours_do_not_tell_the_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
