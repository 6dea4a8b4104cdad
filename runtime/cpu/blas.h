// SPDX-License-Identifier: Apache-2.0
//
// The matrix product of the BLAS, on one thread: our own pool parallelises.
#ifndef SC_CPU_BLAS_H
#define SC_CPU_BLAS_H

#include <stdbool.h>
#include <stdint.h>

// One matrix product, all matrices row-major: C = op(A) op(B) + beta C with
// op(A) of m x k, op(B) of k x n; lda, ldb, ldc are the distances of rows in
// memory, before transposing. beta 0 ignores what C holds. C overlaps nothing.
struct sc_gemm {
    bool trans_a, trans_b;
    int64_t m, n, k;
    const float *a;
    int64_t lda;
    const float *b;
    int64_t ldb;
    float beta;
    float *c;
    int64_t ldc;
};

// Sets the library to one thread. Call before the first product.
void sc_blas_init(void);
// Dimensions and leading dimensions fit in int (sc_gemm_fits); may run on several
// threads at once. Extents of 0 are allowed.
void sc_gemm(const struct sc_gemm *g);
// Whether the library can address such a product.
bool sc_gemm_fits(int64_t m, int64_t n, int64_t k);

#endif
