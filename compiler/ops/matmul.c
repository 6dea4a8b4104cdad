// SPDX-License-Identifier: Apache-2.0
//
// matmul: C = op(A) op(B) over the last two axes, where op transposes them if
// trans_a (trans_b) is set; the axes before them broadcast as in NumPy. Both
// operands have rank 2 at least: the importer reshapes vectors.
#include "compiler/ir/eval.h"
#include "compiler/ops/rules.h"

#include <assert.h>

// One operand's matrix: its extents and strides after op.
struct matrix {
    int64_t rows, cols, row_stride, col_stride;
};

static struct matrix matrix_of(const struct simclr_shape *s, int64_t trans)
{
    assert(s->rank >= 2);
    const int64_t r = s->dim[s->rank - 2], c = s->dim[s->rank - 1];
    return trans ? (struct matrix){c, r, 1, c} : (struct matrix){r, c, c, 1};
}

static struct simclr_shape batch_of(const struct simclr_shape *s)
{
    return sc_shape(s->rank - 2, s->dim);
}

// Each element of C is a sum in the order of k, which runs outside of j: the rows of
// op(B) are given one after another.
static void multiply(const struct matrix *ma, const double *a, int64_t n_cols, const double *b,
                     double *c)
{
    for (int64_t i = 0; i < ma->rows; i++) {
        double *const row = c + i * n_cols;
        for (int64_t j = 0; j < n_cols; j++)
            row[j] = 0;
        for (int64_t k = 0; k < ma->cols; k++) {
            const double factor = a[i * ma->row_stride + k * ma->col_stride];
            for (int64_t j = 0; j < n_cols; j++)
                row[j] += factor * b[k * n_cols + j];
        }
    }
}

static void copy_rows(const struct matrix *m, const double *from, double *to)
{
    for (int64_t i = 0; i < m->rows; i++) {
        for (int64_t j = 0; j < m->cols; j++)
            *to++ = from[i * m->row_stride + j * m->col_stride];
    }
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct matrix ma = matrix_of(&in[0]->shape, n->attr.matmul.trans_a);
    const struct matrix mb = matrix_of(&in[1]->shape, n->attr.matmul.trans_b);
    const struct simclr_shape batch = batch_of(&out[0]->shape);
    const struct simclr_shape batch_a = batch_of(&in[0]->shape);
    const struct simclr_shape batch_b = batch_of(&in[1]->shape);
    const struct simclr_shape shape_b = sc_shape(2, (int64_t[]){mb.rows, mb.cols});
    struct sc_tensor *const rows_of_b = sc_tensor_new(SIMCLR_f32, &shape_b);
    struct sc_walk a = sc_walk_broadcast(&batch_a, &batch);
    struct sc_walk b = sc_walk_broadcast(&batch_b, &batch);
    const int64_t n_batch = simclr_shape_count(&batch);
    for (int64_t i = 0; i < n_batch; i++) {
        copy_rows(&mb, in[1]->f + b.offset * mb.rows * mb.cols, rows_of_b->f);
        multiply(&ma, in[0]->f + a.offset * ma.rows * ma.cols, mb.cols, rows_of_b->f,
                 out[0]->f + i * ma.rows * mb.cols);
        sc_walk_next(&a);
        sc_walk_next(&b);
    }
    sc_tensor_free(rows_of_b);
}

static bool infer(struct sc_infer *ctx)
{
    const struct sc_value *a = ctx->node->in[0], *b = ctx->node->in[1];
    for (int i = 0; i < 2; i++) {
        if (!sc_infer_dtype(ctx, i, SIMCLR_f32)) return false;
        if (ctx->node->in[i]->shape.rank < 2)
            return sc_infer_fail(ctx, "operand %d is %s, expected rank 2 or more", i + 1,
                                 sc_type_text(ctx->node->in[i]).s);
    }
    const struct matrix ma = matrix_of(&a->shape, ctx->node->attr.matmul.trans_a);
    const struct matrix mb = matrix_of(&b->shape, ctx->node->attr.matmul.trans_b);
    if (ma.cols != mb.rows)
        return sc_infer_fail(ctx, "inner dimensions differ: %lld and %lld", (long long)ma.cols,
                             (long long)mb.rows);
    const struct simclr_shape batch_a = batch_of(&a->shape), batch_b = batch_of(&b->shape);
    struct simclr_shape c;
    if (!sc_broadcast(&batch_a, &batch_b, &c))
        return sc_infer_fail(ctx, "batch dimensions do not broadcast: %s and %s",
                             sc_type_text(a).s, sc_type_text(b).s);
    c.dim[c.rank++] = ma.rows;
    c.dim[c.rank++] = mb.cols;
    return sc_infer_set(ctx, 0, SIMCLR_f32, &c);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *w = n->in[1], *dc = dy[0];
    const bool tx = n->attr.matmul.trans_a, tw = n->attr.matmul.trans_b;
    // C = X W: dX = dC W^T and dW = X^T dC; the transpose of either for a transposed operand.
    struct sc_value *full_x =
        tx ? sc_matmul(b, w, tw, dc, true) : sc_matmul(b, dc, false, w, !tw);
    struct sc_value *full_w =
        tw ? sc_matmul(b, dc, true, x, tx) : sc_matmul(b, x, !tx, dc, false);
    dx[0] = sc_sum_to(b, full_x, &x->shape);
    dx[1] = sc_sum_to(b, full_w, &w->shape);
}

// The operand whose last two axes v exchanges, if that is all v does; else NULL.
static struct sc_value *without_transpose(struct sc_value *v)
{
    const struct sc_node *t = sc_made_by(v, SIMCLR_OP_transpose);
    if (!t) return NULL;
    const struct simclr_dims *perm = &t->attr.transpose.perm;
    for (int64_t i = 0; i < perm->n - 2; i++) {
        if (perm->v[i] != i) return NULL;
    }
    return perm->n >= 2 && perm->v[perm->n - 1] == perm->n - 2 ? t->in[0] : NULL;
}

// Many matrices times one: a single product of the rows of all of them.
static struct sc_value *flatten_batch(struct sc_builder *b, const struct sc_node *n)
{
    const struct simclr_shape *s = &n->in[0]->shape;
    if (s->rank == 2 || n->in[1]->shape.rank != 2 || n->attr.matmul.trans_a) return NULL;
    const int64_t k = s->dim[s->rank - 1];
    if (k == 0) return NULL;
    const struct simclr_shape rows = sc_shape(2, (int64_t[]){simclr_shape_count(s) / k, k});
    struct sc_value *product =
        sc_matmul(b, sc_reshape(b, n->in[0], &rows), false, n->in[1], n->attr.matmul.trans_b);
    return sc_reshape(b, product, &n->out[0]->shape);
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    const bool tx = n->attr.matmul.trans_a, tw = n->attr.matmul.trans_b;
    struct sc_value *x = without_transpose(n->in[0]), *w = without_transpose(n->in[1]);
    if (x || w)
        return sc_matmul(b, x ? x : n->in[0], x ? !tx : tx, w ? w : n->in[1], w ? !tw : tw);
    return flatten_batch(b, n);
}

const struct sc_op_info sc_op_info_matmul = {
    .eval = eval, .infer = infer, .grad = grad, .fold = fold};
