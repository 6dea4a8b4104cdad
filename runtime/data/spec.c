// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/spec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A piece of the text, without the blanks around it.
struct piece {
    const char *text;
    size_t size;
};

static struct piece trimmed(const char *text, size_t size)
{
    while (size > 0 && text[0] == ' ') {
        text++;
        size--;
    }
    while (size > 0 && text[size - 1] == ' ')
        size--;
    return (struct piece){.text = text, .size = size};
}

static bool piece_is(struct piece piece, const char *text)
{
    return strlen(text) == piece.size && memcmp(piece.text, text, piece.size) == 0;
}

static bool parse_number(struct piece piece, double *out)
{
    char text[64];
    if (piece.size == 0 || piece.size >= sizeof text) return false;
    memcpy(text, piece.text, piece.size);
    text[piece.size] = '\0';
    char *end;
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

static simclr_status fail_unknown(struct simclr_diag *diag, const char *subject,
                                  struct piece name, const struct sc_spec_param *param,
                                  int n_params)
{
    char known[256] = "";
    size_t at = 0;
    for (int i = 0; i < n_params && at < sizeof known; i++) {
        const int n =
            snprintf(known + at, sizeof known - at, i > 0 ? ", %s" : "%s", param[i].name);
        at += n > 0 ? (size_t)n : 0;
    }
    return sc_fail(diag, SIMCLR_USAGE, NULL, "%s has no parameter '%.*s', expected one of %s",
                   subject, (int)name.size, name.text, known);
}

static simclr_status read_value(struct simclr_diag *diag, const char *subject,
                                struct piece value, struct sc_spec_param *param)
{
    double number;
    if (!parse_number(value, &number))
        return sc_fail(diag, SIMCLR_USAGE, NULL, "%s: %s is '%.*s', expected a number", subject,
                       param->name, (int)value.size, value.text);
    if (number < param->min || number > param->max)
        return sc_fail(diag, SIMCLR_USAGE, NULL, "%s: %s is %.*s, expected %g to %g", subject,
                       param->name, (int)value.size, value.text, param->min, param->max);
    if (param->is_whole && number != floor(number))
        return sc_fail(diag, SIMCLR_USAGE, NULL, "%s: %s is %.*s, expected a whole number",
                       subject, param->name, (int)value.size, value.text);
    param->value = number;
    return SIMCLR_OK;
}

static simclr_status read_item(struct simclr_diag *diag, const char *subject, struct piece item,
                               int place, struct sc_spec_param *param, int n_params)
{
    const char *const equals = memchr(item.text, '=', item.size);
    if (!equals && place >= n_params)
        return sc_fail(diag, SIMCLR_USAGE, NULL, "%s: %d values, expected at most %d", subject,
                       place + 1, n_params);
    if (!equals) return read_value(diag, subject, item, &param[place]);
    const size_t n_name = (size_t)(equals - item.text);
    const struct piece name = trimmed(item.text, n_name);
    const struct piece value = trimmed(equals + 1, item.size - n_name - 1);
    for (int i = 0; i < n_params; i++) {
        if (piece_is(name, param[i].name)) return read_value(diag, subject, value, &param[i]);
    }
    return fail_unknown(diag, subject, name, param, n_params);
}

simclr_status sc_spec_read(struct simclr_diag *diag, const char *subject, const char *text,
                           size_t size, struct sc_spec_param *param, int n_params)
{
    if (trimmed(text, size).size == 0) return SIMCLR_OK;
    for (int place = 0;; place++) {
        const char *const comma = memchr(text, ',', size);
        const size_t n = comma ? (size_t)(comma - text) : size;
        SC_TRY(read_item(diag, subject, trimmed(text, n), place, param, n_params));
        if (!comma) return SIMCLR_OK;
        text = comma + 1;
        size -= n + 1;
    }
}
