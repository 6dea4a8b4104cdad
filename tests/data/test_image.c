// SPDX-License-Identifier: Apache-2.0
#include "tests/data/pictures.h"

#include "runtime/data/image.h"

#include <png.h>

enum { H = 24, W = 40 };

static simclr_status read_image(struct scratch *s, const char *path,
                                struct simclr_image_buffer *buffer, struct simclr_image *out)
{
    s->diag.n_errors = 0;
    return sc_image_read(&s->diag, path, buffer, out);
}

static void a_jpeg_is_read_up_to_its_compression(void **state)
{
    struct scratch *const s = *state;
    uint8_t pixels[3 * H * W];
    fill_picture(pixels, H, W, 3, 1);
    struct simclr_image_buffer buffer = {0};
    struct simclr_image image;
    const char *const path = write_jpeg(s, "a.jpg", pixels, H, W, 3);
    assert_int_equal(read_image(s, path, &buffer, &image), SIMCLR_OK);
    assert_int_equal(image.h, H);
    assert_int_equal(image.w, W);
    double error = 0;
    for (int i = 0; i < 3 * H * W; i++)
        error += abs(image.pixels[i] - pixels[i]);
    assert_true(error / (3 * H * W) < 8); // 4:2:0 smears the colour at the jumps
    simclr_image_buffer_deinit(&buffer);
}

static void greyscale_becomes_three_equal_channels(void **state)
{
    struct scratch *const s = *state;
    uint8_t pixels[H * W];
    fill_picture(pixels, H, W, 1, 2);
    struct simclr_image_buffer buffer = {0};
    struct simclr_image image;
    const char *const path = write_jpeg(s, "grey.jpg", pixels, H, W, 1);
    assert_int_equal(read_image(s, path, &buffer, &image), SIMCLR_OK);
    for (int i = 0; i < H * W; i++) {
        assert_int_equal(image.pixels[3 * i], image.pixels[3 * i + 1]);
        assert_int_equal(image.pixels[3 * i], image.pixels[3 * i + 2]);
        assert_in_range(image.pixels[3 * i] + 12 - pixels[i], 0, 24);
    }
    simclr_image_buffer_deinit(&buffer);
}

static void a_large_photograph_is_halved_while_it_is_decoded(void **state)
{
    struct scratch *const s = *state;
    static const int side[][2] = {{1023, 1023}, {1024, 512}, {2048, 512}, {8192, 1024}};
    for (size_t i = 0; i < sizeof side / sizeof *side; i++) {
        const char *const path = write_picture(s, "big.jpg", side[i][0], side[i][0] + 8, 1);
        int64_t h, w;
        assert_int_equal(sc_image_probe(&s->diag, path, &h, &w), SIMCLR_OK);
        assert_int_equal(h, side[i][1]);
        if (i > 1) continue; // decoding takes its time
        struct simclr_image_buffer buffer = {0};
        struct simclr_image image;
        assert_int_equal(read_image(s, path, &buffer, &image), SIMCLR_OK);
        assert_int_equal(image.h, h);
        assert_int_equal(image.w, w);
        simclr_image_buffer_deinit(&buffer);
    }
}

static void a_png_is_read_exactly(void **state)
{
    struct scratch *const s = *state;
    uint8_t pixels[3 * H * W];
    fill_picture(pixels, H, W, 3, 3);
    const struct simclr_image source = {.h = H, .w = W, .pixels = pixels};
    const char *const path = scratch_path(s, "a.png");
    assert_int_equal(simclr_png_write(&s->diag, path, &source), SIMCLR_OK);
    struct simclr_image_buffer buffer = {0};
    struct simclr_image image;
    assert_int_equal(read_image(s, path, &buffer, &image), SIMCLR_OK);
    assert_int_equal(image.h, H);
    assert_int_equal(image.w, W);
    assert_memory_equal(image.pixels, pixels, sizeof pixels);
    simclr_image_buffer_deinit(&buffer);
}

static void transparency_lies_on_white(void **state)
{
    struct scratch *const s = *state;
    const uint8_t rgba[2 * 4] = {10, 20, 30, 255, 10, 20, 30, 0};
    png_image png;
    memset(&png, 0, sizeof png);
    png.version = PNG_IMAGE_VERSION;
    png.format = PNG_FORMAT_RGBA;
    png.width = 2;
    png.height = 1;
    const char *const path = scratch_path(s, "alpha.png");
    assert_true(png_image_write_to_file(&png, path, 0, rgba, 0, NULL));
    struct simclr_image_buffer buffer = {0};
    struct simclr_image image;
    assert_int_equal(read_image(s, path, &buffer, &image), SIMCLR_OK);
    const uint8_t expected[6] = {10, 20, 30, 255, 255, 255};
    assert_memory_equal(image.pixels, expected, sizeof expected);
    simclr_image_buffer_deinit(&buffer);
}

static void other_files_are_refused_by_name(void **state)
{
    struct scratch *const s = *state;
    struct simclr_image_buffer buffer = {0};
    struct simclr_image image;
    const char *const path = scratch_write(s, "text.jpg", "hello, world", 12);
    assert_int_equal(read_image(s, path, &buffer, &image), SIMCLR_BAD_INPUT);
    scratch_assert_message(s, "text.jpg: error: cannot decode the image: neither JPEG nor PNG");
    assert_int_equal(read_image(s, scratch_write(s, "empty.png", "", 0), &buffer, &image),
                     SIMCLR_BAD_INPUT);
    scratch_assert_message(s, "empty.png: error: cannot decode");
    simclr_image_buffer_deinit(&buffer);
}

// Cut after `n` of its bytes, a file must be refused, at whatever place.
static void check_cuts(struct scratch *s, const char *path, size_t step)
{
    struct sc_map map;
    struct simclr_image_buffer buffer = {0};
    struct simclr_image image;
    assert_int_equal(sc_map_open(&s->diag, path, &map), SIMCLR_OK);
    for (size_t n = 0; n + 16 < map.size; n += step) {
        const char *const cut = scratch_write(s, "cut", map.data, n);
        assert_int_equal(read_image(s, cut, &buffer, &image), SIMCLR_BAD_INPUT);
        scratch_assert_message(s, "cut: error: cannot decode the image: ");
    }
    sc_map_close(&map);
    simclr_image_buffer_deinit(&buffer);
}

static void a_cut_off_file_is_refused_at_every_length(void **state)
{
    struct scratch *const s = *state;
    char jpeg[128], png[128];
    uint8_t pixels[3 * H * W];
    fill_picture(pixels, H, W, 3, 3);
    const struct simclr_image source = {.h = H, .w = W, .pixels = pixels};
    (void)snprintf(jpeg, sizeof jpeg, "%s", write_picture(s, "a.jpg", H, W, 1));
    (void)snprintf(png, sizeof png, "%s", scratch_path(s, "a.png"));
    assert_int_equal(simclr_png_write(&s->diag, png, &source), SIMCLR_OK);
    check_cuts(s, jpeg, 7);
    check_cuts(s, png, 7);
}

// Bytes overwritten by a fixed sequence: refused or decoded, never a crash.
static void a_damaged_file_does_no_harm(void **state)
{
    struct scratch *const s = *state;
    struct sc_map map;
    assert_int_equal(sc_map_open(&s->diag, write_picture(s, "a.jpg", H, W, 1), &map),
                     SIMCLR_OK);
    uint8_t *const bytes = malloc(map.size);
    assert_non_null(bytes);
    struct simclr_image_buffer buffer = {0};
    uint32_t random = 1;
    for (int i = 0; i < 300; i++) {
        memcpy(bytes, map.data, map.size);
        for (int k = 0; k < 4; k++) {
            random = random * 1664525u + 1013904223u;
            bytes[random % map.size] = (uint8_t)(random >> 24);
        }
        struct simclr_image image;
        const char *const path = scratch_write(s, "bad.jpg", bytes, map.size);
        const simclr_status status = read_image(s, path, &buffer, &image);
        assert_true(status == SIMCLR_OK || status == SIMCLR_BAD_INPUT);
    }
    free(bytes);
    sc_map_close(&map);
    simclr_image_buffer_deinit(&buffer);
}

static void names_are_known_in_any_case(void **state)
{
    (void)state;
    assert_true(sc_image_has_known_name("a/b.JPEG"));
    assert_true(sc_image_has_known_name("b.png"));
    assert_false(sc_image_has_known_name("b.txt"));
    assert_false(sc_image_has_known_name("jpg"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_jpeg_is_read_up_to_its_compression),
        SCRATCH_TEST(greyscale_becomes_three_equal_channels),
        SCRATCH_TEST(a_large_photograph_is_halved_while_it_is_decoded),
        SCRATCH_TEST(a_png_is_read_exactly),
        SCRATCH_TEST(transparency_lies_on_white),
        SCRATCH_TEST(other_files_are_refused_by_name),
        SCRATCH_TEST(a_cut_off_file_is_refused_at_every_length),
        SCRATCH_TEST(a_damaged_file_does_no_harm),
        SCRATCH_TEST(names_are_known_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
