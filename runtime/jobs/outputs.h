// SPDX-License-Identifier: Apache-2.0
//
// What is done with the outputs of a program: summed up, compared, written.
#ifndef SC_JOBS_OUTPUTS_H
#define SC_JOBS_OUTPUTS_H

#include "runtime/base/numbers.h"

#include <simclr/run.h>

// Fills the summary of an output.
void sc_output_describe(const struct simclr_tensor *t, struct simclr_run_output *out);
// Compares with an array of the same shape and fills the rest.
void sc_output_compare(const struct simclr_tensor *t, const struct sc_numbers *expected,
                       double rtol, double atol, struct simclr_run_output *out);

// Writes every output into `folder`, which must not be there yet: whole or not at all.
// Sets each output's file.
SC_MUST_USE simclr_status sc_outputs_write(struct simclr_diag *diag, const char *folder,
                                           const struct simclr_tensor *tensors,
                                           struct simclr_run_output *outputs, size_t n);

#endif
