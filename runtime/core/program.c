// SPDX-License-Identifier: Apache-2.0
//
// Reading a program: the header, then the section table, then the checksum, then
// (program_check.c) the records. Nothing is copied; the sections point into the
// bytes.
#include "runtime/core/program.h"

#include "runtime/base/checked.h"
#include "runtime/base/checksum.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t record_size;
} layout[SIMCLR_N_SECTIONS] = {
    [SIMCLR_SECTION_meta] = {"meta", sizeof(struct simclr_meta)},
    [SIMCLR_SECTION_strings] = {"strings", 1},
    [SIMCLR_SECTION_params] = {"params", sizeof(struct simclr_param)},
    [SIMCLR_SECTION_initial] = {"initial", 1},
    [SIMCLR_SECTION_constants] = {"constants", 1},
    [SIMCLR_SECTION_entries] = {"entries", sizeof(struct simclr_entry)},
    [SIMCLR_SECTION_ports] = {"ports", sizeof(struct simclr_port)},
    [SIMCLR_SECTION_values] = {"values", sizeof(struct simclr_value)},
    [SIMCLR_SECTION_instrs] = {"instrs", sizeof(struct simclr_instr)},
    [SIMCLR_SECTION_operands] = {"operands", sizeof(uint32_t)},
    [SIMCLR_SECTION_template] = {"template", sizeof(struct simclr_segment)},
    [SIMCLR_SECTION_bytes] = {"bytes", 1},
};

// The bytes being read, and where messages about them go.
struct reader {
    const uint8_t *data;
    size_t size;
    const char *path;
    struct simclr_diag *diag;
};

#define BAD(r, ...) sc_fail((r)->diag, SIMCLR_BAD_INPUT, (r)->path, __VA_ARGS__)

enum {
    TABLE_SIZE = SIMCLR_N_SECTIONS * sizeof(struct simclr_scp_section),
    TABLE_END = sizeof(struct simclr_scp_header) + TABLE_SIZE
};

static simclr_status check_header(const struct reader *r)
{
    struct simclr_scp_header h;
    if (r->size < TABLE_END || memcmp(r->data, SIMCLR_SCP_MAGIC, sizeof h.magic) != 0)
        return BAD(r, "not a program file, or cut short within its header");
    memcpy(&h, r->data, sizeof h);
    if (h.version != SIMCLR_SCP_VERSION)
        return BAD(r, "program format is version %" PRIu32 ", expected %d", h.version,
                   (int)SIMCLR_SCP_VERSION);
    if (h.n_sections != SIMCLR_N_SECTIONS)
        return BAD(r, "program has %" PRIu32 " sections, expected %d", h.n_sections,
                   (int)SIMCLR_N_SECTIONS);
    if (h.file_size != r->size)
        return BAD(r, "file has %zu bytes, expected %" PRIu64 " as its header says", r->size,
                   h.file_size);
    const uint64_t sum = sc_checksum(SC_CHECKSUM_START, r->data + sizeof h, r->size - sizeof h);
    if (h.checksum != sum)
        return BAD(r,
                   "checksum is %016" PRIx64 ", expected %016" PRIx64 "; the file is damaged",
                   sum, h.checksum);
    return SIMCLR_OK;
}

// Section `i` of the table; it must start behind `end`, where the one before ends.
static simclr_status check_section(const struct reader *r, uint32_t i,
                                   const struct simclr_scp_section *section, uint64_t *end)
{
    const char *const name = layout[i].name;
    uint64_t bytes;
    if (section->kind != i)
        return BAD(r, "section %" PRIu32 " is of kind %" PRIu32 ", expected '%s'", i,
                   section->kind, name);
    if (section->record_size != layout[i].record_size)
        return BAD(r, "section '%s' has records of %" PRIu32 " bytes, expected %" PRIu32, name,
                   section->record_size, layout[i].record_size);
    if (section->offset % SIMCLR_SCP_ALIGN != 0 || section->offset < *end)
        return BAD(r,
                   "section '%s' is at byte %" PRIu64
                   ", expected a multiple of %d from %" PRIu64 " on",
                   name, section->offset, (int)SIMCLR_SCP_ALIGN, *end);
    if (__builtin_mul_overflow(section->count, section->record_size, &bytes) ||
        !sc_range_within(section->offset, bytes, r->size))
        return BAD(r,
                   "section '%s' has %" PRIu64 " records from byte %" PRIu64
                   " on, expected to end within the %zu bytes of the file",
                   name, section->count, section->offset, r->size);
    if (section->count > UINT32_MAX && section->record_size > 1)
        return BAD(r, "section '%s' has %" PRIu64 " records, expected at most %" PRIu32, name,
                   section->count, UINT32_MAX);
    *end = section->offset + bytes;
    return SIMCLR_OK;
}

static void assign(const struct reader *r, const struct simclr_scp_section *table,
                   struct simclr_sections *s)
{
#define SECTION(kind) (const void *)(r->data + table[SIMCLR_SECTION_##kind].offset)
#define COUNT(kind)   table[SIMCLR_SECTION_##kind].count
    *s = (struct simclr_sections){
        .meta = SECTION(meta),
        .strings = SECTION(strings),
        .n_strings = COUNT(strings),
        .params = SECTION(params),
        .n_params = COUNT(params),
        .initial = SECTION(initial),
        .n_initial = COUNT(initial),
        .constants = SECTION(constants),
        .n_constants = COUNT(constants),
        .entries = SECTION(entries),
        .n_entries = COUNT(entries),
        .ports = SECTION(ports),
        .n_ports = COUNT(ports),
        .values = SECTION(values),
        .n_values = COUNT(values),
        .instrs = SECTION(instrs),
        .n_instrs = COUNT(instrs),
        .operands = SECTION(operands),
        .n_operands = COUNT(operands),
        .segments = SECTION(template),
        .n_segments = COUNT(template),
        .bytes = SECTION(bytes),
        .n_bytes = COUNT(bytes),
    };
#undef SECTION
#undef COUNT
}

static simclr_status read_sections(const struct reader *r, struct simclr_sections *s)
{
    SC_TRY(check_header(r));
    struct simclr_scp_section table[SIMCLR_N_SECTIONS];
    memcpy(table, r->data + sizeof(struct simclr_scp_header), sizeof table);
    uint64_t end = TABLE_END;
    for (uint32_t i = 0; i < SIMCLR_N_SECTIONS; i++)
        SC_TRY(check_section(r, i, &table[i], &end));
    if (table[SIMCLR_SECTION_meta].count != 1)
        return BAD(r, "section 'meta' has %" PRIu64 " records, expected 1",
                   table[SIMCLR_SECTION_meta].count);
    assign(r, table, s);
    return sc_program_check(s, r->path, r->diag);
}

simclr_status sc_program_from_memory(const void *data, size_t size, const char *path,
                                     struct simclr_diag *diag, struct simclr_program **out)
{
    *out = NULL;
    const struct reader r = {data, size, path, diag};
    struct simclr_sections sections;
    SC_TRY(read_sections(&r, &sections));
    struct simclr_program *const program = calloc(1, sizeof *program);
    char *const name = program ? strdup(path) : NULL;
    if (!name) {
        free(program);
        return sc_fail(diag, SIMCLR_NO_MEMORY, path, "out of memory");
    }
    *program = (struct simclr_program){.path = name, .sections = sections};
    *out = program;
    return SIMCLR_OK;
}

simclr_status simclr_program_open(const char *path, struct simclr_diag *diag,
                                  struct simclr_program **out)
{
    *out = NULL;
    struct sc_map map;
    SC_TRY(sc_map_open(diag, path, &map));
    const simclr_status status = sc_program_from_memory(map.data, map.size, path, diag, out);
    if (status == SIMCLR_OK)
        (*out)->map = map;
    else
        sc_map_close(&map);
    return status;
}

void simclr_program_free(struct simclr_program *program)
{
    if (!program) return;
    if (program->map.data) sc_map_close(&program->map);
    free(program->path);
    free(program);
}

const struct simclr_sections *simclr_program_sections(const struct simclr_program *program)
{
    return &program->sections;
}

const char *simclr_program_string(const struct simclr_program *program, uint32_t offset)
{
    return program->sections.strings + offset;
}

const struct simclr_entry *simclr_program_entry(const struct simclr_program *program,
                                                const char *name)
{
    const struct simclr_sections *const s = &program->sections;
    for (uint64_t i = 0; i < s->n_entries; i++) {
        if (strcmp(s->strings + s->entries[i].name, name) == 0) return &s->entries[i];
    }
    return NULL;
}

static const struct simclr_port *find_port(const struct simclr_sections *s, uint32_t first,
                                           uint32_t n, enum simclr_port_role role)
{
    for (uint32_t i = first; i < first + n; i++) {
        if (s->ports[i].role == (uint32_t)role) return &s->ports[i];
    }
    return NULL;
}

const struct simclr_port *simclr_entry_port(const struct simclr_program *program,
                                            const struct simclr_entry *entry,
                                            enum simclr_port_role role)
{
    const struct simclr_sections *const s = &program->sections;
    const struct simclr_port *const input =
        find_port(s, entry->first_input, entry->n_inputs, role);
    return input ? input : find_port(s, entry->first_output, entry->n_outputs, role);
}

static struct simclr_shape shape(int32_t rank, const int64_t *dim)
{
    struct simclr_shape result = {.rank = rank};
    memcpy(result.dim, dim, sizeof result.dim);
    return result;
}

struct simclr_shape sc_value_shape(const struct simclr_value *v)
{
    return shape(v->rank, v->dim);
}

struct simclr_shape sc_param_shape(const struct simclr_param *p)
{
    return shape(p->rank, p->dim);
}

uint64_t sc_value_bytes(const struct simclr_value *v)
{
    const struct simclr_shape s = sc_value_shape(v);
    return (uint64_t)simclr_shape_count(&s) * simclr_dtype_size((simclr_dtype)v->dtype);
}

uint64_t sc_param_bytes(const struct simclr_param *p)
{
    const struct simclr_shape s = sc_param_shape(p);
    return (uint64_t)simclr_shape_count(&s) * simclr_dtype_size((simclr_dtype)p->dtype);
}
