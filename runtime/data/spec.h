// SPDX-License-Identifier: Apache-2.0
//
// Parameters as users write them: "0.08,1" by place, "s=0.5,p=0.8" by name.
#ifndef SC_DATA_SPEC_H
#define SC_DATA_SPEC_H

#include "runtime/base/diag.h"

struct sc_spec_param {
    const char *name;
    double value; // the default, then what was read
    double min, max;
    bool is_whole; // a whole number is expected
};

// Reads the `size` bytes at `text` into `param`. `subject` begins every message:
// "augmentation 'crop'". Blanks do not matter. USAGE if something is wrong.
SC_MUST_USE simclr_status sc_spec_read(struct simclr_diag *diag, const char *subject,
                                       const char *text, size_t size,
                                       struct sc_spec_param *param, int n_params);

#endif
