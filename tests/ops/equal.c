// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

#include <math.h>

static const struct op_case cases[] = {
    {.name = "equal_by_hand",
     .op = SIMCLR_OP_equal,
     .n_in = 2,
     .in = {{.shape = {1, {4}}, .values = (const double[]){1, 2, (double)NAN, 0}},
            {.shape = {1, {4}}, .values = (const double[]){1, 3, (double)NAN, -0.0}}},
     .shape = {{1, {4}}},
     .dtype = SIMCLR_bool,
     .expect = {(const double[]){1, 0, 0, 1}}},
    {.name = "equal_of_integers_broadcasts",
     .op = SIMCLR_OP_equal,
     .n_in = 2,
     .in = {{.dtype = SIMCLR_i64, .shape = {2, {3, 1}}, .values = (const double[]){1, 2, 3}},
            {.dtype = SIMCLR_i64, .shape = {1, {2}}, .values = (const double[]){2, 3}}},
     .shape = {{2, {3, 2}}},
     .dtype = SIMCLR_bool,
     .expect = {(const double[]){0, 0, 1, 0, 0, 1}}},
    {.name = "equal_rejects_different_types",
     .op = SIMCLR_OP_equal,
     .n_in = 2,
     .in = {{.shape = {1, {2}}}, {.dtype = SIMCLR_i64, .shape = {1, {2}}}},
     .error = "operands have different types: f32[2] and i64[2]"},
};

OP_SUITE(equal, cases);
