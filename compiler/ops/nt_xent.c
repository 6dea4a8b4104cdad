// SPDX-License-Identifier: Apache-2.0
//
// nt_xent(u) -> loss, lse: the loss of SimCLR (Chen et al., 2020, equation 1 and
// algorithm 1) over 2N rows u_i that are unit vectors already. With s_ik = u_i u_k / t
// and p(i) the other view of row i's image,
//     lse_i = ln sum over k != i of e^(s_ik),  loss = 1/(2N) sum_i (lse_i - s_i,p(i)).
// Attribute `halves` says whether rows 2k and 2k+1, or rows k and k+N, belong together.
//
// nt_xent_grad(u, lse, dloss) -> du: with P_ik = e^(s_ik - lse_i) for k != i, else 0,
//     du_i = dloss / (2N t) (sum_k (P_ik + P_ki) u_k - 2 u_p(i)):
// every row is anchor once and candidate of all others.
//
// nt_xent_metrics(u) -> f32[2]: with the N rows of the other view as candidates, how
// often the positive is the most similar (the first of equals), and the mean entropy
// -sum q ln q of the softmax of s over the candidates; both averaged over all 2N rows.
#include "compiler/ops/rules.h"

#include <assert.h>
#include <math.h>

static double similarity(const struct sc_tensor *u, int64_t i, int64_t k, double temperature)
{
    const int64_t d = u->shape.dim[1];
    double dot = 0;
    for (int64_t j = 0; j < d; j++)
        dot += u->f[i * d + j] * u->f[k * d + j];
    return dot / temperature;
}

static int64_t positive_of(int64_t i, int64_t rows, int64_t halves)
{
    return halves ? (i + rows / 2) % rows : i ^ 1;
}

static bool is_other_view(int64_t i, int64_t k, int64_t rows, int64_t halves)
{
    return halves ? (i < rows / 2) != (k < rows / 2) : i % 2 != k % 2;
}

// ln of the sum of e^(s_ik) over all k but i, with the largest taken out first.
static double log_sum_exp(const struct sc_tensor *u, int64_t i, double temperature)
{
    const int64_t rows = u->shape.dim[0];
    double max = -(double)INFINITY, sum = 0;
    for (int64_t k = 0; k < rows; k++) {
        if (k != i) max = fmax(max, similarity(u, i, k, temperature));
    }
    for (int64_t k = 0; k < rows; k++) {
        if (k != i) sum += exp(similarity(u, i, k, temperature) - max);
    }
    return max + log(sum);
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct sc_attr_nt_xent *a = &n->attr.nt_xent;
    const int64_t rows = in[0]->shape.dim[0];
    double sum = 0;
    for (int64_t i = 0; i < rows; i++) {
        const int64_t positive = positive_of(i, rows, a->halves);
        out[1]->f[i] = log_sum_exp(in[0], i, a->temperature);
        sum += out[1]->f[i] - similarity(in[0], i, positive, a->temperature);
    }
    out[0]->f[0] = sum / (double)rows;
}

static bool check_embeddings(struct sc_infer *ctx)
{
    const struct sc_value *u = ctx->node->in[0];
    const double temperature = ctx->node->attr.nt_xent.temperature;
    if (!sc_infer_dtype(ctx, 0, SIMCLR_f32) || !sc_infer_rank(ctx, 0, 2)) return false;
    if (u->shape.dim[0] < 2 || u->shape.dim[0] % 2 != 0)
        return sc_infer_fail(ctx, "input %s has %lld rows, expected two for each image",
                             sc_type_text(u).s, (long long)u->shape.dim[0]);
    if (!(temperature > 0))
        return sc_infer_fail(ctx, "temperature is %g, expected more than 0", temperature);
    return true;
}

static bool infer(struct sc_infer *ctx)
{
    if (!check_embeddings(ctx)) return false;
    const struct simclr_shape scalar = sc_shape_scalar();
    const struct simclr_shape rows = sc_shape(1, ctx->node->in[0]->shape.dim);
    return sc_infer_set(ctx, 0, SIMCLR_f32, &scalar) && sc_infer_set(ctx, 1, SIMCLR_f32, &rows);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    assert(!dy[1] && "lse is for the gradient only");
    if (!dy[0]) return;
    dx[0] = sc_build(b, SIMCLR_OP_nt_xent_grad, &n->attr, n->in[0], n->out[1], dy[0]);
}

const struct sc_op_info sc_op_info_nt_xent = {.eval = eval, .infer = infer, .grad = grad};

static void grad_eval(const struct sc_node *n, const struct sc_tensor *const *in,
                      struct sc_tensor *const *out)
{
    const struct sc_attr_nt_xent *a = &n->attr.nt_xent;
    const struct sc_tensor *u = in[0], *lse = in[1];
    const int64_t rows = u->shape.dim[0], d = u->shape.dim[1];
    const double factor = in[2]->f[0] / ((double)rows * a->temperature);
    sc_set_zero(out[0]);
    for (int64_t i = 0; i < rows; i++) {
        double *du = out[0]->f + i * d;
        for (int64_t k = 0; k < rows; k++) {
            if (k == i) continue;
            const double s = similarity(u, i, k, a->temperature);
            const double pull = k == positive_of(i, rows, a->halves) ? 2 : 0;
            const double weight = exp(s - lse->f[i]) + exp(s - lse->f[k]) - pull;
            for (int64_t j = 0; j < d; j++)
                du[j] += factor * weight * u->f[k * d + j];
        }
    }
}

static bool grad_infer(struct sc_infer *ctx)
{
    return check_embeddings(ctx) &&
           sc_infer_vector(ctx, 1, "lse", ctx->node->in[0]->shape.dim[0]) &&
           sc_infer_dtype(ctx, 2, SIMCLR_f32) && sc_infer_scalar(ctx, 2) &&
           sc_infer_set_like(ctx, 0, 0);
}

const struct sc_op_info sc_op_info_nt_xent_grad = {
    .eval = grad_eval,
    .infer = grad_infer,
    .why_no_grad = "it is a gradient already, and second derivatives are not derived"};

// What one row adds: is its positive the most similar candidate, and its entropy.
struct row_metrics {
    double hit, entropy;
};

static struct row_metrics metrics_of(const struct sc_tensor *u, int64_t i,
                                     const struct sc_attr_nt_xent *a)
{
    const int64_t rows = u->shape.dim[0];
    int64_t best = -1;
    double max = -(double)INFINITY, sum = 0, weighted = 0;
    for (int64_t k = 0; k < rows; k++) {
        if (!is_other_view(i, k, rows, a->halves)) continue;
        const double s = similarity(u, i, k, a->temperature);
        if (best < 0 || s > max) {
            best = k;
            max = s;
        }
    }
    for (int64_t k = 0; k < rows; k++) {
        if (!is_other_view(i, k, rows, a->halves)) continue;
        const double s = similarity(u, i, k, a->temperature) - max;
        sum += exp(s);
        weighted += exp(s) * s;
    }
    // -sum q ln q, where q = e^s / sum
    return (struct row_metrics){.hit = best == positive_of(i, rows, a->halves),
                                .entropy = log(sum) - weighted / sum};
}

static void metrics_eval(const struct sc_node *n, const struct sc_tensor *const *in,
                         struct sc_tensor *const *out)
{
    const int64_t rows = in[0]->shape.dim[0];
    sc_set_zero(out[0]);
    for (int64_t i = 0; i < rows; i++) {
        const struct row_metrics m = metrics_of(in[0], i, &n->attr.nt_xent);
        out[0]->f[0] += m.hit / (double)rows;
        out[0]->f[1] += m.entropy / (double)rows;
    }
}

static bool metrics_infer(struct sc_infer *ctx)
{
    const struct simclr_shape two = sc_shape(1, (int64_t[]){2});
    return check_embeddings(ctx) && sc_infer_set(ctx, 0, SIMCLR_f32, &two);
}

const struct sc_op_info sc_op_info_nt_xent_metrics = {
    .eval = metrics_eval,
    .infer = metrics_infer,
    .why_no_grad = "metrics are for reading and are not trained on"};
