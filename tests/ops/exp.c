// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

static const struct op_case cases[] = {
    {.name = "exp_by_hand",
     .op = SIMCLR_OP_exp,
     .n_in = 1,
     .in = {{.shape = {1, {3}}, .values = (const double[]){0, 1, -2}}},
     .shape = {{1, {3}}},
     .expect = {(const double[]){1, 2.718281828, 0.1353352832}}},
    {.name = "exp_of_a_matrix",
     .op = SIMCLR_OP_exp,
     .n_in = 1,
     .in = {{.shape = {2, {3, 5}}}},
     .shape = {{2, {3, 5}}}},
    {.name = "exp_of_a_scalar",
     .op = SIMCLR_OP_exp,
     .n_in = 1,
     .in = {{.shape = {0}}},
     .shape = {{0}}},
    {.name = "exp_rejects_integers",
     .op = SIMCLR_OP_exp,
     .n_in = 1,
     .in = {{.dtype = SIMCLR_i64, .shape = {2, {2, 3}}}},
     .error = "operand 1 is i64[2,3], expected f32"},
};

OP_SUITE(exp, cases);
