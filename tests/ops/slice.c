// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

static const struct op_case cases[] = {
    {.name = "slice_by_hand",
     .op = SIMCLR_OP_slice,
     .attr =
         &(const union simclr_attr){
             .slice = {.starts = {1, {1}}, .sizes = {1, {2}}, .steps = {1, {2}}}},
     .n_in = 1,
     .in = {{.shape = {1, {5}}, .values = (const double[]){0, 1, 2, 3, 4}}},
     .shape = {{1, {2}}},
     .expect = {(const double[]){1, 3}}},
    {.name = "slice_backwards_by_hand",
     .op = SIMCLR_OP_slice,
     .attr =
         &(const union simclr_attr){
             .slice = {.starts = {1, {4}}, .sizes = {1, {3}}, .steps = {1, {-2}}}},
     .n_in = 1,
     .in = {{.shape = {1, {5}}, .values = (const double[]){0, 1, 2, 3, 4}}},
     .shape = {{1, {3}}},
     .expect = {(const double[]){4, 2, 0}}},
    {.name = "slice_of_two_axes",
     .op = SIMCLR_OP_slice,
     .attr =
         &(const union simclr_attr){
             .slice = {.starts = {2, {1, 0}}, .sizes = {2, {2, 3}}, .steps = {2, {1, 2}}}},
     .n_in = 1,
     .in = {{.shape = {2, {4, 5}}}},
     .shape = {{2, {2, 3}}}},
    {.name = "slice_of_two_axes_by_hand",
     .op = SIMCLR_OP_slice,
     .attr =
         &(const union simclr_attr){
             .slice = {.starts = {2, {1, 0}}, .sizes = {2, {2, 2}}, .steps = {2, {1, 2}}}},
     .n_in = 1,
     .in = {{.shape = {2, {3, 3}}, .values = (const double[]){1, 2, 3, 4, 5, 6, 7, 8, 9}}},
     .shape = {{2, {2, 2}}},
     .expect = {(const double[]){4, 6, 7, 9}}},
    {.name = "slice_of_nothing_is_empty",
     .op = SIMCLR_OP_slice,
     .attr =
         &(const union simclr_attr){
             .slice = {.starts = {1, {4}}, .sizes = {1, {0}}, .steps = {1, {1}}}},
     .n_in = 1,
     .in = {{.shape = {1, {4}}}},
     .shape = {{1, {0}}}},
    {.name = "slice_of_one_element_with_a_huge_step",
     .op = SIMCLR_OP_slice,
     .attr =
         &(const union simclr_attr){
             .slice = {.starts = {1, {2}}, .sizes = {1, {1}}, .steps = {1, {INT64_MIN}}}},
     .n_in = 1,
     .in = {{.shape = {1, {4}}, .values = (const double[]){5, 6, 7, 8}}},
     .shape = {{1, {1}}},
     .expect = {(const double[]){7}}},
    {.name = "slice_rejects_a_step_of_zero",
     .op = SIMCLR_OP_slice,
     .attr =
         &(const union simclr_attr){
             .slice = {.starts = {1, {0}}, .sizes = {1, {2}}, .steps = {1, {0}}}},
     .n_in = 1,
     .in = {{.shape = {1, {4}}}},
     .error = "step along axis 0 is 0"},
    {.name = "slice_rejects_elements_behind_the_end",
     .op = SIMCLR_OP_slice,
     .attr =
         &(const union simclr_attr){
             .slice = {.starts = {1, {2}}, .sizes = {1, {3}}, .steps = {1, {1}}}},
     .n_in = 1,
     .in = {{.shape = {1, {4}}}},
     .error = "slice of axis 0 takes 3 elements from 2 in steps of 1, the axis has 4"},
    {.name = "slice_rejects_a_product_that_overflows",
     .op = SIMCLR_OP_slice,
     .attr =
         &(const union simclr_attr){
             .slice = {.starts = {1, {0}}, .sizes = {1, {3}}, .steps = {1, {INT64_MAX}}}},
     .n_in = 1,
     .in = {{.shape = {1, {4}}}},
     .error =
         "slice of axis 0 takes 3 elements from 0 in steps of 9223372036854775807, the axis has 4"},
    {.name = "slice_rejects_lists_of_another_length",
     .op = SIMCLR_OP_slice,
     .attr =
         &(const union simclr_attr){
             .slice = {.starts = {1, {0}}, .sizes = {1, {3}}, .steps = {1, {1}}}},
     .n_in = 1,
     .in = {{.shape = {2, {4, 2}}}},
     .error = "slice has 1 starts, 1 sizes and 1 steps, expected 2"},
    {.name = "slice_grad_by_hand",
     .op = SIMCLR_OP_slice_grad,
     .attr =
         &(const union simclr_attr){
             .slice_grad = {.starts = {1, {1}}, .steps = {1, {2}}, .shape = {1, {5}}}},
     .n_in = 1,
     .in = {{.shape = {1, {2}}, .values = (const double[]){7, 9}}},
     .shape = {{1, {5}}},
     .expect = {(const double[]){0, 7, 0, 9, 0}}},
    {.name = "slice_grad_backwards_by_hand",
     .op = SIMCLR_OP_slice_grad,
     .attr =
         &(const union simclr_attr){
             .slice_grad = {.starts = {1, {4}}, .steps = {1, {-2}}, .shape = {1, {5}}}},
     .n_in = 1,
     .in = {{.shape = {1, {3}}, .values = (const double[]){1, 2, 3}}},
     .shape = {{1, {5}}},
     .expect = {(const double[]){3, 0, 2, 0, 1}}},
    {.name = "slice_grad_of_two_axes",
     .op = SIMCLR_OP_slice_grad,
     .attr =
         &(const union simclr_attr){
             .slice_grad = {.starts = {2, {1, 0}}, .steps = {2, {1, 2}}, .shape = {2, {4, 5}}}},
     .n_in = 1,
     .in = {{.shape = {2, {2, 3}}}},
     .shape = {{2, {4, 5}}}},
    {.name = "slice_grad_rejects_what_does_not_fit",
     .op = SIMCLR_OP_slice_grad,
     .attr =
         &(const union simclr_attr){
             .slice_grad = {.starts = {1, {1}}, .steps = {1, {2}}, .shape = {1, {5}}}},
     .n_in = 1,
     .in = {{.shape = {1, {3}}}},
     .error = "slice of axis 0 takes 3 elements from 1 in steps of 2, the axis has 5"},
    {.name = "slice_of_large_extents",
     .op = SIMCLR_OP_slice,
     .attr = &(const union simclr_attr){.slice = {.starts = {3, {1, 129, 0}},
                                                  .sizes = {3, {12, 43, 11}},
                                                  .steps = {3, {3, -3, 1}}}},
     .n_in = 1,
     .in = {{.shape = {3, {37, 131, 11}}}},
     .shape = {{3, {12, 43, 11}}},
     .skip_gradient = true},
    {.name = "slice_grad_of_large_extents",
     .op = SIMCLR_OP_slice_grad,
     .attr = &(const union simclr_attr){.slice_grad = {.starts = {3, {1, 129, 0}},
                                                       .steps = {3, {3, -3, 1}},
                                                       .shape = {3, {37, 131, 11}}}},
     .n_in = 1,
     .in = {{.shape = {3, {12, 43, 11}}}},
     .shape = {{3, {37, 131, 11}}},
     .skip_gradient = true},
};

OP_SUITE(slice, cases);
