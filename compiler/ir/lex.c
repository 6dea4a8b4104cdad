// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/lex.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word(char c)
{
    return is_letter(c) || is_digit(c);
}

static bool is_number(char c)
{
    return is_word(c) || c == '.' || c == '+' || c == '-';
}

static bool is_not_newline(char c)
{
    return c != '\n';
}

static void skip(struct sc_lexer *l, bool (*is_part)(char))
{
    while (l->at < l->end && is_part(*l->at))
        l->at++;
}

static bool take(struct sc_lexer *l, char c)
{
    if (l->at == l->end || *l->at != c) return false;
    l->at++;
    return true;
}

// Behind an opening double quote: NULL if the string does not end on this line.
static const char *lex_quoted(struct sc_lexer *l)
{
    const char *closing = NULL;
    const char *const text = sc_read_quoted(l->arena, l->at, l->end, '"', &closing);
    l->at = closing ? closing + 1 : l->at;
    return text;
}

// `.2` behind a name; 1 if there is none, 0 if it is wrong.
static uint32_t lex_ordinal(struct sc_lexer *l)
{
    if (!take(l, '.')) return 1;
    uint32_t n = 0;
    while (l->at < l->end && is_digit(*l->at) && n < UINT32_MAX / 100)
        n = 10 * n + (uint32_t)(*l->at++ - '0');
    return n >= 2 ? n : 0;
}

// Behind the %. Counted values are looked up by `#` and their count, named ones
// by ordinal and name, so that no name can be taken for anything else.
static void lex_value(struct sc_lexer *l, struct sc_token *t)
{
    const char *const start = l->at;
    const bool is_quoted = take(l, '"');
    const char *name = NULL;
    if (is_quoted) {
        name = lex_quoted(l);
    } else {
        skip(l, is_word);
        name =
            l->at > start ? sc_arena_strndup(l->arena, start, (size_t)(l->at - start)) : NULL;
    }
    if (!name) return;
    const size_t n_letters = !is_quoted && name[0] == 'c' ? 1 : 0;
    const size_t n_digits = strspn(name + n_letters, "0123456789");
    if (!is_quoted && n_digits > 0 && name[n_letters + n_digits] == '\0') {
        t->text = sc_arena_printf(l->arena, "#%s", name);
    } else if (is_quoted || sc_is_identifier(name)) {
        const uint32_t ordinal = lex_ordinal(l);
        if (ordinal == 0) return;
        t->name = name;
        t->text = sc_arena_printf(l->arena, "%u %s", (unsigned)ordinal, name);
    } else {
        return;
    }
    t->kind = SC_TOKEN_value;
}

static void lex_run(struct sc_lexer *l, struct sc_token *t, enum sc_token_kind kind,
                    bool (*is_part)(char))
{
    skip(l, is_part);
    t->kind = kind;
    if (kind != SC_TOKEN_comment)
        t->text = sc_arena_strndup(l->arena, t->start, (size_t)(l->at - t->start));
}

static void lex_any(struct sc_lexer *l, struct sc_token *t)
{
    const char c = *l->at++;
    if (c == '\n') {
        t->kind = SC_TOKEN_newline;
        l->line++;
        l->line_start = l->at;
    } else if (c == '#') {
        lex_run(l, t, SC_TOKEN_comment, is_not_newline);
    } else if (is_letter(c)) {
        lex_run(l, t, SC_TOKEN_word, is_word);
    } else if (is_digit(c) || c == '.' || c == '+' || c == '-') {
        lex_run(l, t, SC_TOKEN_number, is_number);
    } else if (c == '%') {
        lex_value(l, t);
    } else if (c == '"') {
        t->text = lex_quoted(l);
        t->kind = t->text ? SC_TOKEN_string : SC_TOKEN_bad;
    } else if (c != '\0' && strchr("{}[](),;:=@", c)) {
        t->kind = SC_TOKEN_mark;
    }
}

struct sc_token sc_lex(struct sc_lexer *l)
{
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\t' || *l->at == '\r'))
        l->at++;
    struct sc_token t = {.kind = l->at < l->end ? SC_TOKEN_bad : SC_TOKEN_end,
                         .start = l->at,
                         .line = l->line,
                         .column = (uint32_t)(l->at - l->line_start) + 1};
    if (t.kind == SC_TOKEN_bad) lex_any(l, &t);
    t.size = (size_t)(l->at - t.start);
    return t;
}

const char *sc_token_describe(struct sc_arena *arena, const struct sc_token *t)
{
    enum { LONGEST = 40 };
    switch (t->kind) {
    case SC_TOKEN_end: return "end of text";
    case SC_TOKEN_newline:
    case SC_TOKEN_comment: return "end of line";
    case SC_TOKEN_word:
    case SC_TOKEN_number:
    case SC_TOKEN_string:
    case SC_TOKEN_value:
    case SC_TOKEN_mark:
    case SC_TOKEN_bad: break;
    }
    const int n = t->size < LONGEST ? (int)t->size : LONGEST;
    return sc_arena_printf(arena, "'%.*s'", n, t->start);
}
