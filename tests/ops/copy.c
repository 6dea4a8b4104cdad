// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

static const struct op_case cases[] = {
    {.name = "copy_by_hand",
     .op = SIMCLR_OP_copy,
     .n_in = 1,
     .in = {{.shape = {1, {2}}, .values = (const double[]){1, -2}}},
     .shape = {{1, {2}}},
     .expect = {(const double[]){1, -2}}},
    {.name = "copy_of_a_matrix",
     .op = SIMCLR_OP_copy,
     .n_in = 1,
     .in = {{.shape = {2, {3, 4}}}},
     .shape = {{2, {3, 4}}}},
    {.name = "copy_of_integers",
     .op = SIMCLR_OP_copy,
     .n_in = 1,
     .in = {{.dtype = SIMCLR_i64, .shape = {1, {2}}, .values = (const double[]){3, 4}}},
     .shape = {{1, {2}}},
     .dtype = SIMCLR_i64,
     .expect = {(const double[]){3, 4}}},
};

OP_SUITE(copy, cases);
