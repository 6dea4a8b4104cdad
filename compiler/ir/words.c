// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/words.h"

#include <string.h>

const char *const sc_role_words[] = {
    [SIMCLR_ROLE_trainable] = "trainable",
    [SIMCLR_ROLE_frozen] = "frozen",
    [SIMCLR_ROLE_statistic] = "statistic",
    [SIMCLR_ROLE_slot] = "slot",
    NULL,
};

const char *const sc_part_words[] = {
    [SIMCLR_PART_encoder] = "encoder",
    [SIMCLR_PART_head] = "head",
    NULL,
};

const char *const sc_init_words[] = {
    [SIMCLR_INIT_constant] = "constant",
    [SIMCLR_INIT_normal] = "normal",
    [SIMCLR_INIT_uniform] = "uniform",
    [SIMCLR_INIT_stored] = "stored",
    NULL,
};

const char *const sc_port_words[] = {
    [SIMCLR_PORT_tensor] = "tensor",
    [SIMCLR_PORT_images] = "images",
    [SIMCLR_PORT_labels] = "labels",
    [SIMCLR_PORT_lr] = "lr",
    [SIMCLR_PORT_step] = "step",
    [SIMCLR_PORT_loss] = "loss",
    [SIMCLR_PORT_metrics] = "metrics",
    [SIMCLR_PORT_embedding] = "embedding",
    [SIMCLR_PORT_projection] = "projection",
    [SIMCLR_PORT_grad] = "grad",
    NULL,
};

const char *const sc_space_words[] = {
    [SIMCLR_SPACE_arena] = "arena",
    [SIMCLR_SPACE_persistent] = "persistent",
    [SIMCLR_SPACE_constant] = "constant",
    NULL,
};

const char *const sc_dtype_words[] = {
#define DTYPE(name, size, is_float, npy, safetensors) [SIMCLR_##name] = #name,
#include <simclr/dtypes.def>
#undef DTYPE
    NULL,
};

int sc_word_find(const char *const *words, const char *text)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0) return i;
    }
    return -1;
}

// Letters and digits of ASCII, whatever the locale.
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool sc_is_identifier(const char *text)
{
    if (!is_letter(*text)) return false;
    while (is_letter(*text) || is_digit(*text))
        text++;
    return *text == '\0';
}

void sc_append_quoted(struct sc_str *s, const char *text, char quote)
{
    sc_str_append_n(s, &quote, 1);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (*text == quote || *text == '\\')
            sc_str_printf(s, "\\%c", *text);
        else if (*text == '\n')
            sc_str_append(s, "\\n");
        else if (*text == '\t')
            sc_str_append(s, "\\t");
        else if (c < 0x20 || c == 0x7f)
            sc_str_printf(s, "\\x%02x", (unsigned)c);
        else
            sc_str_append_n(s, text, 1);
    }
    sc_str_append_n(s, &quote, 1);
}

static int hex_digit(char c)
{
    if (is_digit(c)) return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The character behind a backslash; *at moves past it. -1 if there is no such
// escape. NUL has none: it would end the name.
static int read_escape(const char **at, const char *end)
{
    const char c = *at < end ? *(*at)++ : '\0';
    if (c == 'n') return '\n';
    if (c == 't') return '\t';
    if (c == 'x' && end - *at >= 2) {
        const int high = hex_digit((*at)[0]);
        const int low = hex_digit((*at)[1]);
        *at += 2;
        return high >= 0 && low >= 0 && high + low > 0 ? 16 * high + low : -1;
    }
    return c == '"' || c == '\'' || c == '\\' ? c : -1;
}

const char *sc_read_quoted(struct sc_arena *arena, const char *at, const char *end, char quote,
                           const char **closing)
{
    const char *last = at;
    while (last < end && *last != quote && *last != '\n' && *last != '\0')
        last += *last == '\\' && last + 1 < end ? 2 : 1;
    if (last >= end || *last != quote) return NULL;
    char *const text = sc_arena_alloc(arena, (size_t)(last - at) + 1, 1);
    size_t n = 0;
    while (at < last) {
        const char first = *at++;
        const int c = first == '\\' ? read_escape(&at, last) : first;
        if (first == '\\' && c < 0) return NULL;
        text[n++] = (char)c;
    }
    *closing = last;
    return text;
}

void sc_append_name(struct sc_str *s, const char *name)
{
    if (sc_is_identifier(name))
        sc_str_append(s, name);
    else
        sc_append_quoted(s, name, '"');
}

// What file, operator and maker are written with when they need no quotes.
static bool is_plain(char c)
{
    return is_letter(c) || is_digit(c) || c == '.' || c == '/' || c == '-';
}

static void append_plain(struct sc_str *s, const char *text)
{
    const char *c = text;
    while (is_plain(*c))
        c++;
    if (c > text && *c == '\0')
        sc_str_append(s, text);
    else
        sc_append_quoted(s, text, '"');
}

void sc_append_origin(struct sc_str *s, const struct sc_origin *origin)
{
    const size_t start = s->size;
    if (origin->file) {
        append_plain(s, origin->file);
        sc_str_append(s, ":");
    }
    if (origin->node) {
        sc_str_append(s, s->size > start ? " " : "");
        sc_append_quoted(s, origin->node, '\'');
    }
    if (origin->op_type) {
        sc_str_append(s, s->size > start ? " (" : "(");
        append_plain(s, origin->op_type);
        sc_str_append(s, ")");
    }
    if (origin->made_by) {
        const bool has_node = origin->node || origin->op_type;
        sc_str_append(s, has_node ? ", by " : s->size > start ? " by " : "by ");
        append_plain(s, origin->made_by);
    }
}

struct cursor {
    struct sc_arena *arena;
    const char *at, *end;
};

static bool take(struct cursor *c, char expected)
{
    if (c->at == c->end || *c->at != expected) return false;
    c->at++;
    return true;
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

static const char *take_quoted(struct cursor *c, char quote)
{
    const char *closing = NULL;
    const char *const text = sc_read_quoted(c->arena, c->at, c->end, quote, &closing);
    if (text) c->at = closing + 1;
    return text;
}

static const char *take_plain(struct cursor *c)
{
    if (take(c, '"')) return take_quoted(c, '"');
    const char *const start = c->at;
    while (c->at < c->end && is_plain(*c->at))
        c->at++;
    const size_t n = (size_t)(c->at - start);
    return n > 0 ? sc_arena_strndup(c->arena, start, n) : NULL;
}

// `file:`. The cursor stays where it is if there is none.
static void take_file(struct cursor *c, struct sc_origin *out)
{
    const char *const start = c->at;
    out->file = take_plain(c);
    if (!out->file || !take(c, ':')) {
        out->file = NULL;
        c->at = start;
    }
    skip_blanks(c);
}

bool sc_read_origin(struct sc_arena *arena, const char *text, size_t size,
                    struct sc_origin *out)
{
    struct cursor c = {.arena = arena, .at = text, .end = text + size};
    *out = (struct sc_origin){0};
    skip_blanks(&c);
    take_file(&c, out);
    if (take(&c, '\'') && !(out->node = take_quoted(&c, '\''))) return false;
    skip_blanks(&c);
    if (take(&c, '(') && (!(out->op_type = take_plain(&c)) || !take(&c, ')'))) return false;
    if (out->node || out->op_type) (void)take(&c, ',');
    skip_blanks(&c);
    if (c.end - c.at > 3 && memcmp(c.at, "by ", 3) == 0) {
        c.at += 3;
        if (!(out->made_by = take_plain(&c))) return false;
    }
    skip_blanks(&c);
    return c.at == c.end;
}
