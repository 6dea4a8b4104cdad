// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/commands.h"

#include <simclr/runtime.h>

#include <inttypes.h>

struct arguments {
    struct simclr_texts program;
    bool json;
};

static const struct simclr_option options[] = {
    {SIMCLR_OPTION_flag, .name = "json", .offset = offsetof(struct arguments, json),
     .help = "print as JSON"},
};

static const struct simclr_command command = {
    .program = "simclr",
    .name = "info",
    .usage = "P.scp [--json]",
    .about = "Says what a program file holds: models, parameters, entries, memory.",
    .examples = "  simclr info r18.scp",
    .operands = {"P.scp", 1, 1, offsetof(struct arguments, program)},
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

// Elements and tensors of each role.
struct count {
    int64_t tensors, elements;
};
enum { N_ROLES = SIMCLR_ROLE_slot + 1 };

static const char *const role_names[N_ROLES] = {
    [SIMCLR_ROLE_trainable] = "trainable",
    [SIMCLR_ROLE_frozen] = "frozen",
    [SIMCLR_ROLE_statistic] = "statistics",
    [SIMCLR_ROLE_slot] = "optimizer",
};

static void count_params(const struct simclr_sections *s, struct count count[N_ROLES])
{
    for (uint64_t i = 0; i < s->n_params; i++) {
        const struct simclr_param *const p = &s->params[i];
        int64_t n = 1;
        for (int32_t k = 0; k < p->rank; k++)
            n *= p->dim[k];
        count[p->role].tensors++;
        count[p->role].elements += n;
    }
}

static void print_texts(const struct simclr_program *program, bool is_json)
{
    const struct simclr_meta *const m = simclr_program_sections(program)->meta;
    const struct {
        const char *name;
        uint32_t text;
    } texts[] = {{"compiler", m->compiler},
                 {"encoder", m->encoder},
                 {"head", m->head},
                 {"loss", m->loss},
                 {"optimizer", m->optimizer}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *const text = simclr_program_string(program, texts[i].text);
        if (!is_json) {
            if (text[0]) sc_cli_print("%-12s %s\n", texts[i].name, text);
            continue;
        }
        sc_cli_print("\"%s\":", texts[i].name);
        sc_cli_print_json_text(text);
        sc_cli_print(",");
    }
}

static void print_json_ports(const struct simclr_program *program, const char *what,
                             uint32_t first, uint32_t n)
{
    const struct simclr_sections *const s = simclr_program_sections(program);
    sc_cli_print(",\"%s\":[", what);
    for (uint32_t i = 0; i < n; i++) {
        const struct simclr_port *const port = &s->ports[first + i];
        const struct simclr_value *const v = &s->values[port->value];
        sc_cli_print("%s{\"name\":", i > 0 ? "," : "");
        sc_cli_print_json_text(simclr_program_string(program, port->name));
        sc_cli_print(",\"type\":\"%s\",\"shape\":[", simclr_dtype_name((simclr_dtype)v->dtype));
        for (int32_t k = 0; k < v->rank; k++)
            sc_cli_print("%s%" PRId64, k > 0 ? "," : "", v->dim[k]);
        sc_cli_print("]}");
    }
    sc_cli_print("]");
}

static void print_json(const struct simclr_program *program)
{
    const struct simclr_sections *const s = simclr_program_sections(program);
    const struct simclr_meta *const m = s->meta;
    struct count count[N_ROLES] = {{0}};
    count_params(s, count);
    sc_cli_print("{");
    print_texts(program, true);
    sc_cli_print("\"batch\":%" PRId64 ",\"rows\":%" PRId64 ",\"two_views\":%s", m->batch,
                 m->rows, m->two_views ? "true" : "false");
    sc_cli_print(",\"channels\":%" PRId64 ",\"height\":%" PRId64 ",\"width\":%" PRId64,
                 m->channels, m->height, m->width);
    sc_cli_print(",\"h_dim\":%" PRId64 ",\"z_dim\":%" PRId64 ",\"n_classes\":%" PRId64
                 ",\"temperature\":%.9g,\"seed\":%" PRIu64,
                 m->h_dim, m->z_dim, m->n_classes, m->temperature, m->seed);
    sc_cli_print(",\"persistent_bytes\":%" PRIu64 ",\"arena_bytes\":%" PRIu64
                 ",\"scratch_bytes\":%" PRIu64 ",\"constant_bytes\":%" PRIu64
                 ",\"parameters\":{",
                 m->persistent_bytes, m->arena_bytes, m->scratch_bytes, s->n_constants);
    for (int i = 0; i < N_ROLES; i++)
        sc_cli_print("%s\"%s\":{\"tensors\":%" PRId64 ",\"elements\":%" PRId64 "}",
                     i > 0 ? "," : "", role_names[i], count[i].tensors, count[i].elements);
    sc_cli_print("},\"entries\":[");
    for (uint64_t i = 0; i < s->n_entries; i++) {
        sc_cli_print("%s{\"name\":", i > 0 ? "," : "");
        sc_cli_print_json_text(simclr_program_string(program, s->entries[i].name));
        const struct simclr_entry *const e = &s->entries[i];
        sc_cli_print(",\"instructions\":%" PRIu32 ",\"arena_bytes\":%" PRIu64, e->n_instrs,
                     e->arena_bytes);
        print_json_ports(program, "inputs", e->first_input, e->n_inputs);
        print_json_ports(program, "outputs", e->first_output, e->n_outputs);
        sc_cli_print("}");
    }
    sc_cli_print("]}\n");
}

// The ports of an entry, as types by name.
static void print_ports(const struct simclr_program *program, const char *what, uint32_t first,
                        uint32_t n)
{
    const struct simclr_sections *const s = simclr_program_sections(program);
    for (uint32_t i = 0; i < n; i++) {
        const struct simclr_port *const port = &s->ports[first + i];
        const struct simclr_value *const v = &s->values[port->value];
        sc_cli_print("%-12s %s %s[", what, simclr_program_string(program, port->name),
                     simclr_dtype_name((simclr_dtype)v->dtype));
        for (int32_t k = 0; k < v->rank; k++)
            sc_cli_print("%s%" PRId64, k > 0 ? "," : "", v->dim[k]);
        sc_cli_print("]\n");
    }
}

// What a step is, of a program that trains; else what goes in and comes out.
static void print_shapes(const struct simclr_program *program)
{
    const struct simclr_meta *const m = simclr_program_sections(program)->meta;
    const struct simclr_entry *const run = simclr_program_entry(program, "run");
    if (run) {
        print_ports(program, "input", run->first_input, run->n_inputs);
        print_ports(program, "output", run->first_output, run->n_outputs);
        return;
    }
    sc_cli_print("%-12s %" PRId64 " images, %" PRId64 " rows of %" PRId64 "x%" PRId64
                 "x%" PRId64 "%s\n",
                 "step", m->batch, m->rows, m->channels, m->height, m->width,
                 m->two_views ? ", two views of each" : "");
    sc_cli_print("%-12s h %" PRId64 ", z %" PRId64 "\n", "features", m->h_dim, m->z_dim);
}

static double mebibytes(uint64_t bytes)
{
    return (double)bytes / (1024.0 * 1024.0);
}

static void print_table(const struct simclr_program *program)
{
    const struct simclr_sections *const s = simclr_program_sections(program);
    const struct simclr_meta *const m = s->meta;
    struct count count[N_ROLES] = {{0}};
    count_params(s, count);
    print_texts(program, false);
    print_shapes(program);
    if (m->temperature > 0) sc_cli_print("%-12s %g\n", "temperature", m->temperature);
    for (int i = 0; i < N_ROLES; i++)
        sc_cli_print("%-12s %" PRId64 " elements in %" PRId64 " tensors\n", role_names[i],
                     count[i].elements, count[i].tensors);
    sc_cli_print("%-12s persistent %.1f, arena %.1f, constants %.1f, scratch per thread %.1f "
                 "MiB\n",
                 "memory", mebibytes(m->persistent_bytes), mebibytes(m->arena_bytes),
                 mebibytes(s->n_constants), mebibytes(m->scratch_bytes));
    for (uint64_t i = 0; i < s->n_entries; i++)
        sc_cli_print("%-12s %s: %" PRIu32 " instructions, arena %.1f MiB\n", "entry",
                     simclr_program_string(program, s->entries[i].name), s->entries[i].n_instrs,
                     mebibytes(s->entries[i].arena_bytes));
}

int sc_cli_info(int argc, const char *const *argv, struct simclr_diag *diag)
{
    struct arguments a = {0};
    int exit_code;
    if (!simclr_options_parse(&command, argc, argv, &a, diag, &exit_code)) return exit_code;
    struct simclr_program *program;
    const simclr_status status = simclr_program_open(a.program.item[0], diag, &program);
    if (status != SIMCLR_OK) return simclr_exit_code(status);
    if (a.json)
        print_json(program);
    else
        print_table(program);
    simclr_program_free(program);
    return sc_cli_finish(diag, SIMCLR_OK);
}
