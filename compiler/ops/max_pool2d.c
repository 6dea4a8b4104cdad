// SPDX-License-Identifier: Apache-2.0
//
// max_pool2d(x): ONNX MaxPool with two spatial axes: the largest element of each
// window. Padding never wins; a window with no tap inside the image, which only
// dilation can make, gives -inf.
// max_pool2d_index(x): where that element is, as an offset into its plane [H,W] in
// row-major order (i64); -1 for a window without a tap.
// max_pool2d_grad(x, dy): dy goes to the first maximum of its window, in row-major
// order; overlapping windows add up.
#include "compiler/ops/pool.h"

#include <math.h>

// Offset of the window's first maximum in `plane`; -1 if no tap is inside. NaN
// wins if it comes first.
static int64_t first_maximum(const struct sc_pool_geometry *g, const double *plane, int64_t p,
                             int64_t q)
{
    const struct sc_range h = sc_pool_taps(&g->h, p, 0, g->h.in);
    const struct sc_range w = sc_pool_taps(&g->w, q, 0, g->w.in);
    int64_t best = -1;
    for (int64_t i = h.begin; i < h.end; i++) {
        for (int64_t j = w.begin; j < w.end; j++) {
            const int64_t at = sc_pool_tap(g, p, q, i, j);
            if (best < 0 || plane[at] > plane[best]) best = at;
        }
    }
    return best;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_pool_geometry g =
        sc_pool_geometry(&in[0]->shape, &out[0]->shape, &n->attr.pool2d);
    const int64_t positions = g.out_h * g.out_w;
    for (int64_t i = 0; i < g.planes * positions; i++) {
        const double *plane = in[0]->f + i / positions * g.h.in * g.w.in;
        const int64_t p = i % positions / g.out_w, q = i % g.out_w;
        const int64_t best = first_maximum(&g, plane, p, q);
        out[0]->f[i] = best < 0 ? -(double)INFINITY : plane[best];
    }
}

static bool infer(struct sc_infer *ctx)
{
    struct simclr_shape y;
    if (!sc_infer_dtype(ctx, 0, SIMCLR_f32) || !sc_infer_rank(ctx, 0, 4) ||
        !sc_infer_pool(ctx, &ctx->node->in[0]->shape, &ctx->node->attr.pool2d, &y))
        return false;
    return sc_infer_set(ctx, 0, SIMCLR_f32, &y);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    dx[0] = sc_build(b, SIMCLR_OP_max_pool2d_grad, &n->attr, n->in[0], dy[0]);
}

const struct sc_op_info sc_op_info_max_pool2d = {.eval = eval, .infer = infer, .grad = grad};

static void index_eval(const struct sc_node *n, const struct sc_tensor *const *in,
                       struct sc_tensor *const *out)
{
    const struct sc_pool_geometry g =
        sc_pool_geometry(&in[0]->shape, &out[0]->shape, &n->attr.pool2d);
    const int64_t positions = g.out_h * g.out_w;
    for (int64_t i = 0; i < g.planes * positions; i++) {
        const double *plane = in[0]->f + i / positions * g.h.in * g.w.in;
        out[0]->i[i] = first_maximum(&g, plane, i % positions / g.out_w, i % g.out_w);
    }
}

static bool index_infer(struct sc_infer *ctx)
{
    if (!infer(ctx)) return false;
    ctx->dtype[0] = SIMCLR_i64;
    return true;
}

const struct sc_op_info sc_op_info_max_pool2d_index = {
    .eval = index_eval,
    .infer = index_infer,
    .why_no_grad = "its result is an index, which does not vary smoothly"};

static void grad_eval(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    const struct sc_tensor *x = in[0], *dy = in[1];
    const struct sc_pool_geometry g = sc_pool_geometry(&x->shape, &dy->shape, &n->attr.pool2d);
    const int64_t positions = g.out_h * g.out_w;
    sc_set_zero(out[0]);
    for (int64_t i = 0; i < g.planes * positions; i++) {
        const int64_t plane = i / positions * g.h.in * g.w.in;
        const int64_t p = i % positions / g.out_w, q = i % g.out_w;
        const int64_t best = first_maximum(&g, x->f + plane, p, q);
        if (best >= 0) out[0]->f[plane + best] += dy->f[i];
    }
}

static bool grad_infer(struct sc_infer *ctx)
{
    const struct sc_value *x = ctx->node->in[0], *dy = ctx->node->in[1];
    struct simclr_shape y;
    if (!sc_infer_dtype(ctx, 0, SIMCLR_f32) || !sc_infer_dtype(ctx, 1, SIMCLR_f32) ||
        !sc_infer_rank(ctx, 0, 4) ||
        !sc_infer_pool(ctx, &x->shape, &ctx->node->attr.pool2d, &y))
        return false;
    if (!simclr_shape_equal(&y, &dy->shape))
        return sc_infer_fail(ctx, "operand 2 is %s, expected f32[%lld,%lld,%lld,%lld]",
                             sc_type_text(dy).s, (long long)y.dim[0], (long long)y.dim[1],
                             (long long)y.dim[2], (long long)y.dim[3]);
    return sc_infer_set_like(ctx, 0, 0);
}

const struct sc_op_info sc_op_info_max_pool2d_grad = {
    .eval = grad_eval,
    .infer = grad_infer,
    .why_no_grad = "it is a gradient already, and second derivatives are not derived"};
