// SPDX-License-Identifier: Apache-2.0
//
// gather_elements(x, indices; axis): ONNX GatherElements: y has the indices' shape, and
//     y[.., i, ..] = x[.., indices[.., i, ..], ..],
// where the index stands for the coordinate along `axis`, the others being equal.
// gather_elements_grad(dy, indices; axis, shape of x): zeros, to which each dy is
// added where it came from, in row-major order.
// Indices outside the axis: see index.h.
#include "compiler/ops/index.h"

// Walks x in the order of the indices, with the coordinate along `axis` left at 0.
static struct sc_walk walk_others(const struct simclr_shape *x,
                                  const struct simclr_shape *indices, int64_t axis,
                                  int64_t *axis_stride)
{
    int64_t stride[SIMCLR_MAX_RANK] = {0};
    sc_strides(x, stride);
    *axis_stride = stride[axis];
    stride[axis] = 0;
    return sc_walk_strided(indices, stride);
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const int64_t axis = n->attr.axis.axis, extent = in[0]->shape.dim[axis];
    int64_t stride;
    struct sc_walk from = walk_others(&in[0]->shape, &in[1]->shape, axis, &stride);
    for (int64_t i = 0; i < out[0]->count; i++) {
        const int64_t at = sc_index_position(in[1]->i[i], extent);
        sc_copy_indexed(in[0], at < 0 ? -1 : from.offset + at * stride, out[0], i);
        sc_walk_next(&from);
    }
}

static bool check_indices(struct sc_infer *ctx, const struct simclr_shape *x, int64_t axis)
{
    const struct sc_value *indices = ctx->node->in[1];
    if (!sc_infer_axis(ctx, axis, x->rank) || !sc_infer_rank(ctx, 1, x->rank) ||
        !sc_infer_indices(ctx, 1, axis, x->dim[axis]))
        return false;
    for (int32_t i = 0; i < x->rank; i++) {
        if (i != axis && indices->shape.dim[i] > x->dim[i])
            return sc_infer_fail(
                ctx, "indices have %lld elements along axis %d, input has %lld",
                (long long)indices->shape.dim[i], (int)i, (long long)x->dim[i]);
    }
    return true;
}

static bool infer(struct sc_infer *ctx)
{
    const struct sc_value *x = ctx->node->in[0];
    if (!check_indices(ctx, &x->shape, ctx->node->attr.axis.axis)) return false;
    return sc_infer_set(ctx, 0, x->dtype, &ctx->node->in[1]->shape);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    const union simclr_attr attr = {
        .gather_grad = {.axis = n->attr.axis.axis, .shape = sc_shape_dims(&n->in[0]->shape)}};
    dx[0] = sc_build(b, SIMCLR_OP_gather_elements_grad, &attr, dy[0], n->in[1]);
}

const struct sc_op_info sc_op_info_gather_elements = {
    .eval = eval, .infer = infer, .grad = grad};

static void grad_eval(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    const int64_t axis = n->attr.gather_grad.axis, extent = out[0]->shape.dim[axis];
    int64_t stride;
    struct sc_walk to = walk_others(&out[0]->shape, &in[1]->shape, axis, &stride);
    sc_set_zero(out[0]);
    for (int64_t i = 0; i < in[0]->count; i++) {
        const int64_t at = sc_index_position(in[1]->i[i], extent);
        sc_add_indexed(in[0], i, out[0], at < 0 ? -1 : to.offset + at * stride);
        sc_walk_next(&to);
    }
}

static bool grad_infer(struct sc_infer *ctx)
{
    const struct sc_attr_gather_grad *a = &ctx->node->attr.gather_grad;
    if (!sc_infer_dtype(ctx, 0, SIMCLR_f32) || !sc_infer_dims(ctx, &a->shape)) return false;
    const struct simclr_shape x = sc_dims_shape(&a->shape);
    if (!check_indices(ctx, &x, a->axis) || !sc_infer_same_shape(ctx, 0, 1)) return false;
    return sc_infer_set(ctx, 0, SIMCLR_f32, &x);
}

static void grad_grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *g,
                      struct sc_value **dx)
{
    const union simclr_attr attr = {.axis = {.axis = n->attr.gather_grad.axis}};
    dx[0] = sc_build(b, SIMCLR_OP_gather_elements, &attr, g[0], n->in[1]);
}

const struct sc_op_info sc_op_info_gather_elements_grad = {
    .eval = grad_eval, .infer = grad_infer, .grad = grad_grad};
