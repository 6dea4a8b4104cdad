// SPDX-License-Identifier: Apache-2.0
//
// Normalisation, dropout and softmax.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

#include <inttypes.h>
#include <math.h>

// running' = momentum running + (1 - momentum) batch
static struct sc_value *running(struct sc_scope *s, struct sc_value *old,
                                struct sc_value *batch, double momentum)
{
    struct sc_value *const kept =
        sc_make(s, SIMCLR_OP_mul, NULL, old, sc_make_scalar(s, momentum, SIMCLR_f32));
    struct sc_value *const added =
        sc_make(s, SIMCLR_OP_mul, NULL, batch, sc_make_scalar(s, 1 - momentum, SIMCLR_f32));
    return sc_make(s, SIMCLR_OP_add, NULL, kept, added);
}

// Mean and population variance of each channel.
static void channel_statistics(struct sc_scope *s, struct sc_value *x, struct sc_value **mean,
                               struct sc_value **var)
{
    struct simclr_dims axes = {0};
    for (int32_t i = 0; i < x->shape.rank; i++) {
        if (i != 1) axes.v[axes.n++] = i;
    }
    struct sc_value *const kept = sc_make_reduce(s, SIMCLR_OP_reduce_mean, x, &axes, true);
    struct sc_value *const centred = sc_make(s, SIMCLR_OP_sub, NULL, x, kept);
    struct sc_value *const square = sc_make(s, SIMCLR_OP_mul, NULL, centred, centred);
    *mean = sc_make_reduce(s, SIMCLR_OP_reduce_mean, x, &axes, false);
    *var = sc_make_reduce(s, SIMCLR_OP_reduce_mean, square, &axes, false);
}

// Training form as the file has it: outputs are y, the running mean and variance, and
// before opset 14 the batch's own. Those are computed apart from y: batch_norm_train has
// no gradient through the statistics it gives.
static struct sc_value *batch_norm_as_written(struct sc_scope *s, const union simclr_attr *attr)
{
    struct sc_value *const x = sc_in(s, 0);
    struct sc_value *const y =
        sc_make(s, SIMCLR_OP_batch_norm_train, attr, x, sc_in(s, 1), sc_in(s, 2));
    struct sc_value *batch[2];
    if (!y) return NULL;
    channel_statistics(s, x, &batch[0], &batch[1]);
    for (int i = 0; i < 2; i++) {
        if (sc_has_out(s, 1 + i))
            s->out[1 + i] = running(s, sc_in(s, 3 + i), batch[i], attr->batch_norm.momentum);
        if (sc_has_out(s, 3 + i)) s->out[3 + i] = batch[i];
    }
    return y;
}

static bool is_training_form(struct sc_scope *s)
{
    if (s->opset >= 14) return sc_attr_i(s, "training_mode", 0) != 0;
    for (int i = 1; i < 5; i++) {
        if (sc_has_out(s, i)) return true;
    }
    return false;
}

// In training, whether statistics are those of the batch is decided by --bn and by the
// entry (pass lower-batch-norm), not by is_test, training_mode or the number of outputs:
// exporters write them wrongly or not at all.
struct sc_value *sc_import_batch_norm(struct sc_scope *s)
{
    if (s->is_loss) return sc_bad_node(s, "a loss with running statistics is not supported");
    if (s->opset < 9 && sc_attr_i(s, "spatial", 1) == 0)
        return sc_bad_node(s, "attribute 'spatial' is 0, expected 1");
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_batch_norm);
    attr.batch_norm.epsilon = sc_attr_f(s, "epsilon", 1e-5);
    attr.batch_norm.momentum = sc_attr_f(s, "momentum", 0.9);
    if (s->is_as_written && is_training_form(s)) return batch_norm_as_written(s, &attr);
    return sc_make(s, SIMCLR_OP_batch_norm, &attr, sc_in(s, 0), sc_in(s, 1), sc_in(s, 2),
                   sc_in(s, 3), sc_in(s, 4));
}

struct standardised {
    struct sc_value *y, *mean, *inv_deviation;
};

// y = (x - mean) / sqrt(var + epsilon) over `axes`, with the population's variance.
static struct standardised standardise(struct sc_scope *s, struct sc_value *x,
                                       const struct simclr_dims *axes)
{
    struct sc_value *const epsilon =
        sc_make_scalar(s, sc_attr_f(s, "epsilon", 1e-5), SIMCLR_f32);
    struct standardised r = {.mean = sc_make_reduce(s, SIMCLR_OP_reduce_mean, x, axes, true)};
    struct sc_value *const centred = sc_make(s, SIMCLR_OP_sub, NULL, x, r.mean);
    struct sc_value *const square = sc_make(s, SIMCLR_OP_mul, NULL, centred, centred);
    struct sc_value *const var = sc_make_reduce(s, SIMCLR_OP_reduce_mean, square, axes, true);
    struct sc_value *const deviation =
        sc_make(s, SIMCLR_OP_sqrt, NULL, sc_make(s, SIMCLR_OP_add, NULL, var, epsilon));
    r.inv_deviation = sc_make(s, SIMCLR_OP_reciprocal, NULL, deviation);
    r.y = sc_make(s, SIMCLR_OP_mul, NULL, centred, r.inv_deviation);
    return r;
}

struct sc_value *sc_import_layer_norm(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    const int64_t axis = sc_axis(s, sc_attr_i(s, "axis", -1), x->shape.rank);
    struct simclr_dims axes = {0};
    for (int64_t i = axis; i < x->shape.rank; i++)
        axes.v[axes.n++] = i;
    const struct standardised r = standardise(s, x, &axes);
    if (sc_has_out(s, 1)) s->out[1] = r.mean;
    if (sc_has_out(s, 2)) s->out[2] = r.inv_deviation;
    struct sc_value *const y = sc_make(s, SIMCLR_OP_mul, NULL, r.y, sc_in(s, 1));
    return sc_has_in(s, 2) ? sc_make(s, SIMCLR_OP_add, NULL, y, sc_in(s, 2)) : y;
}

// A vector along axis 1 of a tensor of `rank`.
static struct sc_value *per_channel(struct sc_scope *s, struct sc_value *v, int32_t rank)
{
    if (!v) return NULL;
    struct simclr_shape shape = {.rank = rank};
    for (int32_t i = 0; i < rank; i++)
        shape.dim[i] = i == 1 ? simclr_shape_count(&v->shape) : 1;
    return sc_make_reshape(s, v, &shape);
}

struct sc_value *sc_import_instance_norm(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    if (x->shape.rank < 3)
        return sc_bad_node(s, "input '%s' has rank %d, expected at least 3", sc_in_name(s, 0),
                           (int)x->shape.rank);
    struct simclr_dims axes = {0};
    for (int32_t i = 2; i < x->shape.rank; i++)
        axes.v[axes.n++] = i;
    struct sc_value *const y = sc_make(s, SIMCLR_OP_mul, NULL, standardise(s, x, &axes).y,
                                       per_channel(s, sc_in(s, 1), x->shape.rank));
    return sc_make(s, SIMCLR_OP_add, NULL, y, per_channel(s, sc_in(s, 2), x->shape.rank));
}

// x over its 1- or 2-norm along one axis.
struct sc_value *sc_import_lp_norm(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    const int64_t p = sc_attr_i(s, "p", 2);
    const struct simclr_dims axes = {1, {sc_axis(s, sc_attr_i(s, "axis", -1), x->shape.rank)}};
    struct sc_value *norm;
    if (p == 2) {
        struct sc_value *const square = sc_make(s, SIMCLR_OP_mul, NULL, x, x);
        norm = sc_make(s, SIMCLR_OP_sqrt, NULL,
                       sc_make_reduce(s, SIMCLR_OP_reduce_sum, square, &axes, true));
    } else if (p == 1) {
        norm = sc_make_reduce(s, SIMCLR_OP_reduce_sum, sc_make(s, SIMCLR_OP_abs, NULL, x),
                              &axes, true);
    } else {
        return sc_bad_node(s, "attribute 'p' is %" PRId64 ", expected 1 or 2", p);
    }
    return sc_make(s, SIMCLR_OP_div, NULL, x, norm);
}

// Dropout that drops: we have no random masks in programs.
static struct sc_value *dropout(struct sc_scope *s, bool is_training, double ratio)
{
    if (s->failed) return NULL;
    if (is_training && ratio > 0) {
        (void)sc_bad_node(s,
                          "dropout in training mode with ratio %g is not supported, expected "
                          "ratio 0",
                          ratio);
        sc_hint_node(s, "SimCLR's encoders have none: set the ratio to 0 before exporting");
        return NULL;
    }
    struct sc_value *const x = sc_in(s, 0);
    if (x && sc_has_out(s, 1)) { // nothing is dropped; the mask is of x's type before opset 10
        const simclr_dtype dtype = s->opset < 10 ? x->dtype : SIMCLR_bool;
        s->out[1] = sc_fill(&s->b, 1, dtype, &x->shape);
    }
    return x;
}

// Before opset 12 the node does not say whether it trains: it is inference form.
struct sc_value *sc_import_dropout_old(struct sc_scope *s)
{
    return dropout(s, false, sc_attr_f(s, "ratio", 0.5));
}

struct sc_value *sc_import_dropout(struct sc_scope *s)
{
    const double ratio = sc_has_in(s, 1) ? sc_in_number(s, 1, "ratio") : 0.5;
    const bool is_training = sc_has_in(s, 2) && sc_in_number(s, 2, "training_mode") != 0;
    return dropout(s, is_training, ratio);
}

static struct sc_value *along_axis(struct sc_scope *s, enum simclr_op op, struct sc_value *x,
                                   int64_t axis)
{
    union simclr_attr attr = sc_attr_default(op);
    attr.axis.axis = axis;
    return sc_make(s, op, &attr, x);
}

// Before opset 13 the input is seen as a matrix, split at `axis`.
static struct sc_value *softmax_old(struct sc_scope *s, enum simclr_op op)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    const int64_t given = sc_attr_i(s, "axis", 1);
    const int64_t axis = given == x->shape.rank ? given : sc_axis(s, given, x->shape.rank);
    struct simclr_shape matrix = {2, {1, 1}};
    for (int32_t i = 0; i < x->shape.rank; i++)
        matrix.dim[i >= axis] *= x->shape.dim[i];
    return sc_make_reshape(s, along_axis(s, op, sc_make_reshape(s, x, &matrix), 1), &x->shape);
}

static struct sc_value *softmax(struct sc_scope *s, enum simclr_op op)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    return along_axis(s, op, x, sc_axis(s, sc_attr_i(s, "axis", -1), x->shape.rank));
}

struct sc_value *sc_import_softmax_old(struct sc_scope *s)
{
    return softmax_old(s, SIMCLR_OP_softmax);
}

struct sc_value *sc_import_softmax(struct sc_scope *s)
{
    return softmax(s, SIMCLR_OP_softmax);
}

struct sc_value *sc_import_log_softmax_old(struct sc_scope *s)
{
    return softmax_old(s, SIMCLR_OP_log_softmax);
}

struct sc_value *sc_import_log_softmax(struct sc_scope *s)
{
    return softmax(s, SIMCLR_OP_log_softmax);
}
