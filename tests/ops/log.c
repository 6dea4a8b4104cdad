// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

#include <math.h>

static const struct op_case cases[] = {
    {.name = "log_by_hand",
     .op = SIMCLR_OP_log,
     .n_in = 1,
     .in = {{.shape = {1, {3}}, .values = (const double[]){1, 2, 0.5}}},
     .shape = {{1, {3}}},
     .expect = {(const double[]){0, 0.6931471806, -0.6931471806}}},
    {.name = "log_of_a_matrix",
     .op = SIMCLR_OP_log,
     .n_in = 1,
     .in = {{.shape = {2, {3, 5}}, .low = 0.2, .high = 3}},
     .shape = {{2, {3, 5}}}},
    {.name = "log_of_a_scalar",
     .op = SIMCLR_OP_log,
     .n_in = 1,
     .in = {{.shape = {0}, .low = 0.2, .high = 3}},
     .shape = {{0}}},
    {.name = "log_of_zero_is_minus_infinity",
     .op = SIMCLR_OP_log,
     .n_in = 1,
     .in = {{.shape = {1, {1}}, .values = (const double[]){0}}},
     .shape = {{1, {1}}},
     .expect = {(const double[]){-(double)INFINITY}},
     .skip_gradient = true},
    {.name = "log_rejects_integers",
     .op = SIMCLR_OP_log,
     .n_in = 1,
     .in = {{.dtype = SIMCLR_i64, .shape = {2, {2, 3}}}},
     .error = "operand 1 is i64[2,3], expected f32"},
};

OP_SUITE(log, cases);
