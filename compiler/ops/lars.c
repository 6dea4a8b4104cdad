// SPDX-License-Identifier: Apache-2.0
//
// lars(w, g, v, lr) -> w', v': layer-wise adaptive rate scaling (You et al., 2017) in
// the form SimCLR's authors use, where the learning rate stands inside the momentum:
//     g' = g + d w,  trust = eta |w| / |g'|, or 1 where either norm is 0,
//     v' = m v + lr trust g',  w' = w - v'.
// adapt = 0, for biases and normalisation: d = 0 and trust = 1.
#include "compiler/ops/optimizer.h"

#include <math.h>

static double trust_ratio(const struct sc_attr_lars *a, const struct sc_tensor *w,
                          const struct sc_tensor *g)
{
    double w_square = 0, g_square = 0;
    for (int64_t i = 0; i < w->count; i++) {
        const double slope = g->f[i] + a->weight_decay * w->f[i];
        w_square += w->f[i] * w->f[i];
        g_square += slope * slope;
    }
    const bool is_defined = w_square > 0 && g_square > 0;
    return is_defined ? a->eta * sqrt(w_square) / sqrt(g_square) : 1;
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_attr_lars *a = &n->attr.lars;
    const double *w = in[0]->f, *g = in[1]->f, *v = in[2]->f, lr = in[3]->f[0];
    const double trust = a->adapt ? trust_ratio(a, in[0], in[1]) : 1;
    const double decay = a->adapt ? a->weight_decay : 0;
    for (int64_t i = 0; i < in[0]->count; i++) {
        const double velocity = a->momentum * v[i] + lr * trust * (g[i] + decay * w[i]);
        out[0]->f[i] = w[i] - velocity;
        out[1]->f[i] = velocity;
    }
}

static bool infer(struct sc_infer *ctx)
{
    return sc_infer_optimizer(ctx, 3, 2);
}

const struct sc_op_info sc_op_info_lars = {
    .eval = eval, .infer = infer, .why_no_grad = SC_OPTIMIZER_WHY_NO_GRAD};
