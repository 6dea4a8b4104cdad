// SPDX-License-Identifier: Apache-2.0
//
// What a file says of itself and what the import made of it, as far as it came: the
// facts of --check. The nodes are the user's own, before functions, bodies and branches
// take their places; a function's nodes count once, however often it is called.
#include "compiler/onnx/importer.h"

#include "compiler/ir/op.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct describer {
    struct sc_onnx_model *model;
    struct sc_arena *arena;
    struct sc_names *index_of; // of an operator, by domain and name: its number from 1
    struct sc_onnx_facts out;
};

static const char *keep(struct describer *d, struct sc_str *s)
{
    const char *const text = sc_arena_strdup(d->arena, sc_str_text(s));
    sc_str_free(s);
    return text;
}

// Operators.

static bool calls_function(const struct describer *d, const Onnx__NodeProto *node)
{
    const Onnx__ModelProto *const proto = d->model->proto;
    for (size_t i = 0; i < proto->n_functions; i++) {
        const Onnx__FunctionProto *const f = proto->functions[i];
        if (!strcmp(sc_onnx_text(f->name), sc_onnx_text(node->op_type)) &&
            !strcmp(sc_onnx_text(f->domain), sc_onnx_text(node->domain)))
            return true;
    }
    return false;
}

static const char *why_refused(struct describer *d, const Onnx__NodeProto *node, int64_t opset)
{
    const char *const op_type = sc_onnx_text(node->op_type);
    if (!sc_onnx_is_standard_domain(node->domain)) return "its domain is not ONNX's";
    const int since = sc_import_since(op_type, opset);
    if (since > 0)
        return sc_arena_printf(d->arena, "opset %" PRId64 ", expected at least %d", opset,
                               since);
    const char *const hint = sc_import_refusal(op_type);
    return hint ? hint : "";
}

static struct sc_onnx_operator classify(struct describer *d, const Onnx__NodeProto *node,
                                        int64_t opset)
{
    struct sc_onnx_operator o = {
        .name = sc_onnx_text(node->op_type), .domain = sc_onnx_text(node->domain), .why = ""};
    const struct sc_import_row *const row = sc_import_row(node, opset);
    if (calls_function(d, node)) {
        o.support = SC_SUPPORT_function;
    } else if (row) {
        o.support = row->import == sc_import_body ? SC_SUPPORT_body : SC_SUPPORT_supported;
    } else if (!sc_is_if(node)) {
        o.support = SC_SUPPORT_refused;
        o.why = why_refused(d, node, opset);
    }
    return o;
}

static void count_nodes(struct describer *d, Onnx__NodeProto *const *nodes, size_t n,
                        int64_t opset)
{
    for (size_t i = 0; i < n; i++) {
        const Onnx__NodeProto *const node = nodes[i];
        const char *const name = sc_arena_printf(d->arena, "%s %s", sc_onnx_text(node->domain),
                                                 sc_onnx_text(node->op_type));
        void **const slot = sc_names_slot(d->index_of, name);
        if (!*slot) {
            SC_PUSH(d->arena, d->out.operators, d->out.n_operators) = classify(d, node, opset);
            size_t *const index = SC_NEW(d->arena, size_t);
            *index = d->out.n_operators - 1;
            *slot = index;
        }
        d->out.operators[*(size_t *)*slot].n_nodes++;
        d->out.n_nodes++;
        for (size_t k = 0; k < node->n_attribute; k++) {
            const Onnx__GraphProto *const g = node->attribute[k]->g;
            if (g) count_nodes(d, g->node, g->n_node, opset);
        }
    }
}

static int by_frequency(const void *a, const void *b)
{
    const struct sc_onnx_operator *const x = a, *const y = b;
    if (x->n_nodes != y->n_nodes) return x->n_nodes > y->n_nodes ? -1 : 1;
    const int names = strcmp(x->name, y->name);
    return names != 0 ? names : strcmp(x->domain, y->domain);
}

// Gradients flow from floats to floats.
static bool is_differentiable_by_type(const struct sc_node *n)
{
    bool any = false;
    for (int i = 0; i < n->n_in; i++)
        any = any || simclr_dtype_is_float(n->in[i]->dtype);
    return any && simclr_dtype_is_float(n->out[0]->dtype);
}

static void find_gradients(struct describer *d, const struct sc_graph *made)
{
    SC_FOR_EACH_NODE(made, n)
    {
        if (!n->origin.file || strcmp(n->origin.file, d->model->name) != 0) continue;
        const struct sc_op_info *const info = sc_op_table[n->op].info;
        const char *const refusal = !info->grad         ? info->why_no_grad
                                    : info->refuse_grad ? info->refuse_grad(n)
                                                        : NULL;
        for (size_t i = 0; i < d->out.n_operators; i++) {
            struct sc_onnx_operator *const o = &d->out.operators[i];
            if (!n->origin.op_type || strcmp(o->name, n->origin.op_type) != 0 ||
                !is_differentiable_by_type(n))
                continue;
            o->n_made++;
            if (!o->why_no_grad) o->why_no_grad = refusal;
        }
    }
}

// Inputs and outputs.

static const char *symbol_of(const Onnx__TensorShapeProto__Dimension *dim)
{
    return dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
               ? sc_onnx_text(dim->dim_param)
               : "";
}

static const char *declared_type(struct describer *d, const Onnx__TypeProto *type)
{
    if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return type && type->value_case != ONNX__TYPE_PROTO__VALUE__NOT_SET ? "no tensor"
                                                                            : "no type";
    const struct sc_onnx_dtype *const dtype = sc_onnx_dtype(type->tensor_type->elem_type);
    const Onnx__TensorShapeProto *const shape = type->tensor_type->shape;
    struct sc_str s = {0};
    sc_str_printf(&s, "%s[", dtype ? dtype->name : "undefined");
    for (size_t i = 0; shape && i < shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *const dim = shape->dim[i];
        sc_str_append(&s, i > 0 ? "," : "");
        if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
            sc_str_printf(&s, "%" PRId64, dim->dim_value);
        else
            sc_str_append(&s, *symbol_of(dim) ? symbol_of(dim) : "?");
    }
    sc_str_append(&s, shape ? "]" : "...]");
    return keep(d, &s);
}

// What the symbols of the declaration stand for.
static const char *bindings_of(struct describer *d, const Onnx__TypeProto *type,
                               const struct sc_value *v)
{
    struct sc_str s = {0};
    const Onnx__TensorShapeProto *const shape =
        type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
            ? type->tensor_type->shape
            : NULL;
    for (size_t i = 0; shape && v && shape->n_dim == (size_t)v->shape.rank && i < shape->n_dim;
         i++) {
        const char *const symbol = symbol_of(shape->dim[i]);
        bool is_new = *symbol != '\0';
        for (size_t k = 0; k < i; k++)
            is_new = is_new && strcmp(symbol_of(shape->dim[k]), symbol) != 0;
        if (is_new)
            sc_str_printf(&s, "%s%s = %" PRId64, s.size > 0 ? ", " : "", symbol,
                          v->shape.dim[i]);
    }
    return keep(d, &s);
}

static void add_ports(struct describer *d, Onnx__ValueInfoProto *const *list, size_t n,
                      bool is_input)
{
    const struct sc_scope *const scope = d->model->scope;
    for (size_t i = 0; i < n; i++) {
        const char *const name = sc_onnx_text(list[i]->name);
        if (is_input && sc_onnx_initializer(d->model->graph, name)) continue;
        const struct sc_bound *const bound = scope ? sc_scope_find(scope, name) : NULL;
        const struct sc_bound *const elder =
            scope && scope->elder ? sc_scope_find(scope->elder, name) : NULL;
        const struct sc_value *const v = bound && bound->value ? bound->value
                                         : elder               ? elder->value
                                                               : NULL;
        struct sc_str here = {0};
        if (v) sc_str_append_type(&here, v->dtype, &v->shape);
        SC_PUSH(d->arena, d->out.ports, d->out.n_ports) =
            (struct sc_onnx_port){.name = name,
                                  .declared = declared_type(d, list[i]->type),
                                  .here = v ? keep(d, &here) : NULL,
                                  .bindings = bindings_of(d, list[i]->type, v),
                                  .is_input = is_input};
    }
}

// Initializers.

static uint64_t bytes_of(const Onnx__TensorProto *t)
{
    const struct sc_onnx_dtype *const dtype = sc_onnx_dtype(t->data_type);
    struct sc_onnx_tensor type;
    char error[SC_ONNX_ERROR];
    return dtype && sc_onnx_tensor_type(t, &type, error)
               ? (uint64_t)type.count * dtype->raw_size
               : 0;
}

static void add_sidecar(struct describer *d, const char *location)
{
    for (size_t i = 0; i < d->out.n_sidecars; i++) {
        if (!strcmp(d->out.sidecars[i].location, location)) return;
    }
    char error[SC_ONNX_ERROR];
    struct sc_onnx_sidecar s = {.location = location};
    s.is_there = sc_onnx_open_external(d->model, location, error);
    for (size_t i = 0; i < d->model->n_externals; i++) {
        if (!strcmp(d->model->externals[i].location, location))
            s.size = d->model->externals[i].map.size;
    }
    SC_PUSH(d->arena, d->out.sidecars, d->out.n_sidecars) = s;
}

static void count_initializers(struct describer *d, const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const char *const location = sc_onnx_tensor_location(graph->initializer[i]);
        d->out.n_initializers++;
        d->out.initializer_bytes += bytes_of(graph->initializer[i]);
        if (location) add_sidecar(d, location);
    }
}

static const char *opsets_of(struct describer *d)
{
    const Onnx__ModelProto *const proto = d->model->proto;
    struct sc_str s = {0};
    for (size_t i = 0; i < proto->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *const o = proto->opset_import[i];
        const bool is_standard = sc_onnx_is_standard_domain(o->domain);
        sc_str_printf(&s, "%s%s%s%" PRId64, i > 0 ? ", " : "",
                      is_standard ? "" : sc_onnx_text(o->domain), is_standard ? "" : " ",
                      o->version);
    }
    return keep(d, &s);
}

struct sc_onnx_facts sc_onnx_describe(struct sc_onnx_model *model, const struct sc_graph *made)
{
    const Onnx__ModelProto *const proto = model->proto;
    const Onnx__GraphProto *const graph = proto->graph;
    struct sc_arena *const arena = model->module->arena;
    struct describer d = {.model = model, .arena = arena, .index_of = sc_names_new(arena)};
    d.out = (struct sc_onnx_facts){
        .file = model->name,
        .graph = sc_onnx_text(graph->name),
        .producer = sc_arena_printf(arena, "%s%s%s", sc_onnx_text(proto->producer_name),
                                    *sc_onnx_text(proto->producer_version) ? " " : "",
                                    sc_onnx_text(proto->producer_version)),
        .opsets = opsets_of(&d),
        .ir_version = proto->ir_version,
        .n_functions = proto->n_functions,
    };
    count_nodes(&d, graph->node, graph->n_node, sc_onnx_opset(model));
    for (size_t i = 0; i < proto->n_functions; i++) {
        const Onnx__FunctionProto *const f = proto->functions[i];
        count_nodes(&d, f->node, f->n_node,
                    sc_onnx_opset_of(f->opset_import, f->n_opset_import));
    }
    if (made) find_gradients(&d, made);
    if (d.out.n_operators > 1)
        qsort(d.out.operators, d.out.n_operators, sizeof *d.out.operators, by_frequency);
    add_ports(&d, graph->input, graph->n_input, true);
    add_ports(&d, graph->output, graph->n_output, false);
    count_initializers(&d, graph);
    return d.out;
}

int64_t sc_onnx_width_of_h(const struct sc_onnx_model *model, const char **name)
{
    *name = model->h;
    const struct sc_bound *const h =
        model->h && model->scope ? sc_scope_find(model->scope, model->h) : NULL;
    const struct simclr_shape *const shape = h && h->value ? &h->value->shape : NULL;
    return shape && shape->rank >= 2 ? shape->dim[1] : 0;
}
