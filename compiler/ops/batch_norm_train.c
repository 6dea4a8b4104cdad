// SPDX-License-Identifier: Apache-2.0
//
// batch_norm_train(x, scale, bias) -> y, mean, var (Ioffe and Szegedy, 2015,
// algorithm 1): mean and population variance of each channel over all other axes,
//     y = (x - mean) / sqrt(var + epsilon) * scale + bias.
// batch_norm_train_grad(dy, x, scale, mean, var) -> dx, dscale, dbias: with
// inv = 1 / sqrt(var + epsilon), h = (x - mean) inv and M elements per channel,
//     dbias = sum dy,  dscale = sum dy h,
//     dx = scale inv (dy - dbias / M - h dscale / M).
// dy comes first so that dx may take its place. The statistics feed only the
// running averages; no gradient flows through them.
#include "compiler/ops/batch_norm.h"

#include <assert.h>
#include <math.h>

// Two passes, so that the variance of numbers far from zero keeps its digits.
static void statistics(const struct sc_tensor *x, double *mean, double *var)
{
    const struct sc_axis_view v = sc_axis_view(&x->shape, 1);
    const double m = (double)(v.outer * v.inner);
    for (int64_t c = 0; c < v.n; c++)
        mean[c] = var[c] = 0;
    for (int64_t i = 0; i < x->count; i++)
        mean[i / v.inner % v.n] += x->f[i] / m;
    for (int64_t i = 0; i < x->count; i++) {
        const int64_t c = i / v.inner % v.n;
        var[c] += (x->f[i] - mean[c]) * (x->f[i] - mean[c]) / m;
    }
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_axis_view v = sc_axis_view(&in[0]->shape, 1);
    const double *x = in[0]->f, *scale = in[1]->f, *bias = in[2]->f;
    double *mean = out[1]->f, *var = out[2]->f;
    statistics(in[0], mean, var);
    for (int64_t i = 0; i < out[0]->count; i++) {
        const int64_t c = i / v.inner % v.n;
        const double inv = 1 / sqrt(var[c] + n->attr.batch_norm.epsilon);
        out[0]->f[i] = (x[i] - mean[c]) * inv * scale[c] + bias[c];
    }
}

static bool infer(struct sc_infer *ctx)
{
    if (!sc_infer_normalized(ctx, 0)) return false;
    const struct simclr_shape channels = sc_shape(1, &ctx->node->in[0]->shape.dim[1]);
    return sc_infer_vector(ctx, 1, "scale", channels.dim[0]) &&
           sc_infer_vector(ctx, 2, "bias", channels.dim[0]) && sc_infer_set_like(ctx, 0, 0) &&
           sc_infer_set(ctx, 1, SIMCLR_f32, &channels) &&
           sc_infer_set(ctx, 2, SIMCLR_f32, &channels);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    assert(!dy[1] && !dy[2] && "statistics feed running averages only");
    if (!dy[0]) return;
    struct sc_value *in[] = {dy[0], n->in[0], n->in[1], n->out[1], n->out[2]};
    const struct sc_node *back =
        sc_build_node(b, SIMCLR_OP_batch_norm_train_grad, &n->attr, in, 5);
    for (int i = 0; i < 3; i++)
        dx[i] = back->out[i];
}

const struct sc_op_info sc_op_info_batch_norm_train = {
    .eval = eval, .infer = infer, .grad = grad};

static void grad_eval(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    const struct sc_axis_view v = sc_axis_view(&in[0]->shape, 1);
    const double m = (double)(v.outer * v.inner), epsilon = n->attr.batch_norm.epsilon;
    const double *dy = in[0]->f, *x = in[1]->f, *scale = in[2]->f;
    const double *mean = in[3]->f, *var = in[4]->f;
    double *dx = out[0]->f, *dscale = out[1]->f, *dbias = out[2]->f;
    sc_set_zero(out[1]);
    sc_set_zero(out[2]);
    for (int64_t i = 0; i < in[0]->count; i++) {
        const int64_t c = i / v.inner % v.n;
        dbias[c] += dy[i];
        dscale[c] += dy[i] * (x[i] - mean[c]) / sqrt(var[c] + epsilon);
    }
    for (int64_t i = 0; i < in[0]->count; i++) {
        const int64_t c = i / v.inner % v.n;
        const double inv = 1 / sqrt(var[c] + epsilon), h = (x[i] - mean[c]) * inv;
        dx[i] = scale[c] * inv * (dy[i] - dbias[c] / m - h * dscale[c] / m);
    }
}

static bool grad_infer(struct sc_infer *ctx)
{
    if (!sc_infer_normalized(ctx, 0) || !sc_infer_normalized(ctx, 1) ||
        !sc_infer_same_shape(ctx, 1, 0))
        return false;
    const struct simclr_shape channels = sc_shape(1, &ctx->node->in[0]->shape.dim[1]);
    return sc_infer_vector(ctx, 2, "scale", channels.dim[0]) &&
           sc_infer_vector(ctx, 3, "mean", channels.dim[0]) &&
           sc_infer_vector(ctx, 4, "variance", channels.dim[0]) &&
           sc_infer_set_like(ctx, 0, 0) && sc_infer_set(ctx, 1, SIMCLR_f32, &channels) &&
           sc_infer_set(ctx, 2, SIMCLR_f32, &channels);
}

const struct sc_op_info sc_op_info_batch_norm_train_grad = {
    .eval = grad_eval,
    .infer = grad_infer,
    .why_no_grad = "it is a gradient already, and second derivatives are not derived"};
