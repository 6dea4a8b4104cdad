// SPDX-License-Identifier: Apache-2.0
//
// expand: x broadcast, as in NumPy, to exactly the shape given.
#include "compiler/ops/rules.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    struct sc_walk from = sc_walk_broadcast(&in[0]->shape, &out[0]->shape);
    for (int64_t i = 0; i < out[0]->count; i++) {
        sc_copy_element(in[0], from.offset, out[0], i);
        sc_walk_next(&from);
    }
}

static bool infer(struct sc_infer *ctx)
{
    const struct sc_value *x = ctx->node->in[0];
    const struct simclr_dims *dims = &ctx->node->attr.reshape.shape;
    if (!sc_infer_dims(ctx, dims)) return false;
    const struct sc_value y = {.dtype = x->dtype, .shape = sc_dims_shape(dims)};
    struct simclr_shape common;
    if (!sc_broadcast(&x->shape, &y.shape, &common) || !simclr_shape_equal(&common, &y.shape))
        return sc_infer_fail(ctx, "input is %s, which does not expand to %s", sc_type_text(x).s,
                             sc_type_text(&y).s);
    return sc_infer_set(ctx, 0, x->dtype, &y.shape);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    dx[0] = sc_sum_to(b, dy[0], &n->in[0]->shape);
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    struct sc_value *x = n->in[0];
    // Nothing is repeated: at most axes of extent 1 are new.
    if (simclr_shape_count(&x->shape) == simclr_shape_count(&n->out[0]->shape))
        return sc_reshape(b, x, &n->out[0]->shape);
    const struct sc_node *inner = sc_made_by(x, SIMCLR_OP_expand);
    return inner ? sc_expand(b, inner->in[0], &n->out[0]->shape) : NULL;
}

const struct sc_op_info sc_op_info_expand = {
    .eval = eval, .infer = infer, .grad = grad, .fold = fold};
