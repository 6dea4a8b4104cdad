// SPDX-License-Identifier: Apache-2.0
//
// Nodes run in order. A value is freed when its last reader has run, so that a
// training graph in double needs little more memory than its activations.
#include "compiler/ir/eval.h"

#include "runtime/base/init.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
    struct sc_tensor *const *given;
    struct sc_tensor **own; // by value id: what this run made and has not given away
    uint32_t *n_uses;       // by value id: readers still to come
};

static void *must_calloc(size_t n, size_t size)
{
    void *const p = calloc(n > 0 ? n : 1, size);
    if (!p) {
        (void)fprintf(stderr, "simclrc: error: out of memory (%zu items of %zu bytes)\n", n,
                      size);
        exit(simclr_exit_code(SIMCLR_NO_MEMORY));
    }
    return p;
}

void sc_eval_node(const struct sc_node *n, const struct sc_tensor *const *in,
                  struct sc_tensor *const *out)
{
    sc_op_table[n->op].info->eval(n, in, out);
}

static const struct sc_tensor *tensor_of(struct run *r, const struct sc_value *v)
{
    if (v->kind == SC_VALUE_input || v->kind == SC_VALUE_param) {
        const struct sc_tensor *const t = r->given[v->id];
        assert(t && simclr_shape_equal(&t->shape, &v->shape) && t->dtype == v->dtype);
        return t;
    }
    if (v->kind == SC_VALUE_constant && !r->own[v->id]) {
        r->own[v->id] = sc_tensor_new(v->dtype, &v->shape);
        sc_tensor_load(r->own[v->id], v->data);
    }
    assert(r->own[v->id] && "definitions come before uses");
    return r->own[v->id];
}

static void free_if_unused(struct run *r, const struct sc_value *v)
{
    if (r->n_uses[v->id] > 0) return;
    sc_tensor_free(r->own[v->id]);
    r->own[v->id] = NULL;
}

static void run_node(struct run *r, const struct sc_node *n)
{
    const struct sc_tensor **const in = must_calloc((size_t)n->n_in, sizeof(void *));
    for (int i = 0; i < n->n_in; i++)
        in[i] = tensor_of(r, n->in[i]);
    struct sc_tensor *out[SC_MAX_OUT] = {NULL};
    assert(n->n_out <= SC_MAX_OUT);
    for (int i = 0; i < n->n_out; i++) {
        out[i] = sc_tensor_new(n->out[i]->dtype, &n->out[i]->shape);
        r->own[n->out[i]->id] = out[i];
    }
    sc_eval_node(n, in, out);
    free(in);
    for (int i = 0; i < n->n_in; i++) {
        r->n_uses[n->in[i]->id]--;
        free_if_unused(r, n->in[i]);
    }
    for (int i = 0; i < n->n_out; i++)
        free_if_unused(r, n->out[i]);
}

static void count_uses(const struct sc_graph *g, uint32_t *n_uses)
{
    SC_FOR_EACH_NODE(g, n)
    {
        for (int i = 0; i < n->n_in; i++)
            n_uses[n->in[i]->id]++;
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        n_uses[g->outputs[i].value->id]++;
    for (uint32_t i = 0; i < g->n_updates; i++)
        n_uses[g->updates[i].value->id]++;
}

static struct sc_tensor *copy_of(const struct sc_tensor *t)
{
    struct sc_tensor *const copy = sc_tensor_new(t->dtype, &t->shape);
    if (t->f)
        memcpy(copy->f, t->f, (size_t)t->count * sizeof *t->f);
    else
        memcpy(copy->i, t->i, (size_t)t->count * sizeof *t->i);
    return copy;
}

// Hands a value to the caller: what the run made moves, what was given is copied.
static void give(struct run *r, const struct sc_value *v, struct sc_tensor **result)
{
    if (result[v->id]) return;
    const struct sc_tensor *const t = tensor_of(r, v);
    if (r->own[v->id]) {
        result[v->id] = r->own[v->id];
        r->own[v->id] = NULL;
    } else {
        result[v->id] = copy_of(t);
    }
}

void sc_eval_graph(const struct sc_graph *g, struct sc_tensor *const *given,
                   struct sc_tensor **result)
{
    struct run r = {.given = given,
                    .own = must_calloc(g->n_values, sizeof *r.own),
                    .n_uses = must_calloc(g->n_values, sizeof *r.n_uses)};
    count_uses(g, r.n_uses);
    SC_FOR_EACH_NODE(g, n)
    {
        run_node(&r, n);
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        give(&r, g->outputs[i].value, result);
    for (uint32_t i = 0; i < g->n_updates; i++)
        give(&r, g->updates[i].value, result);
    for (uint32_t i = 0; i < g->n_values; i++)
        sc_tensor_free(r.own[i]);
    free(r.own);
    free(r.n_uses);
}

void sc_eval_init(const struct sc_param *p, uint64_t seed, struct sc_tensor *out)
{
    assert(p->dtype == SIMCLR_f32 && simclr_shape_equal(&p->shape, &out->shape));
    if (p->init == SIMCLR_INIT_stored) {
        assert(p->stored && "a parsed text says that values are stored, not which");
        sc_tensor_load(out, p->stored);
        return;
    }
    float *const values = must_calloc((size_t)out->count, sizeof *values);
    sc_init_fill(p->init, p->a, p->b, seed, p->name, out->count, values);
    sc_tensor_load(out, values);
    free(values);
}
