// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

static const struct op_case cases[] = {
    {.name = "sub_by_hand",
     .op = SIMCLR_OP_sub,
     .n_in = 2,
     .in = {{.shape = {1, {2}}, .values = (const double[]){1, 2.5}},
            {.shape = {1, {2}}, .values = (const double[]){3, -0.5}}},
     .shape = {{1, {2}}},
     .expect = {(const double[]){-2, 3}}},
    {.name = "sub_of_equal_shapes",
     .op = SIMCLR_OP_sub,
     .n_in = 2,
     .in = {{.shape = {2, {3, 4}}}, {.shape = {2, {3, 4}}}},
     .shape = {{2, {3, 4}}}},
    {.name = "sub_broadcasts_both_operands",
     .op = SIMCLR_OP_sub,
     .n_in = 2,
     .in = {{.shape = {3, {2, 1, 3}}}, {.shape = {2, {4, 1}}}},
     .shape = {{3, {2, 4, 3}}}},
    {.name = "sub_broadcasts_a_scalar",
     .op = SIMCLR_OP_sub,
     .n_in = 2,
     .in = {{.shape = {0}}, {.shape = {2, {2, 3}}}},
     .shape = {{2, {2, 3}}}},
    {.name = "sub_of_integers",
     .op = SIMCLR_OP_sub,
     .n_in = 2,
     .in = {{.dtype = SIMCLR_i64, .shape = {1, {2}}, .values = (const double[]){5, -7}},
            {.dtype = SIMCLR_i64, .shape = {1, {2}}, .values = (const double[]){2, 3}}},
     .shape = {{1, {2}}},
     .dtype = SIMCLR_i64,
     .expect = {(const double[]){3, -10}}},
};

OP_SUITE(sub, cases);
