// SPDX-License-Identifier: Apache-2.0
#include "compiler/onnx/text_lex.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The character `k` places ahead; 0 past the end.
static int peek(const struct sc_text_parser *p, size_t k)
{
    return p->at + k < p->size ? (unsigned char)p->text[p->at + k] : 0;
}

static void report(struct sc_text_parser *p, size_t at, const char *fmt, va_list args)
    SC_PRINTF(3, 0);
static void report(struct sc_text_parser *p, size_t at, const char *fmt, va_list args)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column = p->text[i] == '\n' ? 1 : column + 1;
        line += p->text[i] == '\n';
    }
    const char *const locus = sc_arena_printf(p->m->arena, "%s:%zu:%zu", p->file, line, column);
    sc_vreport(p->m->diag, SIMCLR_ERROR, locus, fmt, args);
}

bool sc_text_fail(struct sc_text_parser *p, const char *fmt, ...)
{
    if (p->failed) return false;
    va_list args;
    va_start(args, fmt);
    report(p, p->next.at, fmt, args);
    va_end(args);
    p->failed = true;
    p->next = (struct sc_token){.at = p->next.at};
    return false;
}

static void skip_blanks(struct sc_text_parser *p)
{
    while (p->at < p->size) {
        if (peek(p, 0) == '#') {
            while (p->at < p->size && p->text[p->at] != '\n')
                p->at++;
        } else if (isspace(peek(p, 0))) {
            p->at++;
        } else {
            return;
        }
    }
}

static void lex_name(struct sc_text_parser *p)
{
    const size_t start = p->at;
    while (isalnum(peek(p, 0)) || peek(p, 0) == '_')
        p->at++;
    p->next.kind = SC_TOKEN_name;
    p->next.text = sc_arena_strndup(p->m->arena, p->text + start, p->at - start);
}

static void lex_string(struct sc_text_parser *p)
{
    const size_t start = ++p->at;
    while (p->at < p->size && p->text[p->at] != '"')
        p->at += p->text[p->at] == '\\' ? 2 : 1;
    if (p->at >= p->size) {
        (void)sc_text_fail(p, "a quoted string has no end");
        return;
    }
    char *const text = sc_arena_alloc(p->m->arena, p->at - start + 1, 1);
    size_t n = 0;
    for (size_t i = start; i < p->at; i++) {
        if (p->text[i] == '\\') i++;
        text[n++] = p->text[i];
    }
    p->at++;
    p->next.kind = SC_TOKEN_string;
    p->next.text = text;
}

// [-]digits[.digits][e[+-]digits], or [-]inf, infinity or nan.
static void lex_number(struct sc_text_parser *p)
{
    const size_t start = p->at;
    bool is_float = false;
    if (peek(p, 0) == '-' || peek(p, 0) == '+') p->at++;
    if (isalpha(peek(p, 0))) {
        is_float = true;
        while (isalpha(peek(p, 0)))
            p->at++;
    }
    while (isdigit(peek(p, 0)) || (peek(p, 0) == '.' && !is_float)) {
        is_float = is_float || peek(p, 0) == '.';
        p->at++;
    }
    if (tolower(peek(p, 0)) == 'e') {
        is_float = true;
        p->at += peek(p, 1) == '-' || peek(p, 1) == '+' ? 2 : 1;
        while (isdigit(peek(p, 0)))
            p->at++;
    }
    const char *const text = sc_arena_strndup(p->m->arena, p->text + start, p->at - start);
    char *end;
    errno = 0;
    p->next.text = text;
    p->next.kind = is_float ? SC_TOKEN_float : SC_TOKEN_int;
    p->next.f = strtod(text, &end);
    bool ok = *end == '\0' && end != text;
    if (!is_float) {
        errno = 0;
        p->next.i = strtoll(text, &end, 10);
        if (errno == ERANGE && p->takes_u64 && *text != '-') {
            errno = 0;
            p->next.i = (int64_t)strtoull(text, &end, 10);
        }
        ok = ok && errno == 0 && *end == '\0';
    }
    if (!ok) (void)sc_text_fail(p, "'%s' is no number", text);
}

static void lex_mark(struct sc_text_parser *p)
{
    const int c = peek(p, 0);
    p->next.kind = SC_TOKEN_mark;
    p->next.mark = c;
    size_t n = 1;
    if (c == '=' && peek(p, 1) == '>') {
        p->next.mark = SC_MARK_ARROW;
        n = 2;
    } else if (c == '.' && peek(p, 1) == '.' && peek(p, 2) == '.') {
        p->next.mark = SC_MARK_ELLIPSIS;
        n = 3;
    } else if (c == 0 || !strchr("()[]{}<>=:,.@?", c)) {
        (void)sc_text_fail(p,
                           isprint(c) ? "found the character '%c', which means nothing here"
                                      : "found the byte 0x%02x, which means nothing here",
                           c);
        return;
    }
    p->at += n;
}

void sc_text_advance(struct sc_text_parser *p)
{
    if (p->failed) return;
    skip_blanks(p);
    p->next = (struct sc_token){.at = p->at};
    if (p->at >= p->size) return;
    const int c = peek(p, 0);
    if (isalpha(c) || c == '_')
        lex_name(p);
    else if (c == '"')
        lex_string(p);
    else if (isdigit(c) || c == '-' || c == '+')
        lex_number(p);
    else
        lex_mark(p);
}

static const char *mark_text(struct sc_arena *arena, int mark)
{
    if (mark == SC_MARK_ARROW) return "'=>'";
    if (mark == SC_MARK_ELLIPSIS) return "'...'";
    return sc_arena_printf(arena, "'%c'", mark);
}

const char *sc_text_found(const struct sc_text_parser *p)
{
    if (p->next.kind == SC_TOKEN_end) return "the end";
    if (p->next.kind == SC_TOKEN_mark) return mark_text(p->m->arena, p->next.mark);
    return sc_arena_printf(p->m->arena, "'%s'", p->next.text);
}

bool sc_text_is(const struct sc_text_parser *p, int mark)
{
    return p->next.kind == SC_TOKEN_mark && p->next.mark == mark;
}

bool sc_text_accept(struct sc_text_parser *p, int mark)
{
    if (!sc_text_is(p, mark)) return false;
    sc_text_advance(p);
    return true;
}

bool sc_text_expect(struct sc_text_parser *p, int mark)
{
    if (sc_text_accept(p, mark)) return true;
    return sc_text_fail(p, "found %s, expected %s", sc_text_found(p),
                        mark_text(p->m->arena, mark));
}

char *sc_text_name(struct sc_text_parser *p, const char *what)
{
    if (p->next.kind != SC_TOKEN_name && p->next.kind != SC_TOKEN_string) {
        (void)sc_text_fail(p, "found %s, expected %s", sc_text_found(p), what);
        return NULL;
    }
    char *const name = sc_arena_strdup(p->m->arena, p->next.text);
    sc_text_advance(p);
    return p->failed ? NULL : name;
}

char *sc_text_string(struct sc_text_parser *p, const char *what)
{
    if (p->next.kind == SC_TOKEN_string) return sc_text_name(p, what);
    (void)sc_text_fail(p, "found %s, expected %s", sc_text_found(p), what);
    return NULL;
}

bool sc_text_int(struct sc_text_parser *p, int64_t *out)
{
    if (p->next.kind != SC_TOKEN_int)
        return sc_text_fail(p, "found %s, expected an integer", sc_text_found(p));
    *out = p->next.i;
    sc_text_advance(p);
    return !p->failed;
}
