// SPDX-License-Identifier: Apache-2.0
//
// differentiate: reverse mode. The nodes are visited from last to first; a node
// whose result has a gradient hands it on to its operands by its operation's
// rule, and what reaches a value along several ways is added up. Only values
// that depend on a trainable parameter take part, so that no gradient of the
// images is ever computed. The gradients become outputs named like their
// parameters; insert-optimizer turns them into updates.
//
// Where a gradient arrives at an operation that has no rule, the model cannot be
// trained: that is an error of the user's, reported for every such node.
#include "compiler/passes/passes.h"

#include "compiler/ir/builder.h"
#include "compiler/ir/op.h"
#include "compiler/passes/report.h"

#include <assert.h>

struct reverse {
    struct sc_builder b;
    bool *needs; // by id of the forward graph's values: depends on a trainable parameter
    struct sc_value **grad; // by the same id: its gradient so far; NULL: none
    uint32_t n_values;
};

static struct sc_value *find_loss(const struct sc_graph *g)
{
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        if (g->outputs[i].role == SIMCLR_PORT_loss) return g->outputs[i].value;
    }
    return NULL;
}

static bool is_trainable(const struct sc_value *v)
{
    return v->kind == SC_VALUE_param && v->param->role == SIMCLR_ROLE_trainable;
}

static void mark_dependent(const struct sc_graph *g, bool *needs)
{
    for (uint32_t i = 0; i < g->n_values; i++)
        needs[i] = is_trainable(g->values[i]);
    SC_FOR_EACH_NODE(g, n)
    {
        bool any = false;
        for (int k = 0; k < n->n_in; k++)
            any |= needs[n->in[k]->id];
        for (int k = 0; k < n->n_out; k++)
            needs[n->out[k]->id] = any && simclr_dtype_is_float(n->out[k]->dtype);
    }
}

static void accumulate(struct reverse *r, const struct sc_value *x, struct sc_value *dx)
{
    assert(simclr_shape_equal(&x->shape, &dx->shape) && "a gradient has its value's shape");
    struct sc_value **const grad = &r->grad[x->id];
    *grad = *grad ? sc_add(&r->b, *grad, dx) : dx;
}

// Why n has no gradient; NULL if it has one.
static const char *why_no_grad(const struct sc_node *n)
{
    const struct sc_op_info *const info = sc_op_table[n->op].info;
    assert((info->grad || info->why_no_grad) && "an operation has a rule or says why not");
    if (!info->grad) return info->why_no_grad;
    return info->refuse_grad ? info->refuse_grad(n) : NULL;
}

// Hands the gradients of n's results on to its operands. False if it cannot.
static bool back_propagate(struct reverse *r, const struct sc_node *n)
{
    struct sc_value *dy[SC_MAX_OUT] = {NULL};
    bool any = false;
    for (int k = 0; k < n->n_out; k++) {
        dy[k] = r->grad[n->out[k]->id];
        any |= dy[k] != NULL;
    }
    if (!any) return true;
    const char *const why = why_no_grad(n);
    if (why) {
        sc_report_node(r->b.graph, n, SIMCLR_ERROR, "%s has no gradient: %s",
                       sc_op_table[n->op].name, why);
        return false;
    }
    struct sc_value **const dx =
        SC_NEW_ARRAY(r->b.graph->module->arena, struct sc_value *, (size_t)n->n_in);
    r->b.origin = n->origin;
    r->b.origin.made_by = "autodiff";
    sc_op_table[n->op].info->grad(&r->b, n, dy, dx);
    for (int k = 0; k < n->n_in; k++) {
        if (dx[k] && r->needs[n->in[k]->id]) accumulate(r, n->in[k], dx[k]);
    }
    return true;
}

// Both training entries are differentiated; one warning is enough.
static void warn_no_gradient(const struct sc_graph *g, const struct sc_param *p,
                             enum sc_entry_kind entry)
{
    if (entry != SC_ENTRY_train) return;
    sc_report(g->module->diag, SIMCLR_WARNING, NULL,
              "parameter '%s' does not influence the loss and will not be trained", p->name);
}

static void add_outputs(struct sc_graph *g, const struct reverse *r, enum sc_entry_kind entry)
{
    for (uint32_t i = 0; i < g->module->n_params; i++) {
        struct sc_param *const p = g->module->params[i];
        if (p->role != SIMCLR_ROLE_trainable) continue;
        const struct sc_value *const v = sc_graph_param(g, p);
        struct sc_value *const grad = v->id < r->n_values ? r->grad[v->id] : NULL;
        if (grad)
            sc_graph_output(g, p->name, SIMCLR_PORT_grad, grad, p);
        else
            warn_no_gradient(g, p, entry);
    }
}

bool sc_pass_differentiate(struct sc_graph *g, const struct sc_pass_context *ctx)
{
    if (ctx->entry != SC_ENTRY_train && ctx->entry != SC_ENTRY_grad) return false;
    struct sc_value *const loss = find_loss(g);
    if (!loss) {
        sc_report(g->module->diag, SIMCLR_ERROR, NULL, "the model has no loss to train on");
        return false;
    }
    struct sc_arena *const arena = g->module->arena;
    struct reverse r = {.b = {.graph = g, .origin = {.made_by = "autodiff"}},
                        .needs = SC_NEW_ARRAY(arena, bool, g->n_values),
                        .grad = SC_NEW_ARRAY(arena, struct sc_value *, g->n_values),
                        .n_values = g->n_values};
    mark_dependent(g, r.needs);
    if (r.needs[loss->id]) r.grad[loss->id] = sc_fill(&r.b, 1, SIMCLR_f32, &loss->shape);
    bool is_good = true;
    for (uint32_t i = g->n_nodes; i-- > 0;)
        is_good &= back_propagate(&r, g->nodes[i]);
    if (is_good) add_outputs(g, &r, ctx->entry);
    (void)sc_graph_remove_dead(g); // gradients that rules made and nobody needed
    return true;
}
