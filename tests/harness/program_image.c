// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/program_image.h"

#include "runtime/base/checksum.h"

#include <stdlib.h>
#include <string.h>

uint32_t program_image_string(struct program_image *im, const char *text)
{
    const uint64_t at = im->count[SIMCLR_SECTION_strings];
    memcpy(im->strings + at, text, strlen(text) + 1);
    im->count[SIMCLR_SECTION_strings] += strlen(text) + 1;
    return (uint32_t)at;
}

static uint32_t add_value(struct program_image *im, const char *name, enum simclr_space space,
                          uint64_t offset, int32_t rank, int64_t rows, int64_t columns)
{
    const uint32_t i = (uint32_t)im->count[SIMCLR_SECTION_values]++;
    im->values[i] = (struct simclr_value){.name = program_image_string(im, name),
                                          .dtype = SIMCLR_f32,
                                          .space = space,
                                          .rank = rank,
                                          .dim = {rows, columns},
                                          .offset = offset};
    return i;
}

static void add_port(struct program_image *im, enum simclr_port_role role, uint32_t value)
{
    im->ports[im->count[SIMCLR_SECTION_ports]++] =
        (struct simclr_port){.name = im->values[value].name, .role = role, .value = value};
}

static struct simclr_instr *add_instr(struct program_image *im, enum simclr_op op,
                                      uint32_t n_in, uint32_t n_out, const uint32_t *operands)
{
    struct simclr_instr *const instr = &im->instrs[im->count[SIMCLR_SECTION_instrs]++];
    *instr = (struct simclr_instr){.op = op,
                                   .n_in = n_in,
                                   .n_out = n_out,
                                   .operands = (uint32_t)im->count[SIMCLR_SECTION_operands],
                                   .origin = program_image_string(im, "node"),
                                   .scratch_bytes = 32768};
    memcpy(im->operands + instr->operands, operands, (n_in + n_out) * sizeof *operands);
    im->count[SIMCLR_SECTION_operands] += n_in + n_out;
    return instr;
}

static void add_params(struct program_image *im)
{
    const struct simclr_param w = {.name = program_image_string(im, "w"),
                                   .dtype = SIMCLR_f32,
                                   .role = SIMCLR_ROLE_trainable,
                                   .init = SIMCLR_INIT_stored,
                                   .rank = 1,
                                   .dim = {4}};
    im->params[0] = im->params[1] = w;
    im->params[1].name = program_image_string(im, "s");
    im->params[1].role = SIMCLR_ROLE_slot;
    im->params[1].init = SIMCLR_INIT_constant;
    im->params[1].a = 0.5;
    im->params[1].offset = 64;
    im->count[SIMCLR_SECTION_params] = 2;
    for (int i = 0; i < 4; i++)
        im->initial[i] = (float)(i + 1);
    im->count[SIMCLR_SECTION_initial] = 16;
    im->constants[0] = 2;
    im->count[SIMCLR_SECTION_constants] = 64;
}

static void add_entry(struct program_image *im, const char *name, uint32_t first_input,
                      uint32_t n_inputs)
{
    const uint32_t i = (uint32_t)im->count[SIMCLR_SECTION_entries]++;
    im->entries[i] = (struct simclr_entry){.name = program_image_string(im, name),
                                           .first_instr = i,
                                           .n_instrs = 1,
                                           .first_input = first_input,
                                           .n_inputs = n_inputs,
                                           .first_output = first_input + n_inputs,
                                           .n_outputs = 1,
                                           .arena_bytes = 256};
}

void program_image_init(struct program_image *im)
{
    memset(im, 0, sizeof *im);
    (void)program_image_string(im, "");
    im->meta = (struct simclr_meta){.batch = 3,
                                    .rows = 3,
                                    .std = {1, 1, 1, 1},
                                    .persistent_bytes = 128,
                                    .arena_bytes = 256,
                                    .scratch_bytes = 32768};
    im->count[SIMCLR_SECTION_meta] = 1;
    add_params(im);
    const uint32_t x = add_value(im, "x", SIMCLR_SPACE_arena, 0, 2, 3, 4);
    const uint32_t w = add_value(im, "w", SIMCLR_SPACE_persistent, 0, 1, 4, 0);
    const uint32_t s = add_value(im, "s", SIMCLR_SPACE_persistent, 64, 1, 4, 0);
    const uint32_t c = add_value(im, "c", SIMCLR_SPACE_constant, 0, 0, 0, 0);
    const uint32_t y = add_value(im, "y", SIMCLR_SPACE_arena, 64, 2, 3, 4);
    const uint32_t g = add_value(im, "g", SIMCLR_SPACE_arena, 128, 1, 4, 0);
    const uint32_t lr = add_value(im, "lr", SIMCLR_SPACE_arena, 192, 0, 0, 0);
    const uint32_t run[] = {x, w, c, y}, train[] = {w, g, s, lr, w, s};
    struct simclr_instr *const instr = add_instr(im, SIMCLR_OP_pointwise, 3, 1, run);
    instr->attr.pointwise.code =
        (struct simclr_code){2, {{SIMCLR_OP_add, 0, 1}, {SIMCLR_OP_mul, 3, 2}}};
    add_instr(im, SIMCLR_OP_sgd, 4, 2, train)->attr.sgd.momentum = 0.5;
    add_port(im, SIMCLR_PORT_tensor, x);
    add_port(im, SIMCLR_PORT_tensor, y);
    add_port(im, SIMCLR_PORT_tensor, g);
    add_port(im, SIMCLR_PORT_lr, lr);
    add_port(im, SIMCLR_PORT_grad, w);
    add_entry(im, "run", 0, 1);
    add_entry(im, "train", 2, 2);
    im->segments[0] = (struct simclr_segment){.param = SIMCLR_SEGMENT_LITERAL, .size = 5};
    im->segments[1] = (struct simclr_segment){.param = 0, .size = 16};
    im->count[SIMCLR_SECTION_template] = 2;
    memcpy(im->bytes, "onnx", 5);
    im->count[SIMCLR_SECTION_bytes] = 5;
}

static size_t align_up(size_t n)
{
    return (n + SIMCLR_SCP_ALIGN - 1) / SIMCLR_SCP_ALIGN * SIMCLR_SCP_ALIGN;
}

uint8_t *program_image_write(const struct program_image *im, size_t *size)
{
    const struct {
        const void *data;
        uint32_t record_size;
    } sections[SIMCLR_N_SECTIONS] = {
        {&im->meta, sizeof im->meta},
        {im->strings, 1},
        {im->params, sizeof *im->params},
        {im->initial, 1},
        {im->constants, 1},
        {im->entries, sizeof *im->entries},
        {im->ports, sizeof *im->ports},
        {im->values, sizeof *im->values},
        {im->instrs, sizeof *im->instrs},
        {im->operands, sizeof *im->operands},
        {im->segments, sizeof *im->segments},
        {im->bytes, 1},
    };
    struct simclr_scp_header header = {SIMCLR_SCP_MAGIC, SIMCLR_SCP_VERSION, SIMCLR_N_SECTIONS,
                                       0, 0};
    struct simclr_scp_section table[SIMCLR_N_SECTIONS];
    size_t at = align_up(sizeof header + sizeof table);
    for (uint32_t i = 0; i < SIMCLR_N_SECTIONS; i++) {
        table[i] = (struct simclr_scp_section){i, sections[i].record_size, at, im->count[i]};
        at = align_up(at + sections[i].record_size * im->count[i]);
    }
    uint8_t *const file = aligned_alloc(SIMCLR_SCP_ALIGN, at);
    if (!file) abort();
    memset(file, 0, at);
    header.file_size = at;
    memcpy(file, &header, sizeof header);
    memcpy(file + sizeof header, table, sizeof table);
    for (uint32_t i = 0; i < SIMCLR_N_SECTIONS; i++)
        memcpy(file + table[i].offset, sections[i].data, table[i].record_size * table[i].count);
    program_image_seal(file, at);
    *size = at;
    return file;
}

void program_image_seal(uint8_t *file, size_t size)
{
    const size_t start = sizeof(struct simclr_scp_header);
    const uint64_t sum = sc_checksum(SC_CHECKSUM_START, file + start, size - start);
    memcpy(file + offsetof(struct simclr_scp_header, checksum), &sum, sizeof sum);
}
