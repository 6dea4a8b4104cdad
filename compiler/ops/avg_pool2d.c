// SPDX-License-Identifier: Apache-2.0
//
// avg_pool2d(x): ONNX AveragePool with two spatial axes: the sum of each window's
// elements, divided by the number of taps inside the image, or, with
// count_include_pad, inside the image and its padding. A window without such a tap
// gives 0.
// avg_pool2d_grad(dy; shape of x): the adjoint: each dy, divided by the same number,
// is added to the elements of its window.
#include "compiler/ops/pool.h"

// How many of a window's taps along one axis fall inside the image (and padding).
static int64_t taps_inside(const struct sc_window *w, int64_t position, int64_t with_padding)
{
    const int64_t low = with_padding ? -w->pad_begin : 0;
    const int64_t high = with_padding ? w->in + w->pad_end : w->in;
    const struct sc_range taps = sc_pool_taps(w, position, low, high);
    return taps.end - taps.begin;
}

static double weight_of(const struct sc_pool_geometry *g, const struct sc_attr_pool2d *a,
                        int64_t p, int64_t q)
{
    const int64_t count = taps_inside(&g->h, p, a->count_include_pad) *
                          taps_inside(&g->w, q, a->count_include_pad);
    return count ? 1 / (double)count : 0;
}

static double window_sum(const struct sc_pool_geometry *g, const double *plane, int64_t p,
                         int64_t q)
{
    const struct sc_range h = sc_pool_taps(&g->h, p, 0, g->h.in);
    const struct sc_range w = sc_pool_taps(&g->w, q, 0, g->w.in);
    double sum = 0;
    for (int64_t i = h.begin; i < h.end; i++) {
        for (int64_t j = w.begin; j < w.end; j++)
            sum += plane[sc_pool_tap(g, p, q, i, j)];
    }
    return sum;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_attr_pool2d *a = &n->attr.pool2d;
    const struct sc_pool_geometry g = sc_pool_geometry(&in[0]->shape, &out[0]->shape, a);
    const int64_t positions = g.out_h * g.out_w;
    for (int64_t i = 0; i < g.planes * positions; i++) {
        const double *plane = in[0]->f + i / positions * g.h.in * g.w.in;
        const int64_t p = i % positions / g.out_w, q = i % g.out_w;
        out[0]->f[i] = window_sum(&g, plane, p, q) * weight_of(&g, a, p, q);
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

// pool2d_grad is pool2d with the input's shape.
static struct sc_attr_pool2d without_shape(const struct sc_attr_pool2d_grad *a)
{
    return (struct sc_attr_pool2d){.kernel = {a->kernel[0], a->kernel[1]},
                                   .strides = {a->strides[0], a->strides[1]},
                                   .pads = {a->pads[0], a->pads[1], a->pads[2], a->pads[3]},
                                   .dilations = {a->dilations[0], a->dilations[1]},
                                   .ceil_mode = a->ceil_mode,
                                   .count_include_pad = a->count_include_pad};
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    const struct sc_attr_pool2d *a = &n->attr.pool2d;
    const union simclr_attr attr = {
        .pool2d_grad = {.kernel = {a->kernel[0], a->kernel[1]},
                        .strides = {a->strides[0], a->strides[1]},
                        .pads = {a->pads[0], a->pads[1], a->pads[2], a->pads[3]},
                        .dilations = {a->dilations[0], a->dilations[1]},
                        .ceil_mode = a->ceil_mode,
                        .count_include_pad = a->count_include_pad,
                        .shape = sc_shape_dims(&n->in[0]->shape)}};
    dx[0] = sc_build(b, SIMCLR_OP_avg_pool2d_grad, &attr, dy[0]);
}

const struct sc_op_info sc_op_info_avg_pool2d = {.eval = eval, .infer = infer, .grad = grad};

static void spread(const struct sc_pool_geometry *g, double *plane, int64_t p, int64_t q,
                   double value)
{
    const struct sc_range h = sc_pool_taps(&g->h, p, 0, g->h.in);
    const struct sc_range w = sc_pool_taps(&g->w, q, 0, g->w.in);
    for (int64_t i = h.begin; i < h.end; i++) {
        for (int64_t j = w.begin; j < w.end; j++)
            plane[sc_pool_tap(g, p, q, i, j)] += value;
    }
}

static void grad_eval(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    const struct sc_attr_pool2d a = without_shape(&n->attr.pool2d_grad);
    const struct sc_pool_geometry g = sc_pool_geometry(&out[0]->shape, &in[0]->shape, &a);
    const int64_t positions = g.out_h * g.out_w;
    sc_set_zero(out[0]);
    for (int64_t i = 0; i < g.planes * positions; i++) {
        double *plane = out[0]->f + i / positions * g.h.in * g.w.in;
        const int64_t p = i % positions / g.out_w, q = i % g.out_w;
        spread(&g, plane, p, q, in[0]->f[i] * weight_of(&g, &a, p, q));
    }
}

static bool grad_infer(struct sc_infer *ctx)
{
    const struct sc_attr_pool2d a = without_shape(&ctx->node->attr.pool2d_grad);
    const struct simclr_dims *dims = &ctx->node->attr.pool2d_grad.shape;
    const struct sc_value *dy = ctx->node->in[0];
    if (!sc_infer_dtype(ctx, 0, SIMCLR_f32) || !sc_infer_dims(ctx, dims)) return false;
    if (dims->n != 4)
        return sc_infer_fail(ctx, "shape has rank %lld, expected rank 4", (long long)dims->n);
    const struct simclr_shape x = sc_dims_shape(dims);
    struct simclr_shape y;
    if (!sc_infer_pool(ctx, &x, &a, &y)) return false;
    if (!simclr_shape_equal(&y, &dy->shape))
        return sc_infer_fail(ctx, "operand 1 is %s, expected f32[%lld,%lld,%lld,%lld]",
                             sc_type_text(dy).s, (long long)y.dim[0], (long long)y.dim[1],
                             (long long)y.dim[2], (long long)y.dim[3]);
    return sc_infer_set(ctx, 0, SIMCLR_f32, &x);
}

static void grad_grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *g,
                      struct sc_value **dx)
{
    const union simclr_attr attr = {.pool2d = without_shape(&n->attr.pool2d_grad)};
    dx[0] = sc_build(b, SIMCLR_OP_avg_pool2d, &attr, g[0]);
}

const struct sc_op_info sc_op_info_avg_pool2d_grad = {
    .eval = grad_eval, .infer = grad_infer, .grad = grad_grad};
