// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

static const struct op_case cases[] = {
    {.name = "sigmoid_by_hand",
     .op = SIMCLR_OP_sigmoid,
     .n_in = 1,
     .in = {{.shape = {1, {3}}, .values = (const double[]){0, 2, -2}}},
     .shape = {{1, {3}}},
     .expect = {(const double[]){0.5, 0.880797078, 0.119202922}}},
    {.name = "sigmoid_of_a_matrix",
     .op = SIMCLR_OP_sigmoid,
     .n_in = 1,
     .in = {{.shape = {2, {3, 5}}, .low = -3, .high = 3}},
     .shape = {{2, {3, 5}}}},
    {.name = "sigmoid_of_a_scalar",
     .op = SIMCLR_OP_sigmoid,
     .n_in = 1,
     .in = {{.shape = {0}, .low = -3, .high = 3}},
     .shape = {{0}}},
    {.name = "sigmoid_saturates_without_overflow",
     .op = SIMCLR_OP_sigmoid,
     .n_in = 1,
     .in = {{.shape = {1, {2}}, .values = (const double[]){-1000, 1000}}},
     .shape = {{1, {2}}},
     .expect = {(const double[]){0, 1}}},
    {.name = "sigmoid_rejects_integers",
     .op = SIMCLR_OP_sigmoid,
     .n_in = 1,
     .in = {{.dtype = SIMCLR_i64, .shape = {2, {2, 3}}}},
     .error = "operand 1 is i64[2,3], expected f32"},
};

OP_SUITE(sigmoid, cases);
