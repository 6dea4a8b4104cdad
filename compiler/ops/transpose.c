// SPDX-License-Identifier: Apache-2.0
//
// transpose: axis i of the output is axis perm[i] of the input, as in ONNX.
#include "compiler/ops/rules.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    int64_t own[SIMCLR_MAX_RANK] = {0}, stride[SIMCLR_MAX_RANK] = {0};
    sc_strides(&in[0]->shape, own);
    for (int32_t i = 0; i < in[0]->shape.rank; i++)
        stride[i] = own[n->attr.transpose.perm.v[i]];
    struct sc_walk from = sc_walk_strided(&out[0]->shape, stride);
    for (int64_t i = 0; i < out[0]->count; i++) {
        sc_copy_element(in[0], from.offset, out[0], i);
        sc_walk_next(&from);
    }
}

static bool infer(struct sc_infer *ctx)
{
    const struct sc_value *x = ctx->node->in[0];
    const struct simclr_dims *perm = &ctx->node->attr.transpose.perm;
    if (perm->n != x->shape.rank)
        return sc_infer_fail(ctx, "permutation has %lld axes, input %s has %d",
                             (long long)perm->n, sc_type_text(x).s, (int)x->shape.rank);
    bool seen[SIMCLR_MAX_RANK] = {false};
    struct simclr_shape y = {.rank = x->shape.rank};
    for (int64_t i = 0; i < perm->n; i++) {
        if (!sc_infer_axis(ctx, perm->v[i], x->shape.rank)) return false;
        if (seen[perm->v[i]])
            return sc_infer_fail(ctx, "axis %lld appears twice in the permutation",
                                 (long long)perm->v[i]);
        seen[perm->v[i]] = true;
        y.dim[i] = x->shape.dim[perm->v[i]];
    }
    return sc_infer_set(ctx, 0, x->dtype, &y);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    const struct simclr_dims *perm = &n->attr.transpose.perm;
    struct simclr_dims inverse = {.n = perm->n};
    for (int64_t i = 0; i < perm->n; i++)
        inverse.v[perm->v[i]] = i;
    dx[0] = sc_transpose(b, dy[0], &inverse);
}

// Does the permutation keep the order of all axes that have more than one element?
static bool keeps_order(const struct simclr_dims *perm, const struct simclr_shape *x)
{
    int64_t last = -1;
    for (int64_t i = 0; i < perm->n; i++) {
        if (x->dim[perm->v[i]] == 1) continue;
        if (perm->v[i] < last) return false;
        last = perm->v[i];
    }
    return true;
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    struct sc_value *x = n->in[0];
    const struct simclr_dims *perm = &n->attr.transpose.perm;
    if (keeps_order(perm, &x->shape)) return sc_reshape(b, x, &n->out[0]->shape);
    const struct sc_node *inner = sc_made_by(x, SIMCLR_OP_transpose);
    if (!inner) return NULL;
    struct simclr_dims both = {.n = perm->n};
    for (int64_t i = 0; i < perm->n; i++)
        both.v[i] = inner->attr.transpose.perm.v[perm->v[i]];
    return sc_transpose(b, inner->in[0], &both);
}

const struct sc_op_info sc_op_info_transpose = {
    .eval = eval, .infer = infer, .grad = grad, .fold = fold};
