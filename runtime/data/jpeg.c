// SPDX-License-Identifier: Apache-2.0
//
// libjpeg reports errors by calling back; the way out of it is longjmp. Nothing
// of ours is allocated between setjmp and longjmp except `buffer`, which belongs
// to the caller.
#include "runtime/data/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf on_error;
    char *reason;
};

static void give_up(j_common_ptr jpeg)
{
    struct reader *const r = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    (void)snprintf(r->reason, SC_IMAGE_REASON, "%s", text);
    longjmp(r->on_error, 1);
}

// libjpeg only warns of missing or damaged data, and fills the rest with grey. We
// refuse that, but not oddities that cost no pixel.
static void hear(j_common_ptr jpeg, int level)
{
    if (level >= 0) return; // a trace message
    const int code = jpeg->err->msg_code;
    if (code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM)
        return;
    give_up(jpeg);
}

// Large photographs lose resolution in the decoder, which is faster than after it.
static void choose_scale(struct jpeg_decompress_struct *jpeg)
{
    enum { MIN_SIDE = 512, MAX_DENOMINATOR = 8 };
    const unsigned side =
        jpeg->image_width < jpeg->image_height ? jpeg->image_width : jpeg->image_height;
    jpeg->scale_num = 1;
    jpeg->scale_denom = 1;
    while (jpeg->scale_denom < MAX_DENOMINATOR &&
           side / (2 * jpeg->scale_denom) >= (unsigned)MIN_SIDE)
        jpeg->scale_denom *= 2;
}

static bool is_cmyk(const struct jpeg_decompress_struct *jpeg)
{
    return jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
}

// Adobe stores CMYK inverted: 255 is no ink.
static void cmyk_to_rgb(const uint8_t *cmyk, size_t n, uint8_t *rgb)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned k = cmyk[4 * i + 3];
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = (uint8_t)((cmyk[4 * i + c] * k + 127) / 255);
    }
}

static void read_rows(struct jpeg_decompress_struct *jpeg, uint8_t *out)
{
    const size_t width = jpeg->output_width;
    JSAMPARRAY four = NULL;
    if (is_cmyk(jpeg))
        four = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, (JDIMENSION)(4 * width),
                                       1);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *row = out + 3 * width * jpeg->output_scanline;
        (void)jpeg_read_scanlines(jpeg, four ? four : &row, 1);
        if (four) cmyk_to_rgb(four[0], width, row);
    }
}

static simclr_status decode(struct reader *r, const struct sc_map *file,
                            struct simclr_image_buffer *buffer, struct simclr_image *out)
{
    struct jpeg_decompress_struct *const jpeg = &r->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg_mem_src(jpeg, file->data, (unsigned long)file->size);
    (void)jpeg_read_header(jpeg, TRUE);
    if (!sc_image_size_is_sane(jpeg->image_height, jpeg->image_width, r->reason))
        return SIMCLR_BAD_INPUT;
    jpeg->out_color_space = is_cmyk(jpeg) ? JCS_CMYK : JCS_RGB;
    choose_scale(jpeg);
    jpeg_calc_output_dimensions(jpeg);
    *out = (struct simclr_image){.h = jpeg->output_height, .w = jpeg->output_width};
    if (!buffer) return SIMCLR_OK;
    if (!sc_image_buffer_reserve(buffer, (size_t)out->h * (size_t)out->w * 3)) {
        (void)snprintf(r->reason, SC_IMAGE_REASON, "out of memory");
        return SIMCLR_NO_MEMORY;
    }
    out->pixels = buffer->data;
    (void)jpeg_start_decompress(jpeg);
    read_rows(jpeg, buffer->data);
    (void)jpeg_finish_decompress(jpeg);
    return SIMCLR_OK;
}

// The only function that longjmp returns to; it has no variables to lose.
static simclr_status decode_or_give_up(struct reader *r, const struct sc_map *file,
                                       struct simclr_image_buffer *buffer,
                                       struct simclr_image *out)
{
    if (setjmp(r->on_error)) return SIMCLR_BAD_INPUT;
    return decode(r, file, buffer, out);
}

simclr_status sc_jpeg_decode(const struct sc_map *file, struct simclr_image_buffer *buffer,
                             struct simclr_image *out, char *reason)
{
    struct reader r;
    memset(&r, 0, sizeof r);
    r.reason = reason;
    r.jpeg.err = jpeg_std_error(&r.errors);
    r.errors.error_exit = give_up;
    r.errors.emit_message = hear;
    r.jpeg.client_data = &r;
    const simclr_status status = decode_or_give_up(&r, file, buffer, out);
    jpeg_destroy_decompress(&r.jpeg);
    return status;
}
