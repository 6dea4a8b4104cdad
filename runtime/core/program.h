// SPDX-License-Identifier: Apache-2.0
//
// A program in memory, and the reader that makes one. After the reader has
// accepted a program, every index, offset, count, string and attribute in it is
// within its range, every value lies within its region, and every instruction
// has as many operands as its operation takes. What it does not know is whether
// the operands' shapes suit the operation: devices check that when a session is
// made.
#ifndef SC_CORE_PROGRAM_H
#define SC_CORE_PROGRAM_H

#include <simclr/runtime.h>

#include "runtime/base/file.h"

struct simclr_program {
    struct sc_map map; // of the file; empty if the bytes are somebody else's
    char *path;        // for messages; owned
    struct simclr_sections sections;
};

// A program from bytes in memory, aligned to 64, which it borrows. `path` names
// it in messages.
SC_MUST_USE simclr_status sc_program_from_memory(const void *data, size_t size,
                                                 const char *path, struct simclr_diag *diag,
                                                 struct simclr_program **out);

// Checks the records of all sections, whose extents are known to be right.
// BAD_INPUT with a message about the first that is wrong. For program.c.
SC_MUST_USE simclr_status sc_program_check(const struct simclr_sections *s, const char *path,
                                           struct simclr_diag *diag);

// Type and size of values and parameters, for devices and sessions.
struct simclr_shape sc_value_shape(const struct simclr_value *v);
uint64_t sc_value_bytes(const struct simclr_value *v);
struct simclr_shape sc_param_shape(const struct simclr_param *p);
uint64_t sc_param_bytes(const struct simclr_param *p);

#endif
