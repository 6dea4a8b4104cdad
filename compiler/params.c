// SPDX-License-Identifier: Apache-2.0
//
// The parameters of a compilation as a table or as JSON: what the optimizer moves,
// what stays, what follows the batches, and which floats of the models are constants.
#include "compiler/compilation.h"

#include "compiler/ir/words.h"

#include <inttypes.h>
#include <string.h>

// A line of the table: of a parameter, or of a constant.
struct line {
    const char *name, *role, *part;
    simclr_dtype dtype;
    const struct simclr_shape *shape;
    const char *init;
    bool is_decayed; // and adapted by LARS: the same parameters are excluded from both
};

// What the table adds up at its end.
struct total {
    const char *role;
    size_t tensors;
    int64_t elements;
    uint64_t bytes;
};
enum { CONSTANTS = SIMCLR_ROLE_slot, N_TOTALS }; // slots are made later, by the optimizer

struct table {
    struct sc_arena *arena;
    struct line *lines;
    size_t n_lines;
    struct total totals[N_TOTALS];
};

static const char *text_of(struct sc_arena *arena, struct sc_str *s)
{
    const char *const text = sc_arena_strdup(arena, sc_str_text(s));
    sc_str_free(s);
    return text;
}

static const char *init_of_param(struct sc_arena *arena, const struct sc_param *p)
{
    struct sc_str s = {0};
    sc_str_append(&s, sc_init_words[p->init]);
    if (p->init == SIMCLR_INIT_stored) return text_of(arena, &s);
    sc_str_append(&s, "(");
    sc_str_append_f64(&s, p->a);
    if (p->init != SIMCLR_INIT_constant) {
        sc_str_append(&s, ",");
        sc_str_append_f64(&s, p->b);
    }
    sc_str_append(&s, ")");
    return text_of(arena, &s);
}

// The value, if it is a single one.
static const char *init_of_constant(struct sc_arena *arena, const struct sc_value *v)
{
    if (simclr_shape_count(&v->shape) != 1 || v->dtype != SIMCLR_f32) return "stored";
    struct sc_str s = {0};
    sc_str_append(&s, "constant(");
    float value;
    memcpy(&value, v->data, sizeof value);
    sc_str_append_f32(&s, value);
    sc_str_append(&s, ")");
    return text_of(arena, &s);
}

static void add(struct table *t, size_t kind, const struct line *line)
{
    struct total *const total = &t->totals[kind];
    const int64_t n = simclr_shape_count(line->shape);
    SC_PUSH(t->arena, t->lines, t->n_lines) = *line;
    total->role = line->role;
    total->tensors++;
    total->elements += n;
    total->bytes += (uint64_t)n * simclr_dtype_size(line->dtype);
}

static const char *part_of_constant(const struct simclr_compilation *c,
                                    const struct sc_constant *k)
{
    const struct sc_import *const in = &c->import;
    if (in->loss_name && !strcmp(k->file, in->loss_name)) return "loss";
    return in->head_name && !strcmp(k->file, in->head_name) ? "head" : "encoder";
}

static struct table make_table(const struct simclr_compilation *c)
{
    struct table t = {.arena = c->module->arena};
    for (uint32_t i = 0; i < c->module->n_params; i++) {
        const struct sc_param *const p = c->module->params[i];
        if (p->role == SIMCLR_ROLE_slot) continue;
        add(&t, p->role,
            &(struct line){.name = p->name,
                           .role = sc_role_words[p->role],
                           .part = sc_part_words[p->part],
                           .dtype = p->dtype,
                           .shape = &p->shape,
                           .init = init_of_param(t.arena, p),
                           .is_decayed = p->role == SIMCLR_ROLE_trainable && !p->excluded});
    }
    for (size_t i = 0; i < c->import.n_constants; i++) {
        const struct sc_constant *const k = &c->import.constants[i];
        add(&t, CONSTANTS,
            &(struct line){.name = k->name,
                           .role = "constant",
                           .part = part_of_constant(c, k),
                           .dtype = k->value->dtype,
                           .shape = &k->value->shape,
                           .init = init_of_constant(t.arena, k->value)});
    }
    return t;
}

// Text.

enum { N_COLUMNS = 8 };
struct cells {
    const char *cell[N_COLUMNS];
};
static const struct cells head = {
    {"name", "shape", "elements", "role", "part", "starts as", "decay", "lars"}};
enum { ELEMENTS = 2 }; // the column that is flush right

static struct cells cells_of(struct sc_arena *arena, const struct line *line)
{
    struct sc_str shape = {0};
    sc_str_append_type(&shape, line->dtype, line->shape);
    const char *const yes = line->is_decayed ? "yes" : "no";
    return (struct cells){{line->name, text_of(arena, &shape),
                           sc_arena_printf(arena, "%" PRId64, simclr_shape_count(line->shape)),
                           line->role, line->part, line->init, yes, yes}};
}

static void print_row(const struct cells *row, const size_t *width, struct sc_str *out)
{
    for (int i = 0; i < N_COLUMNS; i++) {
        const char *const gap = i > 0 ? "  " : "";
        if (i == ELEMENTS)
            sc_str_printf(out, "%s%*s", gap, (int)width[i], row->cell[i]);
        else if (i + 1 < N_COLUMNS)
            sc_str_printf(out, "%s%-*s", gap, (int)width[i], row->cell[i]);
        else
            sc_str_printf(out, "%s%s\n", gap, row->cell[i]);
    }
}

static void print_table(const struct table *t, struct sc_str *out)
{
    struct cells *const rows = SC_NEW_ARRAY(t->arena, struct cells, t->n_lines + 1);
    size_t width[N_COLUMNS] = {0};
    rows[0] = head;
    for (size_t i = 0; i < t->n_lines; i++)
        rows[i + 1] = cells_of(t->arena, &t->lines[i]);
    for (size_t i = 0; i <= t->n_lines; i++) {
        for (int k = 0; k < N_COLUMNS; k++) {
            const size_t n = strlen(rows[i].cell[k]);
            if (n > width[k]) width[k] = n;
        }
    }
    for (size_t i = 0; i <= t->n_lines; i++)
        print_row(&rows[i], width, out);
    sc_str_append(out, "\n");
    for (size_t i = 0; i < N_TOTALS; i++) {
        const struct total *const total = &t->totals[i];
        if (total->tensors > 0)
            sc_str_printf(out, "%-9s  %" PRId64 " element%s in %zu tensor%s, %.2f MiB\n",
                          total->role, total->elements, total->elements == 1 ? "" : "s",
                          total->tensors, total->tensors == 1 ? "" : "s",
                          (double)total->bytes / 1048576.0);
    }
}

// JSON.

static void key(struct sc_str *out, const char *name, const char *value)
{
    sc_str_printf(out, "\"%s\": ", name);
    sc_str_append_json(out, value);
    sc_str_append(out, ", ");
}

static void print_json(const struct table *t, struct sc_str *out)
{
    sc_str_append(out, "{\n  \"version\": 1,\n  \"parameters\": [\n");
    for (size_t i = 0; i < t->n_lines; i++) {
        const struct line *const line = &t->lines[i];
        sc_str_append(out, "    {");
        key(out, "name", line->name);
        key(out, "dtype", simclr_dtype_name(line->dtype));
        sc_str_append(out, "\"shape\": ");
        sc_str_append_shape(out, line->shape);
        sc_str_printf(out, ", \"elements\": %" PRId64 ", ", simclr_shape_count(line->shape));
        key(out, "role", line->role);
        key(out, "part", line->part);
        key(out, "init", line->init);
        sc_str_printf(out, "\"decay\": %s, \"lars\": %s}%s\n",
                      line->is_decayed ? "true" : "false", line->is_decayed ? "true" : "false",
                      i + 1 < t->n_lines ? "," : "");
    }
    sc_str_append(out, "  ],\n  \"totals\": {");
    const char *separator = "";
    for (size_t i = 0; i < N_TOTALS; i++) {
        const struct total *const total = &t->totals[i];
        if (total->tensors == 0) continue;
        sc_str_printf(out,
                      "%s\n    \"%s\": {\"tensors\": %zu, \"elements\": %" PRId64
                      ", \"bytes\": %" PRIu64 "}",
                      separator, total->role, total->tensors, total->elements, total->bytes);
        separator = ",";
    }
    sc_str_append(out, "\n  }\n}\n");
}

simclr_status simclr_compilation_dump_params(struct simclr_compilation *c, const char *format,
                                             const char **out)
{
    if (c->reached < SIMCLR_STAGE_graph)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL, "stage 'graph' was not compiled");
    const bool is_json = !strcmp(format, "json");
    if (!is_json && strcmp(format, "text") != 0)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL,
                       "parameters cannot be printed as '%s', expected text or json", format);
    const struct table t = make_table(c);
    sc_str_clear(&c->dump);
    (is_json ? print_json : print_table)(&t, &c->dump);
    *out = sc_str_text(&c->dump);
    return SIMCLR_OK;
}
