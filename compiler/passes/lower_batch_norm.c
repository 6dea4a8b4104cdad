// SPDX-License-Identifier: Apache-2.0
//
// lower-batch-norm: where the entry runs the model in training mode,
// batch_norm(x, scale, bias, mean, var) becomes batch_norm_train(x, scale, bias),
// which normalises by the statistics of the batch; and where the entry keeps
// state, each running statistic is updated as ONNX BatchNormalization says,
//     running' = momentum running + (1 - momentum) batch,
// with the population variance or, as PyTorch does, with the unbiased one: the N
// values of a channel are then divided by N - 1 (--bn-var). Either way the batch is
// normalised by the population variance, and a scale of what is added is all the
// difference. A statistic that two normalisations share, in a model that runs its
// encoder twice, is updated by one after the other.
#include "compiler/passes/passes.h"

#include "compiler/ir/builder.h"
#include "compiler/passes/report.h"

// The statistics of a graph and what they are after the nodes seen so far.
struct running {
    struct sc_value **now; // by parameter index; NULL: not touched
};

// `weight` is that of the batch's value.
static void update(struct sc_builder *b, struct running *r, struct sc_value *statistic,
                   struct sc_value *batch, double momentum, double weight)
{
    if (statistic->kind != SC_VALUE_param || statistic->param->role != SIMCLR_ROLE_statistic)
        return;
    struct sc_value **const now = &r->now[statistic->param->index];
    struct sc_value *const kept = sc_scale(b, *now ? *now : statistic, momentum);
    struct sc_value *const added = sc_scale(b, batch, weight);
    *now = sc_add(b, kept, added);
}

// N / (N - 1) for the N values a channel has in x; 0 after reporting that there is one.
static double unbiased(const struct sc_graph *g, const struct sc_node *n)
{
    const struct simclr_shape *const x = &n->in[0]->shape;
    double count = 1;
    for (int32_t i = 0; i < x->rank; i++)
        count *= i == 1 ? 1 : (double)x->dim[i];
    if (count > 1) return count / (count - 1);
    sc_report_node(g, n, SIMCLR_ERROR,
                   "a channel has %s in a step, expected at least 2 values for the unbiased "
                   "variance",
                   count > 0 ? "one value" : "no value");
    return 0;
}

static struct sc_value *lower(struct sc_builder *b, struct running *r, const struct sc_node *n,
                              const struct sc_pass_context *ctx)
{
    const double momentum = n->attr.batch_norm.momentum;
    const bool keeps_state = ctx->entry != SC_ENTRY_grad;
    const double factor = keeps_state && ctx->unbiased_bn ? unbiased(b->graph, n) : 1;
    b->origin = n->origin;
    b->origin.made_by = "lower-batch-norm";
    struct sc_node *const train =
        sc_build_node(b, SIMCLR_OP_batch_norm_train, &n->attr, n->in, 3);
    if (keeps_state) {
        update(b, r, n->in[3], train->out[1], momentum, 1 - momentum);
        update(b, r, n->in[4], train->out[2], momentum, (1 - momentum) * factor);
    }
    return train->out[0];
}

bool sc_pass_lower_batch_norm(struct sc_graph *g, const struct sc_pass_context *ctx)
{
    const bool is_training = ctx->entry == SC_ENTRY_train || ctx->entry == SC_ENTRY_grad ||
                             ctx->entry == SC_ENTRY_recalibrate;
    if (!is_training || ctx->freeze_bn) return false;

    struct sc_arena *const arena = g->module->arena;
    struct sc_builder b = {.graph = g};
    struct running r = {SC_NEW_ARRAY(arena, struct sc_value *, g->module->n_params)};
    struct sc_value **const map = sc_graph_new_map(g);
    const uint32_t n_values = g->n_values;
    const uint32_t n_nodes = g->n_nodes;
    bool changed = false;
    for (uint32_t i = 0; i < n_nodes; i++) {
        const struct sc_node *const n = g->nodes[i];
        if (n->op != SIMCLR_OP_batch_norm) continue;
        map[n->out[0]->id] = lower(&b, &r, n, ctx);
        changed = true;
    }
    if (!changed) return false;
    sc_graph_apply_map(g, map, n_values);
    for (uint32_t i = 0; i < g->module->n_params; i++) {
        if (r.now[i]) sc_graph_update(g, g->module->params[i], r.now[i]);
    }
    sc_graph_sort(g);
    (void)sc_graph_remove_dead(g);
    return true;
}
