// SPDX-License-Identifier: Apache-2.0
//
// The reader of programs refuses whatever is not one, with a message that names the
// file and what is wrong in it. Each row of the tables below bends one field.
#include "tests/harness/program_image.h"
#include "tests/harness/scratch.h"

#include "runtime/core/program.h"

#include <math.h>

// Opens bytes as program "p.scp"; what was said is in the scratch.
static simclr_status open_bytes(struct scratch *s, const uint8_t *file, size_t size)
{
    struct simclr_program *program;
    s->n_messages = s->diag.n_errors = 0;
    s->message[0] = 0;
    const simclr_status status =
        sc_program_from_memory(file, size, "p.scp", &s->diag, &program);
    assert_true((program != NULL) == (status == SIMCLR_OK));
    simclr_program_free(program);
    return status;
}

static void assert_refused(struct scratch *s, const uint8_t *file, size_t size,
                           const char *message)
{
    if (open_bytes(s, file, size) != SIMCLR_BAD_INPUT)
        fail_msg("accepted, expected '%s'", message);
    assert_int_equal(s->n_messages, 1);
    if (strncmp(s->message, message, strlen(message)) != 0)
        fail_msg("message '%s', expected '%s'", s->message, message);
}

static void the_sample_is_a_program(void **state)
{
    struct scratch *const s = *state;
    struct program_image im;
    size_t size;
    program_image_init(&im);
    uint8_t *const file = program_image_write(&im, &size);
    if (open_bytes(s, file, size) != SIMCLR_OK) fail_msg("%s", s->message);
    free(file);
}

// ---- fields of records ----

struct bent {
    size_t offset, size; // of the field in struct program_image
    uint64_t value;
    const char *message; // its beginning, behind "p.scp: error: "
};

#define BEND(field, value, message)                                                            \
    {                                                                                          \
        offsetof(struct program_image, field), sizeof(((struct program_image *)NULL)->field),  \
            value, message                                                                     \
    }

static const uint64_t nan_bits = UINT64_C(0x7ff8000000000000);

static const struct bent bent[] = {
    BEND(meta.loss, 4000, "meta record 0 ('') has loss 4000, expected less than 40"),
    BEND(meta.two_views, 2, "meta record 0 ('') has two_views 2, expected less than 2"),
    BEND(meta.z_dim, UINT64_MAX, "meta record 0 ('') has z_dim -1, expected 0 to 2147483647"),
    BEND(meta.rows, 5, "meta record 0 ('') has 5 rows, expected 3"),
    BEND(meta.temperature, nan_bits,
         "meta record 0 ('') has temperature nan, expected at least 0"),
    BEND(meta.std[3], 0x7fc00000,
         "meta record 0 ('') normalises channel 3 by mean 0 and deviation nan, expected finite "
         "ones and a deviation above 0"),
    BEND(strings[0], 'x',
         "the 40 bytes of strings do not begin with the empty string and end with NUL"),
    BEND(params[1].name, 99, "parameter 1 ('') has name 99, expected less than 40"),
    BEND(params[1].dtype, 99, "parameter 1 ('s') has dtype 99, expected less than 11"),
    BEND(params[1].init, 4, "parameter 1 ('s') has initializer 4, expected less than 4"),
    BEND(params[1].of, 2, "parameter 1 ('s') has owner 2, expected less than 2"),
    BEND(params[1].rank, 9,
         "parameter 1 ('s') has rank 9 and a shape that is none, expected rank 0 to 8 and "
         "extents of at least 0 whose product is a size"),
    BEND(params[1].dim[0], UINT64_MAX,
         "parameter 1 ('s') has rank 1 and a shape that is none, expected rank 0 to 8 and "
         "extents of at least 0 whose product is a size"),
    BEND(params[1].offset, 32, "parameter 1 ('s') is at offset 32, expected a multiple of 64"),
    BEND(params[1].offset, 128,
         "parameter 1 ('s') has 16 bytes from 128 on, expected to end by 128"),
    BEND(params[0].stored_offset, 4,
         "parameter 0 ('w') has 16 initial bytes from 4 on, expected to end by 16"),
    BEND(params[1].a, nan_bits,
         "parameter 1 ('s') is initialised by nan and 0, expected finite numbers"),
    BEND(params[1].dtype, SIMCLR_i32,
         "parameter 1 ('s') of i32 has a described initial value, expected f32"),
    BEND(values[4].space, 3, "value 4 ('y') has space 3, expected less than 3"),
    BEND(values[4].dim[1], 50,
         "value 4 ('y') has 600 bytes from 64 on, expected to end by 256"),
    BEND(values[4].dim[0], INT64_MAX,
         "value 4 ('y') has rank 2 and a shape that is none, expected rank 0 to 8 and extents "
         "of at least 0 whose product is a size"),
    BEND(ports[1].role, 10, "port 1 ('y') has role 10, expected less than 10"),
    BEND(ports[1].value, 7, "port 1 ('y') has value 7, expected less than 7"),
    BEND(ports[0].role, SIMCLR_PORT_loss,
         "port 0 ('x') is a tensor of f32, rank 2 and 12 elements, expected f32, rank 0 and 1"),
    BEND(ports[4].param, 2,
         "port 4 ('w') is the gradient of parameter 2, expected less than 2"),
    BEND(ports[1].role, SIMCLR_PORT_grad,
         "port 1 ('y') has 12 elements in another shape than parameter 0, expected the same "
         "shape"),
    BEND(instrs[0].op, 9999, "instruction 0 ('node') has operation 9999, expected less than "),
    BEND(instrs[0].kernel, 1, "instruction 0 ('node') has kernel 1, expected less than 1"),
    BEND(instrs[0].tile, UINT64_MAX,
         "instruction 0 ('node') has tile -1, expected 0 to 2147483647"),
    BEND(instrs[0].scratch_bytes, 32769,
         "instruction 0 ('node') has 32769 bytes of scratch, expected at most 32768"),
    BEND(instrs[0].workspace_offset, 8,
         "instruction 0 ('node') has its workspace at 8, expected a multiple of 64"),
    BEND(instrs[0].workspace_bytes, 257,
         "instruction 0 ('node') has 257 bytes of workspace from 0 on, expected to end by 256"),
    BEND(
        instrs[0].n_in, 9,
        "instruction 0 ('node') is pointwise of 9 inputs and 1 outputs, expected 1 to 8 and 1"),
    BEND(instrs[0].operands, 7,
         "instruction 0 ('node') has 4 operands from 7 on, expected to end by 10"),
    BEND(operands[0], 7,
         "instruction 0 ('node') has value 7 as operand 0, expected less than 7"),
    BEND(operands[3], 3,
         "instruction 0 ('node') writes value 3, a constant, expected one that may change"),
    BEND(instrs[0].attr.pointwise.code.n_steps, 21,
         "instruction 0 ('node') has 21 steps, expected at most 20"),
    BEND(instrs[0].attr.pointwise.code.step[1].op, SIMCLR_OP_conv2d,
         "instruction 0 ('node') has operation "),
    BEND(instrs[0].attr.pointwise.code.step[1].a, 4,
         "instruction 0 ('node') reads registers 4 and 2 in step 1, expected less than 4"),
    BEND(instrs[1].attr.sgd.nesterov, 2,
         "instruction 1 ('node') has nesterov 2, expected 0 or 1"),
    BEND(instrs[1].attr.sgd.momentum, nan_bits,
         "instruction 1 ('node') has momentum nan, expected a finite number"),
    BEND(entries[1].reserved, 1, "entry 1 ('train') has reserved 1, expected less than 1"),
    BEND(entries[1].n_instrs, 2,
         "entry 1 ('train') has 2 instructions from 1 on, expected to end by 2"),
    BEND(entries[1].first_input, 5,
         "entry 1 ('train') has 2 inputs from 5 on, expected to end by 5"),
    BEND(entries[1].n_outputs, 9,
         "entry 1 ('train') has 9 outputs from 4 on, expected to end by 5"),
    BEND(entries[1].arena_bytes, 257,
         "entry 1 ('train') needs 257 bytes of arena, expected at most 256"),
    BEND(entries[1].first_input, 3,
         "entry 1 ('train') has input 1 in space 1, expected the arena"),
    BEND(segments[0].reserved, 1, "segment 0 ('') has reserved 1, expected 0"),
    BEND(segments[0].size, 6, "segment 0 ('') has 6 bytes from 0 on, expected to end by 5"),
    BEND(segments[1].param, 2, "segment 1 ('') is parameter 2, expected less than 2"),
    BEND(segments[1].size, 8, "segment 1 ('') has 8 bytes of parameter 0, expected 16"),
    BEND(count[SIMCLR_SECTION_meta], 0, "section 'meta' has 0 records, expected 1"),
};

static void a_bent_field_is_named(void **state)
{
    for (size_t i = 0; i < sizeof bent / sizeof bent[0]; i++) {
        struct program_image im;
        size_t size;
        char message[400];
        program_image_init(&im);
        memcpy((char *)&im + bent[i].offset, &bent[i].value, bent[i].size);
        uint8_t *const file = program_image_write(&im, &size);
        (void)snprintf(message, sizeof message, "p.scp: error: %s", bent[i].message);
        assert_refused(*state, file, size, message);
        free(file);
    }
}

// ---- attributes that the sample's operations lack ----

static void attributes_of_every_kind_are_checked(void **state)
{
    struct program_image im;
    size_t size;
    program_image_init(&im);
    im.instrs[0].op = SIMCLR_OP_cast;
    im.instrs[0].attr.cast.to = SIMCLR_N_DTYPES;
    uint8_t *file = program_image_write(&im, &size);
    assert_refused(*state, file, size,
                   "p.scp: error: instruction 0 ('node') has to 11, expected less than 11");
    free(file);
    im.instrs[0].op = SIMCLR_OP_transpose;
    im.instrs[0].attr.transpose.perm.n = 9;
    file = program_image_write(&im, &size);
    assert_refused(*state, file, size,
                   "p.scp: error: instruction 0 ('node') has 9 perm, expected at most 8");
    free(file);
}

// ---- header and section table ----

struct bent_byte {
    size_t offset;
    uint8_t value;
    const char *message; // the beginning, behind "p.scp: error: "
};

#define HEADER(field) offsetof(struct simclr_scp_header, field)
#define SECTION(which, field)                                                                  \
    (sizeof(struct simclr_scp_header) +                                                        \
     SIMCLR_SECTION_##which * sizeof(struct simclr_scp_section) +                              \
     offsetof(struct simclr_scp_section, field))

static const struct bent_byte bent_bytes[] = {
    {HEADER(magic), 'X', "not a program file, or cut short within its header"},
    {HEADER(version), 9, "program format is version 9, expected 1"},
    {HEADER(n_sections), 11, "program has 11 sections, expected 12"},
    {HEADER(file_size), 1, "file has "},
    {SECTION(ports, kind), 3, "section 6 is of kind 3, expected 'ports'"},
    {SECTION(ports, record_size), 8, "section 'ports' has records of 8 bytes, expected 16"},
    {SECTION(ports, offset), 1, "section 'ports' is at byte "},
    {SECTION(ports, count) + 6, 1, "section 'ports' has 281474976710661 records from byte "},
};

static void a_bent_header_is_named(void **state)
{
    struct program_image im;
    program_image_init(&im);
    for (size_t i = 0; i < sizeof bent_bytes / sizeof bent_bytes[0]; i++) {
        struct scratch *const s = *state;
        size_t size;
        uint8_t *const file = program_image_write(&im, &size);
        file[bent_bytes[i].offset] = bent_bytes[i].value;
        program_image_seal(file, size);
        assert_int_equal(open_bytes(s, file, size), SIMCLR_BAD_INPUT);
        scratch_assert_message(s, bent_bytes[i].message);
        free(file);
    }
}

static void damage_is_seen_by_the_checksum(void **state)
{
    struct scratch *const s = *state;
    struct program_image im;
    size_t size;
    program_image_init(&im);
    uint8_t *const file = program_image_write(&im, &size);
    for (size_t i = sizeof(struct simclr_scp_header); i < size; i += 61) {
        file[i] ^= 4;
        assert_int_equal(open_bytes(s, file, size), SIMCLR_BAD_INPUT);
        scratch_assert_message(s, "the file is damaged");
        file[i] ^= 4;
    }
    free(file);
}

static void a_file_cut_short_is_refused(void **state)
{
    struct scratch *const s = *state;
    struct program_image im;
    size_t size;
    program_image_init(&im);
    uint8_t *const file = program_image_write(&im, &size);
    for (size_t n = 0; n < size; n += 13) {
        uint8_t *const part = aligned_alloc(64, (n + 64) / 64 * 64);
        assert_non_null(part);
        memcpy(part, file, n);
        assert_int_equal(open_bytes(s, part, n), SIMCLR_BAD_INPUT);
        assert_int_equal(s->n_messages, 1);
        free(part);
    }
    free(file);
}

// Whatever a word of the file becomes, the reader answers: with a program whose
// session is made or refused, or with one message. The checksum is made right again,
// so that it hides nothing.
static void no_word_can_crash_it(void **state)
{
    static const uint32_t words[] = {0, 1, 3, 0x7fffffff, 0x80000000, 0xffffffff};
    struct scratch *const s = *state;
    struct program_image im;
    size_t size;
    program_image_init(&im);
    uint8_t *const file = program_image_write(&im, &size);
    for (size_t at = 0; at + 4 <= size; at += 4) {
        uint32_t old;
        memcpy(&old, file + at, 4);
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            struct simclr_program *program;
            struct simclr_session *session = NULL;
            memcpy(file + at, &words[k], 4);
            program_image_seal(file, size);
            s->n_messages = s->diag.n_errors = 0;
            if (sc_program_from_memory(file, size, "p.scp", &s->diag, &program) != SIMCLR_OK) {
                assert_int_equal(s->n_messages, 1);
                continue;
            }
            const struct simclr_session_options options = {.n_threads = 1};
            const bool is_small = program->sections.meta->arena_bytes < 1 << 20 &&
                                  program->sections.meta->persistent_bytes < 1 << 20 &&
                                  program->sections.meta->scratch_bytes < 1 << 20;
            if (is_small) (void)simclr_session_new(program, &options, &s->diag, &session);
            simclr_session_free(session);
            simclr_program_free(program);
        }
        memcpy(file + at, &old, 4);
    }
    free(file);
}

static void a_missing_file_is_no_program(void **state)
{
    struct scratch *const s = *state;
    struct simclr_program *program;
    assert_int_equal(simclr_program_open(scratch_path(s, "none.scp"), &s->diag, &program),
                     SIMCLR_IO);
    assert_null(program);
    scratch_assert_message(s, "No such file or directory");
}

static void a_file_is_opened_and_asked(void **state)
{
    struct scratch *const s = *state;
    struct program_image im;
    struct simclr_program *program;
    size_t size;
    program_image_init(&im);
    uint8_t *const file = program_image_write(&im, &size);
    const char *const path = scratch_write(s, "p.scp", file, size);
    assert_int_equal(simclr_program_open(path, &s->diag, &program), SIMCLR_OK);
    const struct simclr_entry *const train = simclr_program_entry(program, "train");
    assert_non_null(train);
    assert_null(simclr_program_entry(program, "embed"));
    assert_string_equal(simclr_program_string(program, train->name), "train");
    const struct simclr_port *const lr = simclr_entry_port(program, train, SIMCLR_PORT_lr);
    const struct simclr_port *const grad = simclr_entry_port(program, train, SIMCLR_PORT_grad);
    assert_ptr_equal(lr, &simclr_program_sections(program)->ports[3]);
    assert_ptr_equal(grad, &simclr_program_sections(program)->ports[4]);
    assert_null(simclr_entry_port(program, train, SIMCLR_PORT_loss));
    simclr_program_free(program);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(the_sample_is_a_program),
        SCRATCH_TEST(a_bent_field_is_named),
        SCRATCH_TEST(attributes_of_every_kind_are_checked),
        SCRATCH_TEST(a_bent_header_is_named),
        SCRATCH_TEST(damage_is_seen_by_the_checksum),
        SCRATCH_TEST(a_file_cut_short_is_refused),
        SCRATCH_TEST(no_word_can_crash_it),
        SCRATCH_TEST(a_missing_file_is_no_program),
        SCRATCH_TEST(a_file_is_opened_and_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
