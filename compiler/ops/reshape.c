// SPDX-License-Identifier: Apache-2.0
//
// reshape: the same elements in the same row-major order under another shape.
#include "compiler/ops/rules.h"

#include "runtime/base/checked.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    for (int64_t i = 0; i < out[0]->count; i++)
        sc_copy_element(in[0], i, out[0], i);
}

static bool infer(struct sc_infer *ctx)
{
    const struct sc_value *x = ctx->node->in[0];
    const struct simclr_dims *dims = &ctx->node->attr.reshape.shape;
    if (!sc_infer_dims(ctx, dims)) return false;
    const struct sc_value y = {.dtype = x->dtype, .shape = sc_dims_shape(dims)};
    size_t count; // a u8 is one byte
    if (!sc_checked_nbytes(SIMCLR_u8, &y.shape, &count) ||
        count != (size_t)simclr_shape_count(&x->shape))
        return sc_infer_fail(ctx, "input is %s with %lld elements, expected those of %s",
                             sc_type_text(x).s, (long long)simclr_shape_count(&x->shape),
                             sc_type_text(&y).s);
    return sc_infer_set(ctx, 0, x->dtype, &y.shape);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    dx[0] = sc_reshape(b, dy[0], &n->in[0]->shape);
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    if (sc_if_same_type(n->in[0], n)) return n->in[0];
    const struct sc_node *inner = sc_made_by(n->in[0], SIMCLR_OP_reshape);
    return inner ? sc_reshape(b, inner->in[0], &n->out[0]->shape) : NULL;
}

const struct sc_op_info sc_op_info_reshape = {
    .eval = eval, .infer = infer, .grad = grad, .fold = fold};
