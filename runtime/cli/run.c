// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/commands.h"

#include <simclr/run.h>

#include <inttypes.h>
#include <math.h>

struct arguments {
    struct simclr_texts program;
    struct simclr_texts input, expect;
    double rtol, atol;
    const char *output;
    int64_t threads;
    bool json;
};

#define AT(field) offsetof(struct arguments, field)
static const struct simclr_option options[] = {
    {SIMCLR_OPTION_list, .name = "input", .offset = AT(input), .metavar = "[NAME=]X.npy",
     .help = "an input, in the model's order or by name; other types of numbers are\n"
             "converted if no value changes, floats are rounded to f32"},
    {SIMCLR_OPTION_list, .name = "expect", .offset = AT(expect), .metavar = "[NAME=]Y.npy",
     .help = "what an output must be; the exit code is 4 if one is not"},
    {SIMCLR_OPTION_number, .name = "rtol", .offset = AT(rtol), .metavar = "R",
     .help = "allowed difference of floats, of the expected value (1e-3)"},
    {SIMCLR_OPTION_number, .name = "atol", .offset = AT(atol), .metavar = "A",
     .help = "the same, absolute, added to it (1e-7)"},
    {SIMCLR_OPTION_text, .letter = 'o', .name = "output", .offset = AT(output),
     .metavar = "DIR", .help = "folder to make, with NAME.npy for each output"},
    {SIMCLR_OPTION_integer, .name = "threads", .offset = AT(threads), .metavar = "N",
     .at_least = 1, .help = "one per core is the default"},
    {SIMCLR_OPTION_flag, .name = "json", .offset = AT(json),
     .help = "print the result as JSON"},
};
#undef AT

static const struct simclr_command command = {
    .program = "simclr",
    .name = "run",
    .usage = "P.scp --input A.npy ... [--expect Y.npy ...] [-o DIR] [options]",
    .about =
        "Runs a program that was compiled with 'simclrc --loss none', and prints what its\n"
        "outputs are like.",
    .examples = "  simclr run net.scp --input x.npy -o out\n"
                "  simclr run net.scp --input x=a.npy --input mask=b.npy --json\n"
                "  simclr run net.scp --input x.npy --expect y.npy --rtol 1e-4",
    .operands = {"P.scp", 1, 1, offsetof(struct arguments, program)},
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

static void print_shape(const struct simclr_shape *shape)
{
    sc_cli_print("[");
    for (int32_t i = 0; i < shape->rank; i++)
        sc_cli_print("%s%" PRId64, i > 0 ? "," : "", shape->dim[i]);
    sc_cli_print("]");
}

// JSON has no infinities.
static void print_json_number(const char *key, double x)
{
    if (isfinite(x))
        sc_cli_print(",\"%s\":%.9g", key, x);
    else
        sc_cli_print(",\"%s\":\"%s\"", key, isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
}

static void print_json(const struct simclr_run_result *r)
{
    sc_cli_print("{\"outputs\":[");
    for (size_t i = 0; i < r->n_outputs; i++) {
        const struct simclr_run_output *const o = &r->outputs[i];
        sc_cli_print("%s{\"name\":", i > 0 ? "," : "");
        sc_cli_print_json_text(o->name);
        sc_cli_print(",\"type\":\"%s\",\"shape\":", simclr_dtype_name(o->dtype));
        print_shape(&o->shape);
        sc_cli_print(",\"numbers\":%" PRId64, o->n_numbers);
        if (o->n_numbers > 0) {
            print_json_number("min", o->min);
            print_json_number("max", o->max);
            print_json_number("mean", o->mean);
        }
        if (o->file[0]) {
            sc_cli_print(",\"file\":");
            sc_cli_print_json_text(o->file);
        }
        if (o->is_compared) sc_cli_print(",\"wrong\":%" PRId64, o->n_wrong);
        if (o->n_wrong > 0) {
            sc_cli_print(",\"element\":%" PRId64, o->worst);
            print_json_number("found", o->found);
            print_json_number("expected", o->expected);
        }
        sc_cli_print("}");
    }
    sc_cli_print("]}\n");
}

static void print_table(const struct arguments *a, const struct simclr_run_result *r)
{
    for (size_t i = 0; i < r->n_outputs; i++) {
        const struct simclr_run_output *const o = &r->outputs[i];
        sc_cli_print("%s %s", o->name, simclr_dtype_name(o->dtype));
        print_shape(&o->shape);
        if (o->n_numbers > 0)
            sc_cli_print("  min %.6g, max %.6g, mean %.6g", o->min, o->max, o->mean);
        int64_t count = 1;
        for (int32_t k = 0; k < o->shape.rank; k++)
            count *= o->shape.dim[k];
        if (o->n_numbers < count) sc_cli_print("  %" PRId64 " NaN", count - o->n_numbers);
        if (o->is_compared) sc_cli_print("  %s", o->n_wrong > 0 ? "WRONG" : "as expected");
        if (o->file[0]) sc_cli_print("  %s/%s", a->output, o->file);
        sc_cli_print("\n");
    }
}

int sc_cli_run(int argc, const char *const *argv, struct simclr_diag *diag)
{
    struct arguments a = {.rtol = 1e-3, .atol = 1e-7};
    int exit_code;
    if (!simclr_options_parse(&command, argc, argv, &a, diag, &exit_code)) return exit_code;
    const struct simclr_run_options o = {.program = a.program.item[0],
                                         .inputs = a.input.item,
                                         .n_inputs = a.input.n,
                                         .expected = a.expect.item,
                                         .n_expected = a.expect.n,
                                         .rtol = a.rtol,
                                         .atol = a.atol,
                                         .out = a.output,
                                         .threads = a.threads};
    struct simclr_run_result r;
    const simclr_status status = simclr_run(&o, diag, &r);
    const bool has_result = status == SIMCLR_OK || status == SIMCLR_WRONG_RESULT;
    if (has_result && a.json) print_json(&r);
    if (has_result && !a.json) print_table(&a, &r);
    simclr_run_result_free(&r);
    return sc_cli_finish(diag, status);
}
