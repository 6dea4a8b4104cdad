// SPDX-License-Identifier: Apache-2.0
//
// The structure of ONNX's textual syntax (docs/Syntax.md of ONNX): model header,
// graphs, nodes, functions. Recursive descent over one token of lookahead; only
// graphs within attributes nest, and no deeper than SC_TEXT_MAX_DEPTH.
#include "compiler/onnx/text_lex.h"

#include "compiler/onnx/functions.h"

#include <string.h>

#define NEW(p, type, init, name)                                                               \
    type *const name = SC_NEW((p)->m->arena, type);                                            \
    init(name)

static bool parse_opsets(struct sc_text_parser *p, Onnx__OperatorSetIdProto ***list, size_t *n)
{
    if (!sc_text_expect(p, '[')) return false;
    if (sc_text_accept(p, ']')) return true;
    do {
        NEW(p, Onnx__OperatorSetIdProto, onnx__operator_set_id_proto__init, opset);
        SC_PUSH(p->m->arena, *list, *n) = opset;
        opset->domain = sc_text_string(p, "a domain in quotes");
        opset->has_version = 1;
        if (!opset->domain || !sc_text_expect(p, ':') || !sc_text_int(p, &opset->version))
            return false;
    } while (sc_text_accept(p, ','));
    return sc_text_expect(p, ']');
}

static bool parse_header_field(struct sc_text_parser *p, Onnx__ModelProto *model)
{
    char *const key = sc_text_name(p, "a field of the header");
    if (!key || !sc_text_expect(p, ':')) return false;
    char **text = NULL;
    if (!strcmp(key, "ir_version")) {
        model->has_ir_version = 1;
        return sc_text_int(p, &model->ir_version);
    }
    if (!strcmp(key, "model_version")) {
        model->has_model_version = 1;
        return sc_text_int(p, &model->model_version);
    }
    if (!strcmp(key, "opset_import"))
        return parse_opsets(p, &model->opset_import, &model->n_opset_import);
    if (!strcmp(key, "metadata_props"))
        return sc_text_entries(p, &model->metadata_props, &model->n_metadata_props);
    if (!strcmp(key, "producer_name")) text = &model->producer_name;
    if (!strcmp(key, "producer_version")) text = &model->producer_version;
    if (!strcmp(key, "domain")) text = &model->domain;
    if (!strcmp(key, "doc_string")) text = &model->doc_string;
    if (!text) return sc_text_fail(p, "'%s' is no field of the header", key);
    *text = sc_text_string(p, "a string in quotes");
    return *text != NULL;
}

static bool parse_header(struct sc_text_parser *p, Onnx__ModelProto *model)
{
    if (!sc_text_accept(p, '<') || sc_text_accept(p, '>')) return !p->failed;
    do {
        if (!parse_header_field(p, model)) return false;
    } while (sc_text_accept(p, ','));
    return sc_text_expect(p, '>');
}

// "type name", or "type name = values", which is an initializer. With `inputs`,
// an initializer is an input too (a default).
static bool parse_value_info(struct sc_text_parser *p, Onnx__GraphProto *g,
                             Onnx__ValueInfoProto ***list, size_t *n, bool inputs)
{
    NEW(p, Onnx__ValueInfoProto, onnx__value_info_proto__init, info);
    if (sc_text_is_type(p)) {
        info->type = sc_text_type(p);
        if (!info->type) return false;
    }
    info->name = sc_text_name(p, "a type or a name");
    if (!info->name) return false;
    const bool has_values = sc_text_accept(p, '=');
    if (has_values) {
        if (!info->type) return sc_text_fail(p, "'%s' has values but no type", info->name);
        Onnx__TensorProto *const t = sc_text_tensor(p, info->type, info->name);
        if (!t) return false;
        SC_PUSH(p->m->arena, g->initializer, g->n_initializer) = t;
    }
    if (!has_values || inputs) SC_PUSH(p->m->arena, *list, *n) = info;
    return true;
}

static bool parse_value_infos(struct sc_text_parser *p, Onnx__GraphProto *g,
                              Onnx__ValueInfoProto ***list, size_t *n, bool inputs, int close)
{
    if (sc_text_accept(p, close)) return true;
    do {
        if (!parse_value_info(p, g, list, n, inputs)) return false;
    } while (sc_text_accept(p, ','));
    return sc_text_expect(p, close);
}

// Names separated by commas up to `close`; "" or nothing between commas is an
// absent one.
static bool parse_names(struct sc_text_parser *p, char ***list, size_t *n, int close)
{
    while (!sc_text_is(p, close)) {
        char *name = NULL;
        if (!sc_text_is(p, ',')) {
            name = sc_text_name(p, "the name of a value");
            if (!name) return false;
        }
        SC_PUSH(p->m->arena, *list, *n) = name ? name : sc_arena_strdup(p->m->arena, "");
        if (!sc_text_accept(p, ',')) break;
    }
    return sc_text_expect(p, close);
}

static bool parse_attributes(struct sc_text_parser *p, Onnx__NodeProto *node)
{
    if (!sc_text_accept(p, '<') || sc_text_accept(p, '>')) return !p->failed;
    do {
        Onnx__AttributeProto *const a = sc_text_attribute(p);
        if (!a) return false;
        SC_PUSH(p->m->arena, node->attribute, node->n_attribute) = a;
    } while (sc_text_accept(p, ','));
    return sc_text_expect(p, '>');
}

// "Conv", or "com.example.Conv", whose domain is what stands before the last dot.
static bool parse_op_type(struct sc_text_parser *p, Onnx__NodeProto *node)
{
    node->op_type = sc_text_name(p, "an operator");
    while (node->op_type && sc_text_accept(p, '.')) {
        const char *const last = sc_text_name(p, "an operator");
        if (!last) return false;
        node->domain = node->domain
                           ? sc_arena_printf(p->m->arena, "%s.%s", node->domain, node->op_type)
                           : node->op_type;
        node->op_type = sc_arena_strdup(p->m->arena, last);
    }
    return node->op_type != NULL;
}

static Onnx__NodeProto *parse_node(struct sc_text_parser *p)
{
    NEW(p, Onnx__NodeProto, onnx__node_proto__init, node);
    if (sc_text_accept(p, '[')) {
        node->name = sc_text_name(p, "the node's name");
        if (!node->name || !sc_text_expect(p, ']')) return NULL;
    }
    if (!parse_names(p, &node->output, &node->n_output, '=')) return NULL;
    if (!parse_op_type(p, node) || !parse_attributes(p, node)) return NULL;
    if (!sc_text_expect(p, '(') || !parse_names(p, &node->input, &node->n_input, ')'))
        return NULL;
    return parse_attributes(p, node) ? node : NULL;
}

static bool parse_nodes(struct sc_text_parser *p, Onnx__NodeProto ***list, size_t *n)
{
    if (!sc_text_expect(p, '{')) return false;
    while (!p->failed && !sc_text_accept(p, '}')) {
        Onnx__NodeProto *const node = parse_node(p);
        if (!node) return false;
        SC_PUSH(p->m->arena, *list, *n) = node;
    }
    return !p->failed;
}

Onnx__GraphProto *sc_text_graph(struct sc_text_parser *p, char *name)
{
    if (p->depth == SC_TEXT_MAX_DEPTH) {
        (void)sc_text_fail(p, "graphs are nested deeper than %d levels", SC_TEXT_MAX_DEPTH);
        return NULL;
    }
    p->depth++;
    NEW(p, Onnx__GraphProto, onnx__graph_proto__init, g);
    g->name = name;
    bool ok = sc_text_expect(p, '(') &&
              parse_value_infos(p, g, &g->input, &g->n_input, true, ')') &&
              sc_text_expect(p, SC_MARK_ARROW) && sc_text_expect(p, '(') &&
              parse_value_infos(p, g, &g->output, &g->n_output, false, ')');
    if (ok && sc_text_accept(p, '<'))
        ok = parse_value_infos(p, g, &g->value_info, &g->n_value_info, false, '>');
    ok = ok && parse_nodes(p, &g->node, &g->n_node);
    p->depth--;
    return ok ? g : NULL;
}

static bool parse_function_field(struct sc_text_parser *p, Onnx__FunctionProto *f)
{
    char *const key = sc_text_name(p, "a field of the header");
    if (!key || !sc_text_expect(p, ':')) return false;
    if (!strcmp(key, "opset_import"))
        return parse_opsets(p, &f->opset_import, &f->n_opset_import);
    char **const text = !strcmp(key, "domain")       ? &f->domain
                        : !strcmp(key, "doc_string") ? &f->doc_string
                                                     : NULL;
    if (!text) return sc_text_fail(p, "'%s' is no field of the header", key);
    *text = sc_text_string(p, "a string in quotes");
    return *text != NULL;
}

// Attributes up to '>': "name", or "name: type = default".
static bool parse_parameters(struct sc_text_parser *p, Onnx__FunctionProto *f)
{
    if (sc_text_accept(p, '>')) return true;
    do {
        const struct sc_text_parser before = *p;
        char *const name = sc_text_name(p, "an attribute");
        if (!name) return false;
        if (!sc_text_is(p, ':') && !sc_text_is(p, '=')) {
            SC_PUSH(p->m->arena, f->attribute, f->n_attribute) = name;
            continue;
        }
        *p = before;
        const Onnx__AttributeProto *const a = sc_text_attribute(p);
        if (!a) return false;
        sc_onnx_function_set_default(p->m, f, a);
    } while (sc_text_accept(p, ','));
    return sc_text_expect(p, '>');
}

// <domain: "d", opset_import: [...]> name <attribute, ...> (x, ...) => (y, ...) { nodes }
static Onnx__FunctionProto *parse_function(struct sc_text_parser *p)
{
    NEW(p, Onnx__FunctionProto, onnx__function_proto__init, f);
    if (sc_text_accept(p, '<')) {
        do {
            if (!parse_function_field(p, f)) return NULL;
        } while (sc_text_accept(p, ','));
        if (!sc_text_expect(p, '>')) return NULL;
    }
    f->name = sc_text_name(p, "the function's name");
    bool ok = f->name != NULL;
    if (ok && sc_text_accept(p, '<')) ok = parse_parameters(p, f);
    ok = ok && sc_text_expect(p, '(') && parse_names(p, &f->input, &f->n_input, ')') &&
         sc_text_expect(p, SC_MARK_ARROW) && sc_text_expect(p, '(') &&
         parse_names(p, &f->output, &f->n_output, ')') && parse_nodes(p, &f->node, &f->n_node);
    return ok ? f : NULL;
}

Onnx__ModelProto *sc_onnx_parse(struct sc_module *m, const char *file, const char *text,
                                size_t size)
{
    struct sc_text_parser p = {.m = m, .file = file, .text = text, .size = size};
    NEW(&p, Onnx__ModelProto, onnx__model_proto__init, model);
    sc_text_advance(&p);
    if (!parse_header(&p, model)) return NULL;
    char *const name = sc_text_name(&p, "the graph's name");
    model->graph = name ? sc_text_graph(&p, name) : NULL;
    if (!model->graph) return NULL;
    while (sc_text_is(&p, '<') || p.next.kind == SC_TOKEN_name ||
           p.next.kind == SC_TOKEN_string) {
        Onnx__FunctionProto *const f = parse_function(&p);
        if (!f) return NULL;
        SC_PUSH(m->arena, model->functions, model->n_functions) = f;
    }
    if (p.next.kind != SC_TOKEN_end)
        (void)sc_text_fail(&p, "found %s, expected a function or the end", sc_text_found(&p));
    return p.failed ? NULL : model;
}

Onnx__FunctionProto *sc_onnx_parse_function(struct sc_module *m, const char *file,
                                            const char *text, size_t size)
{
    struct sc_text_parser p = {.m = m, .file = file, .text = text, .size = size};
    sc_text_advance(&p);
    Onnx__FunctionProto *const f = parse_function(&p);
    return p.failed ? NULL : f;
}
