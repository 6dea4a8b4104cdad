// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

static const struct op_case cases[] = {
    {.name = "or_by_hand",
     .op = SIMCLR_OP_or,
     .n_in = 2,
     .in = {{.dtype = SIMCLR_bool, .shape = {1, {4}}, .values = (const double[]){0, 0, 1, 1}},
            {.dtype = SIMCLR_bool, .shape = {1, {4}}, .values = (const double[]){0, 1, 0, 1}}},
     .shape = {{1, {4}}},
     .dtype = SIMCLR_bool,
     .expect = {(const double[]){0, 1, 1, 1}}},
    {.name = "or_broadcasts",
     .op = SIMCLR_OP_or,
     .n_in = 2,
     .in = {{.dtype = SIMCLR_bool, .shape = {2, {3, 1}}, .high = 1},
            {.dtype = SIMCLR_bool, .shape = {1, {4}}, .high = 1}},
     .shape = {{2, {3, 4}}},
     .dtype = SIMCLR_bool},
    {.name = "or_rejects_numbers",
     .op = SIMCLR_OP_or,
     .n_in = 2,
     .in = {{.dtype = SIMCLR_bool, .shape = {1, {2}}, .high = 1},
            {.dtype = SIMCLR_i64, .shape = {1, {2}}, .high = 1}},
     .error = "operand 2 is i64[2], expected bool"},
};

OP_SUITE(or, cases);
