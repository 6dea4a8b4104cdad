// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/scratch.h"

#include "runtime/data/augment.h"

#include <math.h>

enum { SIDE = 32, N_PIXELS = SIDE * SIDE, N_DRAWS = 20000 };

static const float default_crop[4] = {0.08f, 1, 3.0f / 4, 4.0f / 3};

static struct simclr_augment parse(struct scratch *s, const char *spec)
{
    struct simclr_augment a;
    assert_int_equal(simclr_augment_parse(&s->diag, spec, &a), SIMCLR_OK);
    return a;
}

static void presets_are_lists_of_operations(void **state)
{
    struct scratch *const s = *state;
    const struct simclr_augment imagenet = parse(s, "simclr-imagenet");
    const struct simclr_augment cifar = parse(s, "simclr-cifar");
    assert_int_equal(imagenet.n_ops, 5);
    assert_int_equal(imagenet.op[4].kind, SC_AUGMENT_BLUR);
    assert_int_equal(cifar.n_ops, 4);
    assert_int_equal(cifar.op[2].kind, SC_AUGMENT_JITTER);
    assert_true(cifar.op[2].param[SC_JITTER_S] == 0.5f);
    assert_true(imagenet.op[2].param[SC_JITTER_S] == 1.0f);
    assert_int_equal(parse(s, "none").n_ops, 0);
}

static void lists_are_read_with_defaults(void **state)
{
    struct scratch *const s = *state;
    const struct simclr_augment a = parse(s, " crop(0.2) , flip, jitter(p=0.3, hue=0.1) ");
    assert_int_equal(a.n_ops, 3);
    assert_true(a.op[0].param[SC_CROP_AREA_MIN] == 0.2f);
    assert_true(a.op[0].param[SC_CROP_AREA_MAX] == 1.0f);
    assert_true(a.op[1].param[SC_FLIP_P] == 0.5f);
    assert_true(a.op[2].param[SC_JITTER_P] == 0.3f);
    assert_true(a.op[2].param[SC_JITTER_HUE] == 0.1f);
    assert_true(a.op[2].param[SC_JITTER_BRIGHTNESS] == 0.8f);
}

static void each_mistake_has_its_message(void **state)
{
    struct scratch *const s = *state;
    static const struct {
        const char *spec, *message;
    } cases[] = {
        {"rotate(30)", "augmentation 'rotate' is not known, expected none, simclr-imagenet, "
                       "simclr-cifar or a list of crop, flip, jitter, gray, blur"},
        {"", "augmentation '' is not known"},
        {"flip,", "augmentation '' is not known"},
        {"flip(2)", "augmentation 'flip': p is 2, expected 0 to 1"},
        {"flip(0.5", "augmentation 'flip' has no closing parenthesis"},
        {"flip gray", "augmentation: found 'gray', expected a comma or the end"},
        {"flip,crop", "augmentation 'crop' is number 2, expected to be the first"},
        {"crop(0.5,0.1)",
         "augmentation 'crop': area_min is 0.5, expected at most area_max, 0.1"},
        {"blur(sigma_min=3)",
         "augmentation 'blur': sigma_min is 3, expected at most sigma_max, 2"},
        {"flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip",
         "more augmentations than expected, at most 16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct simclr_augment a;
        s->diag.n_errors = 0;
        assert_int_equal(simclr_augment_parse(&s->diag, cases[i].spec, &a), SIMCLR_USAGE);
        scratch_assert_message(s, cases[i].message);
    }
}

// On a large image nearly every first try fits that is not close to the whole:
// areas below a half are uniform, ratios uniform in the logarithm.
static void crops_have_the_stated_distribution(void **state)
{
    (void)state;
    const float param[4] = {0.1f, 0.5f, 3.0f / 4, 4.0f / 3};
    const int64_t h = 1000, w = 1000;
    double area = 0, area2 = 0, log_ratio = 0, log_ratio2 = 0, centre = 0;
    for (uint32_t i = 0; i < N_DRAWS; i++) {
        struct sc_rng rng;
        sc_rng_init(&rng, 1, i, 0);
        const struct sc_box box = sc_draw_crop(param, h, w, &rng);
        assert_true(box.y >= 0 && box.x >= 0 && box.y + box.h <= h && box.x + box.w <= w);
        const double a = (double)(box.h * box.w) / (double)(h * w);
        const double r = log((double)box.w / (double)box.h);
        area += a / N_DRAWS;
        area2 += a * a / N_DRAWS;
        log_ratio += r / N_DRAWS;
        log_ratio2 += r * r / N_DRAWS;
        centre += ((double)box.x + 0.5 * (double)box.w) / (double)w / N_DRAWS;
    }
    // U(0.1, 0.5): mean 0.3, variance 0.16 / 12; four standard errors of each.
    const double range = 2 * log(4.0 / 3);
    assert_true(fabs(area - 0.3) < 4 * sqrt(0.16 / 12 / N_DRAWS) + 1e-4);
    assert_true(fabs(area2 - area * area - 0.16 / 12) < 0.0005);
    assert_true(fabs(log_ratio) < 4 * sqrt(range * range / 12 / N_DRAWS));
    assert_true(fabs(log_ratio2 - range * range / 12) < 0.001);
    assert_true(fabs(centre - 0.5) < 0.01);
}

static void a_crop_that_never_fits_is_the_centre(void **state)
{
    (void)state;
    const float whole[4] = {1, 1, 3.0f / 4, 4.0f / 3};
    struct sc_rng rng;
    sc_rng_init(&rng, 1, 0, 0);
    const struct sc_box wide = sc_draw_crop(whole, 30, 300, &rng);
    assert_int_equal(wide.h, 30);
    assert_int_equal(wide.w, 40);
    assert_int_equal(wide.x, 130);
    const struct sc_box tall = sc_draw_crop(whole, 300, 30, &rng);
    assert_int_equal(tall.h, 40);
    assert_int_equal(tall.w, 30);
    assert_int_equal(tall.y, 130);
}

static void crops_of_the_smallest_images_stay_inside(void **state)
{
    (void)state;
    for (int64_t side = 1; side < 6; side++) {
        for (uint32_t i = 0; i < 200; i++) {
            struct sc_rng rng;
            sc_rng_init(&rng, 1, i, 0);
            const struct sc_box box = sc_draw_crop(default_crop, side, 6 - side, &rng);
            assert_true(box.h >= 1 && box.w >= 1 && box.y >= 0 && box.x >= 0);
            assert_true(box.y + box.h <= side && box.x + box.w <= 6 - side);
        }
    }
}

static void jitter_draws_every_order_and_stays_in_range(void **state)
{
    (void)state;
    const float param[6] = {0.5f, 1, 0.8f, 0.8f, 0.8f, 0.2f};
    int first[4] = {0};
    double mean[4] = {0};
    for (uint32_t i = 0; i < N_DRAWS; i++) {
        struct sc_rng rng;
        sc_rng_init(&rng, 2, i, 0);
        const struct sc_jitter j = sc_draw_jitter(param, &rng);
        int seen = 0;
        for (int k = 0; k < 4; k++) {
            seen |= 1 << j.order[k];
            mean[k] += (double)j.factor[k] / N_DRAWS;
        }
        assert_int_equal(seen, 15);
        first[j.order[0]]++;
        for (int k = 0; k < 3; k++)
            assert_true(j.factor[k] >= 0.6f && j.factor[k] <= 1.4f);
        assert_true(fabsf(j.factor[3]) <= 0.1f);
    }
    for (int k = 0; k < 4; k++) {
        assert_in_range(first[k], N_DRAWS / 4 - 250, N_DRAWS / 4 + 250);
        assert_true(fabs(mean[k] - (k < 3)) < 4 * sqrt(0.64 / 12 / N_DRAWS));
    }
}

static void evaluation_sees_the_centre(void **state)
{
    (void)state;
    static const struct {
        int64_t h, w, target;
        struct sc_box box;
    } cases[] = {
        {32, 32, 32, {0, 0, 32, 32}},
        {256, 256, 224, {16, 16, 224, 224}},
        {100, 200, 32, {6, 56, 88, 88}},
        {24, 40, 32, {0, 8, 24, 24}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct sc_box box =
            sc_centre_box(cases[i].h, cases[i].w, cases[i].target, cases[i].target);
        assert_memory_equal(&box, &cases[i].box, sizeof box);
    }
}

static void fill_image(uint8_t *pixels)
{
    struct sc_rng rng;
    sc_rng_init(&rng, 5, 0, 0);
    for (int i = 0; i < 3 * N_PIXELS; i++)
        pixels[i] = (uint8_t)sc_rng_u32(&rng);
}

static void a_view_depends_on_every_part_of_its_key_and_on_nothing_else(void **state)
{
    struct scratch *const s = *state;
    uint8_t pixels[3 * N_PIXELS];
    fill_image(pixels);
    const struct simclr_image image = {.h = SIDE, .w = SIDE, .pixels = pixels};
    const struct simclr_augment a = parse(s, "simclr-imagenet");
    static const struct simclr_view_key keys[] = {
        {1, 2, 3, 0}, {1, 2, 3, 1}, {1, 2, 4, 0}, {1, 3, 3, 0}, {2, 2, 3, 0}};
    float first[3 * N_PIXELS], again[3 * N_PIXELS], other[3 * N_PIXELS];
    assert_int_equal(simclr_augment_apply(&a, &image, &keys[0], SIDE, SIDE, first), SIMCLR_OK);
    for (size_t i = 1; i < sizeof keys / sizeof *keys; i++) {
        assert_int_equal(simclr_augment_apply(&a, &image, &keys[i], SIDE, SIDE, other),
                         SIMCLR_OK);
        assert_memory_not_equal(first, other, sizeof first);
    }
    assert_int_equal(simclr_augment_apply(&a, &image, &keys[0], SIDE, SIDE, again), SIMCLR_OK);
    assert_memory_equal(first, again, sizeof first);
}

static void no_augmentation_gives_the_image_itself(void **state)
{
    (void)state;
    uint8_t pixels[3 * N_PIXELS];
    float out[3 * N_PIXELS];
    fill_image(pixels);
    const struct simclr_image image = {.h = SIDE, .w = SIDE, .pixels = pixels};
    const struct simclr_augment none = {0};
    const struct simclr_view_key key = {0};
    assert_int_equal(simclr_augment_apply(&none, &image, &key, SIDE, SIDE, out), SIMCLR_OK);
    for (int i = 0; i < N_PIXELS; i++) {
        for (int c = 0; c < 3; c++)
            assert_true(fabsf(out[c * N_PIXELS + i] - (float)pixels[3 * i + c] / 255) < 1e-6f);
    }
}

// With probability p an operation changes the picture: counted over many views.
static void operations_happen_as_often_as_asked(void **state)
{
    struct scratch *const s = *state;
    static const struct {
        const char *spec;
        double p;
    } cases[] = {{"flip(0.5)", 0.5}, {"jitter(p=0.8)", 0.8}, {"gray(0.2)", 0.2},
                 {"blur(0.5)", 0.5}, {"flip(0)", 0},         {"gray(1)", 1}};
    enum { VIEWS = 2000 };
    uint8_t pixels[3 * N_PIXELS];
    fill_image(pixels);
    const struct simclr_image image = {.h = SIDE, .w = SIDE, .pixels = pixels};
    const struct simclr_augment none = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct simclr_augment a = parse(s, cases[i].spec);
        int n_changed = 0;
        for (uint32_t view = 0; view < VIEWS; view++) {
            const struct simclr_view_key key = {.seed = 1, .image = view};
            float plain[3 * N_PIXELS], changed[3 * N_PIXELS];
            (void)simclr_augment_apply(&none, &image, &key, SIDE, SIDE, plain);
            (void)simclr_augment_apply(&a, &image, &key, SIDE, SIDE, changed);
            n_changed += memcmp(plain, changed, sizeof plain) != 0;
        }
        const double p = cases[i].p;
        assert_true(fabs(n_changed - VIEWS * p) <= 4 * sqrt(VIEWS * p * (1 - p)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(presets_are_lists_of_operations),
        SCRATCH_TEST(lists_are_read_with_defaults),
        SCRATCH_TEST(each_mistake_has_its_message),
        SCRATCH_TEST(crops_have_the_stated_distribution),
        SCRATCH_TEST(a_crop_that_never_fits_is_the_centre),
        SCRATCH_TEST(crops_of_the_smallest_images_stay_inside),
        SCRATCH_TEST(jitter_draws_every_order_and_stays_in_range),
        SCRATCH_TEST(evaluation_sees_the_centre),
        SCRATCH_TEST(a_view_depends_on_every_part_of_its_key_and_on_nothing_else),
        SCRATCH_TEST(no_augmentation_gives_the_image_itself),
        SCRATCH_TEST(operations_happen_as_often_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
