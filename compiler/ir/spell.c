// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/spell.h"

#include "compiler/ir/attr.h"
#include "compiler/ir/names.h"
#include "runtime/base/integer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

// c and digits: what counted constants are called.
static bool looks_counted(const char *name)
{
    if (name[0] != 'c' || name[1] == '\0') return false;
    return strspn(name + 1, "0123456789") == strlen(name + 1);
}

static void append_value_name(struct sc_str *out, const char *name)
{
    if (looks_counted(name))
        sc_append_quoted(out, name, '"');
    else
        sc_append_name(out, name);
}

void sc_append_param(struct sc_str *out, const struct sc_param *p)
{
    sc_str_append(out, "%");
    append_value_name(out, p->name);
}

// Counts who carries which name, and who carries none.
struct naming {
    struct sc_spelling *s;
    struct sc_names *n_seen; // the count, kept as a pointer
    uint32_t n_unnamed, n_constants;
    struct sc_str scratch;
};

static uintptr_t count_name(struct naming *n, const char *name)
{
    void **const slot = sc_names_slot(n->n_seen, name);
    const uintptr_t ordinal = (uintptr_t)*slot + 1;
    *slot = (void *)ordinal;
    return ordinal;
}

static void name_value(struct naming *n, const struct sc_value *v)
{
    struct sc_str *const text = &n->scratch;
    sc_str_clear(text);
    sc_str_append(text, "%");
    if (v->name) {
        append_value_name(text, v->name);
        const uintptr_t ordinal = count_name(n, v->name);
        if (ordinal > 1) sc_str_printf(text, ".%" PRIuPTR, ordinal);
    } else if (v->kind == SC_VALUE_constant) {
        sc_str_printf(text, "c%" PRIu32, n->n_constants++);
    } else {
        sc_str_printf(text, "%" PRIu32, n->n_unnamed++);
    }
    n->s->text[v->id] = sc_arena_strdup(n->s->arena, sc_str_text(text));
}

static bool is_in(const struct sc_graph *g, const struct sc_value *v)
{
    return v && v->id < g->n_values && g->values[v->id] == v;
}

static void name_values(struct sc_spelling *s)
{
    const struct sc_graph *const g = s->graph;
    struct naming n = {.s = s, .n_seen = sc_names_new(s->arena)};
    for (uint32_t i = 0; i < s->n_params; i++)
        (void)count_name(&n, s->params[i]->name);
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        if (is_in(g, g->inputs[i])) name_value(&n, g->inputs[i]);
    }
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct sc_value *const v = g->values[i];
        if (v->kind == SC_VALUE_constant && is_in(g, v)) name_value(&n, v);
    }
    SC_FOR_EACH_NODE(g, node)
    {
        for (int i = 0; i < node->n_out; i++) {
            if (is_in(g, node->out[i])) name_value(&n, node->out[i]);
        }
    }
    sc_str_free(&n.scratch);
}

// Adds a parameter, and what it is a slot of, unless they are there.
static void mention(struct sc_spelling *s, bool *is_mentioned, struct sc_param *p)
{
    for (; p && !is_mentioned[p->index]; p = p->of) {
        is_mentioned[p->index] = true;
        SC_PUSH(s->arena, s->params, s->n_params) = p;
    }
}

static void collect_params(struct sc_spelling *s)
{
    const struct sc_graph *const g = s->graph;
    bool *const is_mentioned = SC_NEW_ARRAY(s->arena, bool, g->module->n_params);
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct sc_value *const v = g->values[i];
        if (v->kind == SC_VALUE_param && is_in(g, v) && !is_mentioned[v->param->index]) {
            is_mentioned[v->param->index] = true;
            SC_PUSH(s->arena, s->params, s->n_params) = v->param;
            struct sc_str text = {0};
            sc_append_param(&text, v->param);
            s->text[i] = sc_arena_strdup(s->arena, sc_str_text(&text));
            sc_str_free(&text);
        }
    }
    s->n_read = s->n_params;
    for (uint32_t i = 0; i < s->n_read; i++)
        mention(s, is_mentioned, s->params[i]->of);
    for (uint32_t i = 0; i < g->n_outputs; i++)
        mention(s, is_mentioned, g->outputs[i].param);
    for (uint32_t i = 0; i < g->n_updates; i++)
        mention(s, is_mentioned, g->updates[i].param);
}

void sc_spelling_init(struct sc_spelling *s, const struct sc_graph *g)
{
    struct sc_arena *const arena = sc_arena_new();
    *s = (struct sc_spelling){
        .arena = arena, .graph = g, .text = SC_NEW_ARRAY(arena, const char *, g->n_values)};
    collect_params(s);
    name_values(s);
}

void sc_spelling_deinit(struct sc_spelling *s)
{
    sc_arena_free(s->arena);
}

const char *sc_spell(const struct sc_spelling *s, const struct sc_value *v)
{
    if (!is_in(s->graph, v)) return "%<unknown>";
    return s->text[v->id] ? s->text[v->id] : "%<undefined>";
}

static void append_list(struct sc_str *out, const int64_t *v, int64_t n)
{
    sc_str_append(out, "[");
    for (int64_t i = 0; i < n; i++)
        sc_str_printf(out, i > 0 ? ",%" PRId64 : "%" PRId64, v[i]);
    sc_str_append(out, "]");
}

static void append_code(struct sc_str *out, const struct simclr_code *code)
{
    sc_str_append(out, "\"");
    for (int64_t i = 0; i < code->n_steps; i++) {
        const struct simclr_code_step *const step = &code->step[i];
        const struct sc_op_row *const row = &sc_op_table[step->op];
        sc_str_printf(out, row->min_in == 1 ? "%s%s(%d)" : "%s%s(%d,%d)", i > 0 ? "; " : "",
                      row->name, (int)step->a, (int)step->b);
    }
    sc_str_append(out, "\"");
}

void sc_append_attr(struct sc_str *out, enum simclr_attr_kind kind, const void *at)
{
    switch (kind) {
    case SIMCLR_ATTR_i64:
    case SIMCLR_ATTR_flag: sc_str_printf(out, "%" PRId64, *(const int64_t *)at); break;
    case SIMCLR_ATTR_f64: sc_str_append_f64(out, *(const double *)at); break;
    case SIMCLR_ATTR_dtype:
        sc_str_append(out, simclr_dtype_name((simclr_dtype) * (const int64_t *)at));
        break;
    case SIMCLR_ATTR_i64x2: append_list(out, at, 2); break;
    case SIMCLR_ATTR_i64x4: append_list(out, at, 4); break;
    case SIMCLR_ATTR_dims: {
        const struct simclr_dims *const dims = at;
        append_list(out, dims->v, dims->n);
        break;
    }
    case SIMCLR_ATTR_code: append_code(out, at); break;
    }
}

static const char *element(const struct sc_value *v, int64_t i)
{
    return (const char *)v->data + (size_t)i * simclr_dtype_size(v->dtype);
}

// Whether the element's text reads back as the same bits. Numbers do; NaN has
// many forms and a bool many trues, of which only one each has a text.
static bool has_text(const struct sc_value *v, int64_t i)
{
    const char *const at = element(v, i);
    const float nan_f32 = NAN;
    const double nan_f64 = (double)NAN;
    if (v->dtype == SIMCLR_f32)
        return !isnan(*(const float *)(const void *)at) || memcmp(at, &nan_f32, 4) == 0;
    if (v->dtype == SIMCLR_f64)
        return !isnan(*(const double *)(const void *)at) || memcmp(at, &nan_f64, 8) == 0;
    return v->dtype != SIMCLR_bool || *(const uint8_t *)at <= 1;
}

static void append_element(struct sc_str *out, const struct sc_value *v, int64_t i)
{
    const void *const at = element(v, i);
    if (v->dtype == SIMCLR_f32)
        sc_str_append_f32(out, *(const float *)at);
    else if (v->dtype == SIMCLR_f64)
        sc_str_append_f64(out, *(const double *)at);
    else if (v->dtype == SIMCLR_u64)
        sc_str_printf(out, "%" PRIu64, *(const uint64_t *)at);
    else
        sc_str_printf(out, "%" PRId64, sc_int_load(v->dtype, at, 0));
}

static void append_bytes(struct sc_str *out, const void *data, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *const bytes = data;
    sc_str_append(out, "0x");
    for (size_t i = 0; i < n; i++) {
        const char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        sc_str_append_n(out, pair, 2);
    }
}

void sc_append_elements(struct sc_str *out, const struct sc_value *v)
{
    const int64_t n = simclr_shape_count(&v->shape);
    const size_t size = simclr_dtype_size(v->dtype);
    bool have_text = true;
    bool are_equal = true;
    for (int64_t i = 0; i < n && (have_text || are_equal); i++) {
        have_text = have_text && has_text(v, i);
        are_equal = are_equal && memcmp(element(v, i), v->data, size) == 0;
    }
    if (!have_text || (n > SC_MAX_LISTED && !are_equal)) {
        append_bytes(out, v->data, (size_t)n * size);
    } else if (n > SC_MAX_LISTED) {
        sc_str_append(out, "splat(");
        append_element(out, v, 0);
        sc_str_append(out, ")");
    } else if (v->shape.rank == 0) {
        append_element(out, v, 0);
    } else {
        sc_str_append(out, "[");
        for (int64_t i = 0; i < n; i++) {
            sc_str_append(out, i > 0 ? "," : "");
            append_element(out, v, i);
        }
        sc_str_append(out, "]");
    }
}
