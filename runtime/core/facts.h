// SPDX-License-Identifier: Apache-2.0
//
// What the runtime knows of each operation without running it: the rows of
// ops.def, kernels.def and attrs.def as data, for the program reader and for
// messages.
#ifndef SC_CORE_FACTS_H
#define SC_CORE_FACTS_H

#include <simclr/attrs.h>

struct sc_attr_fact {
    const char *name; // NULL ends the list
    enum simclr_attr_kind kind;
    size_t offset; // in union simclr_attr
};

struct sc_op_facts {
    const char *name;
    const struct sc_attr_fact *attrs;
    uint32_t min_in, max_in, n_out; // max_in UINT32_MAX: any number
    bool is_pointwise;              // may be a step of a micro-program
};

extern const struct sc_op_facts sc_op_facts[SIMCLR_N_OPS];

// How many algorithms `op` has: its rows of kernels.def, 1 if there are none.
uint32_t sc_op_n_kernels(enum simclr_op op);
// The name of one of them, "default" if there are no rows.
const char *sc_op_kernel_name(enum simclr_op op, uint32_t kernel);

#endif
