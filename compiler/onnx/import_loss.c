// SPDX-License-Identifier: Apache-2.0
//
// Losses over integer labels, as ONNX NegativeLogLikelihoodLoss defines them.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

#include <string.h>

struct labelled {
    struct sc_value *index;  // the labels, 0 for those to be ignored
    struct sc_value *weight; // of each label; NULL: all count the same
};

// The weight of a label is its class's, and 0 for `ignore_index`, whether or not
// that is a class.
static struct labelled read_labels(struct sc_scope *s, struct sc_value *labels)
{
    struct labelled l = {.index = labels};
    struct sc_value *ignored = NULL;
    if (sc_has_attr(s, "ignore_index")) {
        const double which = (double)sc_attr_i(s, "ignore_index", 0);
        ignored =
            sc_make(s, SIMCLR_OP_equal, NULL, labels, sc_make_scalar(s, which, labels->dtype));
        l.index = sc_make(s, SIMCLR_OP_where, NULL, ignored,
                          sc_make_scalar(s, 0, labels->dtype), labels);
        l.weight = sc_make_scalar(s, 1, SIMCLR_f32);
    }
    if (sc_has_in(s, 2)) l.weight = sc_make(s, SIMCLR_OP_gather, NULL, sc_in(s, 2), l.index);
    if (ignored)
        l.weight = sc_make(s, SIMCLR_OP_where, NULL, ignored, sc_make_scalar(s, 0, SIMCLR_f32),
                           l.weight);
    return l;
}

// The mean is over weights, not over labels.
static struct sc_value *reduce(struct sc_scope *s, struct sc_value *loss,
                               struct sc_value *weight)
{
    const char *const how = sc_attr_s(s, "reduction", "mean");
    if (!loss || !strcmp(how, "none")) return loss;
    struct simclr_dims all = {.n = loss->shape.rank};
    for (int32_t i = 0; i < loss->shape.rank; i++)
        all.v[i] = i;
    if (!strcmp(how, "sum")) return sc_make_reduce(s, SIMCLR_OP_reduce_sum, loss, &all, false);
    if (strcmp(how, "mean") != 0)
        return sc_bad_node(s, "attribute 'reduction' is '%s', expected none, mean or sum", how);
    if (!weight) return sc_make_reduce(s, SIMCLR_OP_reduce_mean, loss, &all, false);
    return sc_make(s, SIMCLR_OP_div, NULL,
                   sc_make_reduce(s, SIMCLR_OP_reduce_sum, loss, &all, false),
                   sc_make_reduce(s, SIMCLR_OP_reduce_sum, weight, &all, false));
}

// Minus the log-probability (axis 1 of log_p) of each label times its weight.
static struct sc_value *negative_log_likelihood(struct sc_scope *s, struct sc_value *log_p)
{
    struct sc_value *labels = sc_in(s, 1);
    if (labels && labels->dtype == SIMCLR_i32) labels = sc_make_cast(s, labels, SIMCLR_i64);
    if (!log_p || !labels) return NULL;
    const int32_t rank = log_p->shape.rank;
    if (rank < 2 || labels->shape.rank != rank - 1)
        return sc_bad_node(s, "scores have rank %d and labels rank %d, expected one less",
                           (int)rank, (int)labels->shape.rank);
    struct simclr_shape column = log_p->shape, expected = {.rank = rank - 1};
    for (int32_t i = 0; i < rank - 1; i++)
        expected.dim[i] = column.dim[i == 0 ? 0 : i + 1];
    if (!simclr_shape_equal(&labels->shape, &expected))
        return sc_bad_shape(s, "labels", 1, "", &expected);
    const struct simclr_shape classes = {1, {column.dim[1]}};
    if (sc_has_in(s, 2) && sc_in(s, 2) && !simclr_shape_equal(&sc_in(s, 2)->shape, &classes))
        return sc_bad_shape(s, "weight", 2, "", &classes);
    const struct labelled l = read_labels(s, labels);
    column.dim[1] = 1;
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_gather_elements);
    attr.axis.axis = 1;
    struct sc_value *const picked = sc_make(s, SIMCLR_OP_gather_elements, &attr, log_p,
                                            sc_make_reshape(s, l.index, &column));
    struct sc_value *loss =
        sc_make_reshape(s, sc_make(s, SIMCLR_OP_neg, NULL, picked), &labels->shape);
    if (l.weight) loss = sc_make(s, SIMCLR_OP_mul, NULL, loss, l.weight);
    return reduce(s, loss, l.weight);
}

struct sc_value *sc_import_softmax_cross_entropy(struct sc_scope *s)
{
    struct sc_value *const scores = sc_in(s, 0);
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_log_softmax);
    attr.axis.axis = 1;
    struct sc_value *const log_p = sc_make(s, SIMCLR_OP_log_softmax, &attr, scores);
    if (sc_has_out(s, 1)) s->out[1] = log_p;
    return negative_log_likelihood(s, log_p);
}

struct sc_value *sc_import_negative_log_likelihood(struct sc_scope *s)
{
    return negative_log_likelihood(s, sc_in(s, 0));
}
