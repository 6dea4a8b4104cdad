// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints: folders step-00000123 holding params.safetensors (parameters and
// BN statistics), optimizer.safetensors and state.json. A folder of that name is
// whole: it is written under another name, synced, and renamed; and renamed
// before it is removed. A process that dies at any moment loses only the
// checkpoint it was writing. Checkpoints know no device and no layout.
#ifndef SC_CORE_CHECKPOINT_H
#define SC_CORE_CHECKPOINT_H

#include "runtime/base/diag.h"

// Tensors of a training, in host memory, named; somebody else owns them.
struct sc_state {
    const struct simclr_tensor *params; // trainable, frozen, statistics
    size_t n_params;
    const struct simclr_tensor *slots; // of the optimizer
    size_t n_slots;
};

// Writes the checkpoint of `step` into the folder `dir`, which must exist, then
// removes all but the newest `keep` (0: all stay). One that is there already is
// left as it is. On failure, reported once, the older ones are untouched.
SC_MUST_USE simclr_status sc_checkpoint_write(struct simclr_diag *diag, const char *dir,
                                              uint64_t step, const struct sc_state *state,
                                              size_t keep);

// The newest checkpoint in `dir`: 0 if there is none.
SC_MUST_USE simclr_status sc_checkpoint_newest(struct simclr_diag *diag, const char *dir,
                                               uint64_t *step);

// Reads the checkpoint of `step` into the tensors' data. Every tensor must be in
// the file with the same type and shape, and every one of the file among the
// tensors: BAD_INPUT names each that is not.
SC_MUST_USE simclr_status sc_checkpoint_read(struct simclr_diag *diag, const char *dir,
                                             uint64_t step, const struct sc_state *state);

// Reads a file of tensors by name, as above; where `is_optional[i]` (may be NULL),
// tensor i may be missing and stays as it is. For params.safetensors alone.
SC_MUST_USE simclr_status sc_tensors_read(struct simclr_diag *diag, const char *path,
                                          const struct simclr_tensor *tensors, size_t n,
                                          const bool *is_optional);

// Writes into `text` the path of a file of a checkpoint, or of the folder if
// `file` is NULL; false if it does not fit.
bool sc_checkpoint_path(char *text, size_t size, const char *dir, uint64_t step,
                        const char *file);

#endif
