// SPDX-License-Identifier: Apache-2.0
//
// What stands for other nodes: a call of a local function (IR 8), an operator that
// has a body (body.c), an If whose condition is known. Their nodes replace them
// before anything else looks at the graph (If: as soon as its condition is known).
// Names within get the call's first output in front, as it is called where the call
// is written, which makes them unique; formal inputs, outputs and attributes become the actual ones. A branch sees the
// names around it, a function none.
#include "compiler/onnx/functions.h"

#include "compiler/ir/names.h"

#include <string.h>

enum {
    MAX_DEPTH = 32,
    MAX_NODES = 1 << 16,
    OVERLOAD_OF_NODE = 8, // fields that are newer than the schema
    OVERLOAD_OF_FUNCTION = 13,
    DEFAULT_OF_FUNCTION = 11,
};

struct inliner {
    struct sc_onnx_model *model;
    Onnx__GraphProto *graph; // that grows
    int depth;
};

// One call: what the names within stand for.
struct call {
    const Onnx__NodeProto *node;
    const Onnx__FunctionProto *function; // NULL: a branch of an If
    struct sc_names *names;
    const char *prefix;
    struct sc_onnx_origin origin; // of the nodes within
};

// Fields that are newer than the schema.

// The bytes of the `nth` unknown field of that number; NULL behind the last one.
static const uint8_t *unknown_field(const ProtobufCMessage *message, unsigned tag, size_t nth,
                                    size_t *size)
{
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *const field = &message->unknown_fields[i];
        size_t skip = 0; // the length in front of the bytes
        if (field->tag != tag || field->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            continue;
        while (skip < field->len && field->data[skip] >= 0x80)
            skip++;
        if (skip >= field->len || nth-- > 0) continue;
        *size = field->len - skip - 1;
        return field->data + skip + 1;
    }
    return NULL;
}

static const char *overload(const struct sc_onnx_model *model, const ProtobufCMessage *message,
                            unsigned tag)
{
    size_t size = 0;
    const uint8_t *const bytes = unknown_field(message, tag, 0, &size);
    return bytes ? sc_arena_strndup(model->module->arena, (const char *)bytes, size) : "";
}

const Onnx__AttributeProto *sc_onnx_function_default(struct sc_onnx_model *model,
                                                     const Onnx__FunctionProto *f, size_t nth)
{
    size_t size = 0;
    const uint8_t *const bytes = unknown_field(&f->base, DEFAULT_OF_FUNCTION, nth, &size);
    if (!bytes) return NULL;
    ProtobufCAllocator allocator = sc_onnx_allocator(model->module);
    return onnx__attribute_proto__unpack(&allocator, size, bytes);
}

void sc_onnx_function_set_default(struct sc_module *m, Onnx__FunctionProto *f,
                                  const Onnx__AttributeProto *a)
{
    const size_t size = onnx__attribute_proto__get_packed_size(a);
    uint8_t *const data = sc_arena_alloc(m->arena, size + 5, 1);
    for (size_t i = 0, rest = size; i < 5; i++, rest >>= 7)
        data[i] = (uint8_t)((rest & 0x7f) | (i < 4 ? 0x80 : 0));
    (void)onnx__attribute_proto__pack(a, data + 5);
    SC_PUSH(m->arena, f->base.unknown_fields, f->base.n_unknown_fields) =
        (ProtobufCMessageUnknownField){.tag = DEFAULT_OF_FUNCTION,
                                       .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
                                       .len = size + 5,
                                       .data = data};
}

static const Onnx__AttributeProto *find_default(struct sc_onnx_model *model,
                                                const Onnx__FunctionProto *f, const char *name)
{
    const Onnx__AttributeProto *a;
    for (size_t i = 0; f && (a = sc_onnx_function_default(model, f, i)); i++) {
        if (!strcmp(sc_onnx_text(a->name), name)) return a;
    }
    return NULL;
}

// Functions and their versions.

static bool is_same_domain(const char *a, const char *b)
{
    if (sc_onnx_is_standard_domain(a)) return sc_onnx_is_standard_domain(b);
    return !strcmp(sc_onnx_text(a), sc_onnx_text(b));
}

// A function of the model goes before an operator of its name.
static const Onnx__FunctionProto *find(const struct sc_onnx_model *model,
                                       const Onnx__NodeProto *node)
{
    const Onnx__ModelProto *const proto = model->proto;
    for (size_t i = 0; i < proto->n_functions; i++) {
        const Onnx__FunctionProto *const f = proto->functions[i];
        if (!strcmp(sc_onnx_text(f->name), sc_onnx_text(node->op_type)) &&
            is_same_domain(f->domain, node->domain) &&
            !strcmp(overload(model, &f->base, OVERLOAD_OF_FUNCTION),
                    overload(model, &node->base, OVERLOAD_OF_NODE)))
            return f;
    }
    return NULL;
}

const struct sc_onnx_origin *sc_onnx_origin(const struct sc_onnx_model *model,
                                            const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < node->n_output; i++) {
        const char *const name = sc_onnx_text(node->output[i]);
        const struct sc_onnx_origin *const known =
            *name ? sc_names_find(model->origins, name) : NULL;
        if (known) return known;
    }
    return &model->origin;
}

static void set_origin(struct inliner *in, const Onnx__NodeProto *node,
                       const struct sc_onnx_origin *origin)
{
    struct sc_arena *const arena = in->model->module->arena;
    if (origin->opset == in->model->origin.opset && !origin->node && !origin->prefix) return;
    struct sc_onnx_origin *const copy = SC_NEW(arena, struct sc_onnx_origin);
    *copy = *origin;
    for (size_t i = 0; i < node->n_output; i++) {
        if (*sc_onnx_text(node->output[i]))
            *sc_names_slot(in->model->origins, node->output[i]) = copy;
    }
}

// Instances.

// The actual name of a value that is called `name` within.
static char *actual(const struct inliner *in, const struct call *c, const char *name)
{
    struct sc_arena *const arena = in->model->module->arena;
    const char *const known = *name ? sc_names_find(c->names, name) : "";
    if (known) return sc_arena_strdup(arena, known);
    return c->function ? sc_arena_printf(arena, "%s/%s", c->prefix, name)
                       : sc_arena_strdup(arena, name);
}

static Onnx__NodeProto *instantiate(struct inliner *in, const struct call *c,
                                    const Onnx__NodeProto *from);

static Onnx__ValueInfoProto **instantiate_infos(const struct inliner *in, const struct call *c,
                                                Onnx__ValueInfoProto *const *from, size_t n)
{
    struct sc_arena *const arena = in->model->module->arena;
    Onnx__ValueInfoProto **const list = SC_NEW_ARRAY(arena, Onnx__ValueInfoProto *, n);
    for (size_t i = 0; i < n; i++) {
        list[i] = SC_NEW(arena, Onnx__ValueInfoProto);
        *list[i] = *from[i];
        list[i]->name = actual(in, c, sc_onnx_text(from[i]->name));
    }
    return list;
}

static Onnx__TensorProto *instantiate_tensor(const struct inliner *in, const struct call *c,
                                             const Onnx__TensorProto *from)
{
    Onnx__TensorProto *const t = SC_NEW(in->model->module->arena, Onnx__TensorProto);
    *t = *from;
    t->name = actual(in, c, sc_onnx_text(from->name));
    return t;
}

static Onnx__SparseTensorProto *instantiate_sparse(const struct inliner *in,
                                                   const struct call *c,
                                                   const Onnx__SparseTensorProto *from)
{
    Onnx__SparseTensorProto *const t =
        SC_NEW(in->model->module->arena, Onnx__SparseTensorProto);
    *t = *from;
    if (from->values) t->values = instantiate_tensor(in, c, from->values);
    return t;
}

// A graph within an attribute. What it says about types is left behind.
static Onnx__GraphProto *instantiate_graph(struct inliner *in, const struct call *c,
                                           const Onnx__GraphProto *from)
{
    struct sc_arena *const arena = in->model->module->arena;
    Onnx__GraphProto *const g = SC_NEW(arena, Onnx__GraphProto);
    *g = *from;
    g->n_value_info = 0;
    g->input = instantiate_infos(in, c, from->input, from->n_input);
    g->output = instantiate_infos(in, c, from->output, from->n_output);
    g->initializer = SC_NEW_ARRAY(arena, Onnx__TensorProto *, from->n_initializer);
    for (size_t i = 0; i < from->n_initializer; i++)
        g->initializer[i] = instantiate_tensor(in, c, from->initializer[i]);
    g->sparse_initializer =
        SC_NEW_ARRAY(arena, Onnx__SparseTensorProto *, from->n_sparse_initializer);
    for (size_t i = 0; i < from->n_sparse_initializer; i++)
        g->sparse_initializer[i] = instantiate_sparse(in, c, from->sparse_initializer[i]);
    g->node = SC_NEW_ARRAY(arena, Onnx__NodeProto *, from->n_node);
    for (size_t i = 0; i < from->n_node; i++)
        g->node[i] = instantiate(in, c, from->node[i]);
    return g;
}

// An attribute with what it refers to; NULL if that is not given: the operator's default.
static Onnx__AttributeProto *instantiate_attribute(struct inliner *in, const struct call *c,
                                                   const Onnx__AttributeProto *from)
{
    const char *const refers_to = c->function ? sc_onnx_text(from->ref_attr_name) : "";
    const Onnx__AttributeProto *given = from;
    if (*refers_to) given = sc_onnx_attribute(c->node, refers_to);
    if (!given) given = find_default(in->model, c->function, refers_to);
    if (!given) return NULL;
    Onnx__AttributeProto *const a = SC_NEW(in->model->module->arena, Onnx__AttributeProto);
    *a = *given;
    a->name = from->name;
    if (given == from && from->g) a->g = instantiate_graph(in, c, from->g);
    return a;
}

// A node from within with actual names and attributes.
static Onnx__NodeProto *instantiate(struct inliner *in, const struct call *c,
                                    const Onnx__NodeProto *from)
{
    struct sc_arena *const arena = in->model->module->arena;
    Onnx__NodeProto *const node = SC_NEW(arena, Onnx__NodeProto);
    in->model->n_instances++;
    *node = *from;
    node->input = SC_NEW_ARRAY(arena, char *, from->n_input);
    node->output = SC_NEW_ARRAY(arena, char *, from->n_output);
    for (size_t i = 0; i < from->n_input; i++)
        node->input[i] = actual(in, c, sc_onnx_text(from->input[i]));
    for (size_t i = 0; i < from->n_output; i++)
        node->output[i] = actual(in, c, sc_onnx_text(from->output[i]));
    if (c->function) {
        const char *const own = *sc_onnx_text(from->name) ? from->name : from->op_type;
        const char *const caller = *sc_onnx_text(c->node->name) ? c->node->name : c->prefix;
        node->name = sc_arena_printf(arena, "%s/%s", caller, sc_onnx_text(own));
    }
    node->attribute = NULL;
    node->n_attribute = 0;
    for (size_t i = 0; i < from->n_attribute; i++) {
        Onnx__AttributeProto *const a = instantiate_attribute(in, c, from->attribute[i]);
        if (a) SC_PUSH(arena, node->attribute, node->n_attribute) = a;
    }
    return node;
}

// Calls.

// The names given for formal outputs, where a node within makes them; what none
// makes (an input passed through, an output listed twice) is set aside for pass_through.
static void bind_outputs(const struct inliner *in, struct call *c, char *const *formal,
                         size_t n_formal, Onnx__NodeProto *const *nodes, size_t n_nodes,
                         bool *passes)
{
    struct sc_names *const made = sc_names_new(in->model->module->arena);
    for (size_t i = 0; i < n_nodes; i++) {
        for (size_t k = 0; k < nodes[i]->n_output; k++)
            *sc_names_slot(made, sc_onnx_text(nodes[i]->output[k])) = nodes[i];
    }
    for (size_t i = 0; i < n_formal && i < c->node->n_output; i++) {
        char *const given = c->node->output[i];
        if (!*sc_onnx_text(given)) continue;
        void **const maker = sc_names_slot(made, sc_onnx_text(formal[i]));
        passes[i] = !*maker;
        if (*maker) *sc_names_slot(c->names, formal[i]) = given;
        *maker = NULL; // it has its name
    }
}

// The first output.
static const char *first_output(const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < node->n_output; i++) {
        if (*sc_onnx_text(node->output[i])) return node->output[i];
    }
    return NULL;
}

static simclr_status add(struct inliner *in, Onnx__NodeProto *node,
                         const struct sc_onnx_origin *origin);

static simclr_status pass_through(struct inliner *in, const struct call *c, const char *formal,
                                  char *given)
{
    struct sc_arena *const arena = in->model->module->arena;
    Onnx__NodeProto *const node = SC_NEW(arena, Onnx__NodeProto);
    onnx__node_proto__init(node);
    node->op_type = sc_arena_strdup(arena, "Identity");
    SC_PUSH(arena, node->input, node->n_input) = actual(in, c, formal);
    SC_PUSH(arena, node->output, node->n_output) = given;
    return add(in, node, &c->origin);
}

static simclr_status add_all(struct inliner *in, struct call *c, char *const *formal,
                             size_t n_formal, Onnx__NodeProto *const *nodes, size_t n_nodes)
{
    bool *const passes = SC_NEW_ARRAY(in->model->module->arena, bool, n_formal);
    bind_outputs(in, c, formal, n_formal, nodes, n_nodes, passes);
    in->depth++;
    for (size_t i = 0; i < n_nodes; i++) {
        struct sc_onnx_origin origin = c->origin;
        const char *const first = first_output(nodes[i]);
        if (first)
            origin.prefix =
                sc_arena_printf(in->model->module->arena, "%s/%s", c->prefix, first);
        SC_TRY(add(in, instantiate(in, c, nodes[i]), &origin));
    }
    for (size_t i = 0; i < n_formal; i++) {
        if (passes[i]) SC_TRY(pass_through(in, c, sc_onnx_text(formal[i]), c->node->output[i]));
    }
    in->depth--;
    return SIMCLR_OK;
}

static simclr_status check_arity(const struct inliner *in, const struct call *c)
{
    const Onnx__FunctionProto *const f = c->function;
    const bool fits = c->node->n_input <= f->n_input && c->node->n_output <= f->n_output;
    if (fits) return SIMCLR_OK;
    const char *const name = *sc_onnx_text(c->node->name) ? c->node->name : c->prefix;
    return sc_fail(in->model->module->diag, SIMCLR_BAD_INPUT,
                   sc_arena_printf(in->model->module->arena, "%s: node '%s' (%s)",
                                   in->model->name, name, sc_onnx_text(f->name)),
                   "it has %zu inputs and %zu outputs, expected at most the %zu and %zu of "
                   "the function",
                   c->node->n_input, c->node->n_output, f->n_input, f->n_output);
}

static simclr_status expand(struct inliner *in, const Onnx__NodeProto *node,
                            const Onnx__FunctionProto *f, const struct sc_onnx_origin *origin)
{
    struct sc_module *const m = in->model->module;
    if (in->depth == MAX_DEPTH)
        return sc_fail(m->diag, SIMCLR_BAD_INPUT, in->model->name,
                       "function '%s' calls itself or is nested deeper than %d levels",
                       sc_onnx_text(f->name), MAX_DEPTH);
    struct call c = {.node = node,
                     .function = f,
                     .names = sc_names_new(m->arena),
                     .prefix = origin->prefix ? origin->prefix : first_output(node),
                     .origin = *origin};
    c.origin.prefix = NULL;
    if (!c.prefix) return SIMCLR_OK; // computes nothing
    const int64_t opset = sc_onnx_opset_of(f->opset_import, f->n_opset_import);
    if (opset > 0) c.origin.opset = opset;
    SC_TRY(check_arity(in, &c));
    for (size_t i = 0; i < f->n_input; i++) {
        char *const given = i < node->n_input ? node->input[i] : NULL;
        *sc_names_slot(c.names, sc_onnx_text(f->input[i])) =
            given ? given : sc_arena_strdup(m->arena, "");
    }
    return add_all(in, &c, f->output, f->n_output, f->node, f->n_node);
}

// Adds the node, or what it stands for.
static simclr_status add(struct inliner *in, Onnx__NodeProto *node,
                         const struct sc_onnx_origin *origin)
{
    struct sc_module *const m = in->model->module;
    const bool is_in_body = origin->node != NULL; // which means the standard operators
    const Onnx__FunctionProto *f = is_in_body ? NULL : find(in->model, node);
    if (f) return expand(in, node, f, origin);
    f = sc_onnx_body(in->model, node, origin->opset);
    if (f) {
        struct sc_onnx_origin within = *origin;
        if (!is_in_body) { // messages name the user's node
            within.node = *sc_onnx_text(node->name) ? node->name : first_output(node);
            within.op_type = node->op_type;
        }
        return expand(in, node, f, &within);
    }
    if (in->graph->n_node == MAX_NODES || in->model->n_instances > MAX_NODES)
        return sc_fail(m->diag, SIMCLR_BAD_INPUT, in->model->name,
                       "functions expand to more than %d nodes", MAX_NODES);
    SC_PUSH(m->arena, in->graph->node, in->graph->n_node) = node;
    set_origin(in, node, origin);
    return SIMCLR_OK;
}

static simclr_status check_functions(const struct sc_onnx_model *model)
{
    const Onnx__ModelProto *const proto = model->proto;
    for (size_t i = 0; i < proto->n_functions; i++) {
        const Onnx__FunctionProto *const f = proto->functions[i];
        for (size_t k = 0; k < i; k++) {
            const Onnx__FunctionProto *const other = proto->functions[k];
            if (!strcmp(sc_onnx_text(f->name), sc_onnx_text(other->name)) &&
                is_same_domain(f->domain, other->domain) &&
                !strcmp(overload(model, &f->base, OVERLOAD_OF_FUNCTION),
                        overload(model, &other->base, OVERLOAD_OF_FUNCTION)))
                return sc_fail(model->module->diag, SIMCLR_BAD_INPUT, model->name,
                               "function '%s' of domain '%s' is defined twice",
                               sc_onnx_text(f->name), sc_onnx_text(f->domain));
        }
        if (sc_onnx_is_standard_domain(f->domain))
            sc_report(model->module->diag, SIMCLR_NOTE, model->name,
                      "function '%s' of the model takes the place of the operator of that name",
                      sc_onnx_text(f->name));
    }
    return SIMCLR_OK;
}

simclr_status sc_onnx_inline(struct sc_onnx_model *model)
{
    const Onnx__GraphProto *const from = model->proto->graph;
    struct sc_arena *const arena = model->module->arena;
    struct inliner in = {.model = model, .graph = SC_NEW(arena, Onnx__GraphProto)};
    model->origin = (struct sc_onnx_origin){.opset = sc_onnx_opset(model)};
    model->origins = sc_names_new(arena);
    model->bodies = sc_names_new(arena);
    *in.graph = *from;
    in.graph->node = NULL;
    in.graph->n_node = 0;
    model->graph = in.graph;
    SC_TRY(check_functions(model));
    for (size_t i = 0; i < from->n_node; i++)
        SC_TRY(add(&in, from->node[i], &model->origin));
    return SIMCLR_OK;
}

// Branches.

static void define_name(const struct inliner *in, struct call *c, const char *name)
{
    if (!*name) return;
    void **const slot = sc_names_slot(c->names, name);
    if (!*slot) *slot = sc_arena_printf(in->model->module->arena, "%s/%s", c->prefix, name);
}

// Everything that `g` and the graphs within it define gets a name of its own.
static void define(const struct inliner *in, struct call *c, const Onnx__GraphProto *g)
{
    for (size_t i = 0; i < g->n_input; i++)
        define_name(in, c, sc_onnx_text(g->input[i]->name));
    for (size_t i = 0; i < g->n_initializer; i++)
        define_name(in, c, sc_onnx_text(g->initializer[i]->name));
    for (size_t i = 0; i < g->n_sparse_initializer; i++) {
        const Onnx__TensorProto *const values = g->sparse_initializer[i]->values;
        define_name(in, c, values ? sc_onnx_text(values->name) : "");
    }
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *const node = g->node[i];
        for (size_t k = 0; k < node->n_output; k++)
            define_name(in, c, sc_onnx_text(node->output[k]));
        for (size_t k = 0; k < node->n_attribute; k++) {
            if (node->attribute[k]->g) define(in, c, node->attribute[k]->g);
        }
    }
}

simclr_status sc_onnx_take_branch(struct sc_onnx_model *model, const Onnx__NodeProto *node,
                                  const Onnx__GraphProto *branch, Onnx__GraphProto *into)
{
    struct sc_arena *const arena = model->module->arena;
    struct inliner in = {.model = model, .graph = into};
    const struct sc_onnx_origin *const origin = sc_onnx_origin(model, node);
    struct call c = {.node = node,
                     .names = sc_names_new(arena),
                     .prefix = origin->prefix ? origin->prefix : first_output(node),
                     .origin = *origin};
    c.origin.prefix = NULL;
    char **const formal = SC_NEW_ARRAY(arena, char *, branch->n_output);
    for (size_t i = 0; i < branch->n_output; i++)
        formal[i] = sc_arena_strdup(arena, sc_onnx_text(branch->output[i]->name));
    define(&in, &c, branch);
    for (size_t i = 0; i < branch->n_initializer; i++)
        SC_PUSH(arena, into->initializer, into->n_initializer) =
            instantiate_tensor(&in, &c, branch->initializer[i]);
    for (size_t i = 0; i < branch->n_sparse_initializer; i++)
        SC_PUSH(arena, into->sparse_initializer, into->n_sparse_initializer) =
            instantiate_sparse(&in, &c, branch->sparse_initializer[i]);
    return add_all(&in, &c, formal, branch->n_output, branch->node, branch->n_node);
}
