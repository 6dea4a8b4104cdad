// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

static const struct op_case cases[] = {
    {.name = "div_by_hand",
     .op = SIMCLR_OP_div,
     .n_in = 2,
     .in = {{.shape = {1, {2}}, .values = (const double[]){1, 2.5}},
            {.shape = {1, {2}}, .values = (const double[]){4, -0.5}}},
     .shape = {{1, {2}}},
     .expect = {(const double[]){0.25, -5}}},
    {.name = "div_of_equal_shapes",
     .op = SIMCLR_OP_div,
     .n_in = 2,
     .in = {{.shape = {2, {3, 4}}}, {.shape = {2, {3, 4}}, .gap = 0.4}},
     .shape = {{2, {3, 4}}}},
    {.name = "div_broadcasts_both_operands",
     .op = SIMCLR_OP_div,
     .n_in = 2,
     .in = {{.shape = {3, {2, 1, 3}}}, {.shape = {2, {4, 1}}, .gap = 0.4}},
     .shape = {{3, {2, 4, 3}}}},
    {.name = "div_broadcasts_a_scalar",
     .op = SIMCLR_OP_div,
     .n_in = 2,
     .in = {{.shape = {0}}, {.shape = {2, {2, 3}}, .gap = 0.4}},
     .shape = {{2, {2, 3}}}},
    {.name = "div_of_integers",
     .op = SIMCLR_OP_div,
     .n_in = 2,
     .in = {{.dtype = SIMCLR_i64, .shape = {1, {4}}, .values = (const double[]){7, -7, 9, 4}},
            {.dtype = SIMCLR_i64, .shape = {1, {4}}, .values = (const double[]){2, 2, 0, -1}}},
     .shape = {{1, {4}}},
     .dtype = SIMCLR_i64,
     .expect = {(const double[]){3, -3, 0, -4}}},
};

OP_SUITE(div, cases);
