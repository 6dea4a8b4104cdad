// SPDX-License-Identifier: Apache-2.0
//
// adam(w, g, m, v, lr, step) -> w', m', v': Kingma and Ba, 2015, algorithm 1, with
// step counting from 1:
//     m' = b1 m + (1 - b1) g,  v' = b2 v + (1 - b2) g^2,
//     update = m' / (1 - b1^step) / (sqrt(v' / (1 - b2^step)) + epsilon),
//     w' = w - lr update.
// Weight decay d is added to the gradient, g + d w, or, decoupled as in AdamW
// (Loshchilov and Hutter, 2019), to the update: w' = w - lr (update + d w).
#include "compiler/ops/optimizer.h"

#include <math.h>

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_attr_adam *a = &n->attr.adam;
    const double *w = in[0]->f, *g = in[1]->f, *m = in[2]->f, *v = in[3]->f;
    const double lr = in[4]->f[0], step = (double)in[5]->i[0];
    const double fill_m = 1 - pow(a->beta1, step), fill_v = 1 - pow(a->beta2, step);
    for (int64_t i = 0; i < in[0]->count; i++) {
        const double decay = a->weight_decay * w[i];
        const double slope = a->decoupled ? g[i] : g[i] + decay;
        const double m1 = a->beta1 * m[i] + (1 - a->beta1) * slope;
        const double v1 = a->beta2 * v[i] + (1 - a->beta2) * slope * slope;
        const double update = m1 / fill_m / (sqrt(v1 / fill_v) + a->epsilon);
        out[0]->f[i] = w[i] - lr * (a->decoupled ? update + decay : update);
        out[1]->f[i] = m1;
        out[2]->f[i] = v1;
    }
}

static bool infer(struct sc_infer *ctx)
{
    return sc_infer_optimizer(ctx, 4, 3) && sc_infer_dtype(ctx, 5, SIMCLR_i64) &&
           sc_infer_scalar(ctx, 5);
}

const struct sc_op_info sc_op_info_adam = {
    .eval = eval, .infer = infer, .why_no_grad = SC_OPTIMIZER_WHY_NO_GRAD};
