// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/liveness.h"

#include <assert.h>

static bool is_view(const struct sc_node *n)
{
    return (sc_op_table[n->op].traits & SC_TRAIT_V) != 0;
}

struct sc_value *sc_storage_of(struct sc_value *v)
{
    while (v->kind == SC_VALUE_result && is_view(v->def))
        v = v->def->in[0];
    return v;
}

static uint64_t align(uint64_t bytes)
{
    return (bytes + SIMCLR_SCP_ALIGN - 1) / SIMCLR_SCP_ALIGN * SIMCLR_SCP_ALIGN;
}

uint64_t sc_storage_bytes(const struct sc_value *v)
{
    return align((uint64_t)simclr_shape_count(&v->shape) * simclr_dtype_size(v->dtype));
}

uint64_t sc_workspace_bytes(const struct sc_node *n)
{
    return align(n->kernel.workspace_bytes);
}

bool sc_is_transient(const struct sc_value *root)
{
    return root->kind == SC_VALUE_input || root->kind == SC_VALUE_result;
}

bool sc_may_overwrite(const struct sc_node *n, int k)
{
    if (!(sc_op_table[n->op].traits & (SC_TRAIT_P | SC_TRAIT_I))) return false;
    return n->in[k]->dtype == n->out[0]->dtype &&
           simclr_shape_equal(&n->in[k]->shape, &n->out[0]->shape);
}

int sc_optimizer_operand(enum simclr_op op, int out)
{
    // Operands are (w, gradient, state..., lr, [step]), results (w, state...).
    if (op != SIMCLR_OP_sgd && op != SIMCLR_OP_lars && op != SIMCLR_OP_adam) return -1;
    return out == 0 ? 0 : out + 1;
}

uint32_t sc_liveness_root(const struct sc_liveness *l, const struct sc_value *v)
{
    uint32_t *const parent = l->parent;
    uint32_t id = v->id;
    while (parent[id] != id) {
        parent[id] = parent[parent[id]]; // halve the way for the next one
        id = parent[id];
    }
    return id;
}

static void read_at(struct sc_liveness *l, const struct sc_value *v, uint32_t time)
{
    uint32_t *const end = &l->end[sc_liveness_root(l, v)];
    if (*end < time) *end = time;
}

struct sc_liveness sc_liveness_compute(const struct sc_graph *g)
{
    struct sc_arena *const arena = g->module->arena;
    struct sc_liveness l = {.parent = SC_NEW_ARRAY(arena, uint32_t, g->n_values),
                            .begin = SC_NEW_ARRAY(arena, uint32_t, g->n_values),
                            .end = SC_NEW_ARRAY(arena, uint32_t, g->n_values),
                            .bytes = SC_NEW_ARRAY(arena, uint64_t, g->n_values)};
    for (uint32_t i = 0; i < g->n_values; i++) {
        l.parent[i] = i;
        l.bytes[i] = sc_storage_bytes(g->values[i]);
    }
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct sc_node *const n = g->nodes[i];
        for (int k = 0; k < n->n_in; k++)
            read_at(&l, n->in[k], i);
        for (int k = 0; k < n->n_out; k++)
            l.begin[n->out[k]->id] = l.end[n->out[k]->id] = i;
        if (is_view(n)) l.parent[n->out[0]->id] = n->in[0]->id;
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        read_at(&l, g->outputs[i].value, g->n_nodes);
    return l;
}

void sc_liveness_share(struct sc_liveness *l, const struct sc_value *v,
                       const struct sc_value *to)
{
    const uint32_t from = sc_liveness_root(l, v);
    const uint32_t root = sc_liveness_root(l, to);
    if (from == root) return;
    assert(l->bytes[root] == l->bytes[from]);
    if (l->end[root] < l->end[from]) l->end[root] = l->end[from];
    if (l->begin[root] > l->begin[from]) l->begin[root] = l->begin[from];
    l->parent[from] = root;
}

uint64_t sc_liveness_peak(const struct sc_graph *g, const struct sc_liveness *l)
{
    // What begins and ends at each time, then a running sum.
    struct sc_arena *const arena = g->module->arena;
    uint64_t *const born = SC_NEW_ARRAY(arena, uint64_t, (size_t)g->n_nodes + 2);
    uint64_t *const died = SC_NEW_ARRAY(arena, uint64_t, (size_t)g->n_nodes + 2);
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (l->parent[i] != i || !sc_is_transient(g->values[i])) continue;
        born[l->begin[i]] += l->bytes[i];
        died[l->end[i] + 1] += l->bytes[i];
    }
    uint64_t live = 0;
    uint64_t peak = 0;
    for (uint32_t t = 0; t <= g->n_nodes; t++) {
        live += born[t] - died[t];
        const uint64_t workspace = t < g->n_nodes ? sc_workspace_bytes(g->nodes[t]) : 0;
        if (peak < live + workspace) peak = live + workspace;
    }
    return peak;
}
