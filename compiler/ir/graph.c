// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/graph.h"

#include "compiler/ir/attr.h"
#include "compiler/ir/names.h"

#include <assert.h>
#include <string.h>

struct sc_module *sc_module_new(struct simclr_diag *diag)
{
    struct sc_arena *const arena = sc_arena_new();
    struct sc_module *const m = SC_NEW(arena, struct sc_module);
    *m = (struct sc_module){.arena = arena, .diag = diag, .names = sc_names_new(arena)};
    return m;
}

void sc_module_free(struct sc_module *module)
{
    if (module) sc_arena_free(module->arena);
}

static const char *copy_name(struct sc_arena *arena, const char *name)
{
    return name ? sc_arena_strdup(arena, name) : NULL;
}

struct sc_param *sc_module_add_param(struct sc_module *m, const char *name,
                                     const struct simclr_shape *shape)
{
    if (sc_names_find(m->names, name)) return NULL;
    struct sc_param *const p = SC_NEW(m->arena, struct sc_param);
    *p = (struct sc_param){.name = copy_name(m->arena, name),
                           .dtype = SIMCLR_f32,
                           .shape = *shape,
                           .index = m->n_params};
    SC_PUSH(m->arena, m->params, m->n_params) = p;
    *sc_names_slot(m->names, p->name) = p;
    return p;
}

struct sc_param *sc_module_find_param(const struct sc_module *m, const char *name)
{
    return sc_names_find(m->names, name);
}

struct sc_graph *sc_graph_new(struct sc_module *m, const char *name)
{
    struct sc_graph *const g = SC_NEW(m->arena, struct sc_graph);
    *g = (struct sc_graph){.module = m, .name = copy_name(m->arena, name)};
    return g;
}

static struct sc_value *add_value(struct sc_graph *g, enum sc_value_kind kind,
                                  simclr_dtype dtype, const struct simclr_shape *shape,
                                  const char *name)
{
    struct sc_arena *const arena = g->module->arena;
    struct sc_value *const v = SC_NEW(arena, struct sc_value);
    *v = (struct sc_value){
        .id = g->n_values, .kind = kind, .dtype = dtype, .shape = *shape, .name = name};
    SC_PUSH(arena, g->values, g->n_values) = v;
    return v;
}

struct sc_value *sc_graph_input(struct sc_graph *g, const char *name,
                                enum simclr_port_role role, simclr_dtype dtype,
                                const struct simclr_shape *shape)
{
    struct sc_arena *const arena = g->module->arena;
    struct sc_value *const v =
        add_value(g, SC_VALUE_input, dtype, shape, copy_name(arena, name));
    v->role = role;
    SC_PUSH(arena, g->inputs, g->n_inputs) = v;
    return v;
}

// Makes room for every parameter the module has now.
static void reserve_param_values(struct sc_graph *g)
{
    const struct sc_module *const m = g->module;
    if (g->n_param_values >= m->n_params) return;
    uint32_t n = g->n_param_values < 32 ? 32 : g->n_param_values;
    while (n < m->n_params)
        n *= 2;
    g->param_values =
        sc_arena_grow(m->arena, g->param_values, g->n_param_values, n, sizeof *g->param_values);
    g->n_param_values = n;
}

struct sc_value *sc_graph_param(struct sc_graph *g, struct sc_param *param)
{
    assert(param->index < g->module->n_params && g->module->params[param->index] == param);
    reserve_param_values(g);
    struct sc_value **const slot = &g->param_values[param->index];
    if (!*slot) {
        *slot = add_value(g, SC_VALUE_param, param->dtype, &param->shape, param->name);
        (*slot)->param = param;
    }
    return *slot;
}

struct sc_value *sc_graph_constant(struct sc_graph *g, simclr_dtype dtype,
                                   const struct simclr_shape *shape, const void *data,
                                   const char *name)
{
    assert(data || simclr_shape_count(shape) == 0);
    struct sc_value *const v =
        add_value(g, SC_VALUE_constant, dtype, shape, copy_name(g->module->arena, name));
    v->data = data;
    return v;
}

void sc_graph_output(struct sc_graph *g, const char *name, enum simclr_port_role role,
                     struct sc_value *value, struct sc_param *param)
{
    struct sc_arena *const arena = g->module->arena;
    SC_PUSH(arena, g->outputs, g->n_outputs) = (struct sc_output){
        .name = copy_name(arena, name), .role = role, .value = value, .param = param};
}

void sc_graph_update(struct sc_graph *g, struct sc_param *param, struct sc_value *value)
{
    SC_PUSH(g->module->arena, g->updates, g->n_updates) =
        (struct sc_update){.param = param, .value = value};
}

struct sc_node *sc_graph_append(struct sc_graph *g, enum simclr_op op,
                                const union simclr_attr *attr, struct sc_value *const *in,
                                int n_in, const simclr_dtype *dtypes,
                                const struct simclr_shape *shapes, int n_out,
                                const struct sc_origin *origin)
{
    struct sc_arena *const arena = g->module->arena;
    struct sc_node *const n = SC_NEW(arena, struct sc_node);
    *n = (struct sc_node){.id = g->next_node_id++,
                          .op = op,
                          .attr = attr ? *attr : sc_attr_default(op),
                          .n_in = n_in,
                          .n_out = n_out,
                          .in = SC_NEW_ARRAY(arena, struct sc_value *, (size_t)n_in),
                          .out = SC_NEW_ARRAY(arena, struct sc_value *, (size_t)n_out)};
    if (origin) n->origin = *origin;
    for (int i = 0; i < n_in; i++)
        n->in[i] = in[i];
    for (int i = 0; i < n_out; i++) {
        n->out[i] = add_value(g, SC_VALUE_result, dtypes[i], &shapes[i], NULL);
        n->out[i]->def = n;
        n->out[i]->out = i;
    }
    SC_PUSH(arena, g->nodes, g->n_nodes) = n;
    return n;
}
