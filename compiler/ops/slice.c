// SPDX-License-Identifier: Apache-2.0
//
// slice: y[i] = x[starts + i steps], for i in [0, sizes) along every axis; steps may
// be negative.
// slice_grad(dy; shape of x): zeros with dy at the places slice takes its elements
// from; dy's shape gives the sizes.
#include "compiler/ops/rules.h"

// Walks the elements taken from a tensor of shape x, in the order of `sizes`.
static struct sc_walk walk_slice(const struct simclr_shape *x, const struct simclr_shape *sizes,
                                 const struct simclr_dims *starts,
                                 const struct simclr_dims *steps)
{
    int64_t own[SIMCLR_MAX_RANK] = {0}, stride[SIMCLR_MAX_RANK] = {0};
    int64_t first = 0;
    sc_strides(x, own);
    for (int32_t i = 0; i < x->rank; i++) {
        stride[i] = own[i] * steps->v[i];
        first += own[i] * starts->v[i];
    }
    struct sc_walk w = sc_walk_strided(sizes, stride);
    w.offset = first;
    return w;
}

// Are starts, sizes and steps a slice of x? What an empty slice starts at is free.
static bool check_slice(struct sc_infer *ctx, const struct simclr_shape *x,
                        const struct simclr_dims *starts, const struct simclr_dims *sizes,
                        const struct simclr_dims *steps)
{
    if (starts->n != x->rank || sizes->n != x->rank || steps->n != x->rank)
        return sc_infer_fail(
            ctx, "slice has %lld starts, %lld sizes and %lld steps, expected %d",
            (long long)starts->n, (long long)sizes->n, (long long)steps->n, (int)x->rank);
    for (int32_t i = 0; i < x->rank; i++) {
        const int64_t n = x->dim[i], start = starts->v[i], size = sizes->v[i],
                      step = steps->v[i];
        if (step == 0) return sc_infer_fail(ctx, "step along axis %d is 0", (int)i);
        // How many steps stay on the axis, by a division, which cannot overflow.
        const bool is_inside = start >= 0 && start < n;
        const int64_t room = !is_inside ? 0 : step < 0 ? start : n - 1 - start;
        const int64_t n_steps = step < 0 ? -(room / step) : room / step;
        const bool fits = size == 0 || (is_inside && size > 0 && size - 1 <= n_steps);
        if (!fits)
            return sc_infer_fail(
                ctx,
                "slice of axis %d takes %lld elements from %lld in steps of %lld, "
                "the axis has %lld",
                (int)i, (long long)size, (long long)start, (long long)step, (long long)n);
    }
    return true;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_attr_slice *a = &n->attr.slice;
    struct sc_walk from = walk_slice(&in[0]->shape, &out[0]->shape, &a->starts, &a->steps);
    for (int64_t i = 0; i < out[0]->count; i++) {
        sc_copy_element(in[0], from.offset, out[0], i);
        sc_walk_next(&from);
    }
}

static bool infer(struct sc_infer *ctx)
{
    const struct sc_attr_slice *a = &ctx->node->attr.slice;
    const struct sc_value *x = ctx->node->in[0];
    if (!check_slice(ctx, &x->shape, &a->starts, &a->sizes, &a->steps)) return false;
    const struct simclr_shape y = sc_dims_shape(&a->sizes);
    return sc_infer_set(ctx, 0, x->dtype, &y);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    const union simclr_attr attr = {.slice_grad = {.starts = n->attr.slice.starts,
                                                   .steps = n->attr.slice.steps,
                                                   .shape = sc_shape_dims(&n->in[0]->shape)}};
    dx[0] = sc_build(b, SIMCLR_OP_slice_grad, &attr, dy[0]);
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    if (!sc_if_same_type(n->in[0], n)) return NULL;
    for (int64_t i = 0; i < n->attr.slice.steps.n; i++) {
        if (n->attr.slice.steps.v[i] < 0 && n->in[0]->shape.dim[i] > 1) return NULL; // reverses
    }
    return n->in[0];
}

const struct sc_op_info sc_op_info_slice = {
    .eval = eval, .infer = infer, .grad = grad, .fold = fold};

static void grad_eval(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    const struct sc_attr_slice_grad *a = &n->attr.slice_grad;
    struct sc_walk to = walk_slice(&out[0]->shape, &in[0]->shape, &a->starts, &a->steps);
    sc_set_zero(out[0]);
    for (int64_t i = 0; i < in[0]->count; i++) {
        sc_copy_element(in[0], i, out[0], to.offset);
        sc_walk_next(&to);
    }
}

static bool grad_infer(struct sc_infer *ctx)
{
    const struct sc_attr_slice_grad *a = &ctx->node->attr.slice_grad;
    const struct sc_value *dy = ctx->node->in[0];
    const struct simclr_dims sizes = sc_shape_dims(&dy->shape);
    if (!sc_infer_dims(ctx, &a->shape)) return false;
    const struct simclr_shape x = sc_dims_shape(&a->shape);
    if (!check_slice(ctx, &x, &a->starts, &sizes, &a->steps)) return false;
    return sc_infer_set(ctx, 0, dy->dtype, &x);
}

static void grad_grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *g,
                      struct sc_value **dx)
{
    const union simclr_attr attr = {.slice = {.starts = n->attr.slice_grad.starts,
                                              .sizes = sc_shape_dims(&n->in[0]->shape),
                                              .steps = n->attr.slice_grad.steps}};
    dx[0] = sc_build(b, SIMCLR_OP_slice, &attr, g[0]);
}

const struct sc_op_info sc_op_info_slice_grad = {
    .eval = grad_eval, .infer = grad_infer, .grad = grad_grad};
