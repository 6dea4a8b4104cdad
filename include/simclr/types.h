// SPDX-License-Identifier: Apache-2.0
//
// The few types everything else is made of: status, element type, shape,
// tensor, and the sink through which both libraries speak to the user.
#ifndef SIMCLR_TYPES_H
#define SIMCLR_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How a call ended. Zero is success; the rows are in status.def.
typedef enum simclr_status {
#define STATUS(name, exit_code, text) SIMCLR_##name,
#include <simclr/status.def>
#undef STATUS
} simclr_status;

// Element type; the rows are in dtypes.def.
typedef enum simclr_dtype {
#define DTYPE(name, size, is_float, npy, safetensors) SIMCLR_##name,
#include <simclr/dtypes.def>
#undef DTYPE
    SIMCLR_N_DTYPES
} simclr_dtype;

enum { SIMCLR_MAX_RANK = 8 };

// Extents, outermost first. Rank 0 is a scalar (one element). Every extent is
// >= 0, and the product of all of them times 8 fits in int64.
struct simclr_shape {
    int32_t rank;
    int64_t dim[SIMCLR_MAX_RANK];
};

// A dense row-major tensor that somebody else owns. `name` may be NULL.
struct simclr_tensor {
    const char *name;
    simclr_dtype dtype;
    struct simclr_shape shape;
    void *data;
};

enum simclr_severity { SIMCLR_ERROR, SIMCLR_WARNING, SIMCLR_NOTE, SIMCLR_HINT };

// Where messages go. A zeroed struct prints to stderr. One message is one line
// without its newline, already formatted as `locus: severity: text`. Calls may
// come from any thread, one at a time.
struct simclr_diag {
    void (*sink)(void *user, enum simclr_severity severity, const char *line);
    void *user;
    const char *program; // locus of messages that concern no file; NULL means "simclr"
    int n_errors;        // errors reported so far
    int n_warnings;
    int max_errors; // further errors are counted, not shown; 0 means 20
};

// Exit code of the programs for `status` (0 ok, 1 model or data, 2 usage, 3 environment,
// 4 not the expected result).
int simclr_exit_code(simclr_status status);
// A static, lower-case description of `status`.
const char *simclr_status_text(simclr_status status);

// Bytes per element; static names such as "f32".
size_t simclr_dtype_size(simclr_dtype dtype);
const char *simclr_dtype_name(simclr_dtype dtype);
bool simclr_dtype_is_float(simclr_dtype dtype);

// Number of elements: the product of the extents, 1 for a scalar.
int64_t simclr_shape_count(const struct simclr_shape *shape);
bool simclr_shape_equal(const struct simclr_shape *a, const struct simclr_shape *b);

#endif
