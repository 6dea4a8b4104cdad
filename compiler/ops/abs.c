// SPDX-License-Identifier: Apache-2.0
//
// abs: y = |x|. The gradient at 0 is 0.
#include "compiler/ops/rules.h"

#include <math.h>

static int64_t abs_int(int64_t x)
{
    return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
}

static int64_t same(int64_t x)
{
    return x;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    (void)n;
    sc_eval_unary(in, out, fabs, out[0]->dtype == SIMCLR_u64 ? same : abs_int);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    dx[0] = sc_mul(b, dy[0], sc_build(b, SIMCLR_OP_sign, NULL, n->in[0]));
}

static struct sc_value *fold(struct sc_builder *b, const struct sc_node *n)
{
    (void)b;
    return sc_made_by(n->in[0], SIMCLR_OP_abs) ? n->in[0] : NULL; // ||x|| = |x|
}

const struct sc_op_info sc_op_info_abs = {
    .eval = eval, .infer = sc_infer_arithmetic, .grad = grad, .fold = fold};
