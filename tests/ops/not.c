// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

static const struct op_case cases[] = {
    {.name = "not_by_hand",
     .op = SIMCLR_OP_not,
     .n_in = 1,
     .in = {{.dtype = SIMCLR_bool, .shape = {1, {2}}, .values = (const double[]){0, 1}}},
     .shape = {{1, {2}}},
     .dtype = SIMCLR_bool,
     .expect = {(const double[]){1, 0}}},
    {.name = "not_rejects_numbers",
     .op = SIMCLR_OP_not,
     .n_in = 1,
     .in = {{.shape = {1, {2}}}},
     .error = "operand 1 is f32[2], expected bool"},
};

OP_SUITE(not, cases);
