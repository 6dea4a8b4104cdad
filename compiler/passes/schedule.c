// SPDX-License-Identifier: Apache-2.0
//
// schedule: an order in which little is alive at once. A list scheduler: among
// the nodes whose operands are there, one that frees at least as much as it
// allocates runs at once (a gradient becomes an update and dies); otherwise the
// graph's own order decides, after nodes that are needed much later have been
// moved down to their first user. Whatever comes out is compared with the order
// that came in by the peak it needs, and the better one stays.
//
// A node that makes the new value of a parameter waits for all other readers of
// the old one, so that the planner can write in place. The wait is soft: where
// it would go in a circle, the earliest waiting node runs, and the planner will
// insert a copy.
#include "compiler/passes/passes.h"
#include "compiler/passes/plan.h"

#include <string.h>

static const uint32_t nobody = UINT32_MAX;

// Who reads each value: readers[first[id]] to readers[first[id + 1]], as
// positions of nodes in the order that came in; a node once per operand.
struct readers {
    uint32_t *first;
    uint32_t *reader;
};

struct schedule {
    struct sc_graph *g;
    struct sc_arena *arena;
    uint32_t n;
    struct sc_node **nodes; // the order that came in; everything below is by its positions
    struct readers readers;
    struct sc_liveness live; // classes: views only
    uint32_t *key;           // what decides where nothing is freed
    uint32_t *n_missing;     // operands that are not there yet
    uint32_t *n_waits;       // readings of parameters that this node overwrites
    uint32_t *writer;        // by class of a parameter: the node, or nobody
    uint32_t *n_reads;       // by class: readings to come
    uint32_t *ready;         // nodes whose operands are there
    uint32_t n_ready;
};

static struct readers find_readers(const struct sc_graph *g)
{
    struct sc_arena *const arena = g->module->arena;
    struct readers r = {.first = SC_NEW_ARRAY(arena, uint32_t, (size_t)g->n_values + 2)};
    uint32_t *const at = r.first + 1; // filled so that it ends up as first[id + 1]
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        for (int k = 0; k < g->nodes[i]->n_in; k++)
            at[g->nodes[i]->in[k]->id + 1]++;
    }
    for (uint32_t id = 0; id < g->n_values; id++)
        at[id + 1] += at[id];
    r.reader = SC_NEW_ARRAY(arena, uint32_t, at[g->n_values]);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        for (int k = 0; k < g->nodes[i]->n_in; k++)
            r.reader[at[g->nodes[i]->in[k]->id]++] = i;
    }
    return r;
}

static uint32_t class_of(const struct schedule *s, const struct sc_value *v)
{
    return sc_liveness_root(&s->live, v);
}

static bool is_transient_class(const struct schedule *s, uint32_t root)
{
    return sc_is_transient(s->g->values[root]);
}

// True if operand k is the first of the node's operands in its class.
static bool is_first_of_class(const struct schedule *s, const struct sc_node *n, int k)
{
    for (int j = 0; j < k; j++) {
        if (class_of(s, n->in[j]) == class_of(s, n->in[k])) return false;
    }
    return true;
}

// Bytes the node's results need: none for views and for what will be written
// over a parameter (its class counts no bytes).
static uint64_t bytes_made(const struct schedule *s, const struct sc_node *n)
{
    uint64_t bytes = 0;
    for (int k = 0; k < n->n_out; k++) {
        if (class_of(s, n->out[k]) == n->out[k]->id) bytes += s->live.bytes[n->out[k]->id];
    }
    return bytes;
}

// Moves nodes down to their first reader where that keeps less alive: a node's
// key becomes that of its first reader unless its operands, kept until then,
// weigh more than its results. Equal keys keep their order, so that the keys
// describe a legal order.
static void sink(struct schedule *s)
{
    uint32_t *const last_read = SC_NEW_ARRAY(s->arena, uint32_t, s->g->n_values);
    for (uint32_t i = 0; i < s->g->n_values; i++) {
        const uint32_t root = class_of(s, s->g->values[i]);
        last_read[root] = s->live.end[root];
    }
    for (uint32_t i = s->n; i-- > 0;) {
        const struct sc_node *const n = s->nodes[i];
        uint32_t first_use = s->n;
        for (int k = 0; k < n->n_out; k++) {
            const uint32_t id = n->out[k]->id;
            for (uint32_t r = s->readers.first[id]; r < s->readers.first[id + 1]; r++) {
                const uint32_t key = s->key[s->readers.reader[r]];
                if (first_use > key) first_use = key;
            }
        }
        if (first_use >= s->n || first_use <= i) continue;
        uint64_t prolonged = 0;
        for (int k = 0; k < n->n_in; k++) {
            const uint32_t root = class_of(s, n->in[k]);
            if (is_transient_class(s, root) && last_read[root] < first_use &&
                is_first_of_class(s, n, k))
                prolonged += s->live.bytes[root];
        }
        if (prolonged >= bytes_made(s, n)) continue;
        s->key[i] = first_use;
        for (int k = 0; k < n->n_in; k++) {
            uint32_t *const last = &last_read[class_of(s, n->in[k])];
            if (*last < first_use) *last = first_use;
        }
    }
}

static void count_dependences(struct schedule *s)
{
    struct sc_graph *const g = s->g;
    for (uint32_t i = 0; i < g->n_values; i++)
        s->writer[i] = nobody;
    uint32_t *const position = SC_NEW_ARRAY(s->arena, uint32_t, g->next_node_id);
    for (uint32_t i = 0; i < s->n; i++)
        position[s->nodes[i]->id] = i;
    for (uint32_t i = 0; i < g->n_updates; i++) {
        const struct sc_value *const v = g->updates[i].value;
        if (v->kind != SC_VALUE_result) continue;
        s->live.bytes[class_of(s, v)] = 0;
        s->writer[class_of(s, sc_graph_param(g, g->updates[i].param))] = position[v->def->id];
    }
    for (uint32_t i = 0; i < s->n; i++) {
        for (int k = 0; k < s->nodes[i]->n_in; k++) {
            const struct sc_value *const v = s->nodes[i]->in[k];
            const uint32_t root = class_of(s, v);
            s->n_reads[root]++;
            if (v->kind == SC_VALUE_result) s->n_missing[i]++;
            if (s->writer[root] != nobody && s->writer[root] != i)
                s->n_waits[s->writer[root]]++;
        }
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        s->n_reads[class_of(s, g->outputs[i].value)]++;
}

// Bytes allocated less bytes freed if node i ran now.
static int64_t cost(const struct schedule *s, uint32_t i)
{
    const struct sc_node *const n = s->nodes[i];
    int64_t bytes = (int64_t)bytes_made(s, n);
    for (int k = 0; k < n->n_in; k++) {
        const uint32_t root = class_of(s, n->in[k]);
        if (!is_transient_class(s, root) || !is_first_of_class(s, n, k)) continue;
        uint32_t own = 0;
        for (int j = k; j < n->n_in; j++)
            own += class_of(s, n->in[j]) == root;
        if (s->n_reads[root] == own) bytes -= (int64_t)s->live.bytes[root];
    }
    return bytes;
}

static bool comes_before(const struct schedule *s, uint32_t a, uint32_t b)
{
    return s->key[a] != s->key[b] ? s->key[a] < s->key[b] : a < b;
}

// Index into `ready` of the node to run next.
static uint32_t choose(const struct schedule *s)
{
    uint32_t best = nobody;
    uint32_t waiting = 0;
    int64_t best_cost = 0;
    for (uint32_t r = 0; r < s->n_ready; r++) {
        const uint32_t i = s->ready[r];
        if (s->n_waits[i] > 0) {
            if (comes_before(s, i, s->ready[waiting])) waiting = r;
            continue;
        }
        const int64_t own = cost(s, i);
        const int64_t rank = own <= 0 ? own : 1; // all that allocate are alike
        const bool is_better = best == nobody || rank < best_cost ||
                               (rank == best_cost && comes_before(s, i, s->ready[best]));
        if (!is_better) continue;
        best = r;
        best_cost = rank;
    }
    return best == nobody ? waiting : best;
}

// Node i has run: its readings are over, its results are there.
static void retire(struct schedule *s, uint32_t i)
{
    const struct sc_node *const n = s->nodes[i];
    for (int k = 0; k < n->n_in; k++) {
        const uint32_t root = class_of(s, n->in[k]);
        s->n_reads[root]--;
        if (s->writer[root] != nobody && s->writer[root] != i) s->n_waits[s->writer[root]]--;
    }
    for (int k = 0; k < n->n_out; k++) {
        const uint32_t id = n->out[k]->id;
        for (uint32_t r = s->readers.first[id]; r < s->readers.first[id + 1]; r++) {
            const uint32_t reader = s->readers.reader[r];
            if (--s->n_missing[reader] == 0) s->ready[s->n_ready++] = reader;
        }
    }
}

// The scheduled order of the graph's nodes.
static struct sc_node **list_schedule(struct sc_graph *g)
{
    struct sc_arena *const arena = g->module->arena;
    struct schedule s = {.g = g,
                         .arena = arena,
                         .n = g->n_nodes,
                         .nodes = g->nodes,
                         .readers = find_readers(g),
                         .live = sc_liveness_compute(g),
                         .key = SC_NEW_ARRAY(arena, uint32_t, g->n_nodes),
                         .n_missing = SC_NEW_ARRAY(arena, uint32_t, g->n_nodes),
                         .n_waits = SC_NEW_ARRAY(arena, uint32_t, g->n_nodes),
                         .writer = SC_NEW_ARRAY(arena, uint32_t, g->n_values),
                         .n_reads = SC_NEW_ARRAY(arena, uint32_t, g->n_values),
                         .ready = SC_NEW_ARRAY(arena, uint32_t, g->n_nodes)};
    struct sc_node **const order = SC_NEW_ARRAY(arena, struct sc_node *, g->n_nodes);
    for (uint32_t i = 0; i < s.n; i++)
        s.key[i] = i;
    count_dependences(&s);
    sink(&s);
    for (uint32_t i = 0; i < s.n; i++) {
        if (s.n_missing[i] == 0) s.ready[s.n_ready++] = i;
    }
    for (uint32_t i = 0; i < s.n; i++) {
        const uint32_t r = choose(&s);
        const uint32_t node = s.ready[r];
        s.ready[r] = s.ready[--s.n_ready];
        order[i] = s.nodes[node];
        retire(&s, node);
    }
    return order;
}

bool sc_pass_schedule(struct sc_graph *g, const struct sc_pass_context *ctx)
{
    (void)ctx;
    for (uint32_t i = 0; i < g->n_updates; i++)
        (void)sc_graph_param(g, g->updates[i].param); // so that each has a class
    const size_t size = g->n_nodes * sizeof(struct sc_node *);
    struct sc_node **const before =
        SC_NEW_ARRAY(g->module->arena, struct sc_node *, g->n_nodes);
    if (g->n_nodes == 0) return false;
    memcpy(before, g->nodes, size);
    const uint64_t peak_before = sc_plan_peak(g);
    memcpy(g->nodes, list_schedule(g), size);
    if (sc_plan_peak(g) > peak_before) memcpy(g->nodes, before, size);
    return memcmp(before, g->nodes, size) != 0;
}
