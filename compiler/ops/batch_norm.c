// SPDX-License-Identifier: Apache-2.0
//
// batch_norm(x, scale, bias, mean, var): ONNX BatchNormalization in inference form:
//     y = (x - mean) / sqrt(var + epsilon) * scale + bias,
// the four vectors running along axis 1 of x (Ioffe and Szegedy, 2015, algorithm 2).
#include "compiler/ops/batch_norm.h"

#include <math.h>

bool sc_infer_normalized(struct sc_infer *ctx, int operand)
{
    const struct sc_value *x = ctx->node->in[operand];
    if (!sc_infer_dtype(ctx, operand, SIMCLR_f32)) return false;
    if (x->shape.rank >= 2) return true;
    return sc_infer_fail(ctx, "operand %d is %s, expected rank 2 or more", operand + 1,
                         sc_type_text(x).s);
}

struct sc_value *sc_per_channel(struct sc_builder *b, struct sc_value *v, int32_t rank)
{
    struct simclr_shape shape = {.rank = rank};
    for (int32_t i = 0; i < rank; i++)
        shape.dim[i] = i == 1 ? v->shape.dim[0] : 1;
    return sc_reshape(b, v, &shape);
}

struct sc_value *sc_channel_sum(struct sc_builder *b, struct sc_value *x)
{
    struct simclr_dims axes = {0};
    for (int32_t i = 0; i < x->shape.rank; i++) {
        if (i != 1) axes.v[axes.n++] = i;
    }
    return sc_reduce_sum(b, x, &axes, false);
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_axis_view v = sc_axis_view(&in[0]->shape, 1);
    const double *x = in[0]->f, *scale = in[1]->f, *bias = in[2]->f;
    const double *mean = in[3]->f, *var = in[4]->f;
    for (int64_t i = 0; i < out[0]->count; i++) {
        const int64_t c = i / v.inner % v.n;
        const double inv = 1 / sqrt(var[c] + n->attr.batch_norm.epsilon);
        out[0]->f[i] = (x[i] - mean[c]) * inv * scale[c] + bias[c];
    }
}

static bool infer(struct sc_infer *ctx)
{
    static const char *const name[] = {"input", "scale", "bias", "mean", "variance"};
    if (!sc_infer_normalized(ctx, 0)) return false;
    for (int i = 1; i < 5; i++) {
        if (!sc_infer_vector(ctx, i, name[i], ctx->node->in[0]->shape.dim[1])) return false;
    }
    return sc_infer_set_like(ctx, 0, 0);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *scale = n->in[1], *mean = n->in[3], *var = n->in[4];
    struct sc_value *epsilon = sc_scalar(b, n->attr.batch_norm.epsilon);
    struct sc_value *inv = sc_reciprocal(b, sc_sqrt(b, sc_add(b, var, epsilon)));
    struct sc_value *gain = sc_mul(b, scale, inv);
    struct sc_value *centred = sc_sub(b, x, sc_per_channel(b, mean, x->shape.rank));

    struct sc_value *dbias = sc_channel_sum(b, dy[0]);
    struct sc_value *dscale = sc_mul(b, sc_channel_sum(b, sc_mul(b, dy[0], centred)), inv);
    dx[0] = sc_mul(b, dy[0], sc_per_channel(b, gain, x->shape.rank));
    dx[1] = dscale;
    dx[2] = dbias;
    dx[3] = sc_neg(b, sc_mul(b, dbias, gain));
    // d inv / d var = -inv^3 / 2
    dx[4] = sc_scale(b, sc_mul(b, dscale, sc_mul(b, gain, inv)), -0.5);
}

const struct sc_op_info sc_op_info_batch_norm = {.eval = eval, .infer = infer, .grad = grad};
