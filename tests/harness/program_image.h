// SPDX-License-Identifier: Apache-2.0
//
// A small program, built by hand as C structs that a test may bend before it is
// written as the bytes of a file.
#ifndef SC_HARNESS_PROGRAM_IMAGE_H
#define SC_HARNESS_PROGRAM_IMAGE_H

#include <simclr/program.h>

enum { PROGRAM_IMAGE_MAX = 8 };

struct program_image {
    struct simclr_meta meta;
    char strings[256];
    struct simclr_param params[PROGRAM_IMAGE_MAX];
    float initial[16];
    float constants[16];
    struct simclr_entry entries[PROGRAM_IMAGE_MAX];
    struct simclr_port ports[PROGRAM_IMAGE_MAX];
    struct simclr_value values[PROGRAM_IMAGE_MAX];
    struct simclr_instr instrs[PROGRAM_IMAGE_MAX];
    uint32_t operands[4 * PROGRAM_IMAGE_MAX];
    struct simclr_segment segments[PROGRAM_IMAGE_MAX];
    char bytes[16];
    uint64_t count[SIMCLR_N_SECTIONS]; // records in use
};

// The sample: parameters w (stored) and s (constant 0.5, a slot of w), both f32[4];
//     entry "run": y = (x + w) * c, one pointwise instruction, x f32[3,4], c a constant
//     entry "train": sgd on w and s with gradient g and rate lr; out: t = -x
void program_image_init(struct program_image *im);

// Adds a string and returns its offset.
uint32_t program_image_string(struct program_image *im, const char *text);

// The file's bytes, aligned to 64; the caller frees them.
uint8_t *program_image_write(const struct program_image *im, size_t *size);
// Makes the checksum of such bytes right again.
void program_image_seal(uint8_t *file, size_t size);

#endif
