// SPDX-License-Identifier: Apache-2.0
//
// fuse-pointwise: a chain of pointwise operations over one shape becomes one
// `pointwise` node with a micro-program, so that what lies between never goes
// through memory. Nodes are visited from last to first; each pointwise node that
// is still alone takes in those producers of its operands that nobody else reads,
// latest first, so that a value read twice within the chain is computed once.
// Nothing is computed twice.
//
// An operand must be one that kernels read without index arithmetic per element:
// of the result's own shape, one element, or stretched before and behind some
// axes that lie side by side (per channel, per row, along the last).
//
// Pointwise operations stretch their operands themselves, so before anything else
// an `expand` between them is read through.
#include "compiler/passes/passes.h"

#include "compiler/ir/builder.h"

#include <assert.h>

enum { MAX_OPERANDS = 8 };

struct fuse {
    struct sc_graph *g;
    uint32_t *n_uses;   // by value id
    uint32_t *position; // by node id
    bool *is_taken;     // by node id: member of a chain
};

// A chain being collected. nodes[0] is the last of it, whose result remains.
struct chain {
    const struct sc_node *nodes[SIMCLR_MAX_CODE];
    int n_nodes;
    struct sc_value *operands[MAX_OPERANDS]; // from outside, each once
    int n_operands;
};

static bool is_pointwise(const struct sc_node *n)
{
    return (sc_op_table[n->op].traits & SC_TRAIT_P) && n->out[0]->dtype == SIMCLR_f32;
}

// True if the axes along which x is not stretched lie side by side in y.
static bool is_cheap_operand(const struct simclr_shape *x, const struct simclr_shape *y)
{
    const int32_t shift = y->rank - x->rank;
    int n_runs = 0;
    bool in_run = false;
    for (int32_t i = 0; i < x->rank; i++) {
        if (y->dim[i + shift] == 1) continue; // not stretched, and not there either
        const bool is_own = x->dim[i] != 1;
        n_runs += is_own && !in_run;
        in_run = is_own;
    }
    return n_runs <= 1;
}

static bool has_cheap_operands(const struct sc_node *n, const struct simclr_shape *y)
{
    for (int k = 0; k < n->n_in; k++) {
        if (!is_cheap_operand(&n->in[k]->shape, y)) return false;
    }
    return true;
}

// Adds n, whose operands are new operands of the chain unless it has them; the
// operand that n makes goes. False, and no change, if there is no room.
static bool take_in(struct chain *c, const struct sc_node *n)
{
    struct chain grown = *c;
    if (grown.n_nodes == SIMCLR_MAX_CODE) return false;
    grown.nodes[grown.n_nodes++] = n;
    int n_kept = 0;
    for (int i = 0; i < c->n_operands; i++) {
        if (c->operands[i] != n->out[0]) grown.operands[n_kept++] = c->operands[i];
    }
    grown.n_operands = n_kept;
    for (int k = 0; k < n->n_in; k++) {
        int i = 0;
        while (i < grown.n_operands && grown.operands[i] != n->in[k])
            i++;
        if (i < grown.n_operands) continue;
        if (grown.n_operands == MAX_OPERANDS) return false;
        grown.operands[grown.n_operands++] = n->in[k];
    }
    *c = grown;
    return true;
}

static uint32_t uses_within(const struct chain *c, const struct sc_value *v)
{
    uint32_t n = 0;
    for (int i = 0; i < c->n_nodes; i++) {
        for (int k = 0; k < c->nodes[i]->n_in; k++)
            n += c->nodes[i]->in[k] == v;
    }
    return n;
}

// The node behind operand v if the chain may take it in.
static const struct sc_node *candidate(const struct fuse *f, const struct chain *c,
                                       const struct sc_value *v)
{
    const struct simclr_shape *const shape = &c->nodes[0]->out[0]->shape;
    if (v->kind != SC_VALUE_result || f->is_taken[v->def->id]) return NULL;
    if (!is_pointwise(v->def) || !simclr_shape_equal(&v->shape, shape)) return NULL;
    if (!has_cheap_operands(v->def, shape)) return NULL;
    return uses_within(c, v) == f->n_uses[v->id] ? v->def : NULL;
}

// The latest candidate among the operands that was not refused.
static const struct sc_node *latest_candidate(const struct fuse *f, const struct chain *c,
                                              uint32_t before)
{
    const struct sc_node *best = NULL;
    for (int i = 0; i < c->n_operands; i++) {
        const struct sc_node *const n = candidate(f, c, c->operands[i]);
        if (!n || f->position[n->id] >= before) continue;
        if (!best || f->position[n->id] > f->position[best->id]) best = n;
    }
    return best;
}

static void collect(const struct fuse *f, const struct sc_node *last, struct chain *c)
{
    *c = (struct chain){.n_nodes = 0};
    const bool fits = take_in(c, last);
    assert(fits && "one node is within the limits");
    (void)fits;
    uint32_t before = f->position[last->id];
    const struct sc_node *n;
    while ((n = latest_candidate(f, c, before))) {
        (void)take_in(c, n); // if there is no room, an earlier one may still fit
        before = f->position[n->id];
    }
}

static int register_of(const struct chain *c, const struct sc_value *v)
{
    for (int i = 0; i < c->n_operands; i++) {
        if (c->operands[i] == v) return i;
    }
    for (int i = 0; i < c->n_nodes; i++) { // written in reverse order of collection
        if (c->nodes[i]->out[0] == v) return c->n_operands + c->n_nodes - 1 - i;
    }
    assert(false && "an operand is from outside or from within");
    return 0;
}

static struct simclr_code write_code(const struct chain *c)
{
    struct simclr_code code = {.n_steps = c->n_nodes};
    for (int i = 0; i < c->n_nodes; i++) {
        const struct sc_node *const n = c->nodes[c->n_nodes - 1 - i];
        code.step[i] = (struct simclr_code_step){
            .op = (uint16_t)n->op,
            .a = (uint8_t)register_of(c, n->in[0]),
            .b = (uint8_t)(n->n_in > 1 ? register_of(c, n->in[1]) : 0)};
    }
    return code;
}

static void sort_operands(struct chain *c)
{
    for (int i = 1; i < c->n_operands; i++) {
        struct sc_value *const v = c->operands[i];
        int k = i;
        for (; k > 0 && c->operands[k - 1]->id > v->id; k--)
            c->operands[k] = c->operands[k - 1];
        c->operands[k] = v;
    }
}

// Makes the node, and has it stand for the chain's last.
static void emit(const struct fuse *f, struct chain *c, struct sc_value **map)
{
    struct sc_builder b = {.graph = f->g, .origin = c->nodes[0]->origin};
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_pointwise);
    sort_operands(c);
    attr.pointwise.code = write_code(c);
    struct sc_node *const fused =
        sc_build_node(&b, SIMCLR_OP_pointwise, &attr, c->operands, c->n_operands);
    fused->out[0]->name = c->nodes[0]->out[0]->name;
    map[c->nodes[0]->out[0]->id] = fused->out[0];
}

// Takes operand k as it was before it was expanded, if the result stays the same.
static bool read_through(const struct sc_node *n, int k)
{
    const struct sc_value *const v = n->in[k];
    if (v->kind != SC_VALUE_result || v->def->op != SIMCLR_OP_expand) return false;
    struct simclr_shape shape = v->def->in[0]->shape;
    for (int i = 0; i < n->n_in; i++) {
        if (i != k && !sc_broadcast(&shape, &n->in[i]->shape, &shape)) return false;
    }
    if (!simclr_shape_equal(&shape, &n->out[0]->shape)) return false;
    n->in[k] = v->def->in[0];
    return true;
}

static bool read_through_expansions(const struct sc_graph *g)
{
    bool changed = false;
    SC_FOR_EACH_NODE(g, n)
    {
        for (int k = 0; is_pointwise(n) && k < n->n_in; k++)
            changed |= read_through(n, k);
    }
    return changed;
}

bool sc_pass_fuse_pointwise(struct sc_graph *g, const struct sc_pass_context *ctx)
{
    (void)ctx;
    bool changed = read_through_expansions(g);
    if (changed) (void)sc_graph_remove_dead(g);
    struct sc_arena *const arena = g->module->arena;
    const uint32_t n_values = g->n_values;
    const uint32_t n_nodes = g->n_nodes;
    struct sc_value **const map = sc_graph_new_map(g);
    const struct fuse f = {.g = g,
                           .n_uses = sc_graph_count_uses(g),
                           .position = SC_NEW_ARRAY(arena, uint32_t, g->next_node_id),
                           .is_taken = SC_NEW_ARRAY(arena, bool, g->next_node_id)};
    for (uint32_t i = 0; i < n_nodes; i++)
        f.position[g->nodes[i]->id] = i;
    for (uint32_t i = n_nodes; i-- > 0;) {
        const struct sc_node *const n = g->nodes[i];
        if (!is_pointwise(n) || f.is_taken[n->id]) continue;
        if (!has_cheap_operands(n, &n->out[0]->shape)) continue;
        struct chain c;
        collect(&f, n, &c);
        if (c.n_nodes < 2) continue;
        for (int k = 0; k < c.n_nodes; k++)
            f.is_taken[c.nodes[k]->id] = true;
        emit(&f, &c, map);
        changed = true;
    }
    if (!changed) return false;
    sc_graph_apply_map(g, map, n_values);
    sc_graph_sort(g);
    (void)sc_graph_remove_dead(g);
    return true;
}
