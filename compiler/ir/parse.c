// SPDX-License-Identifier: Apache-2.0
//
// The text of graphs, line by line. A mistake ends its line; what the line would
// have defined is known to be bad, so that its uses are not reported again, and
// reading goes on with the next line.
#include "compiler/ir/parse.h"

#include "compiler/ir/names.h"
#include "compiler/ir/text.h"

#include <inttypes.h>
#include <string.h>

// What a %name stands for. Both NULL: its definition was bad.
struct symbol {
    struct sc_value *value;
    struct sc_param *param;
};

// `%x : f32[8] @arena+64`
struct definition {
    struct sc_token token;
    simclr_dtype dtype;
    struct simclr_shape shape;
    enum simclr_space space;
    uint64_t offset;
    bool is_known; // has a symbol
};

// `of=` may name a parameter that is declared further down.
struct slot {
    struct sc_param *param;
    struct sc_token of;
    bool is_new; // or its `of` must be the one it has
};

struct reader {
    struct sc_parser p;
    struct sc_module *module;
    struct sc_graph *graph;
    struct sc_names *symbols, *updated; // of this graph
    struct definition *defs;            // of this line
    uint32_t n_defs;
    struct slot *slots; // of this graph
    uint32_t n_slots;
};

static const char *type_text(struct reader *r, simclr_dtype dtype,
                             const struct simclr_shape *shape)
{
    struct sc_str s = {0};
    sc_str_append_type(&s, dtype, shape);
    const char *const text = sc_arena_strdup(r->p.arena, sc_str_text(&s));
    sc_str_free(&s);
    return text;
}

static bool know(struct reader *r, struct definition *d, struct sc_value *value,
                 struct sc_param *param)
{
    void **const slot = sc_names_slot(r->symbols, d->token.text);
    d->is_known = true;
    if (*slot)
        return sc_parse_fail(&r->p, &d->token, "'%.*s' is defined twice", (int)d->token.size,
                             d->token.start);
    struct symbol *const s = SC_NEW(r->p.arena, struct symbol);
    *s = (struct symbol){.value = value, .param = param};
    *slot = s;
    if (value) {
        value->space = d->space;
        value->offset = d->offset;
    }
    return true;
}

static bool parse_place(struct sc_parser *p, struct definition *d)
{
    int space = 0;
    int64_t offset = 0;
    if (!sc_parse_choice(p, sc_space_words, "arena, persistent or constant", &space) ||
        !sc_parse_i64(p, 0, INT64_MAX, &offset))
        return false;
    d->space = (enum simclr_space)space;
    d->offset = (uint64_t)offset;
    return true;
}

static bool parse_definition(struct reader *r)
{
    struct sc_parser *const p = &r->p;
    if (p->token.kind != SC_TOKEN_value) return sc_parse_unexpected(p, "a value");
    struct definition *const d = &SC_PUSH(p->arena, r->defs, r->n_defs);
    *d = (struct definition){.token = p->token};
    sc_parse_next(p);
    return sc_parse_mark(p, ':') && sc_parse_type(p, &d->dtype, &d->shape) &&
           (!sc_parse_take(p, '@') || parse_place(p, d));
}

// The symbol of the value that comes next.
static bool parse_symbol(struct reader *r, struct sc_token *token, struct symbol *out)
{
    if (r->p.token.kind != SC_TOKEN_value) return sc_parse_unexpected(&r->p, "a value");
    *token = r->p.token;
    const struct symbol *const s = sc_names_find(r->symbols, token->text);
    if (!s)
        return sc_parse_fail(&r->p, token, "'%.*s' is not defined", (int)token->size,
                             token->start);
    *out = *s;
    sc_parse_next(&r->p);
    return s->value || s->param;
}

static bool parse_value(struct reader *r, struct sc_value **out)
{
    struct sc_token token;
    struct symbol s = {0};
    if (!parse_symbol(r, &token, &s)) return false;
    *out = s.value ? s.value : sc_graph_param(r->graph, s.param);
    return true;
}

static bool parse_param_name(struct reader *r, struct sc_param **out)
{
    struct sc_token token;
    struct symbol s = {0};
    if (!parse_symbol(r, &token, &s)) return false;
    *out = s.param;
    return s.param || sc_parse_fail(&r->p, &token, "'%.*s' is not a parameter", (int)token.size,
                                    token.start);
}

static bool parse_port(struct reader *r, enum simclr_port_role *out)
{
    int role = 0;
    if (!sc_parse_mark(&r->p, '=') ||
        !sc_parse_choice(&r->p, sc_port_words, "the role of an input or output", &role))
        return false;
    *out = (enum simclr_port_role)role;
    return true;
}

static bool parse_input(struct reader *r)
{
    struct sc_parser *const p = &r->p;
    enum simclr_port_role role = SIMCLR_PORT_tensor;
    if (!parse_definition(r)) return false;
    if (sc_parse_take(p, '{')) {
        if (!sc_parse_is_word(p, "role")) return sc_parse_unexpected(p, "role");
        sc_parse_next(p);
        if (!parse_port(r, &role) || !sc_parse_mark(p, '}')) return false;
    }
    struct definition *const d = &r->defs[0];
    struct sc_value *const v =
        sc_graph_input(r->graph, d->token.name, role, d->dtype, &d->shape);
    return know(r, d, v, NULL);
}

static bool parse_constant(struct reader *r)
{
    if (!parse_definition(r) || !sc_parse_mark(&r->p, '=')) return false;
    struct definition *const d = &r->defs[0];
    const void *data = NULL;
    if (!sc_parse_elements(&r->p, d->dtype, &d->shape, &data)) return false;
    struct sc_value *const v =
        sc_graph_constant(r->graph, d->dtype, &d->shape, data, d->token.name);
    return know(r, d, v, NULL);
}

// What a line says about a parameter.
struct param_line {
    struct sc_param spec;
    struct sc_token of; // kind SC_TOKEN_end if there is none
    bool is_unread;
};

static bool parse_init(struct sc_parser *p, struct sc_param *spec)
{
    int init = 0;
    if (!sc_parse_choice(p, sc_init_words, "constant, normal, uniform or stored", &init))
        return false;
    spec->init = (enum simclr_init)init;
    if (spec->init == SIMCLR_INIT_stored) return true;
    if (!sc_parse_mark(p, '(') || !sc_parse_f64(p, &spec->a)) return false;
    if (spec->init != SIMCLR_INIT_constant &&
        (!sc_parse_mark(p, ',') || !sc_parse_f64(p, &spec->b)))
        return false;
    return sc_parse_mark(p, ')');
}

static bool parse_param_field(struct sc_parser *p, struct param_line *line)
{
    static const char *const words[] = {"role",     "part",   "init", "of",
                                        "excluded", "unread", NULL};
    int field = 0;
    int n = 0;
    if (!sc_parse_choice(p, words, "role, part, init, of, excluded or unread", &field))
        return false;
    line->spec.excluded = line->spec.excluded || field == 4;
    line->is_unread = line->is_unread || field == 5;
    if (field >= 4) return true;
    if (!sc_parse_mark(p, '=')) return false;
    switch (field) {
    case 0:
        if (!sc_parse_choice(p, sc_role_words, "trainable, frozen, statistic or slot", &n))
            return false;
        line->spec.role = (enum simclr_role)n;
        return true;
    case 1:
        if (!sc_parse_choice(p, sc_part_words, "encoder or head", &n)) return false;
        line->spec.part = (enum simclr_part)n;
        return true;
    case 2: return parse_init(p, &line->spec);
    default:
        if (p->token.kind != SC_TOKEN_value || !p->token.name)
            return sc_parse_unexpected(p, "a parameter");
        line->of = p->token;
        sc_parse_next(p);
        return true;
    }
}

// Bits, so that NaN equals itself.
static bool is_same_f64(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool is_same_param(const struct sc_param *a, const struct sc_param *b)
{
    return a->dtype == b->dtype && simclr_shape_equal(&a->shape, &b->shape) &&
           a->role == b->role && a->part == b->part && a->excluded == b->excluded &&
           a->init == b->init && is_same_f64(a->a, b->a) && is_same_f64(a->b, b->b);
}

// Several graphs of one text, or of one module, share their parameters.
static bool add_param(struct reader *r, struct definition *d, const struct param_line *line)
{
    if (sc_names_find(r->symbols, d->token.text))
        return know(r, d, NULL, NULL); // reports that it is defined twice
    struct sc_param *const old = sc_module_find_param(r->module, d->token.name);
    if (old && !is_same_param(old, &line->spec))
        return sc_parse_fail(&r->p, &d->token,
                             "parameter '%s' differs from its earlier declaration", old->name);
    struct sc_param *const param =
        old ? old : sc_module_add_param(r->module, d->token.name, &d->shape);
    if (!old) {
        const struct sc_param added = *param;
        *param = line->spec;
        param->name = added.name;
        param->index = added.index;
    }
    SC_PUSH(r->p.arena, r->slots, r->n_slots) =
        (struct slot){.param = param, .of = line->of, .is_new = !old};
    struct sc_value *const v = line->is_unread ? NULL : sc_graph_param(r->graph, param);
    return know(r, d, v, param);
}

static bool parse_param(struct reader *r)
{
    struct sc_parser *const p = &r->p;
    if (!parse_definition(r)) return false;
    struct definition *const d = &r->defs[0];
    if (!d->token.name) return sc_parse_fail(p, &d->token, "a parameter needs a name");
    if (d->dtype != SIMCLR_f32)
        return sc_parse_fail(p, &d->token, "parameter is %s, f32 expected",
                             simclr_dtype_name(d->dtype));
    struct param_line line = {.spec = {.dtype = d->dtype, .shape = d->shape}};
    if (sc_parse_take(p, '{')) {
        do {
            if (!parse_param_field(p, &line)) return false;
        } while (sc_parse_take(p, ','));
        if (!sc_parse_mark(p, '}')) return false;
    }
    return add_param(r, d, &line);
}

static bool resolve_slot(struct reader *r, const struct slot *slot)
{
    struct sc_param *of = NULL;
    if (slot->of.kind == SC_TOKEN_value) {
        const struct symbol *const s = sc_names_find(r->symbols, slot->of.text);
        if (s && !s->param) return false; // its own line has been reported
        if (!s)
            return sc_parse_fail(&r->p, &slot->of, "'%.*s' is not declared", (int)slot->of.size,
                                 slot->of.start);
        of = s->param;
    }
    if (slot->is_new) slot->param->of = of;
    if (slot->param->of != of)
        return sc_parse_fail(&r->p, &slot->of,
                             "parameter '%s' differs from its earlier declaration",
                             slot->param->name);
    for (const struct sc_param *q = of; q; q = q->of) {
        if (q == slot->param) {
            slot->param->of = NULL; // later slots follow the chain, too
            return sc_parse_fail(&r->p, &slot->of, "parameter '%s' is a slot of itself",
                                 q->name);
        }
    }
    return true;
}

// A gradient or an update of a parameter has the parameter's type.
static bool check_type(struct reader *r, const struct sc_token *at, const struct sc_value *v,
                       const struct sc_param *param)
{
    if (v->dtype == param->dtype && simclr_shape_equal(&v->shape, &param->shape)) return true;
    return sc_parse_fail(&r->p, at, "value is %s, parameter '%s' is %s",
                         type_text(r, v->dtype, &v->shape), param->name,
                         type_text(r, param->dtype, &param->shape));
}

static bool parse_grad(struct reader *r)
{
    const struct sc_token at = r->p.token;
    struct sc_param *param = NULL;
    struct sc_value *value = NULL;
    if (!parse_param_name(r, &param) || !sc_parse_mark(&r->p, '=') || !parse_value(r, &value) ||
        !check_type(r, &at, value, param))
        return false;
    sc_graph_output(r->graph, param->name, SIMCLR_PORT_grad, value, param);
    return true;
}

static bool parse_update(struct reader *r)
{
    const struct sc_token at = r->p.token;
    struct sc_param *param = NULL;
    struct sc_value *value = NULL;
    if (!parse_param_name(r, &param) || !sc_parse_mark(&r->p, '=') || !parse_value(r, &value) ||
        !check_type(r, &at, value, param))
        return false;
    void **const slot = sc_names_slot(r->updated, param->name);
    if (*slot) return sc_parse_fail(&r->p, &at, "parameter '%s' is updated twice", param->name);
    *slot = param;
    sc_graph_update(r->graph, param, value);
    return true;
}

static bool parse_output(struct reader *r)
{
    struct sc_parser *const p = &r->p;
    const struct sc_token at = p->token;
    static const char *const words[] = {"role", "param", NULL};
    const char *name = NULL;
    struct sc_value *value = NULL;
    enum simclr_port_role role = SIMCLR_PORT_tensor;
    struct sc_param *param = NULL;
    if (!sc_parse_name(p, "the name of an output", &name) || !sc_parse_mark(p, '=') ||
        !parse_value(r, &value))
        return false;
    if (sc_parse_take(p, '{')) {
        do {
            int field = 0;
            if (!sc_parse_choice(p, words, "role or param", &field)) return false;
            const bool is_good = field == 0
                                     ? parse_port(r, &role)
                                     : sc_parse_mark(p, '=') && parse_param_name(r, &param);
            if (!is_good) return false;
        } while (sc_parse_take(p, ','));
        if (!sc_parse_mark(p, '}')) return false;
    }
    if (role == SIMCLR_PORT_grad && param && !check_type(r, &at, value, param)) return false;
    sc_graph_output(r->graph, name, role, value, param);
    return true;
}

// What stands on the right of a node's `=`.
struct call {
    struct sc_token token;
    enum simclr_op op;
    struct sc_value **in;
    uint32_t n_in;
    union simclr_attr attr;
    struct sc_kernel_choice kernel;
    struct sc_origin origin;
};

static bool parse_call(struct reader *r, struct call *c)
{
    struct sc_parser *const p = &r->p;
    if (!sc_parse_word(p, "an operation", &c->token)) return false;
    c->op = sc_op_find(c->token.text);
    if (c->op == SIMCLR_N_OPS)
        return sc_parse_fail(p, &c->token, "there is no operation '%s'", c->token.text);
    if (!sc_parse_mark(p, '(')) return false;
    while (!sc_parse_is(p, ')')) {
        if (c->n_in > 0 && !sc_parse_mark(p, ',')) return false;
        struct sc_value *v = NULL;
        if (!parse_value(r, &v)) return false;
        SC_PUSH(p->arena, c->in, c->n_in) = v;
    }
    sc_parse_next(p);
    c->attr = sc_attr_default(c->op);
    if (sc_parse_take(p, '{') && !sc_parse_attrs(p, c->op, (int)c->n_in, &c->attr))
        return false;
    if (sc_parse_take(p, '[') && !sc_parse_kernel(p, c->op, &c->kernel)) return false;
    if (p->token.kind == SC_TOKEN_comment &&
        !sc_read_origin(p->arena, p->token.start + 1, p->token.size - 1, &c->origin))
        c->origin = (struct sc_origin){0};
    return true;
}

static bool check_result(struct reader *r, const struct definition *d, const struct sc_value *v)
{
    if (d->dtype == v->dtype && simclr_shape_equal(&d->shape, &v->shape)) return true;
    return sc_parse_fail(&r->p, &d->token, "'%.*s' is declared %s, %s makes %s",
                         (int)d->token.size, d->token.start, type_text(r, d->dtype, &d->shape),
                         sc_op_table[v->def->op].name, type_text(r, v->dtype, &v->shape));
}

static bool parse_node(struct reader *r)
{
    do {
        if (!parse_definition(r)) return false;
    } while (sc_parse_take(&r->p, ','));
    struct call c = {.op = SIMCLR_N_OPS};
    if (!sc_parse_mark(&r->p, '=') || !parse_call(r, &c)) return false;
    if ((int)r->n_defs != sc_op_table[c.op].n_out)
        return sc_parse_fail(&r->p, &c.token, "%" PRIu32 " results, %s makes %d", r->n_defs,
                             c.token.text, sc_op_table[c.op].n_out);
    char error[sizeof((struct sc_infer *)0)->error];
    struct sc_builder b = {.graph = r->graph, .origin = c.origin};
    struct sc_node *const n = sc_try_build(&b, c.op, &c.attr, c.in, (int)c.n_in, error);
    if (!n) return sc_parse_fail(&r->p, &c.token, "%s: %s", c.token.text, error);
    n->kernel = c.kernel;
    for (uint32_t i = 0; i < r->n_defs; i++) {
        struct definition *const d = &r->defs[i];
        n->out[i]->name = d->token.name;
        if (!check_result(r, d, n->out[i]) || !know(r, d, n->out[i], NULL)) return false;
    }
    return true;
}

struct statement {
    const char *word;
    bool (*parse)(struct reader *r);
};

static const struct statement statements[] = {
    {"input", parse_input},   {"param", parse_param}, {"const", parse_constant},
    {"output", parse_output}, {"grad", parse_grad},   {"update", parse_update},
};

static bool parse_statement(struct reader *r)
{
    struct sc_parser *const p = &r->p;
    if (p->token.kind == SC_TOKEN_value) return parse_node(r);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (sc_parse_is_word(p, statements[i].word)) {
            sc_parse_next(p);
            return statements[i].parse(r);
        }
    }
    return sc_parse_unexpected(p, "input, param, const, a value, output, grad or update");
}

static bool is_line_end(const struct sc_token *t)
{
    return t->kind == SC_TOKEN_newline || t->kind == SC_TOKEN_end;
}

static void skip_line(struct sc_parser *p)
{
    while (!is_line_end(&p->token))
        sc_parse_next(p);
}

static bool end_line(struct sc_parser *p)
{
    if (p->token.kind != SC_TOKEN_comment && !is_line_end(&p->token))
        return sc_parse_unexpected(p, "end of line");
    skip_line(p);
    return true;
}

static void parse_line(struct reader *r)
{
    r->n_defs = 0;
    if (parse_statement(r) && end_line(&r->p)) return;
    skip_line(&r->p);
    for (uint32_t i = 0; i < r->n_defs; i++) {
        struct definition *const d = &r->defs[i];
        if (!d->is_known && !sc_names_find(r->symbols, d->token.text))
            (void)know(r, d, NULL, NULL);
    }
}

static bool parse_head_field(struct reader *r)
{
    static const char *const words[] = {"lowered", "planned", "arena", NULL};
    int field = 0;
    int64_t n = 0;
    if (!sc_parse_choice(&r->p, words, "lowered, planned or arena", &field)) return false;
    r->graph->is_lowered = r->graph->is_lowered || field == 0;
    r->graph->is_planned = r->graph->is_planned || field == 1;
    if (field < 2) return true;
    if (!sc_parse_mark(&r->p, '=') || !sc_parse_i64(&r->p, 0, INT64_MAX, &n)) return false;
    r->graph->arena_bytes = (uint64_t)n;
    return true;
}

// `graph @train [lowered] {`, up to the end of the line.
static bool parse_head(struct reader *r)
{
    struct sc_parser *const p = &r->p;
    const char *name = NULL;
    if (!sc_parse_is_word(p, "graph")) return sc_parse_unexpected(p, "graph");
    sc_parse_next(p);
    if (!sc_parse_mark(p, '@') || !sc_parse_name(p, "the graph's name", &name)) return false;
    r->graph = sc_graph_new(r->module, name);
    r->symbols = sc_names_new(p->arena);
    r->updated = sc_names_new(p->arena);
    r->n_slots = 0;
    if (sc_parse_take(p, '[')) {
        do {
            if (!parse_head_field(r)) return false;
        } while (sc_parse_take(p, ','));
        if (!sc_parse_mark(p, ']')) return false;
    }
    return sc_parse_mark(p, '{') && end_line(p);
}

static bool parse_graph(struct reader *r)
{
    struct sc_parser *const p = &r->p;
    if (!parse_head(r)) return false;
    while (!sc_parse_is(p, '}')) {
        if (p->token.kind == SC_TOKEN_end) return sc_parse_unexpected(p, "'}'");
        if (p->token.kind == SC_TOKEN_newline || p->token.kind == SC_TOKEN_comment)
            sc_parse_next(p);
        else
            parse_line(r);
    }
    sc_parse_next(p);
    for (uint32_t i = 0; i < r->n_slots; i++)
        (void)resolve_slot(r, &r->slots[i]);
    return end_line(p);
}

// Constants of one text: more than any model of ours has, less than a machine.
#define MAX_CONSTANT_BYTES ((int64_t)1 << 30)

simclr_status sc_parse_text(struct sc_module *m, const char *file, const char *text,
                            size_t size, struct sc_graph ***graphs, uint32_t *n_graphs)
{
    struct reader r = {
        .p = {.arena = m->arena,
              .diag = m->diag,
              .file = file,
              .lexer = {.arena = m->arena,
                        .at = text,
                        .end = text + size,
                        .line_start = text,
                        .line = 1},
              .bytes_left = MAX_CONSTANT_BYTES},
        .module = m,
    };
    struct sc_graph **found = NULL;
    uint32_t n_found = 0;
    sc_parse_next(&r.p);
    while (r.p.token.kind != SC_TOKEN_end || n_found == 0) {
        if (r.p.token.kind == SC_TOKEN_newline || r.p.token.kind == SC_TOKEN_comment) {
            sc_parse_next(&r.p);
            continue;
        }
        if (!parse_graph(&r))
            return SIMCLR_BAD_INPUT; // where the next graph would begin is not known
        SC_PUSH(m->arena, found, n_found) = r.graph;
    }
    if (r.p.has_failed) return SIMCLR_BAD_INPUT;
    *graphs = found;
    *n_graphs = n_found;
    return SIMCLR_OK;
}
