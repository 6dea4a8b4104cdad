// SPDX-License-Identifier: Apache-2.0
//
// NumPy's .npy files (format 1.0 to 3.0, C order, little-endian).
#ifndef SC_BASE_NPY_H
#define SC_BASE_NPY_H

#include "runtime/base/file.h"

// An array read from a file; tensor.data points into the mapping, read-only in
// spite of its type.
struct sc_npy {
    struct sc_map map;
    struct simclr_tensor tensor;
};

SC_MUST_USE simclr_status sc_npy_open(struct simclr_diag *diag, const char *path,
                                      struct sc_npy *out);
void sc_npy_close(struct sc_npy *npy);
SC_MUST_USE simclr_status sc_npy_write(struct simclr_diag *diag, const char *path,
                                       const struct simclr_tensor *tensor);

#endif
