// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

#include <math.h>

static const struct op_case cases[] = {
    {.name = "less_by_hand",
     .op = SIMCLR_OP_less,
     .n_in = 2,
     .in = {{.shape = {1, {4}}, .values = (const double[]){1, 2, (double)NAN, 0}},
            {.shape = {1, {4}}, .values = (const double[]){1, 3, 0, -1}}},
     .shape = {{1, {4}}},
     .dtype = SIMCLR_bool,
     .expect = {(const double[]){0, 1, 0, 0}}},
    {.name = "less_of_integers_broadcasts",
     .op = SIMCLR_OP_less,
     .n_in = 2,
     .in = {{.dtype = SIMCLR_i64, .shape = {2, {3, 1}}, .values = (const double[]){1, 2, 3}},
            {.dtype = SIMCLR_i64, .shape = {1, {2}}, .values = (const double[]){2, 3}}},
     .shape = {{2, {3, 2}}},
     .dtype = SIMCLR_bool,
     .expect = {(const double[]){1, 1, 0, 1, 0, 0}}},
    {.name = "less_rejects_shapes_that_do_not_broadcast",
     .op = SIMCLR_OP_less,
     .n_in = 2,
     .in = {{.shape = {1, {2}}}, {.shape = {1, {3}}}},
     .error = "operands do not broadcast: f32[2] and f32[3]"},
    {.name = "less_of_u64_is_unsigned",
     .op = SIMCLR_OP_less,
     .n_in = 2,
     .in = {{.dtype = SIMCLR_u64, .shape = {1, {2}}, .values = (const double[]){0x1p63, 7}},
            {.dtype = SIMCLR_u64, .shape = {1, {2}}, .values = (const double[]){2, 9}}},
     .shape = {{1, {2}}},
     .dtype = SIMCLR_bool,
     .expect = {(const double[]){0, 1}}},
};

OP_SUITE(less, cases);
