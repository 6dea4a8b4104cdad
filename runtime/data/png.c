// SPDX-License-Identifier: Apache-2.0
//
// PNG by libpng's simplified interface, which reports into a struct.
#include "runtime/data/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

static simclr_status read_pixels(png_image *png, struct simclr_image_buffer *buffer,
                                 struct simclr_image *out, char *reason)
{
    const png_color white = {255, 255, 255};
    if (!sc_image_buffer_reserve(buffer, (size_t)out->h * (size_t)out->w * 3)) {
        (void)snprintf(reason, SC_IMAGE_REASON, "out of memory");
        return SIMCLR_NO_MEMORY;
    }
    out->pixels = buffer->data;
    if (png_image_finish_read(png, &white, buffer->data, 0, NULL)) return SIMCLR_OK;
    (void)snprintf(reason, SC_IMAGE_REASON, "%s", png->message);
    return SIMCLR_BAD_INPUT;
}

simclr_status sc_png_decode(const struct sc_map *file, struct simclr_image_buffer *buffer,
                            struct simclr_image *out, char *reason)
{
    png_image png;
    memset(&png, 0, sizeof png);
    png.version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_memory(&png, file->data, file->size)) {
        (void)snprintf(reason, SC_IMAGE_REASON, "%s", png.message);
        return SIMCLR_BAD_INPUT;
    }
    png.format = PNG_FORMAT_RGB;
    *out = (struct simclr_image){.h = png.height, .w = png.width};
    simclr_status status = SIMCLR_OK;
    if (!sc_image_size_is_sane(out->h, out->w, reason))
        status = SIMCLR_BAD_INPUT;
    else if (buffer)
        status = read_pixels(&png, buffer, out, reason);
    png_image_free(&png);
    return status;
}

simclr_status simclr_png_write(struct simclr_diag *diag, const char *path,
                               const struct simclr_image *image)
{
    png_image png;
    memset(&png, 0, sizeof png);
    png.version = PNG_IMAGE_VERSION;
    png.format = PNG_FORMAT_RGB;
    png.width = (png_uint_32)image->w;
    png.height = (png_uint_32)image->h;
    png_alloc_size_t size = 0;
    void *bytes = NULL;
    if (png_image_write_to_memory(&png, NULL, &size, 0, image->pixels, 0, NULL))
        bytes = malloc(size);
    if (!bytes || !png_image_write_to_memory(&png, bytes, &size, 0, image->pixels, 0, NULL)) {
        free(bytes);
        return sc_fail(diag, SIMCLR_NO_MEMORY, path, "cannot encode the image: %s",
                       png.message[0] ? png.message : "out of memory");
    }
    struct sc_writer *w;
    simclr_status status = sc_writer_open(diag, path, &w);
    if (status == SIMCLR_OK) {
        sc_writer_put(w, bytes, size);
        status = sc_writer_commit(w);
    }
    free(bytes);
    return status;
}
