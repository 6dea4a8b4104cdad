// SPDX-License-Identifier: Apache-2.0
//
// cumsum(x; axis): ONNX CumSum: each element becomes the sum of those along the axis
// up to itself, without itself if `exclusive`, from the end if `reverse`. Integers
// wrap.
#include "compiler/ops/rules.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_attr_cumsum *a = &n->attr.cumsum;
    const struct sc_axis_view v = sc_axis_view(&in[0]->shape, a->axis);
    const struct sc_tensor *x = in[0];
    struct sc_tensor *y = out[0];
    for (int64_t line = 0; line < v.outer * v.inner; line++) {
        const int64_t first = line / v.inner * v.n * v.inner + line % v.inner;
        double real = 0;
        uint64_t whole = 0;
        for (int64_t i = 0; i < v.n; i++) {
            const int64_t at = first + (a->reverse ? v.n - 1 - i : i) * v.inner;
            const double real_before = real;
            const uint64_t whole_before = whole;
            if (y->f)
                real += x->f[at];
            else
                whole += (uint64_t)x->i[at];
            if (y->f)
                y->f[at] = a->exclusive ? real_before : real;
            else
                y->i[at] =
                    sc_int_wrap(y->dtype, (int64_t)(a->exclusive ? whole_before : whole));
        }
    }
}

static bool infer(struct sc_infer *ctx)
{
    const struct sc_value *x = ctx->node->in[0];
    if (x->dtype == SIMCLR_f64 || x->dtype == SIMCLR_bool)
        return sc_infer_fail(ctx, "operand 1 is %s, expected f32 or integers",
                             sc_type_text(x).s);
    if (!sc_infer_axis(ctx, ctx->node->attr.cumsum.axis, x->shape.rank)) return false;
    return sc_infer_set_like(ctx, 0, 0);
}

// x_i is part of the sums behind it, so its gradient is the sum of theirs.
static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    union simclr_attr attr = n->attr;
    attr.cumsum.reverse = !attr.cumsum.reverse;
    dx[0] = sc_build(b, SIMCLR_OP_cumsum, &attr, dy[0]);
}

const struct sc_op_info sc_op_info_cumsum = {.eval = eval, .infer = infer, .grad = grad};
