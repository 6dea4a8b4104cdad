// SPDX-License-Identifier: Apache-2.0
//
// MatMul and Gemm.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

// numpy's rule for vectors: a leading vector is a row, a trailing one a column,
// and the axis added is dropped from the result.
struct sc_value *sc_import_matmul(struct sc_scope *s)
{
    struct sc_value *a = sc_in(s, 0), *b = sc_in(s, 1);
    if (!a || !b) return NULL;
    if (a->shape.rank == 0 || b->shape.rank == 0)
        return sc_bad_node(s, "an operand is a scalar, expected rank 1 or more");
    const bool row = a->shape.rank == 1, column = b->shape.rank == 1;
    if (row) {
        const struct simclr_shape shape = {2, {1, a->shape.dim[0]}};
        a = sc_make_reshape(s, a, &shape);
    }
    if (column) {
        const struct simclr_shape shape = {2, {b->shape.dim[0], 1}};
        b = sc_make_reshape(s, b, &shape);
    }
    struct sc_value *const y = sc_make(s, SIMCLR_OP_matmul, NULL, a, b);
    if (!y || (!row && !column)) return y;
    struct simclr_shape shape = {0};
    for (int32_t i = 0; i < y->shape.rank; i++) {
        const bool dropped =
            (column && i == y->shape.rank - 1) || (row && i == y->shape.rank - 2);
        if (!dropped) shape.dim[shape.rank++] = y->shape.dim[i];
    }
    return sc_make_reshape(s, y, &shape);
}

static struct sc_value *scale(struct sc_scope *s, struct sc_value *x, double factor)
{
    if (factor == 1) return x;
    return sc_make(s, SIMCLR_OP_mul, NULL, x, sc_make_scalar(s, factor, SIMCLR_f32));
}

// alpha A' B' + beta C, where A' is A or its transpose.
struct sc_value *sc_import_gemm(struct sc_scope *s)
{
    struct sc_value *const a = sc_in(s, 0), *const b = sc_in(s, 1), *const c = sc_in(s, 2);
    if (!a || !b) return NULL;
    if (a->shape.rank != 2 || b->shape.rank != 2)
        return sc_bad_node(s, "operands have rank %d and %d, expected 2", (int)a->shape.rank,
                           (int)b->shape.rank);
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_matmul);
    attr.matmul.trans_a = sc_attr_i(s, "transA", 0) != 0;
    attr.matmul.trans_b = sc_attr_i(s, "transB", 0) != 0;
    const double alpha = sc_attr_f(s, "alpha", 1), beta = sc_attr_f(s, "beta", 1);
    struct sc_value *const ab = scale(s, sc_make(s, SIMCLR_OP_matmul, &attr, a, b), alpha);
    if (!c || !ab || beta == 0) return ab;
    struct simclr_shape together;
    if (!sc_broadcast(&ab->shape, &c->shape, &together) ||
        !simclr_shape_equal(&together, &ab->shape)) {
        struct sc_str found = {0}, expected = {0};
        sc_str_append_shape(&found, &c->shape);
        sc_str_append_shape(&expected, &ab->shape);
        (void)sc_bad_node(s, "bias '%s' has shape %s, expected one that broadcasts to %s",
                          sc_in_name(s, 2), sc_str_text(&found), sc_str_text(&expected));
        sc_str_free(&found);
        sc_str_free(&expected);
        return NULL;
    }
    return sc_make(s, SIMCLR_OP_add, NULL, ab, scale(s, c, beta));
}

struct sc_value *sc_import_gemm_old(struct sc_scope *s)
{
    const struct sc_value *const c = sc_in(s, 2);
    if (c && c->shape.rank != 2 && !sc_attr_i(s, "broadcast", 0))
        return sc_bad_node(s,
                           "bias has rank %d and attribute 'broadcast' is not set, expected "
                           "rank 2",
                           (int)c->shape.rank);
    return sc_import_gemm(s);
}
