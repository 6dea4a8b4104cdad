// SPDX-License-Identifier: Apache-2.0
//
// Initial values that are described rather than stored.
#ifndef SC_BASE_INIT_H
#define SC_BASE_INIT_H

#include <simclr/program.h>

// The n initial values of the parameter `name`. normal(a, b): a + b times normal
// number i of the stream (seed, sc_hash_text(name), 0), computed in double and
// rounded once; uniform(a, b): a + (b - a) times uniform number i; constant: a.
// A function of the arguments alone. Not for SIMCLR_INIT_stored.
void sc_init_fill(enum simclr_init kind, double a, double b, uint64_t seed, const char *name,
                  int64_t n, float *out);

#endif
