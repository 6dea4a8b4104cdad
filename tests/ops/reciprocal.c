// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

static const struct op_case cases[] = {
    {.name = "reciprocal_by_hand",
     .op = SIMCLR_OP_reciprocal,
     .n_in = 1,
     .in = {{.shape = {1, {3}}, .values = (const double[]){1, -4, 0.5}}},
     .shape = {{1, {3}}},
     .expect = {(const double[]){1, -0.25, 2}}},
    {.name = "reciprocal_of_a_matrix",
     .op = SIMCLR_OP_reciprocal,
     .n_in = 1,
     .in = {{.shape = {2, {3, 5}}, .gap = 0.3}},
     .shape = {{2, {3, 5}}}},
    {.name = "reciprocal_of_a_scalar",
     .op = SIMCLR_OP_reciprocal,
     .n_in = 1,
     .in = {{.shape = {0}, .gap = 0.3}},
     .shape = {{0}}},
    {.name = "reciprocal_rejects_integers",
     .op = SIMCLR_OP_reciprocal,
     .n_in = 1,
     .in = {{.dtype = SIMCLR_i64, .shape = {2, {2, 3}}}},
     .error = "operand 1 is i64[2,3], expected f32"},
};

OP_SUITE(reciprocal, cases);
