// SPDX-License-Identifier: Apache-2.0
//
// insert-optimizer: turns each gradient output into one step of the optimizer,
// an update of the parameter, and updates of the optimizer's state for it. The
// state is kept in parameters of role slot, named "<parameter>.momentum" and the
// like, which the module makes once and all entries share.
#include "compiler/passes/passes.h"

#include "compiler/ir/builder.h"

// Names of an optimizer's slots, in the order of its operands and results.
static const char *const *slot_names(enum simclr_op op)
{
    static const char *const velocity[] = {"momentum", NULL};
    static const char *const moments[] = {"exp_avg", "exp_avg_sq", NULL};
    return op == SIMCLR_OP_adam ? moments : velocity;
}

enum { MAX_SLOTS = 2 };

// Biases and normalisation parameters are neither decayed nor adapted
// (Chen et al., 2020, appendix B.6).
static union simclr_attr attr_for(const struct sc_optimizer *optimizer,
                                  const struct sc_param *p)
{
    union simclr_attr attr = optimizer->attr;
    if (!p->excluded) return attr;
    if (optimizer->op == SIMCLR_OP_sgd) {
        attr.sgd.weight_decay = 0;
    } else if (optimizer->op == SIMCLR_OP_adam) {
        attr.adam.weight_decay = 0;
    } else {
        attr.lars.weight_decay = 0;
        attr.lars.adapt = 0;
    }
    return attr;
}

// The slot, made at the first call; NULL if the model has a parameter of that name.
static struct sc_param *find_slot(struct sc_module *m, struct sc_param *p, const char *what)
{
    const char *const name = sc_arena_printf(m->arena, "%s.%s", p->name, what);
    struct sc_param *slot = sc_module_find_param(m, name);
    if (slot && (slot->role != SIMCLR_ROLE_slot || slot->of != p)) {
        sc_report(m->diag, SIMCLR_ERROR, NULL,
                  "parameter '%s' has the name that the optimizer's state for '%s' needs", name,
                  p->name);
        return NULL;
    }
    if (slot) return slot;
    slot = sc_module_add_param(m, name, &p->shape);
    slot->role = SIMCLR_ROLE_slot;
    slot->part = p->part;
    slot->excluded = p->excluded;
    slot->init = SIMCLR_INIT_constant;
    slot->of = p;
    return slot;
}

struct inputs {
    struct sc_value *lr;
    struct sc_value *step; // NULL if the optimizer does not count
};

// The step for one parameter: operands (w, g, slots..., lr, [step]), results (w, slots...).
static void add_step(struct sc_builder *b, const struct sc_optimizer *optimizer,
                     struct sc_param *p, struct sc_value *grad, const struct inputs *inputs)
{
    struct sc_graph *const g = b->graph;
    struct sc_param *updated[1 + MAX_SLOTS] = {p};
    struct sc_value *in[4 + MAX_SLOTS] = {sc_graph_param(g, p), grad};
    int n_updated = 1;
    int n_in = 2;
    for (const char *const *what = slot_names(optimizer->op); *what; what++) {
        struct sc_param *const slot = find_slot(g->module, p, *what);
        if (!slot) return;
        updated[n_updated++] = slot;
        in[n_in++] = sc_graph_param(g, slot);
    }
    in[n_in++] = inputs->lr;
    if (inputs->step) in[n_in++] = inputs->step;

    const union simclr_attr attr = attr_for(optimizer, p);
    struct sc_node *const step = sc_build_node(b, optimizer->op, &attr, in, n_in);
    for (int i = 0; i < n_updated; i++)
        sc_graph_update(g, updated[i], step->out[i]);
}

bool sc_pass_insert_optimizer(struct sc_graph *g, const struct sc_pass_context *ctx)
{
    if (ctx->entry != SC_ENTRY_train) return false;
    const struct simclr_shape scalar = sc_shape_scalar();
    const bool counts = ctx->optimizer.op == SIMCLR_OP_adam;
    const struct inputs inputs = {
        .lr = sc_graph_input(g, "lr", SIMCLR_PORT_lr, SIMCLR_f32, &scalar),
        .step =
            counts ? sc_graph_input(g, "step", SIMCLR_PORT_step, SIMCLR_i64, &scalar) : NULL};
    struct sc_builder b = {.graph = g, .origin = {.made_by = "insert-optimizer"}};
    uint32_t n_kept = 0;
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const struct sc_output output = g->outputs[i];
        if (output.role == SIMCLR_PORT_grad)
            add_step(&b, &ctx->optimizer, output.param, output.value, &inputs);
        else
            g->outputs[n_kept++] = output;
    }
    g->n_outputs = n_kept;
    return true;
}
