// SPDX-License-Identifier: Apache-2.0
//
// The parser's state and its parts below the level of a line: types, attributes,
// constants. Every function that returns bool has reported the mistake, or knows
// that it was reported, when it returns false.
#ifndef SC_IR_PARSE_H
#define SC_IR_PARSE_H

#include "compiler/ir/builder.h"
#include "compiler/ir/lex.h"

struct sc_parser {
    struct sc_arena *arena;
    struct simclr_diag *diag;
    const char *file;
    struct sc_lexer lexer;
    struct sc_token token; // the next one
    int64_t bytes_left;    // for constants
    bool has_failed;
};

bool sc_parse_fail(struct sc_parser *p, const struct sc_token *at, const char *fmt, ...)
    SC_PRINTF(3, 4);
// Fails at the next token: "'x' found, <what> expected".
bool sc_parse_unexpected(struct sc_parser *p, const char *what);

void sc_parse_next(struct sc_parser *p);
bool sc_parse_is(const struct sc_parser *p, char mark);
bool sc_parse_is_word(const struct sc_parser *p, const char *word);
bool sc_parse_take(struct sc_parser *p, char mark); // if it is next
bool sc_parse_mark(struct sc_parser *p, char mark); // it must be next
bool sc_parse_word(struct sc_parser *p, const char *what, struct sc_token *out);
// A word of the list; `what` names the list.
bool sc_parse_choice(struct sc_parser *p, const char *const *words, const char *what, int *out);
// An identifier or a string.
bool sc_parse_name(struct sc_parser *p, const char *what, const char **out);
bool sc_parse_i64(struct sc_parser *p, int64_t low, int64_t high, int64_t *out);
bool sc_parse_f64(struct sc_parser *p, double *out);

// `f32[8,16]`
bool sc_parse_type(struct sc_parser *p, simclr_dtype *dtype, struct simclr_shape *shape);
// The attributes of an operation with n_in operands, behind the opening brace.
bool sc_parse_attrs(struct sc_parser *p, enum simclr_op op, int n_in, union simclr_attr *out);
// The elements of a constant, behind the `=`.
bool sc_parse_elements(struct sc_parser *p, simclr_dtype dtype,
                       const struct simclr_shape *shape, const void **out);
// How a node is run, behind the opening bracket.
bool sc_parse_kernel(struct sc_parser *p, enum simclr_op op, struct sc_kernel_choice *out);

#endif
