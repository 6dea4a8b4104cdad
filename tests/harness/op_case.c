// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/op_case.h"

#include "compiler/ir/eval.h"
#include "runtime/base/integer.h"
#include "runtime/base/rng.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double draw(struct sc_rng *rng, const struct op_operand *o)
{
    const double low = o->low == 0 && o->high == 0 ? -1 : o->low;
    const double high = o->low == 0 && o->high == 0 ? 1 : o->high;
    double value;
    do
        value = low + (high - low) * (double)sc_rng_uniform(rng);
    while (fabs(value) < o->gap);
    return value;
}

// Even steps over [low, high] in random order. The stream number shifts the grid,
// so that two operands share no value either.
static void fill_distinct(struct sc_rng *rng, const struct op_operand *o, double *values,
                          int64_t n)
{
    const double low = o->low == 0 && o->high == 0 ? -1 : o->low;
    const double high = o->low == 0 && o->high == 0 ? 1 : o->high;
    for (int64_t i = 0; i < n; i++)
        values[i] = low + (high - low) * ((double)i + 0.3 * rng->b) / (double)n;
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t k = sc_rng_below(rng, (uint32_t)i + 1);
        const double swapped = values[i];
        values[i] = values[k];
        values[k] = swapped;
    }
}

static void fill_operand(const struct op_operand *o, struct sc_rng *rng, struct sc_tensor *t)
{
    for (int64_t i = 0; i < t->count && !o->distinct; i++) {
        if (t->f)
            t->f[i] = o->values ? o->values[i] : draw(rng, o);
        else
            t->i[i] = o->values ? sc_int_from_real(t->dtype, o->values[i])
                                : (int64_t)o->low +
                                      sc_rng_below(rng, (uint32_t)(o->high - o->low) + 1);
    }
    if (o->distinct) fill_distinct(rng, o, t->f, t->count);
    for (int64_t i = 0; t->f && i < t->count; i++) // no operand is f64
        t->f[i] = (double)(float)t->f[i];
}

void op_case_operands(const struct op_case *c, struct sc_tensor **in)
{
    for (int k = 0; k < c->n_in; k++) {
        struct sc_rng rng;
        sc_rng_init(&rng, 1, sc_hash_text(c->name), (uint32_t)k);
        in[k] = sc_tensor_new(c->in[k].dtype, &c->in[k].shape);
        fill_operand(&c->in[k], &rng, in[k]);
    }
}

void op_tensors_free(struct sc_tensor **t, int n)
{
    for (int k = 0; k < n; k++) {
        sc_tensor_free(t[k]);
        t[k] = NULL;
    }
}

static struct sc_value *operand_value(struct op_graph *g, const struct op_operand *o,
                                      const struct sc_tensor *t)
{
    if (!o->is_constant)
        return sc_graph_input(g->graph, NULL, SIMCLR_PORT_tensor, o->dtype, &o->shape);
    void *data =
        sc_arena_alloc(g->module->arena, (size_t)t->count, simclr_dtype_size(o->dtype));
    sc_tensor_store(t, data);
    return sc_graph_constant(g->graph, o->dtype, &o->shape, data, NULL);
}

void op_graph_init(struct op_graph *g, const struct op_case *c)
{
    struct sc_tensor *in[OP_CASE_MAX_IN] = {NULL};
    memset(g, 0, sizeof *g);
    g->module = sc_module_new(NULL);
    g->graph = sc_graph_new(g->module, c->name);
    op_case_operands(c, in);
    for (int k = 0; k < c->n_in; k++)
        g->in[k] = operand_value(g, &c->in[k], in[k]);
    op_tensors_free(in, c->n_in);
    struct sc_builder b = {.graph = g->graph, .origin = {.node = c->name}};
    g->node = sc_try_build(&b, c->op, c->attr, g->in, c->n_in, g->error);
}

void op_graph_deinit(struct op_graph *g)
{
    sc_module_free(g->module);
}

void op_case_define(const struct sc_node *n, struct sc_tensor *const *in,
                    struct sc_tensor **out)
{
    for (int i = 0; i < n->n_out; i++)
        out[i] = sc_tensor_new(n->out[i]->dtype, &n->out[i]->shape);
    sc_eval_node(n, (const struct sc_tensor *const *)in, out);
}
