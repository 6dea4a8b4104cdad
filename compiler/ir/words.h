// SPDX-License-Identifier: Apache-2.0
//
// The words of the IR's text for the enumerations of <simclr/program.h>, for
// printers and parser alike, and the way names are written.
#ifndef SC_IR_WORDS_H
#define SC_IR_WORDS_H

#include "compiler/ir/op.h"
#include "runtime/base/str.h"

// A list of words, by enumerator; NULL ends it.
extern const char *const sc_role_words[];
extern const char *const sc_part_words[];
extern const char *const sc_init_words[];
extern const char *const sc_port_words[];
extern const char *const sc_space_words[];
extern const char *const sc_dtype_words[];
// The enumerator, or -1.
int sc_word_find(const char *const *words, const char *text);

// [A-Za-z_][A-Za-z0-9_]*
bool sc_is_identifier(const char *text);
// `text` between `quote`s. Backslash escapes: the quote, the backslash, \n, \t,
// and \xHH for other control characters; everything else stands as it is.
void sc_append_quoted(struct sc_str *s, const char *text, char quote);
// The inverse: `at` points behind the opening quote, `end` behind the last byte
// there is. Returns the text, in the arena, and where the closing quote is; NULL
// if there is none on this line or an escape is wrong.
const char *sc_read_quoted(struct sc_arena *arena, const char *at, const char *end, char quote,
                           const char **closing);
// An identifier as it is, anything else in double quotes.
void sc_append_name(struct sc_str *s, const char *name);

// An origin without the '#': `m.onnx: 'conv1' (Conv), by autodiff`; each part
// may be missing. Appends nothing if all are.
void sc_append_origin(struct sc_str *s, const struct sc_origin *origin);
// The inverse. False if the text is no origin, but an ordinary comment.
bool sc_read_origin(struct sc_arena *arena, const char *text, size_t size,
                    struct sc_origin *out);

#endif
