// SPDX-License-Identifier: Apache-2.0
//
// The inner product of all convolutions: up to SC_PANEL_ROWS rows of A times one
// panel of B, C[r][j] (+)= sum over k of A[r][k] B[k][j]. A panel is
// SC_PANEL_WIDTH columns wide and stored row after row without gaps, so that B
// streams from cache while the sums stay in registers: rows times vectors make
// at least twelve independent sums, which hides the latency of the adders.
#ifndef SC_CPU_OPS_PANEL_H
#define SC_CPU_OPS_PANEL_H

#include "runtime/cpu/ops/vec.h"

#include <stdbool.h>

enum {
    SC_PANEL_WIDTH = 64,
    SC_PANEL_ROWS = 6,
#if SC_LANES == 16
    SC_PANEL_VECTORS = 4, // 24 of 32 registers hold sums
#else
    SC_PANEL_VECTORS = 2, // 12 of 16
#endif
    SC_PANEL_STEP = SC_PANEL_VECTORS * SC_LANES // columns done at once
};

// SC_PANEL_STEP columns; `rows` is constant where this is inlined.
__attribute__((always_inline)) static inline void sc_panel_columns(const int rows, int64_t k,
                                                                   const float *a, int64_t lda,
                                                                   const float *b, float *c,
                                                                   int64_t ldc, bool adds)
{
    sc_vf sum[SC_PANEL_ROWS][SC_PANEL_VECTORS];
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < SC_PANEL_VECTORS; v++)
            sum[r][v] = (sc_vf){0};
    }
    for (int64_t i = 0; i < k; i++, b += SC_PANEL_WIDTH) {
        sc_vf column[SC_PANEL_VECTORS];
        for (int v = 0; v < SC_PANEL_VECTORS; v++)
            column[v] = sc_load(b + v * SC_LANES);
        for (int r = 0; r < rows; r++) {
            const sc_vf factor = sc_splat(a[r * lda + i]);
            for (int v = 0; v < SC_PANEL_VECTORS; v++)
                sum[r][v] += factor * column[v];
        }
    }
    for (int r = 0; r < rows; r++) {
        for (int v = 0; v < SC_PANEL_VECTORS; v++) {
            float *const to = c + r * ldc + v * SC_LANES;
            if (adds) sum[r][v] += sc_load(to);
            sc_store(to, sum[r][v]);
        }
    }
}

// All columns of the panel. 1 <= rows <= SC_PANEL_ROWS; `adds` keeps what C holds.
static inline void sc_panel_product(int rows, int64_t k, const float *a, int64_t lda,
                                    const float *b, float *c, int64_t ldc, bool adds)
{
    for (int j = 0; j < SC_PANEL_WIDTH; j += SC_PANEL_STEP) {
        const float *const bj = b + j;
        float *const cj = c + j;
        if (rows == 6)
            sc_panel_columns(6, k, a, lda, bj, cj, ldc, adds);
        else if (rows == 5)
            sc_panel_columns(5, k, a, lda, bj, cj, ldc, adds);
        else if (rows == 4)
            sc_panel_columns(4, k, a, lda, bj, cj, ldc, adds);
        else if (rows == 3)
            sc_panel_columns(3, k, a, lda, bj, cj, ldc, adds);
        else if (rows == 2)
            sc_panel_columns(2, k, a, lda, bj, cj, ldc, adds);
        else
            sc_panel_columns(1, k, a, lda, bj, cj, ldc, adds);
    }
}

#endif
