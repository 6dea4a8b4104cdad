// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/attr.h"

#include <assert.h>
#include <string.h>

// One array per group, and the array of groups.
#define ATTRS_BEGIN(group) static const struct sc_attr_field fields_##group[] = {
#define ATTR(group, kind, field, default_)                                                     \
    {#field, SIMCLR_ATTR_##kind, offsetof(struct sc_attr_##group, field), default_},
#define ATTRS_END(group)                                                                       \
    {                                                                                          \
        .name = NULL                                                                           \
    }                                                                                          \
    }                                                                                          \
    ;
#include <simclr/attrs.def>
#undef ATTRS_BEGIN
#undef ATTR
#undef ATTRS_END

static const struct sc_attr_field *const groups[] = {
#define ATTRS_BEGIN(group) [SC_ATTRS_##group] = fields_##group,
#define ATTR(group, kind, field, default_)
#define ATTRS_END(group)
#include <simclr/attrs.def>
#undef ATTRS_BEGIN
#undef ATTR
#undef ATTRS_END
};

const struct sc_attr_field *sc_attr_fields(enum simclr_attr_group group)
{
    assert(group < SC_N_ATTRS);
    return groups[group];
}

// How many of the field's 8-byte words are set by its default: all of them for
// the plain kinds, none for lists, which start empty.
static size_t n_default_words(enum simclr_attr_kind kind)
{
    static const size_t table[] = {
        [SIMCLR_ATTR_i64] = 1,   [SIMCLR_ATTR_f64] = 1,   [SIMCLR_ATTR_flag] = 1,
        [SIMCLR_ATTR_dtype] = 1, [SIMCLR_ATTR_i64x2] = 2, [SIMCLR_ATTR_i64x4] = 4,
        [SIMCLR_ATTR_dims] = 0,  [SIMCLR_ATTR_code] = 0,
    };
    return table[kind];
}

// A default as the field's word: the bits of a float, or an integer.
static int64_t default_word(const struct sc_attr_field *f)
{
    int64_t word = (int64_t)f->default_value;
    if (f->kind == SIMCLR_ATTR_f64) memcpy(&word, &f->default_value, sizeof word);
    return word;
}

union simclr_attr sc_attr_default(enum simclr_op op)
{
    union simclr_attr attr;
    memset(&attr, 0, sizeof attr);
    for (const struct sc_attr_field *f = sc_attr_fields(sc_op_table[op].attrs); f->name; f++) {
        const int64_t word = default_word(f);
        for (size_t i = 0; i < n_default_words(f->kind); i++)
            memcpy((char *)&attr + f->offset + i * sizeof word, &word, sizeof word);
    }
    return attr;
}

// The bytes of a field that count: of a list, its length and that many elements.
static size_t n_used_bytes(const struct sc_attr_field *f, const void *at)
{
    if (f->kind == SIMCLR_ATTR_dims)
        return (1 + (size_t)((const struct simclr_dims *)at)->n) * sizeof(int64_t);
    if (f->kind == SIMCLR_ATTR_code)
        return offsetof(struct simclr_code, step) +
               (size_t)((const struct simclr_code *)at)->n_steps *
                   sizeof(struct simclr_code_step);
    return n_default_words(f->kind) * sizeof(int64_t);
}

// Floats are compared by their bits: what is equal here prints the same.
bool sc_attr_equal(enum simclr_op op, const union simclr_attr *a, const union simclr_attr *b)
{
    for (const struct sc_attr_field *f = sc_attr_fields(sc_op_table[op].attrs); f->name; f++) {
        const char *const at_a = (const char *)a + f->offset;
        const char *const at_b = (const char *)b + f->offset;
        const size_t size = n_used_bytes(f, at_a);
        if (n_used_bytes(f, at_b) != size || memcmp(at_a, at_b, size) != 0) return false;
    }
    return true;
}

bool sc_attr_is_default(const struct sc_attr_field *field, const void *at)
{
    if (field->kind == SIMCLR_ATTR_dims || field->kind == SIMCLR_ATTR_code)
        return *(const int64_t *)at == 0; // both begin with their length
    const int64_t word = default_word(field);
    for (size_t i = 0; i < n_default_words(field->kind); i++) {
        if (memcmp((const char *)at + i * sizeof word, &word, sizeof word) != 0) return false;
    }
    return true;
}

// FNV-1a over the same bytes.
uint64_t sc_attr_hash(enum simclr_op op, const union simclr_attr *attr)
{
    uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)op;
    for (const struct sc_attr_field *f = sc_attr_fields(sc_op_table[op].attrs); f->name; f++) {
        const unsigned char *const at = (const unsigned char *)attr + f->offset;
        const size_t size = n_used_bytes(f, at);
        for (size_t i = 0; i < size; i++)
            hash = (hash ^ at[i]) * 0x100000001b3u;
    }
    return hash;
}
