// SPDX-License-Identifier: Apache-2.0
//
// safetensors files: 8 bytes of header length, a JSON header, then the tensors.
// Written in the order of element size, large first, then of names, without gaps
// (readers refuse them): equal content gives equal bytes, and every tensor is
// aligned to its elements.
#ifndef SC_BASE_SAFETENSORS_H
#define SC_BASE_SAFETENSORS_H

#include "runtime/base/file.h"

// An open file. tensor[i].data points into the mapping, read-only.
struct sc_safetensors {
    struct sc_map map;
    size_t n_tensors;
    struct simclr_tensor *tensor; // in the order of their names
    void *storage;                // owns names and the array
};

// Header sizes, offsets and shapes are checked; BAD_INPUT names what is wrong.
SC_MUST_USE simclr_status sc_safetensors_open(struct simclr_diag *diag, const char *path,
                                              struct sc_safetensors *out);
void sc_safetensors_close(struct sc_safetensors *file);
const struct simclr_tensor *sc_safetensors_find(const struct sc_safetensors *file,
                                                const char *name); // NULL if absent
SC_MUST_USE simclr_status sc_safetensors_write(struct simclr_diag *diag, const char *path,
                                               const struct simclr_tensor *tensors, size_t n);

#endif
