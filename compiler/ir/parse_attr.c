// SPDX-License-Identifier: Apache-2.0
//
// `{pads=[1,1,1,1], group=2}` and `[kernel=implicit, tile=256]`.
#include "compiler/ir/parse.h"

#include <inttypes.h>
#include <string.h>

// A list of n_min to n_max integers.
static bool parse_ints(struct sc_parser *p, int64_t n_min, int64_t n_max, int64_t *v,
                       int64_t *n)
{
    const struct sc_token start = p->token;
    *n = 0;
    if (!sc_parse_mark(p, '[')) return false;
    while (!sc_parse_is(p, ']')) {
        if (*n > 0 && !sc_parse_mark(p, ',')) return false;
        if (*n == n_max)
            return sc_parse_fail(p, &start, "more than %" PRId64 " elements", n_max);
        if (!sc_parse_i64(p, INT64_MIN, INT64_MAX, &v[*n])) return false;
        ++*n;
    }
    sc_parse_next(p);
    return *n >= n_min ||
           sc_parse_fail(p, &start, "%" PRId64 " elements found, %" PRId64 " expected", *n,
                         n_min);
}

// `add(0,1)`: the step that writes register n_registers.
static bool parse_step(struct sc_parser *p, int64_t n_registers, struct simclr_code_step *out)
{
    struct sc_token word;
    if (!sc_parse_word(p, "an operation", &word)) return false;
    const enum simclr_op op = sc_op_find(word.text);
    if (op == SIMCLR_N_OPS || !(sc_op_table[op].traits & SC_TRAIT_P) ||
        sc_op_table[op].max_in > 2)
        return sc_parse_fail(p, &word, "'%s' found, a pointwise operation expected", word.text);
    int64_t operand[2] = {0, 0};
    if (!sc_parse_mark(p, '(')) return false;
    for (int i = 0; i < sc_op_table[op].min_in; i++) {
        if ((i > 0 && !sc_parse_mark(p, ',')) ||
            !sc_parse_i64(p, 0, n_registers - 1, &operand[i]))
            return false;
    }
    *out = (struct simclr_code_step){
        .op = (uint16_t)op, .a = (uint8_t)operand[0], .b = (uint8_t)operand[1]};
    return sc_parse_mark(p, ')');
}

static bool parse_steps(struct sc_parser *p, int n_in, struct simclr_code *code)
{
    do {
        if (code->n_steps == SIMCLR_MAX_CODE)
            return sc_parse_fail(p, &p->token, "more than %d steps", (int)SIMCLR_MAX_CODE);
        if (!parse_step(p, n_in + code->n_steps, &code->step[code->n_steps])) return false;
        code->n_steps++;
    } while (sc_parse_take(p, ';'));
    return p->token.kind == SC_TOKEN_end || sc_parse_unexpected(p, "';'");
}

// The string's characters are themselves tokens: they are read in place, so that
// columns in messages are right.
static bool parse_code(struct sc_parser *p, int n_in, struct simclr_code *code)
{
    if (p->token.kind != SC_TOKEN_string)
        return sc_parse_unexpected(p, "a program in double quotes");
    const struct sc_lexer outside = p->lexer;
    const struct sc_token quoted = p->token;
    p->lexer.at = quoted.start + 1;
    p->lexer.end = quoted.start + quoted.size - 1;
    sc_parse_next(p);
    const bool is_good = parse_steps(p, n_in, code);
    p->lexer = outside;
    sc_parse_next(p);
    return is_good;
}

static bool parse_field(struct sc_parser *p, enum simclr_attr_kind kind, int n_in, void *at)
{
    int64_t n;
    switch (kind) {
    case SIMCLR_ATTR_i64: return sc_parse_i64(p, INT64_MIN, INT64_MAX, at);
    case SIMCLR_ATTR_f64: return sc_parse_f64(p, at);
    case SIMCLR_ATTR_flag: return sc_parse_i64(p, 0, 1, at);
    case SIMCLR_ATTR_dtype: {
        int dtype = 0;
        if (!sc_parse_choice(p, sc_dtype_words, "an element type", &dtype)) return false;
        *(int64_t *)at = dtype;
        return true;
    }
    case SIMCLR_ATTR_i64x2: return parse_ints(p, 2, 2, at, &n);
    case SIMCLR_ATTR_i64x4: return parse_ints(p, 4, 4, at, &n);
    case SIMCLR_ATTR_dims: {
        struct simclr_dims *const dims = at;
        return parse_ints(p, 0, SIMCLR_MAX_RANK, dims->v, &dims->n);
    }
    case SIMCLR_ATTR_code: return parse_code(p, n_in, at);
    }
    return false;
}

bool sc_parse_attrs(struct sc_parser *p, enum simclr_op op, int n_in, union simclr_attr *out)
{
    const struct sc_attr_field *const fields = sc_attr_fields(sc_op_table[op].attrs);
    uint64_t is_given = 0; // one bit per field
    do {
        struct sc_token word;
        if (!sc_parse_word(p, "an attribute", &word)) return false;
        const struct sc_attr_field *f = fields;
        while (f->name && strcmp(f->name, word.text) != 0)
            f++;
        if (!f->name)
            return sc_parse_fail(p, &word, "%s has no attribute '%s'", sc_op_table[op].name,
                                 word.text);
        const uint64_t bit = (uint64_t)1 << (f - fields);
        if (is_given & bit) return sc_parse_fail(p, &word, "'%s' is given twice", word.text);
        is_given |= bit;
        if (!sc_parse_mark(p, '=') || !parse_field(p, f->kind, n_in, (char *)out + f->offset))
            return false;
    } while (sc_parse_take(p, ','));
    return sc_parse_mark(p, '}');
}

static bool parse_kernel_name(struct sc_parser *p, enum simclr_op op, uint32_t *out)
{
    struct sc_token word;
    if (!sc_parse_word(p, "a kernel", &word)) return false;
    const char *name;
    for (uint32_t i = 0; (name = sc_kernel_name(op, i)); i++) {
        if (strcmp(name, word.text) == 0) {
            *out = i;
            return true;
        }
    }
    return sc_parse_fail(p, &word, "%s has no kernel '%s'", sc_op_table[op].name, word.text);
}

static bool parse_bytes_field(struct sc_parser *p, uint64_t *out)
{
    int64_t n = 0;
    if (!sc_parse_i64(p, 0, INT64_MAX, &n)) return false;
    *out = (uint64_t)n;
    return true;
}

bool sc_parse_kernel(struct sc_parser *p, enum simclr_op op, struct sc_kernel_choice *out)
{
    static const char *const words[] = {"kernel", "tile", "scratch", "workspace", "at", NULL};
    do {
        int field = 0;
        bool is_good = false;
        if (!sc_parse_choice(p, words, "kernel, tile, scratch, workspace or at", &field) ||
            !sc_parse_mark(p, '='))
            return false;
        switch (field) {
        case 0: is_good = parse_kernel_name(p, op, &out->kernel); break;
        case 1: is_good = sc_parse_i64(p, INT64_MIN, INT64_MAX, &out->tile); break;
        case 2: is_good = parse_bytes_field(p, &out->scratch_bytes); break;
        case 3: is_good = parse_bytes_field(p, &out->workspace_bytes); break;
        default: is_good = parse_bytes_field(p, &out->workspace_offset); break;
        }
        if (!is_good) return false;
    } while (sc_parse_take(p, ','));
    return sc_parse_mark(p, ']');
}
