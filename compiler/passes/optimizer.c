// SPDX-License-Identifier: Apache-2.0
//
// The optimizer as the user writes it: "lars", "sgd:momentum=0.9,nesterov=1".
// Keys are the fields of the operation's attributes, in the order of attrs.def,
// less those that the compiler sets itself.
#include "compiler/passes/passes.h"

#include "compiler/ir/attr.h"
#include "runtime/base/str.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

struct kind {
    const char *name;
    enum simclr_op op;
    const char *own; // a key that is not the user's to set; NULL: none
};

static const struct kind kinds[] = {
    {"lars", SIMCLR_OP_lars, "adapt"},
    {"sgd", SIMCLR_OP_sgd, NULL},
    {"adam", SIMCLR_OP_adam, "decoupled"},
    {"adamw", SIMCLR_OP_adam, "decoupled"},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static const struct kind *find_kind(const char *name, size_t n)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (strlen(kinds[i].name) == n && memcmp(kinds[i].name, name, n) == 0) return &kinds[i];
    }
    return NULL;
}

static bool is_key(const struct kind *kind, const struct sc_attr_field *f)
{
    return !kind->own || strcmp(kind->own, f->name) != 0;
}

static const struct sc_attr_field *find_key(const struct kind *kind, const char *name, size_t n)
{
    const struct sc_attr_field *f = sc_attr_fields(sc_op_table[kind->op].attrs);
    for (; f->name; f++) {
        if (is_key(kind, f) && strlen(f->name) == n && memcmp(f->name, name, n) == 0) return f;
    }
    return NULL;
}

static simclr_status fail_unknown_kind(struct simclr_diag *diag, const char *name, size_t n)
{
    return sc_fail(diag, SIMCLR_USAGE, NULL,
                   "unknown optimizer '%.*s', expected lars, sgd, adam or adamw", (int)n, name);
}

static simclr_status fail_unknown_key(struct simclr_diag *diag, const struct kind *kind,
                                      const char *name, size_t n)
{
    struct sc_str keys = {0};
    const struct sc_attr_field *f = sc_attr_fields(sc_op_table[kind->op].attrs);
    for (; f->name; f++) {
        if (is_key(kind, f)) sc_str_printf(&keys, "%s%s", keys.size > 0 ? ", " : "", f->name);
    }
    const simclr_status status =
        sc_fail(diag, SIMCLR_USAGE, NULL, "unknown key '%.*s' of optimizer '%s', expected %s",
                (int)n, name, kind->name, sc_str_text(&keys));
    sc_str_free(&keys);
    return status;
}

// What a key may be: rates that average are in [0, 1), the others not negative,
// switches 0 or 1.
static const char *expected_value(const struct sc_attr_field *f)
{
    const bool averages = strcmp(f->name, "momentum") == 0 || strncmp(f->name, "beta", 4) == 0;
    if (f->kind == SIMCLR_ATTR_flag) return "0 or 1";
    return averages ? "a number from 0 up to but not 1" : "a number not below 0";
}

static bool is_allowed(const struct sc_attr_field *f, double value)
{
    const bool averages = strcmp(f->name, "momentum") == 0 || strncmp(f->name, "beta", 4) == 0;
    if (f->kind == SIMCLR_ATTR_flag) return value == 0 || value == 1;
    return value >= 0 && value < (averages ? 1 : 1e30);
}

// The number in [text, text + n), written with a point in every locale.
static bool parse_number(const char *text, size_t n, double *out)
{
    char copy[64];
    const char *const point = localeconv()->decimal_point;
    if (n == 0 || n >= sizeof copy || strlen(point) != 1) return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    if (strspn(copy, "0123456789+-.eE") != n) return false;
    char *const at = strchr(copy, '.');
    if (at) *at = *point;
    char *end;
    *out = strtod(copy, &end);
    return *end == '\0';
}

// One "key=value" in [text, text + n).
static simclr_status parse_setting(struct simclr_diag *diag, const struct kind *kind,
                                   const char *text, size_t n, union simclr_attr *attr)
{
    const char *const equals = memchr(text, '=', n);
    const size_t n_key = equals ? (size_t)(equals - text) : n;
    const struct sc_attr_field *const f = find_key(kind, text, n_key);
    if (!f) return fail_unknown_key(diag, kind, text, n_key);

    const char *const value = equals ? equals + 1 : text + n;
    const size_t n_value = (size_t)(text + n - value);
    double number;
    if (!parse_number(value, n_value, &number) || !is_allowed(f, number))
        return sc_fail(diag, SIMCLR_USAGE, NULL, "optimizer key '%s' is '%.*s', expected %s",
                       f->name, (int)n_value, value, expected_value(f));
    char *const at = (char *)attr + f->offset;
    const int64_t flag = (int64_t)number;
    if (f->kind == SIMCLR_ATTR_flag)
        memcpy(at, &flag, sizeof flag);
    else
        memcpy(at, &number, sizeof number);
    return SIMCLR_OK;
}

simclr_status sc_optimizer_parse(struct simclr_diag *diag, const char *text,
                                 struct sc_optimizer *out)
{
    const size_t n_name = strcspn(text, ":");
    const struct kind *const kind = find_kind(text, n_name);
    if (!kind) return fail_unknown_kind(diag, text, n_name);

    struct sc_optimizer optimizer = {.op = kind->op, .attr = sc_attr_default(kind->op)};
    if (strcmp(kind->name, "adamw") == 0) {
        optimizer.attr.adam.decoupled = 1;
        optimizer.attr.adam.weight_decay = 0.01; // as its authors and PyTorch have it
    }
    for (const char *at = text + n_name; *at != '\0';) {
        const size_t n = strcspn(++at, ",");
        SC_TRY(parse_setting(diag, kind, at, n, &optimizer.attr));
        at += n;
    }
    *out = optimizer;
    return SIMCLR_OK;
}

static const struct kind *kind_of(const struct sc_optimizer *optimizer)
{
    const bool is_adamw = optimizer->op == SIMCLR_OP_adam && optimizer->attr.adam.decoupled;
    for (size_t i = 0; i < N_KINDS; i++) {
        if (kinds[i].op == optimizer->op && (!is_adamw || strcmp(kinds[i].name, "adamw") == 0))
            return &kinds[i];
    }
    return NULL;
}

const char *sc_optimizer_print(struct sc_arena *arena, const struct sc_optimizer *optimizer)
{
    const struct kind *const kind = kind_of(optimizer);
    struct sc_str s = {0};
    sc_str_append(&s, kind->name);
    char separator = ':';
    const struct sc_attr_field *f = sc_attr_fields(sc_op_table[kind->op].attrs);
    for (; f->name; f++) {
        if (!is_key(kind, f)) continue;
        const char *const at = (const char *)&optimizer->attr + f->offset;
        double number;
        int64_t flag;
        memcpy(&number, at, sizeof number);
        memcpy(&flag, at, sizeof flag);
        sc_str_printf(&s, "%c%s=", separator, f->name);
        if (f->kind == SIMCLR_ATTR_flag)
            sc_str_append(&s, flag ? "1" : "0");
        else
            sc_str_append_f64(&s, number);
        separator = ',';
    }
    const char *const text = sc_arena_strdup(arena, sc_str_text(&s));
    sc_str_free(&s);
    return text;
}
