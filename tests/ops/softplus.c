// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

#include <math.h>

static const struct op_case cases[] = {
    {.name = "softplus_by_hand",
     .op = SIMCLR_OP_softplus,
     .n_in = 1,
     .in = {{.shape = {1, {3}}, .values = (const double[]){0, 1, -1}}},
     .shape = {{1, {3}}},
     .expect = {(const double[]){0.6931471805599453, 1.3132616875182228, 0.31326168751822286}}},
    {.name = "softplus_of_a_matrix",
     .op = SIMCLR_OP_softplus,
     .n_in = 1,
     .in = {{.shape = {2, {3, 5}}, .low = -4, .high = 4}},
     .shape = {{2, {3, 5}}}},
    {.name = "softplus_of_very_small_numbers",
     .op = SIMCLR_OP_softplus,
     .n_in = 1,
     .in = {{.shape = {2, {2, 7}}, .low = -80, .high = -20}},
     .shape = {{2, {2, 7}}}},
    {.name = "softplus_of_large_numbers",
     .op = SIMCLR_OP_softplus,
     .n_in = 1,
     .in = {{.shape = {2, {2, 7}}, .low = 80, .high = 1000}},
     .shape = {{2, {2, 7}}}},
    {.name = "softplus_of_what_is_not_finite",
     .op = SIMCLR_OP_softplus,
     .n_in = 1,
     .in = {{.shape = {1, {3}},
             .values = (const double[]){(double)NAN, -(double)INFINITY, (double)INFINITY}}},
     .shape = {{1, {3}}},
     .expect = {(const double[]){(double)NAN, 0, (double)INFINITY}},
     .skip_gradient = true},
    {.name = "softplus_rejects_integers",
     .op = SIMCLR_OP_softplus,
     .n_in = 1,
     .in = {{.dtype = SIMCLR_i64, .shape = {2, {2, 3}}}},
     .error = "operand 1 is i64[2,3], expected f32"},
};

OP_SUITE(softplus, cases);
