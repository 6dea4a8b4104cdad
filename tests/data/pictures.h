// SPDX-License-Identifier: Apache-2.0
//
// Files for the tests of data: images made on the spot, and the real ones that
// SIMCLR_TEST_DATA points at.
#ifndef SC_TESTS_DATA_PICTURES_H
#define SC_TESTS_DATA_PICTURES_H

#include "tests/harness/scratch.h"

#include <simclr/data.h>

#include <jpeglib.h>

// A smooth picture, different for each `seed`, so that JPEG changes it little.
static inline void fill_picture(uint8_t *pixels, int h, int w, int n_channels, int seed)
{
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            for (int c = 0; c < n_channels; c++)
                pixels[(y * w + x) * n_channels + c] =
                    (uint8_t)((40 * seed + 3 * x + 2 * y + 60 * c) % 200 + 20);
        }
    }
}

// A JPEG of quality 95 with 1 or 3 channels.
static inline const char *write_jpeg(struct scratch *s, const char *name, const uint8_t *pixels,
                                     int h, int w, int n_channels)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    const char *const path = scratch_path(s, name);
    FILE *const f = fopen(path, "wb");
    assert_non_null(f);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, f);
    jpeg.image_width = (JDIMENSION)w;
    jpeg.image_height = (JDIMENSION)h;
    jpeg.input_components = n_channels;
    jpeg.in_color_space = n_channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + (size_t)jpeg.next_scanline *
                                                          (size_t)(w * n_channels));
        (void)jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    assert_int_equal(fclose(f), 0);
    return path;
}

// A picture of its own for `seed`, h x w.
static inline const char *write_picture(struct scratch *s, const char *name, int h, int w,
                                        int seed)
{
    uint8_t *const pixels = malloc((size_t)(3 * h * w));
    assert_non_null(pixels);
    fill_picture(pixels, h, w, 3, seed);
    const char *const path = write_jpeg(s, name, pixels, h, w, 3);
    free(pixels);
    return path;
}

static inline void make_dir(struct scratch *s, const char *name)
{
    assert_int_equal(sc_make_dirs(&s->diag, scratch_path(s, name)), SIMCLR_OK);
}

// Opens `kind` + a path in the scratch folder.
static inline simclr_status open_in(struct scratch *s, const char *kind, const char *name,
                                    enum simclr_split split, struct simclr_dataset **out)
{
    char spec[256];
    (void)snprintf(spec, sizeof spec, "%s%s", kind, scratch_path(s, name));
    return simclr_dataset_open(&s->diag, spec, split, 2, out);
}

// A path below SIMCLR_TEST_DATA; false, after saying so, if it is not there.
static inline bool real_data(const char *name, char *path, size_t size)
{
    const char *const root = getenv("SIMCLR_TEST_DATA");
    (void)snprintf(path, size, "%s/%s", root ? root : "$SIMCLR_TEST_DATA", name);
    if (root && sc_path_is_dir(path)) return true;
    print_message("skipped: no folder '%s'\n", path);
    return false;
}

#endif
