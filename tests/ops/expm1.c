// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

#include <math.h>

static const struct op_case cases[] = {
    {.name = "expm1_by_hand",
     .op = SIMCLR_OP_expm1,
     .n_in = 1,
     .in = {{.shape = {1, {3}}, .values = (const double[]){0, 1, -1}}},
     .shape = {{1, {3}}},
     .expect = {(const double[]){0, 1.718281828459045, -0.6321205588285577}}},
    {.name = "expm1_of_a_matrix",
     .op = SIMCLR_OP_expm1,
     .n_in = 1,
     .in = {{.shape = {2, {3, 5}}, .low = -4, .high = 2}},
     .shape = {{2, {3, 5}}}},
    {.name = "expm1_of_small_numbers",
     .op = SIMCLR_OP_expm1,
     .n_in = 1,
     .in = {{.shape = {2, {2, 7}}, .low = -1e-06, .high = 1e-06}},
     .shape = {{2, {2, 7}}}},
    {.name = "expm1_of_what_is_not_finite",
     .op = SIMCLR_OP_expm1,
     .n_in = 1,
     .in = {{.shape = {1, {3}},
             .values = (const double[]){(double)NAN, -(double)INFINITY, (double)INFINITY}}},
     .shape = {{1, {3}}},
     .expect = {(const double[]){(double)NAN, -1, (double)INFINITY}},
     .skip_gradient = true},
    {.name = "expm1_rejects_integers",
     .op = SIMCLR_OP_expm1,
     .n_in = 1,
     .in = {{.dtype = SIMCLR_i64, .shape = {2, {2, 3}}}},
     .error = "operand 1 is i64[2,3], expected f32"},
};

OP_SUITE(expm1, cases);
