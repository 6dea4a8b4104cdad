// SPDX-License-Identifier: Apache-2.0
//
// A program file: what the reader and the device accept runs, whatever it computes.
// The checksum, which finds damage and not malice, is made right first.
#include "tests/fuzz/input.h"

#include "runtime/base/checksum.h"
#include "runtime/core/program.h"

#include <stdlib.h>
#include <string.h>

// A legal program may want any amount of memory and of time; these are left alone.
enum { MAX_BYTES = 1 << 20, MAX_INSTRS = 1000 };

static bool is_small(const struct simclr_sections *s)
{
    const struct simclr_meta *const m = s->meta;
    return m->persistent_bytes < MAX_BYTES && m->arena_bytes < MAX_BYTES &&
           m->scratch_bytes < MAX_BYTES && s->n_instrs < MAX_INSTRS;
}

static void run_entries(const struct simclr_program *p, struct simclr_diag *diag)
{
    const struct simclr_session_options options = {.n_threads = 1};
    const struct simclr_sections *const s = simclr_program_sections(p);
    struct simclr_session *session;
    if (simclr_session_new(p, &options, diag, &session) != SIMCLR_OK) return;
    simclr_session_initialize(session);
    for (uint64_t e = 0; e < s->n_entries; e++) {
        const struct simclr_entry *const entry = &s->entries[e];
        for (uint32_t i = 0; i < entry->n_inputs; i++) {
            const struct simclr_tensor t =
                simclr_session_port(session, &s->ports[entry->first_input + i]);
            const size_t n = (size_t)simclr_shape_count(&t.shape);
            if (n > 0) memset(t.data, 1, n * simclr_dtype_size(t.dtype));
        }
        (void)simclr_session_run(session, entry);
    }
    simclr_session_free(session);
}

static void try_program(const uint8_t *file, size_t size)
{
    struct simclr_diag diag = fuzz_quiet_diag();
    struct simclr_program *p;
    if (sc_program_from_memory(file, size, "fuzz.scp", &diag, &p) != SIMCLR_OK) return;
    if (is_small(simclr_program_sections(p))) run_entries(p, &diag);
    simclr_program_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t padded = (size + SIMCLR_SCP_ALIGN - 1) / SIMCLR_SCP_ALIGN * SIMCLR_SCP_ALIGN;
    struct simclr_scp_header header;
    uint8_t *const file = aligned_alloc(SIMCLR_SCP_ALIGN, padded + SIMCLR_SCP_ALIGN);
    if (!file) abort();
    if (size > 0) memcpy(file, data, size);
    if (size >= sizeof header) {
        memcpy(&header, file, sizeof header);
        header.file_size = size;
        header.checksum =
            sc_checksum(SC_CHECKSUM_START, file + sizeof header, size - sizeof header);
        memcpy(file, &header, sizeof header);
    }
    try_program(file, size);
    free(file);
    return 0;
}
