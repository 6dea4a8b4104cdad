// SPDX-License-Identifier: Apache-2.0
//
// Tokens of the IR's text.
#ifndef SC_IR_LEX_H
#define SC_IR_LEX_H

#include "compiler/ir/words.h"

enum sc_token_kind {
    SC_TOKEN_end,     // of the text
    SC_TOKEN_newline, // of a line
    SC_TOKEN_comment, // from # to the end of the line
    SC_TOKEN_word,    // an identifier
    SC_TOKEN_number,  // begins with a digit, a sign or a point; not yet checked
    SC_TOKEN_string,  // in double quotes
    SC_TOKEN_value,   // %x  %"a.b"  %x.2  %0  %c0
    SC_TOKEN_mark,    // one character: { } [ ] ( ) , ; : = @
    SC_TOKEN_bad      // anything else
};

struct sc_token {
    enum sc_token_kind kind;
    const char *start; // in the text
    size_t size;
    uint32_t line, column; // from 1
    // In the arena: of words and numbers the characters, of strings what they
    // mean, of values what one looks them up by.
    const char *text;
    const char *name; // of a value: the model's name, NULL if it is counted
};

struct sc_lexer {
    struct sc_arena *arena;
    const char *at, *end;
    const char *line_start;
    uint32_t line;
};

struct sc_token sc_lex(struct sc_lexer *lexer);
// What the parser calls a token in messages: `'relu'`, `end of line`.
const char *sc_token_describe(struct sc_arena *arena, const struct sc_token *token);

#endif
