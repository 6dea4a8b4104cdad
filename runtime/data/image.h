// SPDX-License-Identifier: Apache-2.0
//
// JPEG and PNG files to RGB pixels. The format is told by the first bytes, not by
// the name. Greyscale is expanded, CMYK converted, transparency laid on white. A
// file that is cut off or damaged is an error, never a partly grey image.
#ifndef SC_DATA_IMAGE_H
#define SC_DATA_IMAGE_H

#include "runtime/base/file.h"

#include <simclr/data.h>

// Makes room for n bytes; what was there is lost. False if memory is exhausted.
bool sc_image_buffer_reserve(struct simclr_image_buffer *buffer, size_t n);

// The size that sc_image_read will give, from the header alone.
SC_MUST_USE simclr_status sc_image_probe(struct simclr_diag *diag, const char *path, int64_t *h,
                                         int64_t *w);
// Reads the file into `buffer`. BAD_INPUT, with a message that names the file, if it
// is damaged or neither JPEG nor PNG.
SC_MUST_USE simclr_status sc_image_read(struct simclr_diag *diag, const char *path,
                                        struct simclr_image_buffer *buffer,
                                        struct simclr_image *out);
// True if the name ends in .jpg, .jpeg or .png, in any case.
bool sc_image_has_known_name(const char *path);

// What the decoders have in common: with `buffer` NULL only the size is found.
// `text` gets the reason of a failure, at most SC_IMAGE_REASON bytes.
enum { SC_IMAGE_REASON = 256 };
SC_MUST_USE simclr_status sc_jpeg_decode(const struct sc_map *file,
                                         struct simclr_image_buffer *buffer,
                                         struct simclr_image *out, char *reason);
SC_MUST_USE simclr_status sc_png_decode(const struct sc_map *file,
                                        struct simclr_image_buffer *buffer,
                                        struct simclr_image *out, char *reason);
// False, with a reason, if an image of this size is empty or absurdly large.
bool sc_image_size_is_sane(int64_t h, int64_t w, char *reason);

#endif
