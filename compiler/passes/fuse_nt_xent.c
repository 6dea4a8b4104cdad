// SPDX-License-Identifier: Apache-2.0
//
// fuse-nt-xent: finds the NT-Xent loss (Chen et al., 2020, equation 1) in a
// model and makes it one operation. A loss has many spellings: masks added,
// multiplied or chosen by `where`, log-softmax or log-sum-exp by hand, positives
// gathered or sliced. We do not match spellings. We look for a similarity matrix
// S = u u^T of 2N rows through which alone the loss depends on the model, whole
// or as blocks a a^T, a b^T, b b^T of the two views' embeddings, and then ask what
// the loss *is*, as a function of S, by running that part of the graph in double
// on matrices made for the question:
//
//   S with zeros off the diagonal   gives  w ln(2N - 1), hence the factor w;
//   S with -1 for positive pairs    gives  w (ln(2N - 2 + e^(-x)) + x), x = 1 / t,
//                                   hence the temperature t, for each pairing tried;
//   random symmetric S              must give w times the loss we then know.
//
// What agrees on random matrices to nine digits is the loss we think it is.
#include "compiler/passes/passes.h"

#include "compiler/ir/builder.h"
#include "compiler/ir/eval.h"
#include "runtime/base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_NODES = 256, // of the part between S and the loss: more is no NT-Xent
    MAX_ROWS = 4096, // beyond, looking would take longer than is fair
    N_TRIALS = 1     // random matrices: one has a thousand times more numbers than it takes
};

// The embeddings whose similarities the loss is made of: u, or one value for each
// view, which together are u.
struct embedding {
    struct sc_value *part[2];
    int n_parts;
};

// A matrix product left right^T.
struct product {
    const struct sc_value *value;
    struct sc_value *left, *right;
};

struct products {
    struct product *product;
    uint32_t n;
};

// The part of the graph from S to the loss, as a graph of its own.
struct question {
    struct sc_graph *graph;
    struct sc_value *s, *loss;
    int64_t rows;
    struct sc_tensor *matrix; // what S is in the next run
};

struct answer {
    double scale, temperature;
    bool halves;
};

static struct sc_output *find_loss(const struct sc_graph *g)
{
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        if (g->outputs[i].role == SIMCLR_PORT_loss) return &g->outputs[i];
    }
    return NULL;
}

// The value behind transpositions of a matrix, and whether their number is odd.
static struct sc_value *behind_transposes(struct sc_value *v, bool *is_transposed)
{
    while (v->kind == SC_VALUE_result && v->def->op == SIMCLR_OP_transpose &&
           v->shape.rank == 2) {
        if (v->def->attr.transpose.perm.v[0] == 1) *is_transposed = !*is_transposed;
        v = v->def->in[0];
    }
    return v;
}

// The products of the graph that can be similarities.
static struct products find_products(const struct sc_graph *g)
{
    struct products found = {.n = 0};
    SC_FOR_EACH_NODE(g, n)
    {
        if (n->op != SIMCLR_OP_matmul || n->out[0]->shape.rank != 2) continue;
        bool left_transposed = n->attr.matmul.trans_a != 0;
        bool right_transposed = n->attr.matmul.trans_b != 0;
        struct product p = {.value = n->out[0]};
        p.left = behind_transposes(n->in[0], &left_transposed);
        p.right = behind_transposes(n->in[1], &right_transposed);
        if (left_transposed || !right_transposed) continue;
        if (!simclr_shape_equal(&p.left->shape, &p.right->shape)) continue;
        SC_PUSH(g->module->arena, found.product, found.n) = p;
    }
    return found;
}

// What the product is made of, in the order of definition.
static struct embedding embedding_of(const struct product *p)
{
    if (p->left == p->right) return (struct embedding){.part = {p->left}, .n_parts = 1};
    const bool in_order = p->left->id < p->right->id;
    return (struct embedding){
        .part = {in_order ? p->left : p->right, in_order ? p->right : p->left}, .n_parts = 2};
}

static int64_t rows_of(const struct embedding *e)
{
    return e->n_parts * e->part[0]->shape.dim[0];
}

// Which part v is; -1 if none.
static int part_of(const struct embedding *e, const struct sc_value *v)
{
    for (int i = 0; i < e->n_parts; i++) {
        if (e->part[i] == v) return i;
    }
    return -1;
}

// Block (i, k) of S.
static struct sc_value *block_of(struct question *q, const struct embedding *e, int i, int k)
{
    if (e->n_parts == 1) return q->s;
    struct sc_builder b = {.graph = q->graph};
    const int64_t n = q->rows / 2;
    union simclr_attr slice = sc_attr_default(SIMCLR_OP_slice);
    slice.slice.starts = (struct simclr_dims){2, {i * n, k * n}};
    slice.slice.sizes = (struct simclr_dims){2, {n, n}};
    slice.slice.steps = (struct simclr_dims){2, {1, 1}};
    return sc_build(&b, SIMCLR_OP_slice, &slice, q->s);
}

// Marks the nodes that `loss` needs, not looking behind values that have a copy.
// False if one of them needs a parameter or an input, or there are too many.
static bool mark_needed(const struct sc_graph *g, const struct sc_value *loss,
                        struct sc_value *const *copy, bool *is_needed)
{
    bool *const is_wanted = SC_NEW_ARRAY(g->module->arena, bool, g->n_values);
    uint32_t n_needed = 0;
    is_wanted[loss->id] = true;
    for (uint32_t i = g->n_nodes; i-- > 0;) {
        const struct sc_node *const n = g->nodes[i];
        bool any = false;
        for (int k = 0; k < n->n_out; k++)
            any |= is_wanted[n->out[k]->id] && !copy[n->out[k]->id];
        if (!any) continue;
        if (++n_needed > MAX_NODES) return false;
        is_needed[n->id] = true;
        for (int k = 0; k < n->n_in; k++)
            is_wanted[n->in[k]->id] = true;
    }
    for (uint32_t i = 0; i < g->n_values; i++) {
        const enum sc_value_kind kind = g->values[i]->kind;
        if (is_wanted[i] && (kind == SC_VALUE_param || kind == SC_VALUE_input)) return false;
    }
    return true;
}

static void copy_node(struct question *q, const struct sc_node *n, struct sc_value **copy)
{
    struct sc_builder b = {.graph = q->graph};
    struct sc_value **const in =
        SC_NEW_ARRAY(q->graph->module->arena, struct sc_value *, (size_t)n->n_in);
    for (int k = 0; k < n->n_in; k++) {
        const struct sc_value *const v = n->in[k];
        if (!copy[v->id])
            copy[v->id] = sc_graph_constant(q->graph, v->dtype, &v->shape, v->data, NULL);
        in[k] = copy[v->id];
    }
    const struct sc_node *const twin = sc_build_node(&b, n->op, &n->attr, in, n->n_in);
    for (int k = 0; k < n->n_out; k++)
        copy[n->out[k]->id] = twin->out[k];
}

// Copies the part between S and the loss; false if the loss depends on more than S.
static bool cut_out(const struct sc_graph *g, const struct sc_value *loss,
                    const struct products *products, const struct embedding *e,
                    struct question *q)
{
    struct sc_arena *const arena = g->module->arena;
    struct sc_value **const copy = SC_NEW_ARRAY(arena, struct sc_value *, g->n_values);
    bool *const is_needed = SC_NEW_ARRAY(arena, bool, g->next_node_id);
    q->graph = sc_graph_new(g->module, "question");
    q->rows = rows_of(e);
    const struct simclr_shape square = sc_shape(2, (int64_t[]){q->rows, q->rows});
    q->s = sc_graph_input(q->graph, "s", SIMCLR_PORT_tensor, SIMCLR_f32, &square);
    for (uint32_t i = 0; i < products->n; i++) {
        const struct product *const p = &products->product[i];
        const int row = part_of(e, p->left);
        const int column = part_of(e, p->right);
        if (row >= 0 && column >= 0) copy[p->value->id] = block_of(q, e, row, column);
    }
    if (copy[loss->id] || !mark_needed(g, loss, copy, is_needed)) return false;
    SC_FOR_EACH_NODE(g, n)
    {
        if (is_needed[n->id]) copy_node(q, n, copy);
    }
    sc_graph_output(q->graph, "loss", SIMCLR_PORT_loss, copy[loss->id], NULL);
    (void)sc_pass_fold_constants(q->graph, NULL); // masks and labels, once and for all
    q->loss = q->graph->outputs[0].value;
    return true;
}

static double ask(const struct question *q)
{
    const uint32_t n = q->graph->n_values;
    struct sc_tensor **const given =
        SC_NEW_ARRAY(q->graph->module->arena, struct sc_tensor *, n);
    struct sc_tensor **const result =
        SC_NEW_ARRAY(q->graph->module->arena, struct sc_tensor *, n);
    given[q->s->id] = q->matrix;
    sc_eval_graph(q->graph, given, result);
    const double loss = result[q->loss->id]->f[0];
    sc_tensor_free(result[q->loss->id]);
    return loss;
}

static int64_t positive_of(int64_t i, int64_t rows, bool halves)
{
    return halves ? (i + rows / 2) % rows : i ^ 1;
}

// Ones on the diagonal, `value` for positive pairs, zero elsewhere.
static void set_pairs(const struct question *q, double value, bool halves)
{
    double *const s = q->matrix->f;
    memset(s, 0, (size_t)(q->rows * q->rows) * sizeof *s);
    for (int64_t i = 0; i < q->rows; i++) {
        s[i * q->rows + i] = 1;
        s[i * q->rows + positive_of(i, q->rows, halves)] = value;
    }
}

static void set_random(const struct question *q, uint64_t seed)
{
    struct sc_rng rng;
    sc_rng_init(&rng, seed, sc_hash_text("fuse-nt-xent"), 0);
    double *const s = q->matrix->f;
    for (int64_t i = 0; i < q->rows; i++) {
        s[i * q->rows + i] = 1;
        for (int64_t k = 0; k < i; k++)
            s[i * q->rows + k] = s[k * q->rows + i] = 2.0 * (double)sc_rng_uniform(&rng) - 1;
    }
}

// The loss of equation 1 as a function of S.
static double nt_xent(const struct question *q, const struct answer *a)
{
    double sum = 0;
    for (int64_t i = 0; i < q->rows; i++) {
        const double *const row = q->matrix->f + i * q->rows;
        double exps = 0; // entries are at most 1: subtract that
        for (int64_t k = 0; k < q->rows; k++)
            exps += k == i ? 0 : exp((row[k] - 1) / a->temperature);
        sum += log(exps) + 1 / a->temperature;
        sum -= row[positive_of(i, q->rows, a->halves)] / a->temperature;
    }
    return a->scale * sum / (double)q->rows;
}

static bool is_close(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

// Solves ln(2N - 2 + e^(-x)) + x = target for x > 0 by bisection; the left side
// grows with x. 0 if there is no solution up to 1e4.
static double solve_inverse_temperature(double target, int64_t rows)
{
    const double others = (double)(rows - 2);
    double low = 0;
    double high = 1e4;
    if (!(target > log(others + 1)) || !(target < log(others + exp(-high)) + high)) return 0;
    for (int i = 0; i < 200; i++) {
        const double x = 0.5 * (low + high);
        if (log(others + exp(-x)) + x < target)
            low = x;
        else
            high = x;
    }
    return 0.5 * (low + high);
}

static bool agrees(const struct question *q, const struct answer *a)
{
    for (uint64_t seed = 1; seed <= N_TRIALS; seed++) {
        set_random(q, seed);
        if (!is_close(ask(q), nt_xent(q, a))) return false;
    }
    return true;
}

static bool find_answer(const struct question *q, struct answer *a)
{
    set_pairs(q, 0, false);
    a->scale = ask(q) / log((double)(q->rows - 1));
    if (!isfinite(a->scale) || a->scale <= 0) return false;
    for (int halves = 0; halves < 2; halves++) {
        set_pairs(q, -1, halves != 0);
        const double x = solve_inverse_temperature(ask(q) / a->scale, q->rows);
        if (x <= 0) continue;
        a->temperature = 1 / x;
        a->halves = halves != 0;
        if (agrees(q, a)) return true;
    }
    return false;
}

// The shortest decimal that is the same number in single precision, in which
// models state it: 0.1, not 0.10000000149.
static double shortest(double value)
{
    for (int digits = 1; digits <= 9; digits++) {
        char text[40];
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        const double rounded = strtod(text, NULL);
        if (fabs(rounded - value) <= 1.2e-7 * value) return rounded;
    }
    return value;
}

// Is the loss NT-Xent of these embeddings, and with which temperature?
static bool recognise(const struct sc_graph *g, const struct sc_value *loss,
                      const struct products *products, const struct embedding *e,
                      struct answer *a)
{
    struct question q;
    const int64_t rows = rows_of(e);
    if (rows < 4 || rows % 2 != 0 || rows > MAX_ROWS) return false;
    if (!cut_out(g, loss, products, e, &q)) return false;
    q.matrix = sc_tensor_new(q.s->dtype, &q.s->shape);
    const bool found = find_answer(&q, a);
    sc_tensor_free(q.matrix);
    return found;
}

static void rewrite(struct sc_graph *g, struct sc_output *loss, const struct product *p,
                    const struct embedding *e, const struct answer *a)
{
    struct sc_builder b = {.graph = g, .origin = p->value->def->origin};
    b.origin.made_by = "fuse-nt-xent";
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_nt_xent);
    attr.nt_xent.temperature = shortest(a->temperature);
    attr.nt_xent.halves = a->halves;
    const struct simclr_shape shape = loss->value->shape;
    struct sc_value *u = e->part[0];
    if (e->n_parts == 2) u = sc_build(&b, SIMCLR_OP_concat, NULL, e->part[0], e->part[1]);
    struct sc_value *const fused = sc_build(&b, SIMCLR_OP_nt_xent, &attr, u);
    loss->value = sc_reshape(&b, sc_scale(&b, fused, shortest(a->scale)), &shape);
    sc_graph_output(g, "metrics", SIMCLR_PORT_metrics,
                    sc_build(&b, SIMCLR_OP_nt_xent_metrics, &attr, u), NULL);
    (void)sc_graph_remove_dead(g);
}

static void note_unfused(const struct sc_graph *g, const struct products *products)
{
    int64_t rows = 0; // of the largest similarity matrix
    for (uint32_t i = 0; i < products->n; i++) {
        const struct embedding e = embedding_of(&products->product[i]);
        if (e.n_parts == 1 && rows < rows_of(&e)) rows = rows_of(&e);
    }
    if (rows > MAX_ROWS)
        sc_report(g->module->diag, SIMCLR_NOTE, NULL,
                  "the loss compares %lld rows, too many to see whether it is NT-Xent: it "
                  "runs unfused",
                  (long long)rows);
    else if (rows > 0)
        sc_report(g->module->diag, SIMCLR_NOTE, NULL,
                  "the loss is not a known spelling of NT-Xent: it runs unfused");
}

bool sc_pass_fuse_nt_xent(struct sc_graph *g, const struct sc_pass_context *ctx)
{
    (void)ctx;
    struct sc_output *const loss = find_loss(g);
    if (!loss || simclr_shape_count(&loss->value->shape) != 1) return false;
    const struct products products = find_products(g);
    for (uint32_t i = products.n; i-- > 0;) {
        const struct product *const p = &products.product[i];
        const struct embedding e = embedding_of(p);
        struct answer a;
        if (!recognise(g, loss->value, &products, &e, &a)) continue;
        rewrite(g, loss, p, &e, &a);
        return true;
    }
    note_unfused(g, &products);
    return false;
}
