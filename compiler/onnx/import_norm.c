// SPDX-License-Identifier: Apache-2.0
//
// Normalisation by running statistics, by norms and by neighbours; dropout and softmax.
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
static struct sc_value *batch_norm_as_written(struct sc_scope *s, const union simclr_attr *attr,
                                              struct sc_value *x)
{
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

static struct sc_value *batch_norm_by_moments(struct sc_scope *s, const union simclr_attr *attr,
                                              struct sc_value *x)
{
    return sc_make(s, SIMCLR_OP_batch_norm, attr, x, sc_in(s, 1), sc_in(s, 2), sc_in(s, 3),
                   sc_in(s, 4));
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
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    if (s->is_loss) return sc_bad_node(s, "a loss with running statistics is not supported");
    // Not spatial: each element has statistics of its own. Of a matrix, so it has anyway.
    if (s->opset < 9 && sc_attr_i(s, "spatial", 1) == 0 && x->shape.rank != 2)
        return sc_bad_node(s, "attribute 'spatial' is 0 and the input has rank %d, expected 2",
                           (int)x->shape.rank);
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_batch_norm);
    attr.batch_norm.epsilon = sc_attr_f(s, "epsilon", 1e-5);
    attr.batch_norm.momentum = sc_attr_f(s, "momentum", 0.9);
    // A vector is a batch of one channel.
    struct simclr_shape matrix = x->shape;
    if (matrix.rank == 1) matrix.dim[matrix.rank++] = 1;
    struct sc_value *const seen = sc_make_reshape(s, x, &matrix);
    struct sc_value *const y = s->is_as_written && is_training_form(s)
                                   ? batch_norm_as_written(s, &attr, seen)
                                   : batch_norm_by_moments(s, &attr, seen);
    return sc_make_reshape(s, y, &x->shape);
}

// x over its 1- or 2-norm along one axis. Where that is zero, so is x, and any other
// number will do as the norm.
struct sc_value *sc_import_lp_norm(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    const int64_t p = sc_attr_i(s, "p", 2);
    const struct simclr_dims axes = {1, {sc_axis(s, sc_attr_i(s, "axis", -1), x->shape.rank)}};
    if (p != 1 && p != 2)
        return sc_bad_node(s, "attribute 'p' is %" PRId64 ", expected 1 or 2", p);
    struct sc_value *const term =
        p == 1 ? sc_make(s, SIMCLR_OP_abs, NULL, x) : sc_make(s, SIMCLR_OP_mul, NULL, x, x);
    struct sc_value *const sum = sc_make_reduce(s, SIMCLR_OP_reduce_sum, term, &axes, true);
    struct sc_value *const is_zero =
        sc_make(s, SIMCLR_OP_equal, NULL, sum, sc_make_scalar(s, 0, SIMCLR_f32));
    struct sc_value *norm =
        sc_make(s, SIMCLR_OP_where, NULL, is_zero, sc_make_scalar(s, 1, SIMCLR_f32), sum);
    if (p == 2) norm = sc_make(s, SIMCLR_OP_sqrt, NULL, norm);
    return sc_make(s, SIMCLR_OP_div, NULL, x, norm);
}

// The sum over `size` channels around each, (size - 1) / 2 of them before it.
static struct sc_value *sum_of_channels(struct sc_scope *s, struct sc_value *x, int64_t size)
{
    if (!x) return NULL;
    const int64_t n = x->shape.dim[1], before = (size - 1) / 2;
    const int64_t n_taps = size < n ? size : n;
    const struct sc_taps taps = sc_taps_new(s, n, n_taps);
    for (int64_t i = 0; i < n; i++) {
        const int64_t first = i < before ? 0 : i - before;
        const int64_t room = size - 1 - before < n - 1 - i ? size - 1 - before : n - 1 - i;
        for (int64_t at = first; at <= i + room; at++) {
            taps.index[i * n_taps + at - first] = at;
            taps.weight[i * n_taps + at - first] = 1;
        }
    }
    return sc_make_resample(s, x, 1, &taps);
}

// Local response normalisation (Krizhevsky et al., 2012, section 3.3):
//     y = x / (bias + alpha / size sum of x^2 over neighbouring channels)^beta.
struct sc_value *sc_import_lrn(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    if (x->shape.rank < 2)
        return sc_bad_node(s, "input '%s' has rank %d, expected at least 2", sc_in_name(s, 0),
                           (int)x->shape.rank);
    if (!sc_has_attr(s, "size")) return sc_bad_node(s, "attribute 'size' is missing");
    const int64_t size = sc_attr_i(s, "size", 0);
    if (size < 1)
        return sc_bad_node(s, "attribute 'size' is %" PRId64 ", expected at least 1", size);
    const double alpha = sc_attr_f(s, "alpha", 1e-4), beta = sc_attr_f(s, "beta", 0.75);
    struct sc_value *const sum =
        sum_of_channels(s, sc_make(s, SIMCLR_OP_mul, NULL, x, x), size);
    struct sc_value *const mean =
        sc_make(s, SIMCLR_OP_div, NULL, sum, sc_make_scalar(s, (double)size, SIMCLR_f32));
    struct sc_value *const scaled =
        sc_make(s, SIMCLR_OP_mul, NULL, mean, sc_make_scalar(s, alpha, SIMCLR_f32));
    struct sc_value *const base = sc_make(
        s, SIMCLR_OP_add, NULL, scaled, sc_make_scalar(s, sc_attr_f(s, "bias", 1), SIMCLR_f32));
    return sc_make(s, SIMCLR_OP_div, NULL, x,
                   sc_make(s, SIMCLR_OP_pow, NULL, base, sc_make_scalar(s, beta, SIMCLR_f32)));
}

// Nothing is dropped; the mask, of x's type before opset 10, says so.
static struct sc_value *keep_all(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (x && sc_has_out(s, 1))
        s->out[1] = sc_fill(&s->b, 1, s->opset < 10 ? x->dtype : SIMCLR_bool, &x->shape);
    return x;
}

// Before opset 12 the node does not say whether it trains: it is inference form.
struct sc_value *sc_import_dropout_old(struct sc_scope *s)
{
    return keep_all(s);
}

// Dropout that drops is refused: we have no random masks in programs. The ratio is
// looked at only then.
struct sc_value *sc_import_dropout(struct sc_scope *s)
{
    const bool is_training = sc_has_in(s, 2) && sc_in_number(s, 2, "training_mode") != 0;
    if (s->failed || !is_training) return keep_all(s);
    const double ratio = sc_has_in(s, 1) ? sc_in_number(s, 1, "ratio") : 0.5;
    if (s->failed || ratio == 0) return keep_all(s);
    (void)sc_bad_node(
        s, "dropout in training mode with ratio %g is not supported, expected ratio 0", ratio);
    sc_hint_node(s, "SimCLR's encoders have none: set the ratio to 0 before exporting");
    return NULL;
}

static struct sc_value *along_axis(struct sc_scope *s, enum simclr_op op, struct sc_value *x,
                                   int64_t axis)
{
    union simclr_attr attr = sc_attr_default(op);
    attr.axis.axis = axis;
    return sc_make(s, op, &attr, x);
}

static struct sc_value *softmax_old(struct sc_scope *s, enum simclr_op op)
{
    const struct sc_value *const x = sc_in(s, 0);
    struct sc_value *const matrix = sc_in_matrix(s);
    return matrix ? sc_make_reshape(s, along_axis(s, op, matrix, 1), &x->shape) : NULL;
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
