// SPDX-License-Identifier: Apache-2.0
//
// Looking inside a compilation: dumps of stages, the memory plan as a table, and
// the lists of stages and passes.
#include "compiler/compilation.h"

#include "compiler/ir/text.h"

#include <string.h>

static const struct {
    const char *name, *about;
} stages[SIMCLR_N_STAGES + 1] = {
#define STAGE(name, about) {#name, about},
#include <simclr/stages.def>
#undef STAGE
    {NULL, NULL},
};

const char *simclr_stage_name(size_t i)
{
    return i < SIMCLR_N_STAGES ? stages[i].name : NULL;
}

const char *simclr_stage_about(size_t i)
{
    return i < SIMCLR_N_STAGES ? stages[i].about : NULL;
}

const char *simclr_pass_name(size_t i)
{
    return i < sc_n_passes ? sc_passes[i].name : NULL;
}

const char *simclr_pass_about(size_t i)
{
    return i < sc_n_passes ? sc_passes[i].about : NULL;
}

bool simclr_pass_is_required(size_t i)
{
    return i < sc_n_passes && sc_passes[i].required;
}

static simclr_status find_entry(struct simclr_compilation *c, const char *name, int *out)
{
    struct sc_str known = {0};
    for (int e = 0; e < SC_N_ENTRIES; e++) {
        if (!sc_has_entry(c, (enum sc_entry_kind)e)) continue;
        const char *const entry = sc_entry_name((enum sc_entry_kind)e);
        if (!strcmp(name, entry)) {
            sc_str_free(&known);
            *out = e;
            return SIMCLR_OK;
        }
        sc_str_printf(&known, "%s%s", known.size > 0 ? ", " : "", entry);
    }
    const simclr_status status =
        sc_fail(c->diag, SIMCLR_USAGE, NULL, "there is no entry '%s', expected one of %s", name,
                sc_str_text(&known));
    sc_str_free(&known);
    return status;
}

static void print_models(struct sc_onnx_model *const *models, size_t n, struct sc_str *out)
{
    for (size_t i = 0; i < n; i++)
        sc_onnx_print(models[i], out);
}

simclr_status simclr_compilation_dump(struct simclr_compilation *c, enum simclr_stage stage,
                                      const char *entry, const char *format, const char **out)
{
    static const struct {
        const char *name;
        void (*print)(const struct sc_graph *g, struct sc_str *out);
        void (*print_models)(struct sc_onnx_model *const *models, size_t n, struct sc_str *out);
    } formats[] = {
        {"text", sc_print_text, print_models},
        {"dot", sc_print_dot, sc_onnx_print_dot},
        {"json", sc_print_json, sc_onnx_print_json},
    };

    if (stage > c->reached)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL, "stage '%s' was not compiled",
                       stages[stage].name);
    int e = sc_has_entry(c, SC_ENTRY_run) ? SC_ENTRY_run : SC_ENTRY_train;
    if (entry) SC_TRY(find_entry(c, entry, &e));
    sc_str_clear(&c->dump);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(format, formats[i].name) != 0) continue;
        if (stage == SIMCLR_STAGE_onnx)
            formats[i].print_models(c->models, c->n_models, &c->dump);
        else
            formats[i].print(c->graphs[e][stage], &c->dump);
        *out = sc_str_text(&c->dump);
        return SIMCLR_OK;
    }
    return sc_fail(c->diag, SIMCLR_USAGE, NULL,
                   "there is no format '%s', expected text, dot or json", format);
}

static void add_row(struct sc_str *out, const char *what, uint64_t bytes, const char *note)
{
    sc_str_printf(out, "  %-22s %10.1f MiB%s%s\n", what, (double)bytes / 1048576.0,
                  *note ? "   " : "", note);
}

// Bytes of the persistent region by what they are for.
static void add_params(const struct sc_module *m, struct sc_str *out)
{
    static const char *const names[] = {
        [SIMCLR_ROLE_trainable] = "parameters",
        [SIMCLR_ROLE_frozen] = "frozen parameters",
        [SIMCLR_ROLE_statistic] = "running statistics",
        [SIMCLR_ROLE_slot] = "optimizer state",
    };
    for (size_t role = 0; role < sizeof names / sizeof *names; role++) {
        uint64_t bytes = 0, elements = 0;
        for (uint32_t i = 0; i < m->n_params; i++) {
            const struct sc_param *p = m->params[i];
            const uint64_t n = (uint64_t)simclr_shape_count(&p->shape);
            if ((size_t)p->role == role) {
                elements += n;
                bytes += n * simclr_dtype_size(p->dtype);
            }
        }
        if (bytes)
            add_row(out, names[role], bytes,
                    sc_arena_printf(m->arena, "%llu values", (unsigned long long)elements));
    }
}

const char *simclr_compilation_plan_summary(struct simclr_compilation *c)
{
    sc_str_clear(&c->summary);
    if (c->reached < SIMCLR_STAGE_plan) return "";
    uint64_t arena = 0, scratch = 0;
    int largest = 0;
    for (int e = 0; e < SC_N_ENTRIES; e++) {
        const struct sc_graph *g = c->graphs[e][SIMCLR_STAGE_plan];
        if (!g) continue;
        if (g->arena_bytes > arena) {
            arena = g->arena_bytes;
            largest = e;
        }
        SC_FOR_EACH_NODE(g, n)
        {
            if (n->kernel.scratch_bytes > scratch) scratch = n->kernel.scratch_bytes;
        }
    }
    add_params(c->module, &c->summary);
    const char *const note =
        sc_has_entry(c, SC_ENTRY_run)
            ? "entry run"
            : sc_arena_printf(c->module->arena, "entry %s, %lld rows of %lldx%lldx%lld",
                              sc_entry_name((enum sc_entry_kind)largest),
                              (long long)c->import.rows, (long long)c->import.channels,
                              (long long)c->import.height, (long long)c->import.width);
    add_row(&c->summary, "arena", arena, note);
    add_row(&c->summary, "scratch", scratch, "for each thread");
    return sc_str_text(&c->summary);
}
