// SPDX-License-Identifier: Apache-2.0
//
// The sections of a program as lists of pieces, and the file made of them.
#ifndef SC_SECTIONS_H
#define SC_SECTIONS_H

#include <simclr/program.h>

#include "runtime/base/diag.h"

// Pieces are padded to SIMCLR_SCP_ALIGN each: one piece for records, many for data
// that stays where it is.
struct sc_section {
    uint32_t record_size;
    uint64_t count; // records; bytes if record_size is 1
    const void *const *piece;
    const uint64_t *piece_size;
    uint64_t n_pieces;
};

// The size of a piece in the file.
static inline uint64_t sc_section_align(uint64_t n)
{
    return (n + SIMCLR_SCP_ALIGN - 1) / SIMCLR_SCP_ALIGN * SIMCLR_SCP_ALIGN;
}

// Writes `path`, whole or not at all; `sections` has SIMCLR_N_SECTIONS of them.
SC_MUST_USE simclr_status sc_sections_write(struct simclr_diag *diag, const char *path,
                                            const struct sc_section *sections);

#endif
