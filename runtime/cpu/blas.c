// SPDX-License-Identifier: Apache-2.0
//
// The one file that sees OpenBLAS.
#include "runtime/cpu/blas.h"

#include <limits.h>
#include <string.h>

#include <cblas.h>

void sc_blas_init(void)
{
    openblas_set_num_threads(1);
}

bool sc_gemm_fits(int64_t m, int64_t n, int64_t k)
{
    return m <= INT_MAX && n <= INT_MAX && k <= INT_MAX;
}

// Without a term the product is zero; the library leaves C alone then.
static void scale_only(const struct sc_gemm *g)
{
    for (int64_t i = 0; i < g->m && g->beta == 0; i++)
        memset(g->c + i * g->ldc, 0, (size_t)g->n * sizeof *g->c);
}

void sc_gemm(const struct sc_gemm *g)
{
    if (g->m == 0 || g->n == 0) return;
    if (g->k == 0) {
        scale_only(g);
        return;
    }
    cblas_sgemm(CblasRowMajor, g->trans_a ? CblasTrans : CblasNoTrans,
                g->trans_b ? CblasTrans : CblasNoTrans, (int)g->m, (int)g->n, (int)g->k, 1.0f,
                g->a, (int)g->lda, g->b, (int)g->ldb, g->beta, g->c, (int)g->ldc);
}
