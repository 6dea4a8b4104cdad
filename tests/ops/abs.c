// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

static const struct op_case cases[] = {
    {.name = "abs_by_hand",
     .op = SIMCLR_OP_abs,
     .n_in = 1,
     .in = {{.shape = {1, {3}}, .values = (const double[]){0, -1.5, 2}}},
     .shape = {{1, {3}}},
     .expect = {(const double[]){0, 1.5, 2}},
     .skip_gradient = true,
     .gradient = (const double[]){0, -1, 1}},
    {.name = "abs_of_a_matrix",
     .op = SIMCLR_OP_abs,
     .n_in = 1,
     .in = {{.shape = {2, {3, 5}}, .gap = 0.05}},
     .shape = {{2, {3, 5}}}},
    {.name = "abs_of_a_scalar",
     .op = SIMCLR_OP_abs,
     .n_in = 1,
     .in = {{.shape = {0}, .gap = 0.05}},
     .shape = {{0}}},
    {.name = "abs_of_integers",
     .op = SIMCLR_OP_abs,
     .n_in = 1,
     .in = {{.dtype = SIMCLR_i64, .shape = {1, {3}}, .values = (const double[]){3, -4, 0}}},
     .shape = {{1, {3}}},
     .dtype = SIMCLR_i64,
     .expect = {(const double[]){3, 4, 0}}},
    {.name = "abs_rejects_truth_values",
     .op = SIMCLR_OP_abs,
     .n_in = 1,
     .in = {{.dtype = SIMCLR_bool, .shape = {1, {2}}, .values = (const double[]){0, 1}}},
     .error = "operand 1 is bool[2], expected f32, i64 or i32"},
};

OP_SUITE(abs, cases);
