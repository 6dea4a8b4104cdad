// SPDX-License-Identifier: Apache-2.0
//
// If, whose condition must be known at compile time: the nodes of the branch that
// is taken replace it in the scope's graph; the other branch is not looked at.
#include "compiler/onnx/importer.h"

#include "compiler/onnx/functions.h"

#include <string.h>

bool sc_is_if(const Onnx__NodeProto *node)
{
    return sc_onnx_is_standard_domain(node->domain) &&
           !strcmp(sc_onnx_text(node->op_type), "If");
}

// The branch that is taken; NULL after reporting.
static const Onnx__GraphProto *choose(struct sc_scope *s)
{
    const struct sc_value *const condition = sc_in(s, 0);
    double value = 0;
    if (!condition) return NULL;
    if (condition->kind != SC_VALUE_constant) {
        (void)sc_bad_node(s,
                          "condition '%s' is computed at run time, expected one that is "
                          "known at compile time",
                          sc_in_name(s, 0));
        sc_hint_inputs(s, condition);
        if (!s->is_as_written)
            sc_hint_node(s,
                         "export the model so that the condition depends on shapes alone, or "
                         "choose the branch before exporting");
        return NULL;
    }
    if (condition->dtype != SIMCLR_bool || !sc_constant_scalar(condition, &value)) {
        struct sc_str type = {0};
        sc_str_append_type(&type, condition->dtype, &condition->shape);
        (void)sc_bad_node(s, "condition '%s' is %s, expected bool[]", sc_in_name(s, 0),
                          sc_str_text(&type));
        sc_str_free(&type);
        return NULL;
    }
    const char *const name = value != 0 ? "then_branch" : "else_branch";
    const Onnx__AttributeProto *const a = sc_onnx_attribute(s->node, name);
    if (!a || !a->g) {
        (void)sc_bad_node(s, "attribute '%s' is missing, expected a graph", name);
        return NULL;
    }
    if (a->g->n_output != s->node->n_output || a->g->n_input > 0) {
        (void)sc_bad_node(s, "'%s' has %zu inputs and %zu outputs, expected 0 and %zu", name,
                          a->g->n_input, a->g->n_output, s->node->n_output);
        return NULL;
    }
    return a->g;
}

static bool densify(struct sc_scope *s, Onnx__GraphProto *made)
{
    for (size_t i = 0; i < made->n_sparse_initializer; i++) {
        char error[SC_ONNX_ERROR];
        const Onnx__SparseTensorProto *const sparse = made->sparse_initializer[i];
        Onnx__TensorProto *const dense = sc_onnx_densify(s->model, sparse, error);
        if (!dense) {
            (void)sc_bad_node(s, "sparse initializer '%s': %s",
                              sparse->values ? sc_onnx_text(sparse->values->name) : "", error);
            return false;
        }
        SC_PUSH(s->m->arena, made->initializer, made->n_initializer) = dense;
    }
    return true;
}

// The graph with what was made in the place of node `index`.
static void splice(struct sc_scope *s, size_t index, const Onnx__GraphProto *made)
{
    struct sc_arena *const arena = s->m->arena;
    Onnx__GraphProto *const g = s->graph;
    const size_t n = g->n_node - 1 + made->n_node;
    Onnx__NodeProto **const nodes = SC_NEW_ARRAY(arena, Onnx__NodeProto *, n);
    size_t at = 0;
    for (size_t i = 0; i < g->n_node; i++) {
        if (i != index) nodes[at++] = g->node[i];
        for (size_t k = 0; i == index && k < made->n_node; k++)
            nodes[at++] = made->node[k];
    }
    g->node = nodes;
    g->n_node = n;
    for (size_t i = 0; i < made->n_initializer; i++)
        SC_PUSH(arena, g->initializer, g->n_initializer) = made->initializer[i];
}

bool sc_take_branch(struct sc_scope *s, size_t index)
{
    const Onnx__GraphProto *const branch = choose(s);
    Onnx__GraphProto made = ONNX__GRAPH_PROTO__INIT;
    if (!branch) return false;
    const simclr_status status = sc_onnx_take_branch(s->model, s->node, branch, &made);
    s->failed = s->failed || status != SIMCLR_OK;
    if (s->failed || !densify(s, &made)) return false;
    for (size_t i = 0; i < s->node->n_output; i++) {
        if (*sc_onnx_text(s->node->output[i]))
            sc_scope_bound(s, s->node->output[i])->maker = NULL;
    }
    const size_t n_initializers = s->graph->n_initializer;
    splice(s, index, &made);
    sc_scope_declare(s, n_initializers, made.node, made.n_node);
    sc_scope_sort(s);
    return true;
}
