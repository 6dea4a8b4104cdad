// SPDX-License-Identifier: Apache-2.0
//
// sgd(w, g, v, lr) -> w', v': gradient descent with momentum m and weight decay d
// (Sutskever et al., 2013, in the form where the learning rate stands outside):
//     g' = g + d w,  v' = m v + g',  w' = w - lr v',
// or, with Nesterov's momentum, w' = w - lr (g' + m v').
#include "compiler/ops/optimizer.h"

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_attr_sgd *a = &n->attr.sgd;
    const double *w = in[0]->f, *g = in[1]->f, *v = in[2]->f, lr = in[3]->f[0];
    for (int64_t i = 0; i < in[0]->count; i++) {
        const double slope = g[i] + a->weight_decay * w[i];
        const double velocity = a->momentum * v[i] + slope;
        const double step = a->nesterov ? slope + a->momentum * velocity : velocity;
        out[0]->f[i] = w[i] - lr * step;
        out[1]->f[i] = velocity;
    }
}

static bool infer(struct sc_infer *ctx)
{
    return sc_infer_optimizer(ctx, 3, 2);
}

const struct sc_op_info sc_op_info_sgd = {
    .eval = eval, .infer = infer, .why_no_grad = SC_OPTIMIZER_WHY_NO_GRAD};
