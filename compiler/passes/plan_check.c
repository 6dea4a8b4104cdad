// SPDX-License-Identifier: Apache-2.0
//
// The planner's judge. It follows the nodes in order and keeps the list of
// tenants: which value holds which bytes. Writing evicts whoever holds any of
// them; reading an evicted value is the mistake that a planner can make.
#include "compiler/passes/plan.h"

#include <inttypes.h>

// Bytes [begin, end) of the arena, or a whole parameter; constants are never written.
struct place {
    enum simclr_space space;
    const struct sc_param *param;
    uint64_t begin, end;
};

struct check {
    const struct sc_graph *g;
    struct sc_str *complaint;
    const struct sc_value **tenants;
    uint32_t n_tenants;
    bool *is_tenant; // by value id
    bool failed;
};

static struct place place_of(const struct sc_value *v)
{
    const uint64_t bytes =
        (uint64_t)simclr_shape_count(&v->shape) * simclr_dtype_size(v->dtype);
    return (struct place){.space = v->space,
                          .param = v->space == SIMCLR_SPACE_persistent ? v->param : NULL,
                          .begin = v->offset,
                          .end = v->offset + bytes};
}

static bool overlap(struct place a, struct place b)
{
    if (a.space != b.space || a.space == SIMCLR_SPACE_constant) return false;
    if (a.space == SIMCLR_SPACE_persistent) return a.param == b.param;
    return a.begin < b.end && b.begin < a.end;
}

static bool is_same_place(const struct sc_value *a, const struct sc_value *b)
{
    const struct place p = place_of(a);
    const struct place q = place_of(b);
    return p.space == q.space && p.param == q.param && p.begin == q.begin && p.end == q.end;
}

static void complain(struct check *c, uint32_t i, const char *what, int k)
{
    c->failed = true;
    sc_str_printf(c->complaint, "node %" PRIu32 " (%s): ", i,
                  i < c->g->n_nodes ? sc_op_table[c->g->nodes[i]->op].name : "the end");
    sc_str_printf(c->complaint, "%s %d\n", what, k);
}

static void evict(struct check *c, struct place place)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_tenants; i++) {
        const struct sc_value *const v = c->tenants[i];
        if (overlap(place_of(v), place))
            c->is_tenant[v->id] = false;
        else
            c->tenants[n++] = v;
    }
    c->n_tenants = n;
}

static void move_in(struct check *c, const struct sc_value *v)
{
    c->tenants[c->n_tenants++] = v;
    c->is_tenant[v->id] = true;
}

static void check_bounds(struct check *c)
{
    for (uint32_t i = 0; i < c->g->n_values; i++) {
        const struct sc_value *const v = c->g->values[i];
        if (v->space != SIMCLR_SPACE_arena) continue;
        if (v->offset % SIMCLR_SCP_ALIGN != 0 || place_of(v).end > c->g->arena_bytes)
            complain(c, c->g->n_nodes, "outside the arena or unaligned: value", (int)i);
    }
}

// Everybody who is there before the first node.
static void check_start(struct check *c)
{
    for (uint32_t i = 0; i < c->g->n_values; i++) {
        const struct sc_value *const v = c->g->values[i];
        if (v->kind == SC_VALUE_result) continue;
        if (v->kind == SC_VALUE_input) {
            for (uint32_t k = 0; k < c->n_tenants; k++) {
                if (overlap(place_of(c->tenants[k]), place_of(v)))
                    complain(c, c->g->n_nodes, "graph inputs overlap: value", (int)i);
            }
        }
        move_in(c, v);
    }
}

static bool is_updated(const struct sc_graph *g, const struct sc_value *v)
{
    for (uint32_t i = 0; i < g->n_updates; i++) {
        if (g->updates[i].value == v && g->updates[i].param == v->param) return true;
    }
    return false;
}

// Output `o` may lie on an operand only if the operation can work in place.
static void check_operands_of(struct check *c, uint32_t i, const struct sc_node *n, int o)
{
    const int operand = sc_optimizer_operand(n->op, o);
    for (int k = 0; k < n->n_in; k++) {
        if (!overlap(place_of(n->in[k]), place_of(n->out[o]))) continue;
        const bool may = operand >= 0 ? k == operand : o == 0 && sc_may_overwrite(n, k);
        if (!may || !is_same_place(n->in[k], n->out[o]))
            complain(c, i, "cannot write over operand", k);
    }
}

static void check_workspace(struct check *c, uint32_t i, const struct sc_node *n)
{
    const struct sc_kernel_choice *const kernel = &n->kernel;
    if (kernel->workspace_bytes == 0) return;
    const struct place w = {.space = SIMCLR_SPACE_arena,
                            .begin = kernel->workspace_offset,
                            .end = kernel->workspace_offset + kernel->workspace_bytes};
    if (w.begin % SIMCLR_SCP_ALIGN != 0 || w.end > c->g->arena_bytes)
        complain(c, i, "workspace outside the arena or unaligned:", 0);
    for (int k = 0; k < n->n_in; k++) {
        if (overlap(place_of(n->in[k]), w)) complain(c, i, "workspace lies on operand", k);
    }
    evict(c, w);
    for (int o = 0; o < n->n_out; o++) {
        if (overlap(place_of(n->out[o]), w)) complain(c, i, "workspace lies on result", o);
    }
}

static void check_node(struct check *c, uint32_t i)
{
    const struct sc_node *const n = c->g->nodes[i];
    for (int k = 0; k < n->n_in; k++) {
        if (!c->is_tenant[n->in[k]->id]) complain(c, i, "overwritten before use: operand", k);
    }
    if (sc_op_table[n->op].traits & SC_TRAIT_V) {
        if (!is_same_place(n->in[0], n->out[0])) complain(c, i, "view elsewhere: result", 0);
        move_in(c, n->out[0]);
        return;
    }
    check_workspace(c, i, n);
    for (int o = 0; o < n->n_out; o++) {
        const struct sc_value *const v = n->out[o];
        check_operands_of(c, i, n, o);
        for (int other = 0; other < o; other++) {
            if (overlap(place_of(n->out[other]), place_of(v)))
                complain(c, i, "lies on another result: result", o);
        }
        if (v->space == SIMCLR_SPACE_constant ||
            (v->space == SIMCLR_SPACE_persistent && !is_updated(c->g, v)))
            complain(c, i, "written where nothing may change: result", o);
    }
    for (int o = 0; o < n->n_out; o++)
        evict(c, place_of(n->out[o]));
    for (int o = 0; o < n->n_out; o++)
        move_in(c, n->out[o]);
}

static void check_end(struct check *c)
{
    const struct sc_graph *const g = c->g;
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        if (!c->is_tenant[g->outputs[i].value->id])
            complain(c, g->n_nodes, "overwritten: output", (int)i);
    }
    for (uint32_t i = 0; i < g->n_updates; i++) {
        const struct sc_value *const v = g->updates[i].value;
        const bool is_there = v->space == SIMCLR_SPACE_persistent &&
                              v->param == g->updates[i].param && c->is_tenant[v->id];
        if (!is_there)
            complain(c, g->n_nodes, "not in its parameter's storage: update", (int)i);
    }
}

bool sc_plan_check(const struct sc_graph *g, struct sc_str *complaint)
{
    struct sc_arena *const arena = g->module->arena;
    struct check c = {.g = g,
                      .complaint = complaint,
                      .tenants = SC_NEW_ARRAY(arena, const struct sc_value *, g->n_values),
                      .is_tenant = SC_NEW_ARRAY(arena, bool, g->n_values)};
    check_bounds(&c);
    check_start(&c);
    for (uint32_t i = 0; i < g->n_nodes; i++)
        check_node(&c, i);
    check_end(&c);
    return !c.failed;
}
