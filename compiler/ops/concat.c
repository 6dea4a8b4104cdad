// SPDX-License-Identifier: Apache-2.0
//
// concat: the operands one after the other along `axis`; their other extents agree.
#include "compiler/ops/rules.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_axis_view all = sc_axis_view(&out[0]->shape, n->attr.axis.axis);
    int64_t first = 0; // along the axis
    for (int k = 0; k < n->n_in; k++) {
        const struct sc_axis_view one = sc_axis_view(&in[k]->shape, n->attr.axis.axis);
        const int64_t run = one.n * one.inner;
        for (int64_t i = 0; i < one.outer * run; i++)
            sc_copy_element(in[k], i, out[0], (i / run * all.n + first) * all.inner + i % run);
        first += one.n;
    }
}

static bool infer(struct sc_infer *ctx)
{
    const struct sc_node *n = ctx->node;
    const struct sc_value *head = n->in[0];
    const int64_t axis = n->attr.axis.axis;
    if (!sc_infer_axis(ctx, axis, head->shape.rank)) return false;
    struct simclr_shape y = head->shape;
    for (int k = 1; k < n->n_in; k++) {
        struct simclr_shape s = n->in[k]->shape;
        if (s.rank == y.rank) {
            if (__builtin_add_overflow(y.dim[axis], s.dim[axis], &y.dim[axis]))
                return sc_infer_fail(ctx, "result is too large along axis %lld",
                                     (long long)axis);
            s.dim[axis] = y.dim[axis];
        }
        if (n->in[k]->dtype != head->dtype || !simclr_shape_equal(&s, &y))
            return sc_infer_fail(
                ctx, "operand %d is %s, which does not join %s along axis %lld", k + 1,
                sc_type_text(n->in[k]).s, sc_type_text(head).s, (long long)axis);
    }
    return sc_infer_set(ctx, 0, head->dtype, &y);
}

// Each operand gets its slice.
static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    union simclr_attr attr = {.slice = {.starts = {.n = dy[0]->shape.rank}}};
    attr.slice.steps.n = attr.slice.starts.n;
    for (int32_t i = 0; i < dy[0]->shape.rank; i++)
        attr.slice.steps.v[i] = 1;
    for (int k = 0; k < n->n_in; k++) {
        attr.slice.sizes = sc_shape_dims(&n->in[k]->shape);
        dx[k] = sc_build(b, SIMCLR_OP_slice, &attr, dy[0]);
        attr.slice.starts.v[n->attr.axis.axis] += n->in[k]->shape.dim[n->attr.axis.axis];
    }
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    return n->n_in == 1 ? n->in[0] : NULL;
}

const struct sc_op_info sc_op_info_concat = {
    .eval = eval, .infer = infer, .grad = grad, .fold = fold};
