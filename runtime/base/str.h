// SPDX-License-Identifier: Apache-2.0
//
// A growing string for printers: dumps, messages, JSON. Owned by the caller;
// always NUL-terminated; exhaustion of memory exits as in arena.h.
#ifndef SC_BASE_STR_H
#define SC_BASE_STR_H

#include "runtime/base/diag.h"

struct sc_str {
    char *data; // NULL while empty: use sc_str_text
    size_t size, capacity;
};

void sc_str_free(struct sc_str *s);
const char *sc_str_text(const struct sc_str *s); // "" while empty
void sc_str_clear(struct sc_str *s);
void sc_str_append(struct sc_str *s, const char *text);
void sc_str_append_n(struct sc_str *s, const char *text, size_t n);
void sc_str_printf(struct sc_str *s, const char *fmt, ...) SC_PRINTF(2, 3);
// A float with the fewest digits (6 to 9; 15 to 17 for doubles) that read back
// equal; "inf", "-inf", "nan". The same in every locale.
void sc_str_append_f32(struct sc_str *s, float value);
void sc_str_append_f64(struct sc_str *s, double value);
// A shape as "[64,3,32,32]"; a tensor type as "f32[64,3,32,32]".
void sc_str_append_shape(struct sc_str *s, const struct simclr_shape *shape);
void sc_str_append_type(struct sc_str *s, simclr_dtype dtype, const struct simclr_shape *shape);
// A JSON string, quoted and escaped; invalid UTF-8 becomes U+FFFD.
void sc_str_append_json(struct sc_str *s, const char *text);

#endif
