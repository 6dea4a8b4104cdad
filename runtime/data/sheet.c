// SPDX-License-Identifier: Apache-2.0
//
// A contact sheet: what the encoder will see, for people.
#include "runtime/base/checked.h"
#include "runtime/base/diag.h"

#include <simclr/data.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2 };

struct sheet {
    int64_t h, w; // of a tile
    int64_t n_across, n_down;
    struct simclr_image image;
    uint8_t *pixels; // those of image
    float *view;
};

static bool sheet_init(struct sheet *sheet)
{
    const struct simclr_shape shape = {.rank = 3,
                                       .dim = {sheet->n_down * (sheet->h + GAP) + GAP,
                                               sheet->n_across * (sheet->w + GAP) + GAP, 3}};
    size_t n_bytes;
    if (!sc_checked_nbytes(SIMCLR_u8, &shape, &n_bytes)) return false;
    sheet->pixels = malloc(n_bytes);
    sheet->view = malloc((size_t)(3 * sheet->h * sheet->w) * sizeof *sheet->view);
    if (!sheet->pixels || !sheet->view) return false;
    memset(sheet->pixels, 255, n_bytes);
    sheet->image =
        (struct simclr_image){.h = shape.dim[0], .w = shape.dim[1], .pixels = sheet->pixels};
    return true;
}

// Copies the view to its place.
static void put_tile(const struct sheet *sheet, int64_t down, int64_t across)
{
    const int64_t top = down * (sheet->h + GAP) + GAP, left = across * (sheet->w + GAP) + GAP;
    const int64_t plane = sheet->h * sheet->w;
    for (int64_t y = 0; y < sheet->h; y++) {
        uint8_t *const row = sheet->pixels + 3 * ((top + y) * sheet->image.w + left);
        for (int64_t x = 0; x < sheet->w; x++) {
            for (int64_t c = 0; c < 3; c++)
                row[3 * x + c] =
                    (uint8_t)(sheet->view[c * plane + y * sheet->w + x] * 255.0f + 0.5f);
        }
    }
}

static simclr_status draw_row(struct simclr_diag *diag, const struct simclr_dataset *dataset,
                              const struct simclr_augment *augment, uint64_t seed, int64_t i,
                              struct simclr_image_buffer *buffer, const struct sheet *sheet)
{
    const struct simclr_augment none = {0};
    struct simclr_image image;
    SC_TRY(simclr_dataset_fetch(dataset, diag, i, buffer, &image));
    for (int64_t k = 0; k < sheet->n_across; k++) {
        const struct simclr_view_key key = {
            .seed = seed, .image = (uint32_t)i, .view = k > 0 ? (uint32_t)(k - 1) : 0};
        const simclr_status status = simclr_augment_apply(
            k == 0 ? &none : augment, &image, &key, sheet->h, sheet->w, sheet->view);
        if (status != SIMCLR_OK) return sc_fail(diag, status, NULL, "out of memory for a view");
        put_tile(sheet, i, k);
    }
    return SIMCLR_OK;
}

simclr_status simclr_augment_sheet(struct simclr_diag *diag,
                                   const struct simclr_dataset *dataset,
                                   const struct simclr_augment *augment, uint64_t seed,
                                   int64_t n_images, int64_t n_views, int64_t h, int64_t w,
                                   const char *path)
{
    enum { MAX_TILES = 1 << 16, MAX_SIDE = 1 << 14 };
    const int64_t n_there = simclr_dataset_n_images(dataset);
    if (n_images < 1 || n_views < 0 || n_images > MAX_TILES || n_views >= MAX_TILES || h < 1 ||
        w < 1 || h > MAX_SIDE || w > MAX_SIDE)
        return sc_fail(diag, SIMCLR_USAGE, NULL,
                       "a sheet of %" PRId64 " images in %" PRId64 " views of %" PRId64
                       " x %" PRId64 " pixels, expected 1 to %d tiles of 1 to %d",
                       n_images, n_views, w, h, (int)MAX_TILES, (int)MAX_SIDE);
    struct sheet sheet = {.h = h,
                          .w = w,
                          .n_across = n_views + 1,
                          .n_down = n_images < n_there ? n_images : n_there};
    struct simclr_image_buffer buffer = {0};
    simclr_status status = SIMCLR_OK;
    if (!sheet_init(&sheet))
        status = sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory for '%s'", path);
    for (int64_t i = 0; status == SIMCLR_OK && i < sheet.n_down; i++)
        status = draw_row(diag, dataset, augment, seed, i, &buffer, &sheet);
    if (status == SIMCLR_OK) status = simclr_png_write(diag, path, &sheet.image);
    simclr_image_buffer_deinit(&buffer);
    free(sheet.pixels);
    free(sheet.view);
    return status;
}
