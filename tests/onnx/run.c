// SPDX-License-Identifier: Apache-2.0
#include "tests/onnx/run.h"

#include "runtime/base/integer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_message(void *user, enum simclr_severity severity, const char *line)
{
    (void)severity;
    sc_str_printf(user, "%s\n", line);
}

void run_init(struct run *r)
{
    *r = (struct run){.diag = {.sink = keep_message, .user = &r->messages}};
    r->diag.program = "simclrc";
    r->m = sc_module_new(&r->diag);
}

void run_deinit(struct run *r)
{
    for (int i = 0; i < RUN_MAX_TENSORS; i++) {
        sc_tensor_free(r->in[i]);
        sc_tensor_free(r->out[i]);
    }
    sc_onnx_close(r->model);
    sc_module_free(r->m);
    sc_str_free(&r->messages);
}

int run_inputs(const struct sc_onnx_model *model, const Onnx__ValueInfoProto **infos)
{
    const Onnx__GraphProto *const g = model->proto->graph;
    int n = 0;
    for (size_t i = 0; i < g->n_input && n < RUN_MAX_TENSORS; i++) {
        if (!sc_onnx_initializer(g, sc_onnx_text(g->input[i]->name))) infos[n++] = g->input[i];
    }
    return n;
}

static int64_t extent(const Onnx__TensorShapeProto__Dimension *dim)
{
    const bool is_number =
        dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    return is_number ? dim->dim_value : 2;
}

void run_declared(struct run *r)
{
    const Onnx__ValueInfoProto *infos[RUN_MAX_TENSORS];
    r->n_in = run_inputs(r->model, infos);
    for (int i = 0; i < r->n_in; i++) {
        const Onnx__TypeProto__Tensor *const type = infos[i]->type->tensor_type;
        struct simclr_shape shape = {.rank = (int32_t)type->shape->n_dim};
        for (int32_t k = 0; k < shape.rank; k++)
            shape.dim[k] = extent(type->shape->dim[k]);
        r->in[i] = sc_tensor_new(sc_onnx_dtype(type->elem_type)->dtype, &shape);
    }
}

// The numbers behind `# name = `; zeros without such a line.
static void read_values(const char *text, const char *name, struct sc_tensor *t)
{
    char key[64];
    (void)snprintf(key, sizeof key, "\n# %s = ", name);
    const char *at = strstr(text, key);
    at = at ? at + strlen(key) : "";
    for (int64_t i = 0; i < t->count; i++) {
        char *end;
        const double value = strtod(at, &end);
        if (at != end && *at == '\n') abort(); // too few
        if (t->f) t->f[i] = value;
        if (t->i) t->i[i] = sc_int_from_real(t->dtype, value);
        at = end;
    }
}

void run_make_inputs(struct run *r, const char *text)
{
    const Onnx__ValueInfoProto *infos[RUN_MAX_TENSORS];
    (void)run_inputs(r->model, infos);
    run_declared(r);
    for (int i = 0; i < r->n_in; i++)
        read_values(text, infos[i]->name, r->in[i]);
}

static struct sc_value *bind_input(struct run *r, const char *name, const struct sc_tensor *t,
                                   bool is_given)
{
    if (is_given)
        return sc_graph_input(r->graph, name, SIMCLR_PORT_tensor, t->dtype, &t->shape);
    void *const data =
        sc_arena_alloc(r->m->arena, (size_t)t->count, simclr_dtype_size(t->dtype));
    sc_tensor_store(t, data);
    return sc_graph_constant(r->graph, t->dtype, &t->shape, data, name);
}

// Floats that decide what is computed are never given at run time: the scales and regions
// of Resize, the ratio of Dropout.
static bool is_setting(const Onnx__GraphProto *g, const char *name)
{
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *const node = g->node[i];
        const char *const op = sc_onnx_text(node->op_type);
        if (strcmp(op, "Resize") != 0 && strcmp(op, "Upsample") != 0 &&
            strcmp(op, "Dropout") != 0)
            continue;
        for (size_t k = 1; k < node->n_input; k++) {
            if (!strcmp(node->input[k], name)) return true;
        }
    }
    return false;
}

void run_import(struct run *r, bool floats_are_given)
{
    const Onnx__GraphProto *const g = r->model->proto->graph;
    const Onnx__ValueInfoProto *infos[RUN_MAX_TENSORS];
    const int n_in = run_inputs(r->model, infos);
    r->graph = sc_graph_new(r->m, "model");
    sc_scope_init(&r->scope, r->m, r->graph, r->model, SIMCLR_PART_encoder, false);
    for (int i = 0; i < n_in && i < r->n_in; i++) {
        const bool is_given = floats_are_given && simclr_dtype_is_float(r->in[i]->dtype) &&
                              !is_setting(g, infos[i]->name);
        sc_scope_bind(&r->scope, infos[i]->name,
                      bind_input(r, infos[i]->name, r->in[i], is_given));
    }
    sc_scope_prepare(&r->scope);
    r->n_out = (int)g->n_output;
    for (size_t i = 0; i < g->n_output; i++) {
        struct sc_value *const v = sc_scope_import(&r->scope, g->output[i]->name);
        if (v) sc_graph_output(r->graph, g->output[i]->name, SIMCLR_PORT_tensor, v, NULL);
    }
    sc_scope_note_floats(&r->scope);
}

void run_eval(struct run *r)
{
    struct sc_graph *const g = r->graph;
    if (r->scope.any_failed) return;
    (void)sc_graph_remove_dead(g);
    struct sc_tensor **const given = SC_NEW_ARRAY(r->m->arena, struct sc_tensor *, g->n_values);
    struct sc_tensor **const result =
        SC_NEW_ARRAY(r->m->arena, struct sc_tensor *, g->n_values);
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        const Onnx__ValueInfoProto *infos[RUN_MAX_TENSORS];
        const int n = run_inputs(r->model, infos);
        for (int k = 0; k < n; k++) {
            if (sc_scope_find(&r->scope, infos[k]->name)->value == g->inputs[i])
                given[g->inputs[i]->id] = r->in[k];
        }
    }
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct sc_value *const v = g->values[i];
        if (v->kind != SC_VALUE_param) continue;
        given[i] = sc_tensor_new(v->dtype, &v->shape);
        sc_eval_init(v->param, 0, given[i]);
    }
    sc_eval_graph(g, given, result);
    for (uint32_t i = 0; i < g->n_outputs && i < RUN_MAX_TENSORS; i++) {
        const struct sc_value *const v = g->outputs[i].value;
        r->out[i] = sc_tensor_new(v->dtype, &v->shape);
        for (int64_t k = 0; k < r->out[i]->count; k++) {
            if (r->out[i]->f) r->out[i]->f[k] = result[v->id]->f[k];
            if (r->out[i]->i) r->out[i]->i[k] = result[v->id]->i[k];
        }
    }
    for (uint32_t i = 0; i < g->n_values; i++) {
        sc_tensor_free(result[i]);
        if (g->values[i]->kind == SC_VALUE_param) sc_tensor_free(given[i]);
    }
}
