// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

static const struct op_case cases[] = {
    {.name = "lars_by_hand",
     .op = SIMCLR_OP_lars,
     .attr =
         &(const union simclr_attr){
             .lars = {.momentum = 0.9, .weight_decay = 0, .eta = 0.001, .adapt = 1}},
     .n_in = 4,
     .in = {{.shape = {1, {2}}, .values = (const double[]){3, 4}},
            {.shape = {1, {2}}, .values = (const double[]){0.3, 0.4}},
            {.shape = {1, {2}}, .values = (const double[]){1, -1}},
            {.shape = {0}, .values = (const double[]){2}}},
     .shape = {{1, {2}}, {1, {2}}},
     .expect = {(const double[]){2.094, 4.892}, (const double[]){0.906, -0.892}}},
    {.name = "lars_takes_the_norm_of_the_decayed_gradient",
     .op = SIMCLR_OP_lars,
     .attr =
         &(const union simclr_attr){
             .lars = {.momentum = 0.9, .weight_decay = 0.1, .eta = 0.001, .adapt = 1}},
     .n_in = 4,
     .in = {{.shape = {1, {2}}, .values = (const double[]){3, 4}},
            {.shape = {1, {2}}, .values = (const double[]){0.3, 0.4}},
            {.shape = {1, {2}}, .values = (const double[]){0, 0}},
            {.shape = {0}, .values = (const double[]){2}}},
     .shape = {{1, {2}}, {1, {2}}},
     .expect = {(const double[]){2.994, 3.992}, (const double[]){0.006, 0.008}}},
    {.name = "lars_without_adaptation_is_momentum_without_decay",
     .op = SIMCLR_OP_lars,
     .attr =
         &(const union simclr_attr){
             .lars = {.momentum = 0.9, .weight_decay = 0.1, .eta = 0.001, .adapt = 0}},
     .n_in = 4,
     .in = {{.shape = {1, {2}}, .values = (const double[]){3, 4}},
            {.shape = {1, {2}}, .values = (const double[]){0.3, 0.4}},
            {.shape = {1, {2}}, .values = (const double[]){1, -1}},
            {.shape = {0}, .values = (const double[]){2}}},
     .shape = {{1, {2}}, {1, {2}}},
     .expect = {(const double[]){1.5, 4.1}, (const double[]){1.5, -0.1}}},
    {.name = "lars_moves_a_parameter_that_is_zero",
     .op = SIMCLR_OP_lars,
     .attr =
         &(const union simclr_attr){
             .lars = {.momentum = 0.9, .weight_decay = 0.1, .eta = 0.001, .adapt = 1}},
     .n_in = 4,
     .in = {{.shape = {1, {2}}, .values = (const double[]){0, 0}},
            {.shape = {1, {2}}, .values = (const double[]){0.3, 0.4}},
            {.shape = {1, {2}}, .values = (const double[]){0, 0}},
            {.shape = {0}, .values = (const double[]){2}}},
     .shape = {{1, {2}}, {1, {2}}},
     .expect = {(const double[]){-0.6, -0.8}, (const double[]){0.6, 0.8}}},
    {.name = "lars_with_a_zero_gradient_keeps_rolling",
     .op = SIMCLR_OP_lars,
     .attr =
         &(const union simclr_attr){
             .lars = {.momentum = 0.9, .weight_decay = 0, .eta = 0.001, .adapt = 1}},
     .n_in = 4,
     .in = {{.shape = {1, {2}}, .values = (const double[]){3, 4}},
            {.shape = {1, {2}}, .values = (const double[]){0, 0}},
            {.shape = {1, {2}}, .values = (const double[]){1, -1}},
            {.shape = {0}, .values = (const double[]){2}}},
     .shape = {{1, {2}}, {1, {2}}},
     .expect = {(const double[]){2.1, 4.9}, (const double[]){0.9, -0.9}}},
    {.name = "lars_of_a_matrix",
     .op = SIMCLR_OP_lars,
     .attr =
         &(const union simclr_attr){
             .lars = {.momentum = 0.9, .weight_decay = 1e-4, .eta = 0.001, .adapt = 1}},
     .n_in = 4,
     .in = {{.shape = {2, {5, 7}}},
            {.shape = {2, {5, 7}}},
            {.shape = {2, {5, 7}}},
            {.shape = {0}, .values = (const double[]){0.3}}},
     .shape = {{2, {5, 7}}, {2, {5, 7}}},
     .sum_length = 35},
    {.name = "lars_rejects_another_momentum",
     .op = SIMCLR_OP_lars,
     .n_in = 4,
     .in = {{.shape = {1, {2}}}, {.shape = {1, {2}}}, {.shape = {1, {3}}}, {.shape = {0}}},
     .error = "operand 3 is f32[3], expected the shape of operand 1, f32[2]"},
    {.name = "lars_rejects_integers",
     .op = SIMCLR_OP_lars,
     .n_in = 4,
     .in = {{.shape = {1, {2}}},
            {.dtype = SIMCLR_i64, .shape = {1, {2}}},
            {.shape = {1, {2}}},
            {.shape = {0}}},
     .error = "operand 2 is i64[2], expected f32"},
    {.name = "lars_of_large_extents",
     .op = SIMCLR_OP_lars,
     .attr =
         &(const union simclr_attr){
             .lars = {.momentum = 0.9, .weight_decay = 1e-4, .eta = 0.001, .adapt = 1}},
     .n_in = 4,
     .in = {{.shape = {2, {131, 1003}}},
            {.shape = {2, {131, 1003}}},
            {.shape = {2, {131, 1003}}},
            {.shape = {0}, .values = (const double[]){0.3}}},
     .shape = {{2, {131, 1003}}, {2, {131, 1003}}},
     .skip_gradient = true,
     .sum_length = 131393},
};

OP_SUITE(lars, cases);
