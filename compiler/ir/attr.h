// SPDX-License-Identifier: Apache-2.0
//
// Reflection over attribute structs: the rows of attrs.def as data, walked by
// printer, parser, JSON, hash and equality.
#ifndef SC_IR_ATTR_H
#define SC_IR_ATTR_H

#include "compiler/ir/op.h"

struct sc_attr_field {
    const char *name; // NULL ends the list
    enum simclr_attr_kind kind;
    size_t offset;
    double default_value;
};

const struct sc_attr_field *sc_attr_fields(enum simclr_attr_group group);

// All fields of the group at their defaults, the rest zero.
union simclr_attr sc_attr_default(enum simclr_op op);
bool sc_attr_equal(enum simclr_op op, const union simclr_attr *a, const union simclr_attr *b);
// Whether the field, found at `at`, has its default: then it is not printed.
bool sc_attr_is_default(const struct sc_attr_field *field, const void *at);
uint64_t sc_attr_hash(enum simclr_op op, const union simclr_attr *attr);

#endif
