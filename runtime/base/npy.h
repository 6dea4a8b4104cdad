// SPDX-License-Identifier: Apache-2.0
//
// NumPy's .npy files (format 1.0 to 3.0, little-endian; written in C order).
#ifndef SC_BASE_NPY_H
#define SC_BASE_NPY_H

#include "runtime/base/file.h"
#include "runtime/base/numbers.h"

// An array read from a file; tensor.data points into the mapping, read-only in
// spite of its type.
struct sc_npy {
    struct sc_map map;
    struct simclr_tensor tensor;
};

// An array of numbers of any type and either order, which sc_numbers_convert makes ours.
struct sc_npy_any {
    struct sc_map map;
    struct sc_numbers numbers;
};

SC_MUST_USE simclr_status sc_npy_open_any(struct simclr_diag *diag, const char *path,
                                          struct sc_npy_any *out);
void sc_npy_close_any(struct sc_npy_any *npy);

// The same, of a dtype of ours and in C order.
SC_MUST_USE simclr_status sc_npy_open(struct simclr_diag *diag, const char *path,
                                      struct sc_npy *out);
void sc_npy_close(struct sc_npy *npy);
SC_MUST_USE simclr_status sc_npy_write(struct simclr_diag *diag, const char *path,
                                       const struct simclr_tensor *tensor);

#endif
