// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/str.h"

#include "runtime/base/checked.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct sc_str *s, size_t n)
{
    size_t need;
    bool ok = sc_checked_add(s->size, n, &need) && sc_checked_add(need, 1, &need);
    if (ok && need <= s->capacity) return;
    size_t capacity = s->capacity < 64 ? 64 : s->capacity;
    while (ok && capacity < need)
        ok = sc_checked_mul(capacity, 2, &capacity);
    char *const data = ok ? realloc(s->data, capacity) : NULL;
    if (!data) {
        (void)fprintf(stderr, "simclr: error: out of memory (text of %zu bytes)\n", s->size);
        exit(simclr_exit_code(SIMCLR_NO_MEMORY));
    }
    s->data = data;
    s->capacity = capacity;
}

void sc_str_free(struct sc_str *s)
{
    free(s->data);
    *s = (struct sc_str){0};
}

const char *sc_str_text(const struct sc_str *s)
{
    return s->data ? s->data : "";
}

void sc_str_clear(struct sc_str *s)
{
    s->size = 0;
    if (s->data) s->data[0] = '\0';
}

void sc_str_append_n(struct sc_str *s, const char *text, size_t n)
{
    reserve(s, n);
    if (n > 0) memcpy(s->data + s->size, text, n);
    s->size += n;
    s->data[s->size] = '\0';
}

void sc_str_append(struct sc_str *s, const char *text)
{
    sc_str_append_n(s, text, strlen(text));
}

void sc_str_printf(struct sc_str *s, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n >= 0) {
        reserve(s, (size_t)n);
        (void)vsnprintf(s->data + s->size, (size_t)n + 1, fmt, again);
        s->size += (size_t)n;
    }
    va_end(again);
}

// Appends a number printed by printf with the locale's decimal separator, which
// may be several bytes long, replaced by a point.
static void append_number(struct sc_str *s, const char *text)
{
    bool in_separator = false;
    for (; *text; text++) {
        const bool is_part = strchr("0123456789+-e", *text) != NULL;
        if (is_part)
            sc_str_append_n(s, text, 1);
        else if (!in_separator)
            sc_str_append_n(s, ".", 1);
        in_separator = !is_part;
    }
}

// True if `value` is no finite number, whose name is then appended.
static bool append_special(struct sc_str *s, double value)
{
    if (isfinite(value)) return false;
    sc_str_append(s, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    return true;
}

void sc_str_append_f32(struct sc_str *s, float value)
{
    if (append_special(s, (double)value)) return;
    char text[64];
    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) break;
    }
    append_number(s, text);
}

void sc_str_append_f64(struct sc_str *s, double value)
{
    if (append_special(s, value)) return;
    char text[64];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    append_number(s, text);
}

void sc_str_append_shape(struct sc_str *s, const struct simclr_shape *shape)
{
    sc_str_append(s, "[");
    for (int32_t i = 0; i < shape->rank; i++)
        sc_str_printf(s, i > 0 ? ",%" PRId64 : "%" PRId64, shape->dim[i]);
    sc_str_append(s, "]");
}

void sc_str_append_type(struct sc_str *s, simclr_dtype dtype, const struct simclr_shape *shape)
{
    sc_str_append(s, simclr_dtype_name(dtype));
    sc_str_append_shape(s, shape);
}

// The length of the valid UTF-8 sequence at `p`, 0 if there is none: no overlong
// form, no surrogate, nothing above U+10FFFF (RFC 3629, section 4).
static size_t utf8_length(const unsigned char *p)
{
    if (p[0] < 0x80) return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
    const size_t length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    const unsigned low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    const unsigned high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
    }
    return length;
}

void sc_str_append_json(struct sc_str *s, const char *text)
{
    sc_str_append(s, "\"");
    const unsigned char *p = (const unsigned char *)text;
    while (*p) {
        const size_t length = utf8_length(p);
        if (length == 0)
            sc_str_append(s, "\xef\xbf\xbd");
        else if (*p == '"' || *p == '\\')
            sc_str_printf(s, "\\%c", *p);
        else if (*p == '\n')
            sc_str_append(s, "\\n");
        else if (*p == '\t')
            sc_str_append(s, "\\t");
        else if (*p < 0x20)
            sc_str_printf(s, "\\u%04x", (unsigned)*p);
        else
            sc_str_append_n(s, (const char *)p, length);
        p += length > 0 ? length : 1;
    }
    sc_str_append(s, "\"");
}
