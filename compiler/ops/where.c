// SPDX-License-Identifier: Apache-2.0
//
// where(c, x, y): x where c is true, else y; all three broadcast.
#include "compiler/ops/rules.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    struct sc_tensor *z = out[0];
    struct sc_walk c = sc_walk_broadcast(&in[0]->shape, &z->shape);
    struct sc_walk x = sc_walk_broadcast(&in[1]->shape, &z->shape);
    struct sc_walk y = sc_walk_broadcast(&in[2]->shape, &z->shape);
    for (int64_t i = 0; i < z->count; i++) {
        if (in[0]->i[c.offset])
            sc_copy_element(in[1], x.offset, z, i);
        else
            sc_copy_element(in[2], y.offset, z, i);
        sc_walk_next(&c);
        sc_walk_next(&x);
        sc_walk_next(&y);
    }
}

static bool infer(struct sc_infer *ctx)
{
    struct sc_value *const *in = ctx->node->in;
    if (!sc_infer_dtype(ctx, 0, SIMCLR_bool)) return false;
    if (in[1]->dtype != in[2]->dtype)
        return sc_infer_fail(ctx, "operands have different types: %s and %s",
                             sc_type_text(in[1]).s, sc_type_text(in[2]).s);
    struct simclr_shape values, all;
    if (!sc_broadcast(&in[1]->shape, &in[2]->shape, &values))
        return sc_infer_fail(ctx, "operands do not broadcast: %s and %s", sc_type_text(in[1]).s,
                             sc_type_text(in[2]).s);
    if (!sc_broadcast(&in[0]->shape, &values, &all))
        return sc_infer_fail(ctx, "condition does not broadcast: %s with %s and %s",
                             sc_type_text(in[0]).s, sc_type_text(in[1]).s,
                             sc_type_text(in[2]).s);
    return sc_infer_set(ctx, 0, in[1]->dtype, &all);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *c = n->in[0], *zero = sc_scalar(b, 0);
    dx[1] = sc_sum_to(b, sc_where(b, c, dy[0], zero), &n->in[1]->shape);
    dx[2] = sc_sum_to(b, sc_where(b, c, zero, dy[0]), &n->in[2]->shape);
}

// A condition that is the same everywhere chooses one operand.
static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    struct sc_value *chosen = NULL;
    if (sc_is_fill(n->in[0], 1)) chosen = n->in[1];
    if (sc_is_fill(n->in[0], 0)) chosen = n->in[2];
    if (!chosen || sc_if_same_type(chosen, n)) return chosen;
    return sc_expand(b, chosen, &n->out[0]->shape);
}

const struct sc_op_info sc_op_info_where = {
    .eval = eval, .infer = infer, .grad = grad, .fold = fold};
