// SPDX-License-Identifier: Apache-2.0
//
// Feature matrices, and the one product that kNN and the probe are made of.
#ifndef SC_EVAL_MATRIX_H
#define SC_EVAL_MATRIX_H

#include "runtime/base/diag.h"

// Columns of a tile; rows are padded with zeros to a multiple of it.
enum { SC_TILE = 16, SC_TILE_ROWS = 6 };

// n rows of d floats, `stride` apart, aligned to 64 bytes.
struct sc_matrix {
    int64_t n, d, stride;
    float *data;
};

// Rows with the class each belongs to, in [0, n_classes). Somebody else owns both.
struct sc_labelled {
    struct sc_matrix x;
    const int64_t *label; // x.n of them
};

// Zeros.
SC_MUST_USE simclr_status sc_matrix_init(struct simclr_diag *diag, int64_t n, int64_t d,
                                         struct sc_matrix *out);
void sc_matrix_deinit(struct sc_matrix *m); // zeroed is allowed

static inline float *sc_matrix_row(const struct sc_matrix *m, int64_t i)
{
    return m->data + i * m->stride;
}

// Mean and deviation of each column over the rows, in double; d of each. A column
// that does not vary has deviation 1.
void sc_matrix_moments(const struct sc_matrix *m, double *mean, double *deviation);
// Subtracts mean[j] and divides by deviation[j] (NULL: 1).
void sc_matrix_shift(struct sc_matrix *m, const double *mean, const double *deviation);
// Divides each row by its length; a row of zeros stays.
void sc_matrix_normalize_rows(struct sc_matrix *m);

// A tile of a product: for i < m <= SC_TILE_ROWS, j < SC_TILE,
//     c[i][j] = sum over p < k, in order, of a[i*a_row + p*a_col] * b[p*b_row + j].
// Every machine gives the same bits.
struct sc_tile_operand {
    const float *data;
    int64_t row, col;
};
void sc_tile_multiply(int64_t m, int64_t k, const struct sc_tile_operand *a, const float *b,
                      int64_t b_row, float c[SC_TILE_ROWS][SC_TILE]);

#endif
