// SPDX-License-Identifier: Apache-2.0
//
// --insert-bn: an export for inference has its BatchNormalization merged into the
// convolutions. That cannot be undone, for many networks become the same one, but the
// network can have new ones: scale 1, offset 0, mean 0 and variance 1 change next to
// nothing (epsilon, 5e-6) until training starts. They are put into the model itself
// before it is imported, so that program, dumps and export all have them.
#include "compiler/onnx/link.h"
#include "compiler/onnx/wiring.h"

#include <string.h>

struct inserter {
    struct sc_module *m;
    const struct sc_onnx_model *model;
    const struct sc_wiring *wiring;
    struct sc_names *taken;
    Onnx__GraphProto *graph;
};

#define NEW(t, type, init, name)                                                               \
    type *const name = SC_NEW((t)->m->arena, type);                                            \
    init(name)

// `base` with `suffix`, and a number if that name is taken.
static char *new_name(struct inserter *t, const char *base, const char *suffix)
{
    char *name = sc_arena_printf(t->m->arena, "%s%s", base, suffix);
    for (int i = 2; sc_names_find(t->taken, name); i++)
        name = sc_arena_printf(t->m->arena, "%s%s.%d", base, suffix, i);
    *sc_names_slot(t->taken, name) = t;
    return name;
}

// Of what the convolution makes; -1 if the weight's shape is not in the file.
static int64_t channels_of(const struct inserter *t, const Onnx__NodeProto *conv)
{
    const Onnx__TensorProto *const w =
        sc_wiring_source(t->wiring, sc_onnx_in(conv, 1), NULL)->tensor;
    if (!w || w->n_dims < 3) return -1;
    if (!sc_onnx_is_op(conv, "ConvTranspose")) return w->dims[0];
    const Onnx__AttributeProto *const group = sc_onnx_attribute(conv, "group");
    return w->dims[1] * (group && group->has_i ? group->i : 1);
}

static char *add_vector(struct inserter *t, const char *base, const char *suffix, int64_t n,
                        float value)
{
    NEW(t, Onnx__TensorProto, onnx__tensor_proto__init, tensor);
    tensor->name = new_name(t, base, suffix);
    tensor->has_data_type = 1;
    tensor->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    SC_PUSH(t->m->arena, tensor->dims, tensor->n_dims) = n;
    tensor->n_float_data = (size_t)n;
    tensor->float_data = SC_NEW_ARRAY(t->m->arena, float, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        tensor->float_data[i] = value;
    SC_PUSH(t->m->arena, t->graph->initializer, t->graph->n_initializer) = tensor;
    return tensor->name;
}

// The convolution gives its output's name to the normalisation behind it, so that
// nothing else changes.
static void insert(struct inserter *t, const Onnx__NodeProto *conv, int64_t channels)
{
    struct sc_arena *const arena = t->m->arena;
    char *const y = conv->output[0];
    const char *const base = *sc_onnx_text(conv->name) ? conv->name : y;
    NEW(t, Onnx__NodeProto, onnx__node_proto__init, first);
    *first = *conv;
    first->output = SC_NEW(arena, char *);
    first->output[0] = new_name(t, y, ".conv");
    void *const origin = sc_names_find(t->model->origins, y); // of a function's node
    if (origin) *sc_names_slot(t->model->origins, first->output[0]) = origin;
    SC_PUSH(arena, t->graph->node, t->graph->n_node) = first;

    NEW(t, Onnx__NodeProto, onnx__node_proto__init, norm);
    norm->name = sc_arena_printf(arena, "%s.bn", base);
    norm->op_type = sc_arena_strdup(arena, "BatchNormalization");
    SC_PUSH(arena, norm->input, norm->n_input) = first->output[0];
    SC_PUSH(arena, norm->input, norm->n_input) = add_vector(t, base, ".bn.scale", channels, 1);
    SC_PUSH(arena, norm->input, norm->n_input) = add_vector(t, base, ".bn.bias", channels, 0);
    SC_PUSH(arena, norm->input, norm->n_input) = add_vector(t, base, ".bn.mean", channels, 0);
    SC_PUSH(arena, norm->input, norm->n_input) = add_vector(t, base, ".bn.var", channels, 1);
    SC_PUSH(arena, norm->output, norm->n_output) = y;
    SC_PUSH(arena, t->graph->node, t->graph->n_node) = norm;
}

static void take_names(struct inserter *t, const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_input; i++)
        *sc_names_slot(t->taken, graph->input[i]->name) = t;
    for (size_t i = 0; i < graph->n_initializer; i++)
        *sc_names_slot(t->taken, sc_onnx_text(graph->initializer[i]->name)) = t;
    for (size_t i = 0; i < graph->n_node; i++) {
        for (size_t k = 0; k < graph->node[i]->n_output; k++)
            *sc_names_slot(t->taken, sc_onnx_out(graph->node[i], k)) = t;
    }
}

// A copy of the graph, with room of its own for nodes and initializers.
static void copy_graph(struct inserter *t, const Onnx__GraphProto *from)
{
    t->graph = SC_NEW(t->m->arena, Onnx__GraphProto);
    *t->graph = *from;
    t->graph->node = NULL;
    t->graph->n_node = 0;
    t->graph->initializer = NULL;
    t->graph->n_initializer = 0;
    for (size_t i = 0; i < from->n_initializer; i++)
        SC_PUSH(t->m->arena, t->graph->initializer, t->graph->n_initializer) =
            from->initializer[i];
}

void sc_link_insert_norms(struct sc_link *l, struct sc_onnx_model *model)
{
    const Onnx__GraphProto *const from = model->graph;
    const struct sc_merged merged = sc_onnx_find_merged(l->m->arena, from);
    struct inserter t = {.m = l->m,
                         .model = model,
                         .wiring = sc_wiring_new(l->m->arena, from),
                         .taken = sc_names_new(l->m->arena)};
    take_names(&t, from);
    copy_graph(&t, from);
    size_t n_inserted = 0;
    for (size_t i = 0; i < from->n_node; i++) {
        Onnx__NodeProto *const node = from->node[i];
        const int64_t channels = merged.is_merged[i] ? channels_of(&t, node) : -1;
        if (channels > 0 && channels <= INT32_MAX) {
            insert(&t, node, channels);
            n_inserted++;
        } else {
            SC_PUSH(l->m->arena, t.graph->node, t.graph->n_node) = node;
        }
    }
    if (n_inserted > 0)
        sc_report(l->m->diag, SIMCLR_NOTE, model->name,
                  "--insert-bn: %zu of %zu convolutions have a BatchNormalization from now on",
                  n_inserted, merged.n_convs);
    else
        sc_report(l->m->diag, SIMCLR_WARNING, model->name,
                  "--insert-bn: no convolution has a bias and lacks a normalisation, nothing "
                  "is inserted");
    model->graph = t.graph;
}
