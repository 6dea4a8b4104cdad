// SPDX-License-Identifier: Apache-2.0
//
// top_k(x; axis, k, smallest): ONNX TopK: where along the axis the k largest (smallest)
// elements are, best first; among equals the lower index comes first. A NaN counts as
// larger than any number. Only the indices: the elements are gathered by them, which
// has a gradient.
#include "compiler/ops/rules.h"

#include <math.h>

// Does element i come before element j, both of one line?
static bool is_before(const struct sc_tensor *x, int64_t i, int64_t j, bool smallest)
{
    if (x->f && isnan(x->f[i]) != isnan(x->f[j])) return isnan(x->f[i]) != smallest;
    const bool is_less = x->f ? x->f[i] < x->f[j] : sc_int_less(x->dtype, x->i[i], x->i[j]);
    const bool is_more = x->f ? x->f[i] > x->f[j] : sc_int_less(x->dtype, x->i[j], x->i[i]);
    if (is_less || is_more) return is_less == smallest;
    return i < j;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_attr_top_k *a = &n->attr.top_k;
    const struct sc_axis_view v = sc_axis_view(&in[0]->shape, a->axis);
    for (int64_t line = 0; line < v.outer * v.inner; line++) {
        const int64_t first = line / v.inner * v.n * v.inner + line % v.inner;
        const int64_t to = line / v.inner * a->k * v.inner + line % v.inner;
        // An element's rank is how many come before it.
        for (int64_t i = 0; i < v.n; i++) {
            int64_t rank = 0;
            for (int64_t j = 0; j < v.n; j++)
                rank += j != i &&
                        is_before(in[0], first + j * v.inner, first + i * v.inner, a->smallest);
            if (rank < a->k) out[0]->i[to + rank * v.inner] = i;
        }
    }
}

static bool infer(struct sc_infer *ctx)
{
    const struct sc_attr_top_k *a = &ctx->node->attr.top_k;
    const struct sc_value *x = ctx->node->in[0];
    if (!sc_infer_axis(ctx, a->axis, x->shape.rank)) return false;
    struct simclr_shape y = x->shape;
    if (a->k < 0 || a->k > y.dim[a->axis])
        return sc_infer_fail(ctx, "%lld elements are wanted along axis %lld, which has %lld",
                             (long long)a->k, (long long)a->axis, (long long)y.dim[a->axis]);
    y.dim[a->axis] = a->k;
    return sc_infer_set(ctx, 0, SIMCLR_i64, &y);
}

const struct sc_op_info sc_op_info_top_k = {
    .eval = eval,
    .infer = infer,
    .why_no_grad = "its result is a place, which does not vary smoothly"};
