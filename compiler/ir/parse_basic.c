// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/parse.h"

#include "runtime/base/checked.h"
#include "runtime/base/integer.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

bool sc_parse_fail(struct sc_parser *p, const struct sc_token *at, const char *fmt, ...)
{
    const char *const locus =
        sc_arena_printf(p->arena, "%s:%" PRIu32 ":%" PRIu32, p->file, at->line, at->column);
    va_list args;
    va_start(args, fmt);
    sc_vreport(p->diag, SIMCLR_ERROR, locus, fmt, args);
    va_end(args);
    p->has_failed = true;
    return false;
}

bool sc_parse_unexpected(struct sc_parser *p, const char *what)
{
    return sc_parse_fail(p, &p->token, "%s found, %s expected",
                         sc_token_describe(p->arena, &p->token), what);
}

void sc_parse_next(struct sc_parser *p)
{
    p->token = sc_lex(&p->lexer);
}

bool sc_parse_is(const struct sc_parser *p, char mark)
{
    return p->token.kind == SC_TOKEN_mark && *p->token.start == mark;
}

bool sc_parse_is_word(const struct sc_parser *p, const char *word)
{
    return p->token.kind == SC_TOKEN_word && strcmp(p->token.text, word) == 0;
}

bool sc_parse_take(struct sc_parser *p, char mark)
{
    if (!sc_parse_is(p, mark)) return false;
    sc_parse_next(p);
    return true;
}

bool sc_parse_mark(struct sc_parser *p, char mark)
{
    const char what[] = {'\'', mark, '\'', '\0'};
    return sc_parse_take(p, mark) || sc_parse_unexpected(p, what);
}

bool sc_parse_word(struct sc_parser *p, const char *what, struct sc_token *out)
{
    if (p->token.kind != SC_TOKEN_word) return sc_parse_unexpected(p, what);
    *out = p->token;
    sc_parse_next(p);
    return true;
}

bool sc_parse_choice(struct sc_parser *p, const char *const *words, const char *what, int *out)
{
    struct sc_token word;
    if (!sc_parse_word(p, what, &word)) return false;
    *out = sc_word_find(words, word.text);
    return *out >= 0 || sc_parse_fail(p, &word, "'%s' found, %s expected", word.text, what);
}

bool sc_parse_name(struct sc_parser *p, const char *what, const char **out)
{
    if (p->token.kind != SC_TOKEN_word && p->token.kind != SC_TOKEN_string)
        return sc_parse_unexpected(p, what);
    *out = p->token.text;
    sc_parse_next(p);
    return true;
}

bool sc_parse_i64(struct sc_parser *p, int64_t low, int64_t high, int64_t *out)
{
    if (p->token.kind != SC_TOKEN_number) return sc_parse_unexpected(p, "an integer");
    char *end = NULL;
    errno = 0;
    const long long n = strtoll(p->token.text, &end, 10);
    if (*end != '\0') return sc_parse_unexpected(p, "an integer");
    if (errno == ERANGE || n < low || n > high)
        return sc_parse_fail(p, &p->token, "%s found, %" PRId64 " to %" PRId64 " expected",
                             p->token.text, low, high);
    *out = n;
    sc_parse_next(p);
    return true;
}

// The next token with the locale's decimal point, where strtod looks for it;
// NULL if it cannot be a number. Hexadecimal floats are left out.
static const char *number_text(struct sc_parser *p)
{
    const struct sc_token *const t = &p->token;
    if (t->kind == SC_TOKEN_word)
        return strcmp(t->text, "inf") == 0 || strcmp(t->text, "nan") == 0 ? t->text : NULL;
    if (t->kind != SC_TOKEN_number || strpbrk(t->text, "xXpP")) return NULL;
    const char *const point = strchr(t->text, '.');
    if (!point) return t->text;
    return sc_arena_printf(p->arena, "%.*s%s%s", (int)(point - t->text), t->text,
                           localeconv()->decimal_point, point + 1);
}

bool sc_parse_f64(struct sc_parser *p, double *out)
{
    const char *const text = number_text(p);
    char *end = NULL;
    const double value = text ? strtod(text, &end) : 0;
    if (!text || *end != '\0') return sc_parse_unexpected(p, "a number");
    *out = value;
    sc_parse_next(p);
    return true;
}

// One rounding, from the text to float: by way of double it might be two.
static bool parse_f32(struct sc_parser *p, float *out)
{
    const char *const text = number_text(p);
    char *end = NULL;
    const float value = text ? strtof(text, &end) : 0;
    if (!text || *end != '\0') return sc_parse_unexpected(p, "a number");
    *out = value;
    sc_parse_next(p);
    return true;
}

bool sc_parse_type(struct sc_parser *p, simclr_dtype *dtype, struct simclr_shape *shape)
{
    const struct sc_token start = p->token;
    int found = 0;
    if (!sc_parse_choice(p, sc_dtype_words, "an element type", &found) ||
        !sc_parse_mark(p, '['))
        return false;
    *dtype = (simclr_dtype)found;
    *shape = sc_shape_scalar();
    while (!sc_parse_is(p, ']')) {
        if (shape->rank > 0 && !sc_parse_mark(p, ',')) return false;
        if (shape->rank == SIMCLR_MAX_RANK)
            return sc_parse_fail(p, &p->token, "more than %d axes", (int)SIMCLR_MAX_RANK);
        if (!sc_parse_i64(p, 0, INT64_MAX, &shape->dim[shape->rank])) return false;
        shape->rank++;
    }
    sc_parse_next(p);
    size_t n_bytes;
    if (!sc_checked_nbytes(SIMCLR_f64, shape, &n_bytes))
        return sc_parse_fail(p, &start, "the tensor is too large");
    return true;
}

static bool parse_u64(struct sc_parser *p, uint64_t *out)
{
    if (p->token.kind != SC_TOKEN_number || *p->token.text == '-')
        return sc_parse_unexpected(p, "an integer of at least 0");
    char *end = NULL;
    errno = 0;
    const unsigned long long n = strtoull(p->token.text, &end, 10);
    if (*end != '\0') return sc_parse_unexpected(p, "an integer");
    if (errno == ERANGE)
        return sc_parse_fail(p, &p->token, "%s found, 0 to %" PRIu64 " expected", p->token.text,
                             UINT64_MAX);
    *out = n;
    sc_parse_next(p);
    return true;
}

static bool parse_element(struct sc_parser *p, simclr_dtype dtype, void *at)
{
    if (dtype == SIMCLR_f32) return parse_f32(p, at);
    if (dtype == SIMCLR_f64) return sc_parse_f64(p, at);
    if (dtype == SIMCLR_u64) return parse_u64(p, at);
    int64_t n = 0;
    const struct sc_int_range range = sc_int_range(dtype);
    if (!sc_parse_i64(p, range.low, range.high, &n)) return false;
    sc_int_store(dtype, at, 0, n);
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_bytes(struct sc_parser *p, uint8_t *data, size_t n)
{
    const struct sc_token t = p->token;
    const char *const digits = t.text + 2;
    const size_t n_digits = t.size - 2;
    if (n_digits != 2 * n)
        return sc_parse_fail(p, &t, "%zu hexadecimal digits found, %zu expected", n_digits,
                             2 * n);
    for (size_t i = 0; i < n; i++) {
        const int high = hex_digit(digits[2 * i]);
        const int low = hex_digit(digits[2 * i + 1]);
        if (high < 0 || low < 0)
            return sc_parse_fail(p, &t, "'%.2s' found, two digits of 0-9 and a-f expected",
                                 digits + 2 * i);
        data[i] = (uint8_t)(16 * high + low);
    }
    sc_parse_next(p);
    return true;
}

static bool parse_splat(struct sc_parser *p, simclr_dtype dtype, char *data, int64_t n)
{
    const size_t size = simclr_dtype_size(dtype);
    char first[8];
    sc_parse_next(p);
    if (!sc_parse_mark(p, '(') || !parse_element(p, dtype, first) || !sc_parse_mark(p, ')'))
        return false;
    for (int64_t i = 0; i < n; i++)
        memcpy(data + (size_t)i * size, first, size);
    return true;
}

static bool parse_listed(struct sc_parser *p, simclr_dtype dtype, char *data, int64_t n)
{
    const struct sc_token start = p->token;
    sc_parse_next(p);
    for (int64_t i = 0; i < n; i++) {
        if (sc_parse_is(p, ']'))
            return sc_parse_fail(p, &start, "%" PRId64 " elements found, %" PRId64 " expected",
                                 i, n);
        if ((i > 0 && !sc_parse_mark(p, ',')) ||
            !parse_element(p, dtype, data + (size_t)i * simclr_dtype_size(dtype)))
            return false;
    }
    if (!sc_parse_is(p, ']'))
        return sc_parse_fail(p, &p->token, "more than the %" PRId64 " elements expected", n);
    sc_parse_next(p);
    return true;
}

bool sc_parse_elements(struct sc_parser *p, simclr_dtype dtype,
                       const struct simclr_shape *shape, const void **out)
{
    const struct sc_token start = p->token;
    const int64_t n = simclr_shape_count(shape);
    const size_t size = simclr_dtype_size(dtype);
    // A few characters can ask for a lot of memory.
    if (n > p->bytes_left / (int64_t)size)
        return sc_parse_fail(p, &start, "constants of more than %" PRId64 " bytes",
                             p->bytes_left);
    p->bytes_left -= n * (int64_t)size;
    char *const data = sc_arena_alloc(p->arena, (size_t)n, size);
    *out = data;
    if (start.kind == SC_TOKEN_number && strncmp(start.text, "0x", 2) == 0)
        return parse_bytes(p, (uint8_t *)data, (size_t)n * size);
    if (sc_parse_is_word(p, "splat")) return parse_splat(p, dtype, data, n);
    if (sc_parse_is(p, '[')) return parse_listed(p, dtype, data, n);
    if (shape->rank > 0) return sc_parse_unexpected(p, "'[', splat or 0x");
    return parse_element(p, dtype, data);
}
