// SPDX-License-Identifier: Apache-2.0
//
// log_softmax along one axis: y_i = x_i - m - ln sum_k e^(x_k - m), m the largest x.
#include "compiler/ops/rules.h"

#include <math.h>

static void log_softmax_row(const double *x, double *y, int64_t n, int64_t stride)
{
    double max = x[0], sum = 0;
    for (int64_t i = 1; i < n; i++)
        max = fmax(max, x[i * stride]);
    for (int64_t i = 0; i < n; i++)
        sum += exp(x[i * stride] - max);
    for (int64_t i = 0; i < n; i++)
        y[i * stride] = x[i * stride] - max - log(sum);
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_axis_view v = sc_axis_view(&in[0]->shape, n->attr.axis.axis);
    for (int64_t i = 0; v.n > 0 && i < v.outer * v.inner; i++) {
        const int64_t first = i / v.inner * v.n * v.inner + i % v.inner;
        log_softmax_row(in[0]->f + first, out[0]->f + first, v.n, v.inner);
    }
}

static bool infer(struct sc_infer *ctx)
{
    return sc_infer_dtype(ctx, 0, SIMCLR_f32) &&
           sc_infer_axis(ctx, ctx->node->attr.axis.axis, ctx->node->in[0]->shape.rank) &&
           sc_infer_set_like(ctx, 0, 0);
}

// dx = dy - e^y sum(dy)
static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    const struct simclr_dims axis = {.n = 1, .v = {n->attr.axis.axis}};
    struct sc_value *total = sc_reduce_sum(b, dy[0], &axis, true);
    dx[0] = sc_sub(b, dy[0], sc_mul(b, sc_exp(b, n->out[0]), total));
}

const struct sc_op_info sc_op_info_log_softmax = {.eval = eval, .infer = infer, .grad = grad};
