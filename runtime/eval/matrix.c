// SPDX-License-Identifier: Apache-2.0
//
// BLAS belongs to runtime/cpu; evaluation needs one small product and brings its
// own, written with the compilers' vector types. It is compiled twice on x86,
// without fused multiply-add, so that both give the same bits.
#include "runtime/eval/matrix.h"

#include "runtime/base/checked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

simclr_status sc_matrix_init(struct simclr_diag *diag, int64_t n, int64_t d,
                             struct sc_matrix *out)
{
    const int64_t stride = (d + SC_TILE - 1) / SC_TILE * SC_TILE;
    size_t count, size;
    *out = (struct sc_matrix){.n = n, .d = d, .stride = stride};
    if (sc_checked_mul((size_t)(n > 0 ? n : 1), (size_t)stride, &count) &&
        sc_checked_mul(count, sizeof(float), &size))
        out->data = aligned_alloc(64, size); // a multiple of 64, as stride is of 16
    if (!out->data)
        return sc_fail(diag, SIMCLR_NO_MEMORY, NULL,
                       "out of memory for %lld rows of %lld features", (long long)n,
                       (long long)d);
    memset(out->data, 0, size);
    return SIMCLR_OK;
}

void sc_matrix_deinit(struct sc_matrix *m)
{
    free(m->data);
    *m = (struct sc_matrix){0};
}

void sc_matrix_moments(const struct sc_matrix *m, double *mean, double *deviation)
{
    for (int64_t j = 0; j < m->d; j++)
        mean[j] = deviation[j] = 0.0;
    for (int64_t i = 0; i < m->n; i++) {
        const float *const row = sc_matrix_row(m, i);
        for (int64_t j = 0; j < m->d; j++)
            mean[j] += (double)row[j];
    }
    const double n = m->n > 0 ? (double)m->n : 1.0;
    for (int64_t j = 0; j < m->d; j++)
        mean[j] /= n;
    for (int64_t i = 0; i < m->n; i++) {
        const float *const row = sc_matrix_row(m, i);
        for (int64_t j = 0; j < m->d; j++) {
            const double x = (double)row[j] - mean[j];
            deviation[j] += x * x;
        }
    }
    for (int64_t j = 0; j < m->d; j++) {
        const double s = sqrt(deviation[j] / n);
        // What rounding leaves of a constant column is no variation.
        deviation[j] = s > 1e-6 * fabs(mean[j]) && s > 0.0 ? s : 1.0;
    }
}

void sc_matrix_shift(struct sc_matrix *m, const double *mean, const double *deviation)
{
    for (int64_t i = 0; i < m->n; i++) {
        float *const row = sc_matrix_row(m, i);
        for (int64_t j = 0; j < m->d; j++)
            row[j] = (float)(((double)row[j] - mean[j]) / (deviation ? deviation[j] : 1.0));
    }
}

void sc_matrix_normalize_rows(struct sc_matrix *m)
{
    for (int64_t i = 0; i < m->n; i++) {
        float *const row = sc_matrix_row(m, i);
        double sum = 0.0;
        for (int64_t j = 0; j < m->d; j++)
            sum += (double)row[j] * (double)row[j];
        const float scale = sum > 0.0 ? (float)(1.0 / sqrt(sum)) : 0.0f;
        for (int64_t j = 0; j < m->d; j++)
            row[j] *= scale;
    }
}

// ---- the tile ----

typedef float v8 __attribute__((vector_size(32)));
typedef float v8_unaligned __attribute__((vector_size(32), aligned(4)));

// For a constant m, the 2*m accumulators stay in registers.
static inline __attribute__((always_inline)) void
tile_body(const int64_t m, int64_t k, const float *restrict a, int64_t a_row, int64_t a_col,
          const float *restrict b, int64_t b_row, float (*restrict c)[SC_TILE])
{
    v8 acc[SC_TILE_ROWS][2] = {0};
    for (int64_t p = 0; p < k; p++) {
        const v8 b0 = *(const v8_unaligned *)(b + p * b_row);
        const v8 b1 = *(const v8_unaligned *)(b + p * b_row + 8);
        for (int64_t i = 0; i < m; i++) {
            const float x = a[i * a_row + p * a_col];
            acc[i][0] += x * b0;
            acc[i][1] += x * b1;
        }
    }
    for (int64_t i = 0; i < m; i++) {
        *(v8_unaligned *)c[i] = acc[i][0];
        *(v8_unaligned *)(c[i] + 8) = acc[i][1];
    }
}

static inline __attribute__((always_inline)) void tile_rows(int64_t m, int64_t k,
                                                            const struct sc_tile_operand *a,
                                                            const float *b, int64_t b_row,
                                                            float c[SC_TILE_ROWS][SC_TILE])
{
    const float *x = a->data;
    if (m == SC_TILE_ROWS) {
        tile_body(SC_TILE_ROWS, k, x, a->row, a->col, b, b_row, c);
        return;
    }
    for (; m >= 4; m -= 4, x += 4 * a->row, c += 4)
        tile_body(4, k, x, a->row, a->col, b, b_row, c);
    for (; m > 0; m--, x += a->row, c++)
        tile_body(1, k, x, a->row, a->col, b, b_row, c);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void tile_avx2(int64_t m, int64_t k,
                                                      const struct sc_tile_operand *a,
                                                      const float *b, int64_t b_row,
                                                      float c[SC_TILE_ROWS][SC_TILE])
{
    tile_rows(m, k, a, b, b_row, c);
}
#endif

void sc_tile_multiply(int64_t m, int64_t k, const struct sc_tile_operand *a, const float *b,
                      int64_t b_row, float c[SC_TILE_ROWS][SC_TILE])
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        tile_avx2(m, k, a, b, b_row, c);
        return;
    }
#endif
    tile_rows(m, k, a, b, b_row, c);
}
