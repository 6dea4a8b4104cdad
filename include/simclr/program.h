// SPDX-License-Identifier: Apache-2.0
//
// The program: what the compiler hands to the runtime, in memory and as a .scp
// file. The file is a header, a section table and the sections, all little-
// endian, each section aligned to 64 bytes; the records below are stored as
// they stand, so a reader checks them and uses the mapping in place.
//
// One program has one persistent region (parameters, optimizer state, BN
// statistics; shared by all entries, in canonical layout), one constant region,
// and several entries, each a straight list of instructions over values. An
// entry's transient values live in one arena, whose size is the largest entry's.
#ifndef SIMCLR_PROGRAM_H
#define SIMCLR_PROGRAM_H

#include <simclr/attrs.h>

#define SIMCLR_SCP_MAGIC "SIMCLRP"
enum { SIMCLR_SCP_VERSION = 1, SIMCLR_SCP_ALIGN = 64 };

// Sections. Each appears exactly once; an empty one has count 0.
enum simclr_section {
    SIMCLR_SECTION_meta,      // one struct simclr_meta
    SIMCLR_SECTION_strings,   // NUL-terminated, UTF-8; offset 0 is the empty string
    SIMCLR_SECTION_params,    // struct simclr_param
    SIMCLR_SECTION_initial,   // bytes of initial values that are stored, not described
    SIMCLR_SECTION_constants, // bytes of constants
    SIMCLR_SECTION_entries,   // struct simclr_entry
    SIMCLR_SECTION_ports,     // struct simclr_port: inputs and outputs of entries
    SIMCLR_SECTION_values,    // struct simclr_value
    SIMCLR_SECTION_instrs,    // struct simclr_instr
    SIMCLR_SECTION_operands,  // uint32: value indices of instructions, inputs then outputs
    SIMCLR_SECTION_template,  // struct simclr_segment: the exported encoder, piece by piece
    SIMCLR_SECTION_bytes,     // the literal bytes of the template
    SIMCLR_N_SECTIONS
};

struct simclr_scp_header {
    char magic[8];
    uint32_t version;
    uint32_t n_sections;
    uint64_t file_size;
    uint64_t checksum; // sc_checksum (runtime/base/checksum.h) of all that follows this struct
};

struct simclr_scp_section {
    uint32_t kind; // enum simclr_section, in order
    uint32_t record_size;
    uint64_t offset; // from the start of the file, a multiple of SIMCLR_SCP_ALIGN
    uint64_t count;  // records
};

// What the program is about. Strings are offsets into the string section.
struct simclr_meta {
    uint32_t compiler; // "simclrc 0.1.0"
    uint32_t encoder;  // name of the encoder: a file or one of ours
    uint32_t head;
    uint32_t loss;
    uint32_t optimizer; // as on the command line, all keys written out
    uint32_t two_views; // 1: rows = 2 * batch, views interleaved; 0: supervised, rows = batch
    uint32_t halves;    // 1: the model takes all first views, then all second views
    uint32_t is_nt_xent;
    int64_t batch; // images per step
    int64_t rows;  // rows the encoder sees per step
    int64_t channels, height, width;
    int64_t n_classes; // of a supervised loss; 0 if unknown or none
    int64_t h_dim, z_dim;
    double temperature;    // of NT-Xent; 0 if none
    float mean[4], std[4]; // pixel normalisation: (x - mean) / std with x in [0, 1]
    uint64_t seed;         // of the initial weights
    uint64_t persistent_bytes;
    uint64_t arena_bytes;   // the largest entry's
    uint64_t scratch_bytes; // the largest per-thread scratch of an instruction
};

enum simclr_role {
    SIMCLR_ROLE_trainable, // updated by the optimizer
    SIMCLR_ROLE_frozen,    // a parameter nobody updates
    SIMCLR_ROLE_statistic, // BN running mean or variance
    SIMCLR_ROLE_slot       // optimizer state of the parameter `of`
};

// How a parameter starts. normal(a = mean, b = deviation) and uniform(a = low,
// b = high) draw element i as number i of the stream (seed, fnv1a(name), 0):
// see runtime/base/rng.h; constant(a); stored: bytes of the initial section.
enum simclr_init {
    SIMCLR_INIT_constant,
    SIMCLR_INIT_normal,
    SIMCLR_INIT_uniform,
    SIMCLR_INIT_stored
};

struct simclr_param {
    uint32_t name;
    uint32_t dtype;
    uint32_t role;
    uint32_t init;
    double a, b;
    uint64_t stored_offset; // in the initial section
    uint64_t offset;        // in the persistent region, a multiple of 64
    uint32_t of;            // index of the parameter a slot belongs to; else its own
    uint32_t part;          // SIMCLR_PART_encoder or _head
    uint32_t excluded;      // 1: BN or bias, excluded from decay and adaptation
    int32_t rank;
    int64_t dim[SIMCLR_MAX_RANK];
};
enum simclr_part { SIMCLR_PART_encoder, SIMCLR_PART_head };

enum simclr_space { SIMCLR_SPACE_arena, SIMCLR_SPACE_persistent, SIMCLR_SPACE_constant };

struct simclr_value {
    uint32_t name; // for messages and traces
    uint32_t dtype;
    uint32_t space;
    int32_t rank;
    int64_t dim[SIMCLR_MAX_RANK];
    uint64_t offset; // within its space, a multiple of 64
};

// One call of one kernel. `kernel`, `tile` and the two byte counts are fixed by
// the compiler's select-kernels pass from shapes alone (see its head for what
// they mean per operation) and obeyed by the backend.
struct simclr_instr {
    uint32_t op; // enum simclr_op
    uint32_t n_in, n_out;
    uint32_t operands; // index into the operand section
    uint32_t kernel;
    uint32_t origin; // string: where the instruction came from
    int64_t tile;
    uint64_t scratch_bytes;    // per thread
    uint64_t workspace_offset; // shared, in the arena
    uint64_t workspace_bytes;
    union simclr_attr attr;
};

// What a port is for: the runtime finds ports by role, users by name.
enum simclr_port_role {
    SIMCLR_PORT_tensor,     // an input or output of the user's model, by its name
    SIMCLR_PORT_images,     // input f32[rows, C, H, W], normalised pixels
    SIMCLR_PORT_labels,     // input i64[rows]
    SIMCLR_PORT_lr,         // input f32[]
    SIMCLR_PORT_step,       // input i64[], 1 for the first step
    SIMCLR_PORT_loss,       // output f32[]
    SIMCLR_PORT_metrics,    // output f32[2]: contrastive accuracy, entropy
    SIMCLR_PORT_embedding,  // output f32[rows, h_dim]: h
    SIMCLR_PORT_projection, // output f32[rows, z_dim]: z
    SIMCLR_PORT_grad        // output: gradient of the parameter of the same name
};

struct simclr_port {
    uint32_t name;
    uint32_t role;
    uint32_t value; // index into the value section
    uint32_t param; // of a grad: the parameter's index
};

// Entries: "train" (forward, backward, update; in: images, [labels], lr, step;
// out: loss, [metrics]), "grad" (the same without update, gradients as outputs),
// "embed" (images to h, BN in inference form), "project" (images to z), "recalibrate"
// (forward in training form, running statistics updated; for untrained encoders). Or,
// of a model compiled without training, "run" alone: ports of role tensor, by the
// model's names and in its order; meta has neither batch nor rows then.
struct simclr_entry {
    uint32_t name;
    uint32_t reserved;
    uint32_t first_instr, n_instrs;
    uint32_t first_input, n_inputs; // ports
    uint32_t first_output, n_outputs;
    uint64_t arena_bytes;
};

// The encoder to export is the concatenation of all segments.
#define SIMCLR_SEGMENT_LITERAL UINT32_MAX
struct simclr_segment {
    uint32_t param; // index, or SIMCLR_SEGMENT_LITERAL
    uint32_t reserved;
    uint64_t offset; // of a literal, in the bytes section
    uint64_t size;   // bytes
};

// A program in memory; every pointer borrows from the mapping or from the
// compiler's arena. Filled by sc_program_open (runtime/core/program.h) after all checks.
struct simclr_sections {
    const struct simclr_meta *meta;
    const char *strings;
    uint64_t n_strings; // bytes
    const struct simclr_param *params;
    uint64_t n_params;
    const uint8_t *initial;
    uint64_t n_initial;
    const uint8_t *constants;
    uint64_t n_constants;
    const struct simclr_entry *entries;
    uint64_t n_entries;
    const struct simclr_port *ports;
    uint64_t n_ports;
    const struct simclr_value *values;
    uint64_t n_values;
    const struct simclr_instr *instrs;
    uint64_t n_instrs;
    const uint32_t *operands;
    uint64_t n_operands;
    const struct simclr_segment *segments;
    uint64_t n_segments;
    const uint8_t *bytes;
    uint64_t n_bytes;
};

#endif
