// SPDX-License-Identifier: Apache-2.0
//
// Labelled rows for tests: clouds around one centre per class.
#ifndef SC_TESTS_EVAL_LABELLED_H
#define SC_TESTS_EVAL_LABELLED_H

#include "runtime/base/rng.h"
#include "runtime/eval/matrix.h"
#include "tests/harness/scratch.h"

struct cloud {
    struct sc_labelled rows;
    int64_t *label;
};

// Row i belongs to class i % n_classes; its centre, the same for every `stream`,
// has coordinates of deviation `spread`, its noise has deviation 1.
static inline void cloud_init(struct cloud *c, int64_t n, int64_t d, int64_t n_classes,
                              double spread, uint32_t stream)
{
    *c = (struct cloud){0};
    c->label = calloc((size_t)n, sizeof *c->label);
    assert_non_null(c->label);
    assert_int_equal(sc_matrix_init(NULL, n, d, &c->rows.x), SIMCLR_OK);
    c->rows.label = c->label;
    for (int64_t i = 0; i < n; i++) {
        struct sc_rng centre, noise;
        c->label[i] = i % n_classes;
        sc_rng_init(&centre, 1, (uint64_t)c->label[i], 0);
        sc_rng_init(&noise, 2, (uint64_t)i, stream);
        for (int64_t j = 0; j < d; j++)
            sc_matrix_row(&c->rows.x, i)[j] =
                (float)(spread * sc_rng_normal(&centre) + sc_rng_normal(&noise));
    }
}

static inline void cloud_deinit(struct cloud *c)
{
    sc_matrix_deinit(&c->rows.x);
    free(c->label);
}

#endif
