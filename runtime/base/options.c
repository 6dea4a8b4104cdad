// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/diag.h"
#include "runtime/base/str.h"

#include <simclr/options.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One run over the arguments.
struct parser {
    const struct simclr_command *command;
    struct simclr_diag *diag;
    char *values;
    const char *const *argv;
    int argc, at; // `at`: the next argument to look at
    bool wants_help;
    uint64_t given; // bit i: option i was given
};

void simclr_report(struct simclr_diag *diag, enum simclr_severity severity, const char *locus,
                   const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sc_vreport(diag, severity, locus, fmt, args);
    va_end(args);
}

// ---- likeness ----

enum { MAX_WORD = 31 };

// Levenshtein's distance, by rows; words beyond MAX_WORD letters are unlike all.
static size_t distance(const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    if (n > MAX_WORD || m > MAX_WORD) return SIZE_MAX;
    size_t row[MAX_WORD + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const size_t above = row[j];
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best) best = above + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[m];
}

// A prefix is like its word; otherwise a third of the letters may be wrong.
const char *simclr_nearest(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 1;
    for (size_t i = 0; i < n; i++) {
        if (!names[i]) continue;
        const size_t d = distance(word, names[i]);
        if (d <= best_distance && (!best || d < best_distance)) {
            best = names[i];
            best_distance = d;
        }
    }
    for (size_t i = 0; !best && i < n && strlen(word) > 1; i++) {
        if (names[i] && strncmp(names[i], word, strlen(word)) == 0) best = names[i];
    }
    return best;
}

// ---- mistakes ----

static bool mistake(struct parser *p, const char *fmt, ...) SC_PRINTF(2, 3);

static bool mistake(struct parser *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sc_vreport(p->diag, SIMCLR_ERROR, NULL, fmt, args);
    va_end(args);
    return false;
}

static void hint_help(struct parser *p)
{
    const struct simclr_command *const c = p->command;
    sc_report(p->diag, SIMCLR_HINT, NULL, "'%s%s%s --help' says more", c->program,
              c->name ? " " : "", c->name ? c->name : "");
}

static bool unknown_option(struct parser *p, const char *arg, const char *name)
{
    const char *names[64] = {"help"};
    size_t n = 1;
    for (size_t i = 0; i < p->command->n_options && n < 64; i++)
        names[n++] = p->command->options[i].name;
    const char *const nearest = simclr_nearest(name, names, n);
    (void)mistake(p, "unknown option '%s'", arg);
    if (nearest) sc_report(p->diag, SIMCLR_HINT, NULL, "the nearest is '--%s'", nearest);
    return false;
}

// ---- values ----

// True if `value` is one of the alternatives in "a|b|c".
static bool is_choice(const char *choices, const char *value)
{
    const size_t n = strlen(value);
    for (const char *c = choices; c; c = strchr(c, '|')) {
        c += *c == '|';
        if (strncmp(c, value, n) == 0 && (c[n] == '|' || c[n] == '\0')) return true;
    }
    return false;
}

// "a|b|c" as "a, b or c".
static void append_choices(struct sc_str *s, const char *choices)
{
    const char *const last = strrchr(choices, '|');
    for (const char *c = choices; *c; c++) {
        if (*c != '|')
            sc_str_append_n(s, c, 1);
        else
            sc_str_append(s, c == last ? " or " : ", ");
    }
}

static bool set_text(struct parser *p, const struct simclr_option *o, const char *value)
{
    if (o->choices && !is_choice(o->choices, value)) {
        struct sc_str s = {0};
        append_choices(&s, o->choices);
        (void)mistake(p, "option '--%s': found '%s', expected %s", o->name, value,
                      sc_str_text(&s));
        sc_str_free(&s);
        return false;
    }
    *(const char **)(void *)(p->values + o->offset) = value;
    return true;
}

static bool set_integer(struct parser *p, const struct simclr_option *o, const char *value)
{
    char *end;
    errno = 0;
    const long long v = strtoll(value, &end, 10);
    if (end == value || *end != '\0' || errno == ERANGE || v < o->at_least)
        return mistake(
            p, "option '--%s': found '%s', expected a whole number, %" PRId64 " or more",
            o->name, value, o->at_least);
    *(int64_t *)(void *)(p->values + o->offset) = v;
    return true;
}

static bool set_number(struct parser *p, const struct simclr_option *o, const char *value)
{
    char *end;
    const double v = strtod(value, &end);
    if (end == value || *end != '\0' || !isfinite(v) || v < (double)o->at_least)
        return mistake(p, "option '--%s': found '%s', expected a number, %" PRId64 " or more",
                       o->name, value, o->at_least);
    *(double *)(void *)(p->values + o->offset) = v;
    return true;
}

static bool append_text(struct parser *p, const struct simclr_option *o, const char *value)
{
    struct simclr_texts *const texts = (void *)(p->values + o->offset);
    if (texts->n == SIMCLR_MAX_TEXTS)
        return mistake(p, "option '--%s': more than %d given", o->name, SIMCLR_MAX_TEXTS);
    texts->option[texts->n] = o->name;
    texts->item[texts->n++] = value;
    return true;
}

static bool set_value(struct parser *p, const struct simclr_option *o, const char *value)
{
    switch (o->kind) {
    case SIMCLR_OPTION_text:
    case SIMCLR_OPTION_optional: return set_text(p, o, value);
    case SIMCLR_OPTION_integer: return set_integer(p, o, value);
    case SIMCLR_OPTION_number: return set_number(p, o, value);
    case SIMCLR_OPTION_list: return append_text(p, o, value);
    case SIMCLR_OPTION_flag: *(bool *)(void *)(p->values + o->offset) = true; return true;
    case SIMCLR_OPTION_heading: break;
    }
    return true;
}

// ---- arguments ----

// The option `name`[0 .. n-1], or one with the letter; NULL if there is none.
static const struct simclr_option *find_option(const struct simclr_command *c, const char *name,
                                               size_t n, char letter)
{
    for (size_t i = 0; i < c->n_options; i++) {
        const struct simclr_option *const o = &c->options[i];
        if (o->kind == SIMCLR_OPTION_heading) continue;
        if (letter ? o->letter == letter : strlen(o->name) == n && !strncmp(o->name, name, n))
            return o;
    }
    return NULL;
}

// `value` is what stood behind '=' or the letter, NULL if nothing did.
static bool take_option(struct parser *p, const struct simclr_option *o, const char *value)
{
    const size_t index = (size_t)(o - p->command->options);
    if (index < 64) p->given |= UINT64_C(1) << index;
    if (o->kind == SIMCLR_OPTION_flag) {
        if (value)
            return mistake(p, "option '--%s' takes no value, found '%s'", o->name, value);
        return set_value(p, o, NULL);
    }
    if (!value && o->kind == SIMCLR_OPTION_optional) value = o->implied;
    if (!value) {
        const char *const next = p->at < p->argc ? p->argv[p->at] : NULL;
        if (!next || strncmp(next, "--", 2) == 0)
            return mistake(p, "option '--%s': the value is missing", o->name);
        value = next;
        p->at++;
    }
    return set_value(p, o, value);
}

static bool take_long(struct parser *p, const char *arg)
{
    const char *const name = arg + 2;
    const char *const equals = strchr(name, '=');
    const size_t n = equals ? (size_t)(equals - name) : strlen(name);
    const struct simclr_option *const o = find_option(p->command, name, n, 0);
    if (o) return take_option(p, o, equals ? equals + 1 : NULL);
    if (strcmp(name, "help") == 0) return p->wants_help = true;
    char *const word = strndup(name, n);
    (void)unknown_option(p, arg, word ? word : "");
    free(word);
    return false;
}

static bool take_short(struct parser *p, const char *arg)
{
    const struct simclr_option *const o = find_option(p->command, NULL, 0, arg[1]);
    if (o) return take_option(p, o, arg[2] ? arg + 2 : NULL);
    if (strcmp(arg, "-h") == 0) return p->wants_help = true;
    return unknown_option(p, arg, arg + 1);
}

static bool take_operand(struct parser *p, const char *arg)
{
    const struct simclr_operands *const o = &p->command->operands;
    struct simclr_texts *const texts = (void *)(p->values + o->offset);
    if (!o->metavar || texts->n == o->max || texts->n == SIMCLR_MAX_TEXTS)
        return mistake(p, "unexpected argument '%s'", arg);
    texts->item[texts->n++] = arg;
    return true;
}

// Every mistake is reported, not the first alone.
static bool take_all(struct parser *p)
{
    bool ok = true, is_options = true;
    while (p->at < p->argc) {
        const char *const arg = p->argv[p->at++];
        if (is_options && strcmp(arg, "--") == 0)
            is_options = false;
        else if (is_options && strncmp(arg, "--", 2) == 0)
            ok &= take_long(p, arg);
        else if (is_options && arg[0] == '-' && arg[1] != '\0')
            ok &= take_short(p, arg);
        else
            ok &= take_operand(p, arg);
    }
    return ok;
}

static bool check_complete(struct parser *p)
{
    const struct simclr_command *const c = p->command;
    bool ok = true;
    if (c->operands.metavar) {
        const struct simclr_texts *const texts = (const void *)(p->values + c->operands.offset);
        if (texts->n < c->operands.min)
            ok = mistake(p, "argument %s is missing", c->operands.metavar);
    }
    for (size_t i = 0; i < c->n_options && i < 64; i++) {
        if (c->options[i].is_required && !(p->given >> i & 1))
            ok = mistake(p, "option '--%s' is missing", c->options[i].name);
    }
    return ok;
}

bool simclr_options_parse(const struct simclr_command *command, int argc,
                          const char *const *argv, void *values, struct simclr_diag *diag,
                          int *exit_code)
{
    struct parser p = {.command = command, .diag = diag, .values = values};
    p.argv = argv;
    p.argc = argc;
    p.at = 1;
    bool ok = take_all(&p);
    if (p.wants_help) {
        *exit_code = simclr_options_help(command) == 0 ? 0 : simclr_exit_code(SIMCLR_IO);
        return false;
    }
    if (ok) ok = check_complete(&p);
    if (ok) return true;
    hint_help(&p);
    *exit_code = simclr_exit_code(SIMCLR_USAGE);
    return false;
}

// ---- help ----

static void append_left(struct sc_str *s, const struct simclr_option *o)
{
    if (o->letter)
        sc_str_printf(s, "  -%c, --%s", o->letter, o->name);
    else
        sc_str_printf(s, "  --%s", o->name);
    const char *const metavar = o->metavar ? o->metavar : o->choices;
    if (o->kind == SIMCLR_OPTION_optional)
        sc_str_printf(s, "[=%s]", metavar ? metavar : "VALUE");
    else if (o->kind != SIMCLR_OPTION_flag)
        sc_str_printf(s, " %s", metavar ? metavar : "VALUE");
}

enum { HELP_COLUMN = 28 };

// Text from HELP_COLUMN on; further lines of it are indented as far.
static void append_right(struct sc_str *s, size_t width, const char *help)
{
    if (width + 2 > HELP_COLUMN) {
        sc_str_append(s, "\n");
        width = 0;
    }
    sc_str_printf(s, "%*s", (int)(HELP_COLUMN - width), "");
    for (const char *c = help; *c; c++) {
        sc_str_append_n(s, c, 1);
        if (*c == '\n') sc_str_printf(s, "%*s", HELP_COLUMN, "");
    }
    sc_str_append(s, "\n");
}

static void append_options(struct sc_str *s, const struct simclr_command *c)
{
    if (c->n_options == 0 || c->options[0].kind != SIMCLR_OPTION_heading)
        sc_str_append(s, "\nOptions:\n");
    for (size_t i = 0; i < c->n_options; i++) {
        const struct simclr_option *const o = &c->options[i];
        if (o->kind == SIMCLR_OPTION_heading) {
            sc_str_printf(s, "\n%s:\n", o->help);
            continue;
        }
        const size_t start = s->size;
        append_left(s, o);
        append_right(s, s->size - start, o->help);
    }
    sc_str_append(s, "  -h, --help");
    append_right(s, strlen("  -h, --help"), "this text");
}

int simclr_options_help(const struct simclr_command *c)
{
    struct sc_str s = {0};
    sc_str_printf(&s, "usage: %s%s%s %s\n", c->program, c->name ? " " : "",
                  c->name ? c->name : "", c->usage);
    if (c->about) sc_str_printf(&s, "\n%s\n", c->about);
    append_options(&s, c);
    if (c->examples) sc_str_printf(&s, "\nExamples:\n%s\n", c->examples);
    const bool ok = fputs(sc_str_text(&s), stdout) >= 0 && fflush(stdout) == 0;
    sc_str_free(&s);
    return ok ? 0 : -1;
}
