// SPDX-License-Identifier: Apache-2.0
//
// reduce_min: the least element along the axes given; of nothing, the largest value
// of the type (inf, true). A NaN makes the result NaN. The gradient is shared evenly
// among equal minima.
#include "compiler/ops/reduce.h"

#include <math.h>

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    struct sc_walk to = sc_walk_reduce(&in[0]->shape, &n->attr.reduce);
    const struct sc_tensor *x = in[0];
    struct sc_tensor *y = out[0];
    for (int64_t i = 0; i < y->count; i++) {
        if (y->f)
            y->f[i] = (double)INFINITY;
        else
            y->i[i] = sc_int_most(y->dtype);
    }
    for (int64_t i = 0; i < x->count; i++) {
        const int64_t j = to.offset;
        if (y->f ? x->f[i] < y->f[j] || isnan(x->f[i])
                 : sc_int_less(x->dtype, x->i[i], y->i[j]))
            sc_copy_element(x, i, y, j);
        sc_walk_next(&to);
    }
}

const struct sc_op_info sc_op_info_reduce_min = {
    .eval = eval, .infer = sc_infer_reduce, .grad = sc_grad_extreme, .fold = sc_fold_reduce};
