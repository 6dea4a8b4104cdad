// SPDX-License-Identifier: Apache-2.0
//
// Tokens of ONNX's textual syntax, and the two halves of its parser: values
// (types, tensors, attributes: text_value.c) and structure (text_parse.c).
#ifndef SC_ONNX_TEXT_LEX_H
#define SC_ONNX_TEXT_LEX_H

#include "compiler/onnx/model.h"

enum sc_token_kind {
    SC_TOKEN_end,
    SC_TOKEN_name,   // a letter or '_', then letters, digits and '_'
    SC_TOKEN_string, // "quoted", with \" and \\ inside
    SC_TOKEN_int,
    SC_TOKEN_float,
    SC_TOKEN_mark // one of ( ) [ ] { } < > = : , . @ ? or "=>" or "..."
};

struct sc_token {
    enum sc_token_kind kind;
    size_t at;
    int mark;         // the character; '>' + 256 for "=>", '.' + 256 for "..."
    const char *text; // of names, strings and numbers, in the arena
    int64_t i;        // what only uint64 holds: by its bits
    double f;         // of ints too
};
enum { SC_MARK_ARROW = '>' + 256, SC_MARK_ELLIPSIS = '.' + 256, SC_TEXT_MAX_DEPTH = 32 };

struct sc_text_parser {
    struct sc_module *m;
    const char *file;
    const char *text;
    size_t size, at;
    struct sc_token next; // one token of lookahead
    bool failed;          // reported once; everything afterwards is quiet
    int depth;            // of nested graphs
    bool takes_u64;       // integers may be as large as uint64
};

// Moves to the next token. After a failure every token is the end.
void sc_text_advance(struct sc_text_parser *p);
// Reports at the next token unless something was reported before; returns false.
bool sc_text_fail(struct sc_text_parser *p, const char *fmt, ...) SC_PRINTF(2, 3);
// The next token in words, for messages: "'=>'".
const char *sc_text_found(const struct sc_text_parser *p);
bool sc_text_is(const struct sc_text_parser *p, int mark);
// Takes the mark if it is next.
bool sc_text_accept(struct sc_text_parser *p, int mark);
// Takes the mark or fails with "found X, expected Y".
bool sc_text_expect(struct sc_text_parser *p, int mark);
// Takes a name or a quoted string; NULL after failing. `what` is what it names.
char *sc_text_name(struct sc_text_parser *p, const char *what);
char *sc_text_string(struct sc_text_parser *p, const char *what);
bool sc_text_int(struct sc_text_parser *p, int64_t *out);

// text_value.c. Each returns NULL or false after failing.

// "float[N,3] name" without the name; the next token must be a type (see below).
Onnx__TypeProto *sc_text_type(struct sc_text_parser *p);
// Is the next token the name of an element type?
bool sc_text_is_type(const struct sc_text_parser *p);
// "= {1, 2}" or "= [\"location\": \"x\"]" behind a type and a name.
Onnx__TensorProto *sc_text_tensor(struct sc_text_parser *p, const Onnx__TypeProto *type,
                                  char *name);
// "name: type = value", within < >.
Onnx__AttributeProto *sc_text_attribute(struct sc_text_parser *p);
// ["key": "value", ...]
bool sc_text_entries(struct sc_text_parser *p, Onnx__StringStringEntryProto ***entries,
                     size_t *n);

// text_parse.c
Onnx__GraphProto *sc_text_graph(struct sc_text_parser *p, char *name);

#endif
