// SPDX-License-Identifier: Apache-2.0
//
// The text of a graph; docs/ir.md has the grammar.
#include "compiler/ir/spell.h"

#include "compiler/ir/attr.h"
#include "compiler/ir/text.h"

#include <inttypes.h>
#include <string.h>

// A list in braces or brackets that is only there if it has elements.
struct list {
    struct sc_str *out;
    const char *open, *close;
    int n;
};

static struct sc_str *next_item(struct list *list)
{
    sc_str_append(list->out, list->n++ == 0 ? list->open : ", ");
    return list->out;
}

static void end_list(const struct list *list)
{
    if (list->n > 0) sc_str_append(list->out, list->close);
}

static struct list braces(struct sc_str *out)
{
    return (struct list){.out = out, .open = " {", .close = "}"};
}

static struct list brackets(struct sc_str *out)
{
    return (struct list){.out = out, .open = " [", .close = "]"};
}

// `%x : f32[8]`, and in a planned graph its place, ` @arena+64`.
static void print_definition(const struct sc_spelling *s, const struct sc_value *v,
                             struct sc_str *out)
{
    sc_str_printf(out, "%s : ", sc_spell(s, v));
    sc_str_append_type(out, v->dtype, &v->shape);
    if (s->graph->is_planned)
        sc_str_printf(out, " @%s+%" PRIu64, sc_space_words[v->space], v->offset);
}

static void print_input(const struct sc_spelling *s, const struct sc_value *v,
                        struct sc_str *out)
{
    sc_str_append(out, "  input ");
    print_definition(s, v, out);
    if (v->role != SIMCLR_PORT_tensor) sc_str_printf(out, " {role=%s}", sc_port_words[v->role]);
    sc_str_append(out, "\n");
}

static void print_init(const struct sc_param *p, struct sc_str *out)
{
    sc_str_printf(out, "init=%s", sc_init_words[p->init]);
    if (p->init == SIMCLR_INIT_stored) return;
    sc_str_append(out, "(");
    sc_str_append_f64(out, p->a);
    if (p->init != SIMCLR_INIT_constant) {
        sc_str_append(out, ",");
        sc_str_append_f64(out, p->b);
    }
    sc_str_append(out, ")");
}

static void print_param(const struct sc_spelling *s, uint32_t i, struct sc_str *out)
{
    const struct sc_param *const p = s->params[i];
    const bool is_read = i < s->n_read;
    sc_str_append(out, "  param ");
    if (is_read) {
        print_definition(s, s->graph->param_values[p->index], out);
    } else {
        sc_append_param(out, p);
        sc_str_append(out, " : ");
        sc_str_append_type(out, p->dtype, &p->shape);
    }
    struct list list = braces(out);
    sc_str_printf(next_item(&list), "role=%s", sc_role_words[p->role]);
    sc_str_printf(next_item(&list), "part=%s", sc_part_words[p->part]);
    if (p->excluded) sc_str_append(next_item(&list), "excluded");
    print_init(p, next_item(&list));
    if (p->of) {
        sc_str_append(next_item(&list), "of=");
        sc_append_param(out, p->of);
    }
    if (!is_read) sc_str_append(next_item(&list), "unread");
    end_list(&list);
    sc_str_append(out, "\n");
}

static void print_constant(const struct sc_spelling *s, const struct sc_value *v,
                           struct sc_str *out)
{
    sc_str_append(out, "  const ");
    print_definition(s, v, out);
    sc_str_append(out, " = ");
    sc_append_elements(out, v);
    sc_str_append(out, "\n");
}

static void print_attrs(const struct sc_node *n, struct sc_str *out)
{
    struct list list = braces(out);
    for (const struct sc_attr_field *f = sc_attr_fields(sc_op_table[n->op].attrs); f->name;
         f++) {
        const void *const at = (const char *)&n->attr + f->offset;
        if (sc_attr_is_default(f, at)) continue;
        sc_str_printf(next_item(&list), "%s=", f->name);
        sc_append_attr(out, f->kind, at);
    }
    end_list(&list);
}

static void print_kernel(const struct sc_node *n, struct sc_str *out)
{
    const struct sc_kernel_choice *const k = &n->kernel;
    const char *const name = sc_kernel_name(n->op, k->kernel);
    struct list list = brackets(out);
    if (name && strcmp(name, "default") != 0)
        sc_str_printf(next_item(&list), "kernel=%s", name);
    if (k->tile != 0) sc_str_printf(next_item(&list), "tile=%" PRId64, k->tile);
    if (k->scratch_bytes != 0)
        sc_str_printf(next_item(&list), "scratch=%" PRIu64, k->scratch_bytes);
    if (k->workspace_bytes != 0)
        sc_str_printf(next_item(&list), "workspace=%" PRIu64, k->workspace_bytes);
    if (k->workspace_offset != 0)
        sc_str_printf(next_item(&list), "at=%" PRIu64, k->workspace_offset);
    end_list(&list);
}

static void print_node(const struct sc_spelling *s, const struct sc_node *n, struct sc_str *out)
{
    for (int i = 0; i < n->n_out; i++) {
        sc_str_append(out, i > 0 ? ", " : "  ");
        print_definition(s, n->out[i], out);
    }
    sc_str_printf(out, " = %s(", sc_op_table[n->op].name);
    for (int i = 0; i < n->n_in; i++)
        sc_str_printf(out, "%s%s", i > 0 ? ", " : "", sc_spell(s, n->in[i]));
    sc_str_append(out, ")");
    print_attrs(n, out);
    if (s->graph->is_lowered) print_kernel(n, out);
    const struct sc_origin *const o = &n->origin;
    if (o->file || o->node || o->op_type || o->made_by) {
        sc_str_append(out, "  # ");
        sc_append_origin(out, o);
    }
    sc_str_append(out, "\n");
}

// A gradient that is named for its parameter, which is the usual case, is short.
static void print_output(const struct sc_spelling *s, const struct sc_output *o,
                         struct sc_str *out)
{
    if (o->role == SIMCLR_PORT_grad && o->param && strcmp(o->name, o->param->name) == 0) {
        sc_str_append(out, "  grad ");
        sc_append_param(out, o->param);
        sc_str_printf(out, " = %s\n", sc_spell(s, o->value));
        return;
    }
    sc_str_append(out, "  output ");
    sc_append_name(out, o->name);
    sc_str_printf(out, " = %s", sc_spell(s, o->value));
    struct list list = braces(out);
    if (o->role != SIMCLR_PORT_tensor)
        sc_str_printf(next_item(&list), "role=%s", sc_port_words[o->role]);
    if (o->param) {
        sc_str_append(next_item(&list), "param=");
        sc_append_param(out, o->param);
    }
    end_list(&list);
    sc_str_append(out, "\n");
}

static void print_head(const struct sc_graph *g, struct sc_str *out)
{
    sc_str_append(out, "graph @");
    sc_append_name(out, g->name);
    struct list list = brackets(out);
    if (g->is_lowered) sc_str_append(next_item(&list), "lowered");
    if (g->is_planned) sc_str_append(next_item(&list), "planned");
    if (g->arena_bytes != 0) sc_str_printf(next_item(&list), "arena=%" PRIu64, g->arena_bytes);
    end_list(&list);
    sc_str_append(out, " {\n");
}

static void print_complaint(const char *complaint, struct sc_str *out)
{
    sc_str_printf(out, "  # ^ error: %s\n", complaint);
}

void sc_print_complaint(const struct sc_graph *g, const struct sc_node *node,
                        const char *complaint, struct sc_str *out)
{
    struct sc_spelling s;
    sc_spelling_init(&s, g);
    print_head(g, out);
    if (complaint && !node) print_complaint(complaint, out);
    for (uint32_t i = 0; i < g->n_inputs; i++)
        print_input(&s, g->inputs[i], out);
    for (uint32_t i = 0; i < s.n_params; i++)
        print_param(&s, i, out);
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (g->values[i]->kind == SC_VALUE_constant) print_constant(&s, g->values[i], out);
    }
    SC_FOR_EACH_NODE(g, n)
    {
        print_node(&s, n, out);
        if (complaint && n == node) print_complaint(complaint, out);
    }
    for (uint32_t i = 0; i < g->n_outputs; i++)
        print_output(&s, &g->outputs[i], out);
    for (uint32_t i = 0; i < g->n_updates; i++) {
        sc_str_append(out, "  update ");
        sc_append_param(out, g->updates[i].param);
        sc_str_printf(out, " = %s\n", sc_spell(&s, g->updates[i].value));
    }
    sc_str_append(out, "}\n");
    sc_spelling_deinit(&s);
}

void sc_print_text(const struct sc_graph *g, struct sc_str *out)
{
    sc_print_complaint(g, NULL, NULL, out);
}
