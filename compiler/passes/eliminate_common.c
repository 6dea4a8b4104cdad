// SPDX-License-Identifier: Apache-2.0
//
// eliminate-common: value numbering. Two nodes with the same operation, the same
// attributes and the same operands compute the same; so do two constants with
// the same type and bytes. The later one's readers take the earlier one.
#include "compiler/passes/passes.h"

#include "compiler/ir/attr.h"

#include <string.h>

// Open addressing over pointers to what is already known; never more than half full.
struct table {
    const void **slot;
    size_t mask;
};

static struct table new_table(struct sc_arena *arena, size_t n)
{
    size_t size = 16;
    while (size < 2 * n)
        size *= 2;
    return (struct table){SC_NEW_ARRAY(arena, const void *, size), size - 1};
}

static const void **find(const struct table *t, uint64_t hash, const void *key,
                         bool (*is_equal)(const void *, const void *))
{
    size_t i = (size_t)(hash ^ (hash >> 32)) & t->mask;
    while (t->slot[i] && !is_equal(t->slot[i], key))
        i = (i + 1) & t->mask;
    return &t->slot[i];
}

// FNV-1a, continued.
static uint64_t mix(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *const bytes = data;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static size_t constant_bytes(const struct sc_value *v)
{
    return (size_t)simclr_shape_count(&v->shape) * simclr_dtype_size(v->dtype);
}

static uint64_t hash_constant(const struct sc_value *v)
{
    const uint64_t hash = mix(0xcbf29ce484222325u + (uint64_t)v->dtype, v->shape.dim,
                              (size_t)v->shape.rank * sizeof *v->shape.dim);
    return mix(hash, v->data, constant_bytes(v));
}

static bool is_same_constant(const void *left, const void *right)
{
    const struct sc_value *const a = left;
    const struct sc_value *const b = right;
    if (a->dtype != b->dtype || !simclr_shape_equal(&a->shape, &b->shape)) return false;
    return a->data == b->data || memcmp(a->data, b->data, constant_bytes(a)) == 0;
}

static uint64_t hash_node(const struct sc_node *n)
{
    uint64_t hash = sc_attr_hash(n->op, &n->attr);
    for (int k = 0; k < n->n_in; k++)
        hash = mix(hash, &n->in[k]->id, sizeof n->in[k]->id);
    return hash;
}

static bool is_same_node(const void *left, const void *right)
{
    const struct sc_node *const a = left;
    const struct sc_node *const b = right;
    if (a->op != b->op || a->n_in != b->n_in || !sc_attr_equal(a->op, &a->attr, &b->attr))
        return false;
    for (int k = 0; k < a->n_in; k++) {
        if (a->in[k] != b->in[k]) return false;
    }
    return true;
}

// Maps every constant to the first equal one.
static bool unify_constants(struct sc_graph *g, struct sc_value **map)
{
    const struct table known = new_table(g->module->arena, g->n_values);
    bool changed = false;
    for (uint32_t i = 0; i < g->n_values; i++) {
        struct sc_value *const v = g->values[i];
        if (v->kind != SC_VALUE_constant) continue;
        const void **const slot = find(&known, hash_constant(v), v, is_same_constant);
        if (*slot) {
            map[i] = g->values[((const struct sc_value *)*slot)->id];
            changed = true;
        } else {
            *slot = v;
        }
    }
    return changed;
}

// Replacements never form chains: what is in the table is not replaced.
static bool unify_nodes(struct sc_graph *g, struct sc_value **map)
{
    const struct table known = new_table(g->module->arena, g->n_nodes);
    bool changed = false;
    SC_FOR_EACH_NODE(g, n)
    {
        for (int k = 0; k < n->n_in; k++) {
            if (map[n->in[k]->id]) n->in[k] = map[n->in[k]->id];
        }
        const void **const slot = find(&known, hash_node(n), n, is_same_node);
        const struct sc_node *const first = *slot;
        if (!first) {
            *slot = n;
            continue;
        }
        for (int k = 0; k < n->n_out; k++)
            map[n->out[k]->id] = first->out[k];
        changed = true;
    }
    return changed;
}

bool sc_pass_eliminate_common(struct sc_graph *g, const struct sc_pass_context *ctx)
{
    (void)ctx;
    struct sc_value **const map = sc_graph_new_map(g);
    bool changed = unify_constants(g, map);
    changed |= unify_nodes(g, map);
    if (!changed) return false;
    sc_graph_apply_map(g, map, g->n_values);
    (void)sc_graph_remove_dead(g);
    return true;
}
