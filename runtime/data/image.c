// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool sc_image_buffer_reserve(struct simclr_image_buffer *buffer, size_t n)
{
    if (n <= buffer->capacity) return true;
    simclr_image_buffer_deinit(buffer);
    buffer->data = malloc(n);
    buffer->capacity = buffer->data ? n : 0;
    return buffer->data != NULL;
}

void simclr_image_buffer_deinit(struct simclr_image_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct simclr_image_buffer){0};
}

bool sc_image_size_is_sane(int64_t h, int64_t w, char *reason)
{
    const int64_t max_pixels = (int64_t)1 << 27;
    if (h > 0 && w > 0 && h <= max_pixels / w) return true;
    (void)snprintf(reason, SC_IMAGE_REASON,
                   "%" PRId64 " x %" PRId64 " pixels, expected 1 to %" PRId64 " in all", w, h,
                   max_pixels);
    return false;
}

bool sc_image_has_known_name(const char *path)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png"};
    const char *const dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++) {
        if (strcasecmp(dot, endings[i]) == 0) return true;
    }
    return false;
}

static simclr_status decode(const struct sc_map *file, struct simclr_image_buffer *buffer,
                            struct simclr_image *out, char *reason)
{
    static const uint8_t jpeg_magic[3] = {0xff, 0xd8, 0xff};
    static const uint8_t png_magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (file->size >= sizeof jpeg_magic &&
        memcmp(file->data, jpeg_magic, sizeof jpeg_magic) == 0)
        return sc_jpeg_decode(file, buffer, out, reason);
    if (file->size >= sizeof png_magic && memcmp(file->data, png_magic, sizeof png_magic) == 0)
        return sc_png_decode(file, buffer, out, reason);
    (void)snprintf(reason, SC_IMAGE_REASON, "neither JPEG nor PNG");
    return SIMCLR_BAD_INPUT;
}

static simclr_status map_and_decode(struct simclr_diag *diag, const char *path,
                                    struct simclr_image_buffer *buffer,
                                    struct simclr_image *out)
{
    struct sc_map file;
    SC_TRY(sc_map_open(diag, path, &file));
    char reason[SC_IMAGE_REASON] = "";
    const simclr_status status = decode(&file, buffer, out, reason);
    sc_map_close(&file);
    if (status != SIMCLR_OK)
        return sc_fail(diag, status, path, "cannot decode the image: %s", reason);
    return SIMCLR_OK;
}

simclr_status sc_image_probe(struct simclr_diag *diag, const char *path, int64_t *h, int64_t *w)
{
    struct simclr_image image;
    SC_TRY(map_and_decode(diag, path, NULL, &image));
    *h = image.h;
    *w = image.w;
    return SIMCLR_OK;
}

simclr_status sc_image_read(struct simclr_diag *diag, const char *path,
                            struct simclr_image_buffer *buffer, struct simclr_image *out)
{
    return map_and_decode(diag, path, buffer, out);
}
