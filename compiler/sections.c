// SPDX-License-Identifier: Apache-2.0
//
// The file of a program: header, table of sections, sections. It is gone through
// twice, first for the checksum, which stands at its head.
#include "compiler/sections.h"

#include "runtime/base/checksum.h"
#include "runtime/base/file.h"

struct sink {
    struct sc_writer *file; // NULL while only the checksum is computed
    uint64_t sum, offset;
};

static void put(struct sink *s, const void *data, uint64_t n)
{
    static const uint8_t zeros[SIMCLR_SCP_ALIGN];
    const uint64_t pad = sc_section_align(s->offset + n) - (s->offset + n);
    s->sum = sc_checksum(s->sum, data, n); // counts a short last word as zero-padded
    s->sum = sc_checksum(s->sum, zeros, pad / 8 * 8);
    if (s->file) {
        sc_writer_put(s->file, data, n);
        sc_writer_put(s->file, zeros, pad);
    }
    s->offset += n + pad;
}

static uint64_t section_bytes(const struct sc_section *s)
{
    uint64_t total = 0;
    for (uint64_t i = 0; i < s->n_pieces; i++)
        total += sc_section_align(s->piece_size[i]);
    return total;
}

static void put_all(struct sink *to, const struct simclr_scp_section *table,
                    const struct sc_section *sections)
{
    put(to, table, SIMCLR_N_SECTIONS * sizeof *table);
    for (size_t i = 0; i < SIMCLR_N_SECTIONS; i++) {
        for (uint64_t k = 0; k < sections[i].n_pieces; k++)
            put(to, sections[i].piece[k], sections[i].piece_size[k]);
    }
}

simclr_status sc_sections_write(struct simclr_diag *diag, const char *path,
                                const struct sc_section *sections)
{
    // Header and table share the first aligned block: both are multiples of 32.
    _Static_assert((sizeof(struct simclr_scp_header) +
                    SIMCLR_N_SECTIONS * sizeof(struct simclr_scp_section)) %
                           SIMCLR_SCP_ALIGN ==
                       0,
                   "sections start aligned");
    struct simclr_scp_section table[SIMCLR_N_SECTIONS];
    uint64_t offset = sizeof(struct simclr_scp_header) + sizeof table;
    for (uint32_t i = 0; i < SIMCLR_N_SECTIONS; i++) {
        table[i] = (struct simclr_scp_section){
            .kind = i,
            .record_size = sections[i].record_size,
            .offset = offset,
            .count = sections[i].count,
        };
        offset += section_bytes(&sections[i]);
    }
    struct sink sum = {.sum = SC_CHECKSUM_START, .offset = sizeof(struct simclr_scp_header)};
    put_all(&sum, table, sections);
    const struct simclr_scp_header header = {
        .magic = SIMCLR_SCP_MAGIC,
        .version = SIMCLR_SCP_VERSION,
        .n_sections = SIMCLR_N_SECTIONS,
        .file_size = offset,
        .checksum = sum.sum,
    };
    struct sink out = sum;
    out.offset = sizeof header;
    SC_TRY(sc_writer_open(diag, path, &out.file));
    sc_writer_put(out.file, &header, sizeof header);
    put_all(&out, table, sections);
    return sc_writer_commit(out.file);
}
