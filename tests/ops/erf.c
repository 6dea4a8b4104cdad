// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

static const struct op_case cases[] = {
    {.name = "erf_by_hand",
     .op = SIMCLR_OP_erf,
     .n_in = 1,
     .in = {{.shape = {1, {3}}, .values = (const double[]){0, 0.5, -1}}},
     .shape = {{1, {3}}},
     .expect = {(const double[]){0, 0.5204998778, -0.8427007929}}},
    {.name = "erf_of_a_matrix",
     .op = SIMCLR_OP_erf,
     .n_in = 1,
     .in = {{.shape = {2, {3, 5}}, .low = -2, .high = 2}},
     .shape = {{2, {3, 5}}}},
    {.name = "erf_of_a_scalar",
     .op = SIMCLR_OP_erf,
     .n_in = 1,
     .in = {{.shape = {0}, .low = -2, .high = 2}},
     .shape = {{0}}},
    {.name = "erf_rejects_integers",
     .op = SIMCLR_OP_erf,
     .n_in = 1,
     .in = {{.dtype = SIMCLR_i64, .shape = {2, {2, 3}}}},
     .error = "operand 1 is i64[2,3], expected f32"},
};

OP_SUITE(erf, cases);
