// SPDX-License-Identifier: Apache-2.0
//
// Local functions (IR 8): a node whose operator is a function of the model stands
// for the function's nodes, and so they replace it before anything else looks at
// the graph. Names within the function get the call's first output in front, which
// makes them unique; formal inputs, outputs and attributes become the actual ones.
#include "compiler/onnx/model.h"

#include "compiler/ir/names.h"

#include <string.h>

enum { MAX_DEPTH = 32, MAX_NODES = 1 << 18, OVERLOAD_OF_NODE = 8, OVERLOAD_OF_FUNCTION = 13 };

struct inliner {
    struct sc_onnx_model *model;
    Onnx__GraphProto *graph; // that is made
    int depth;
};

// One call: what the names within the function stand for.
struct call {
    const Onnx__NodeProto *node;
    struct sc_names *names;
    const char *prefix;
};

// A string field that is newer than the schema; "" if it is absent.
static const char *unknown_text(const struct inliner *in, const ProtobufCMessage *message,
                                unsigned tag)
{
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *const field = &message->unknown_fields[i];
        size_t skip = 0; // the length in front of the bytes
        if (field->tag != tag || field->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            continue;
        while (skip < field->len && field->data[skip] >= 0x80)
            skip++;
        if (skip < field->len)
            return sc_arena_strndup(in->model->module->arena,
                                    (const char *)field->data + skip + 1,
                                    field->len - skip - 1);
    }
    return "";
}

static const Onnx__FunctionProto *find(const struct inliner *in, const Onnx__NodeProto *node)
{
    const Onnx__ModelProto *const proto = in->model->proto;
    for (size_t i = 0; i < proto->n_functions; i++) {
        const Onnx__FunctionProto *const f = proto->functions[i];
        if (!strcmp(sc_onnx_text(f->name), sc_onnx_text(node->op_type)) &&
            !strcmp(sc_onnx_text(f->domain), sc_onnx_text(node->domain)) &&
            !strcmp(unknown_text(in, &f->base, OVERLOAD_OF_FUNCTION),
                    unknown_text(in, &node->base, OVERLOAD_OF_NODE)))
            return f;
    }
    return NULL;
}

// The actual name of a value that the function calls `name`.
static char *actual(const struct inliner *in, const struct call *c, const char *name)
{
    struct sc_arena *const arena = in->model->module->arena;
    if (!*name) return sc_arena_strdup(arena, "");
    const char *const known = sc_names_find(c->names, name);
    return known ? sc_arena_strdup(arena, known)
                 : sc_arena_printf(arena, "%s/%s", c->prefix, name);
}

// Formal names stand for the given ones, those not given for `absent` (NULL: for
// themselves).
static void bind(struct call *c, char *const *formal, size_t n_formal, char *const *given,
                 size_t n_given, const char *absent)
{
    for (size_t i = 0; i < n_formal; i++) {
        const char *name = i < n_given ? sc_onnx_text(given[i]) : "";
        if (!*name) name = absent;
        if (name) *sc_names_slot(c->names, sc_onnx_text(formal[i])) = (void *)(uintptr_t)name;
    }
}

// A node of the function with actual names and attributes.
static Onnx__NodeProto *instantiate(struct inliner *in, const struct call *c,
                                    const Onnx__NodeProto *from)
{
    struct sc_arena *const arena = in->model->module->arena;
    Onnx__NodeProto *const node = SC_NEW(arena, Onnx__NodeProto);
    *node = *from;
    node->input = SC_NEW_ARRAY(arena, char *, from->n_input);
    node->output = SC_NEW_ARRAY(arena, char *, from->n_output);
    for (size_t i = 0; i < from->n_input; i++)
        node->input[i] = actual(in, c, sc_onnx_text(from->input[i]));
    for (size_t i = 0; i < from->n_output; i++)
        node->output[i] = actual(in, c, sc_onnx_text(from->output[i]));
    const char *const own = *sc_onnx_text(from->name) ? from->name : from->op_type;
    const char *const caller = *sc_onnx_text(c->node->name) ? c->node->name : c->prefix;
    node->name = sc_arena_printf(arena, "%s/%s", caller, sc_onnx_text(own));
    node->attribute = NULL;
    node->n_attribute = 0;
    for (size_t i = 0; i < from->n_attribute; i++) {
        const Onnx__AttributeProto *a = from->attribute[i];
        const bool is_ref = *sc_onnx_text(a->ref_attr_name) != '\0';
        const Onnx__AttributeProto *const given =
            is_ref ? sc_onnx_attribute(c->node, a->ref_attr_name) : a;
        if (!given) continue; // not given: the operator's default
        Onnx__AttributeProto *const copy = SC_NEW(arena, Onnx__AttributeProto);
        *copy = *given;
        copy->name = a->name;
        SC_PUSH(arena, node->attribute, node->n_attribute) = copy;
    }
    return node;
}

static simclr_status add(struct inliner *in, Onnx__NodeProto *node);

static simclr_status expand(struct inliner *in, const Onnx__NodeProto *node,
                            const Onnx__FunctionProto *f)
{
    struct sc_module *const m = in->model->module;
    if (in->depth == MAX_DEPTH)
        return sc_fail(m->diag, SIMCLR_BAD_INPUT, in->model->name,
                       "function '%s' calls itself or is nested deeper than %d levels",
                       sc_onnx_text(f->name), MAX_DEPTH);
    if (node->n_output == 0) return SIMCLR_OK; // computes nothing
    struct call c = {
        .node = node, .names = sc_names_new(m->arena), .prefix = sc_onnx_text(node->output[0])};
    bind(&c, f->input, f->n_input, node->input, node->n_input, "");
    bind(&c, f->output, f->n_output, node->output, node->n_output, NULL);
    in->depth++;
    for (size_t i = 0; i < f->n_node; i++)
        SC_TRY(add(in, instantiate(in, &c, f->node[i])));
    in->depth--;
    return SIMCLR_OK;
}

static simclr_status add(struct inliner *in, Onnx__NodeProto *node)
{
    struct sc_module *const m = in->model->module;
    const Onnx__FunctionProto *const f = find(in, node);
    if (f) return expand(in, node, f);
    if (in->graph->n_node == MAX_NODES)
        return sc_fail(m->diag, SIMCLR_BAD_INPUT, in->model->name,
                       "functions expand to more than %d nodes", MAX_NODES);
    SC_PUSH(m->arena, in->graph->node, in->graph->n_node) = node;
    return SIMCLR_OK;
}

simclr_status sc_onnx_inline(struct sc_onnx_model *model)
{
    const Onnx__GraphProto *const from = model->proto->graph;
    model->graph = from;
    if (model->proto->n_functions == 0) return SIMCLR_OK;
    struct inliner in = {.model = model};
    in.graph = SC_NEW(model->module->arena, Onnx__GraphProto);
    *in.graph = *from;
    in.graph->node = NULL;
    in.graph->n_node = 0;
    for (size_t i = 0; i < from->n_node; i++)
        SC_TRY(add(&in, from->node[i]));
    model->graph = in.graph;
    return SIMCLR_OK;
}
