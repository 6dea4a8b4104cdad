// SPDX-License-Identifier: Apache-2.0
//
// fold-constants: a node whose operands are all known is computed now, by its
// definition; any other is offered to its operation's `fold` rule, which knows a
// cheaper equal (x * 1 is x). One sweep reaches the fixed point: operands are
// replaced before their readers are looked at, and nodes that a rule makes are
// looked at in turn.
#include "compiler/passes/passes.h"

#include "compiler/ir/builder.h"
#include "compiler/ir/eval.h"

#include <assert.h>

// Results of more elements are folded only if they are fewer than the operands':
// an expanded scalar is cheaper to make than to load.
enum { MAX_FOLDED = 65536 };

struct fold {
    struct sc_builder b;
    struct sc_value **map; // by value id: what stands for it
    uint32_t n_map;
    bool changed;
};

// What stands for v now.
static struct sc_value *resolve(const struct fold *f, struct sc_value *v)
{
    while (v->id < f->n_map && f->map[v->id])
        v = f->map[v->id];
    return v;
}

static void replace(struct fold *f, const struct sc_value *v, struct sc_value *by)
{
    if (v->id >= f->n_map) {
        const uint32_t n = 2 * f->b.graph->n_values;
        f->map = sc_arena_grow(f->b.graph->module->arena, f->map, f->n_map, n, sizeof *f->map);
        f->n_map = n;
    }
    f->map[v->id] = by;
    f->changed = true;
}

static bool can_evaluate(const struct sc_node *n)
{
    int64_t n_known = 0;
    int64_t n_made = 0;
    for (int k = 0; k < n->n_in; k++) {
        if (n->in[k]->kind != SC_VALUE_constant) return false;
        n_known += simclr_shape_count(&n->in[k]->shape);
    }
    for (int k = 0; k < n->n_out; k++)
        n_made += simclr_shape_count(&n->out[k]->shape);
    return n_made <= MAX_FOLDED || n_made <= n_known;
}

static struct sc_value *constant_of(struct sc_graph *g, const struct sc_tensor *t,
                                    const char *name)
{
    void *const data =
        sc_arena_alloc(g->module->arena, (size_t)t->count, simclr_dtype_size(t->dtype));
    sc_tensor_store(t, data);
    return sc_graph_constant(g, t->dtype, &t->shape, data, name);
}

static void evaluate(struct fold *f, const struct sc_node *n)
{
    struct sc_graph *const g = f->b.graph;
    const struct sc_tensor **const in =
        SC_NEW_ARRAY(g->module->arena, const struct sc_tensor *, (size_t)n->n_in);
    struct sc_tensor **const known =
        SC_NEW_ARRAY(g->module->arena, struct sc_tensor *, (size_t)n->n_in);
    struct sc_tensor *out[SC_MAX_OUT] = {NULL};
    for (int k = 0; k < n->n_in; k++) {
        known[k] = sc_tensor_new(n->in[k]->dtype, &n->in[k]->shape);
        sc_tensor_load(known[k], n->in[k]->data);
        in[k] = known[k];
    }
    for (int k = 0; k < n->n_out; k++)
        out[k] = sc_tensor_new(n->out[k]->dtype, &n->out[k]->shape);
    sc_eval_node(n, in, out);
    for (int k = 0; k < n->n_out; k++) {
        replace(f, n->out[k], constant_of(g, out[k], n->out[k]->name));
        sc_tensor_free(out[k]);
    }
    for (int k = 0; k < n->n_in; k++)
        sc_tensor_free(known[k]);
}

static void visit(struct fold *f, struct sc_node *n)
{
    for (int k = 0; k < n->n_in; k++)
        n->in[k] = resolve(f, n->in[k]);
    if (can_evaluate(n)) {
        evaluate(f, n);
        return;
    }
    const struct sc_op_info *const info = sc_op_table[n->op].info;
    if (!info->fold) return;
    f->b.origin = n->origin;
    struct sc_value *const equal = info->fold(&f->b, n);
    if (!equal || equal == n->out[0]) return;
    assert(equal->dtype == n->out[0]->dtype &&
           simclr_shape_equal(&equal->shape, &n->out[0]->shape));
    replace(f, n->out[0], equal);
}

bool sc_pass_fold_constants(struct sc_graph *g, const struct sc_pass_context *ctx)
{
    (void)ctx;
    struct fold f = {.b = {.graph = g}, .map = sc_graph_new_map(g), .n_map = g->n_values};
    for (uint32_t i = 0; i < g->n_nodes; i++) // rules append
        visit(&f, g->nodes[i]);
    if (!f.changed) return false;
    sc_graph_apply_map(g, f.map, f.n_map < g->n_values ? f.n_map : g->n_values);
    sc_graph_sort(g);
    (void)sc_graph_remove_dead(g);
    return true;
}
