// SPDX-License-Identifier: Apache-2.0
//
// mod: z = x - y floor(x / y) of integers: it has the sign of y. fmod: z = x - y q of
// floats, where q is x / y without its fraction: it has the sign of x, as in C.
// Operands broadcast. An integer modulo zero, which ONNX leaves open, gives 0.
#include "compiler/ops/rules.h"

#include <math.h>

static int64_t modulo(int64_t x, int64_t y)
{
    if (y == 0 || y == -1) return 0; // the least integer / -1 has no int64
    const int64_t r = x % y;
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static int64_t modulo_u64(int64_t x, int64_t y)
{
    return y == 0 ? 0 : (int64_t)((uint64_t)x % (uint64_t)y);
}

static void eval_mod(const struct sc_node *n, const struct sc_tensor *const *in,
                     struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_binary(in, out, NULL, out[0]->dtype == SIMCLR_u64 ? modulo_u64 : modulo);
}

static bool infer_mod(struct sc_infer *ctx)
{
    for (int i = 0; i < 2; i++) {
        const struct sc_value *v = ctx->node->in[i];
        if (simclr_dtype_is_float(v->dtype))
            return sc_infer_fail(ctx, "operand %d is %s, expected an integer type", i + 1,
                                 sc_type_text(v).s);
    }
    return sc_infer_arithmetic(ctx);
}

const struct sc_op_info sc_op_info_mod = {
    .eval = eval_mod, .infer = infer_mod, .why_no_grad = "its operands are integers"};

static void eval_fmod(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_binary(in, out, fmod, NULL);
}

// The slope along y is -q, which is (z - x) / y.
static void grad_fmod(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                      struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *y = n->in[1], *z = n->out[0];
    struct sc_value *slope = sc_div(b, sc_sub(b, z, x), y);
    dx[0] = sc_sum_to(b, dy[0], &x->shape);
    dx[1] = sc_sum_to(b, sc_mul(b, dy[0], slope), &y->shape);
}

const struct sc_op_info sc_op_info_fmod = {
    .eval = eval_fmod, .infer = sc_infer_float, .grad = grad_fmod};
