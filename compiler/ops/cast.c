// SPDX-License-Identifier: Apache-2.0
//
// cast: y = x in the dtype `to`, as in ONNX: a float becomes an integer by dropping
// its fraction; integers wrap to a narrower type; bool is 0 or 1. What ONNX leaves
// open: a float outside the integer's range becomes the nearest end of it, NaN 0.
#include "compiler/ops/rules.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    const struct sc_tensor *x = in[0];
    struct sc_tensor *y = out[0];
    for (int64_t i = 0; i < y->count; i++) {
        if (y->f)
            y->f[i] = x->f ? x->f[i] : sc_int_to_real(x->dtype, x->i[i]);
        else
            y->i[i] =
                x->f ? sc_int_from_real(y->dtype, x->f[i]) : sc_int_wrap(y->dtype, x->i[i]);
    }
}

static bool infer(struct sc_infer *ctx)
{
    const int64_t to = ctx->node->attr.cast.to;
    if (to < 0 || to >= SIMCLR_N_DTYPES)
        return sc_infer_fail(ctx, "type %lld is unknown", (long long)to);
    return sc_infer_set(ctx, 0, (simclr_dtype)to, &ctx->node->in[0]->shape);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    const struct sc_value *x = n->in[0], *y = n->out[0];
    if (simclr_dtype_is_float(x->dtype) && simclr_dtype_is_float(y->dtype))
        dx[0] = sc_cast(b, dy[0], x->dtype);
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    return sc_if_same_type(n->in[0], n);
}

const struct sc_op_info sc_op_info_cast = {
    .eval = eval, .infer = infer, .grad = grad, .fold = fold};
