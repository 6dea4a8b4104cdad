// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/commands.h"

#include <simclr/train.h>

#include <inttypes.h>

struct arguments {
    struct simclr_texts program;
    const char *input, *labels, *params, *grads;
    int64_t threads;
    bool json;
};

#define AT(field) offsetof(struct arguments, field)
static const struct simclr_option options[] = {
    {SIMCLR_OPTION_text, .name = "input", .offset = AT(input), .is_required = true,
     .metavar = "X.npy", .help = "normalised images, f32 [rows, channels, height, width]"},
    {SIMCLR_OPTION_text, .name = "labels", .offset = AT(labels), .metavar = "L.npy",
     .help = "i64 [rows], if the program's loss wants them"},
    {SIMCLR_OPTION_text, .name = "params", .offset = AT(params), .metavar = "FILE",
     .help = "safetensors with all parameters by name; BN statistics may be\n"
             "missing (the program's initial values)"},
    {SIMCLR_OPTION_text, .name = "grads", .offset = AT(grads), .metavar = "FILE",
     .help = "safetensors to write, gradients by the parameters' names"},
    {SIMCLR_OPTION_integer, .name = "threads", .offset = AT(threads), .metavar = "N",
     .at_least = 1, .help = "one per core is the default"},
    {SIMCLR_OPTION_flag, .name = "json", .offset = AT(json),
     .help = "print the result as JSON"},
};
#undef AT

static const struct simclr_command command = {
    .program = "simclr",
    .name = "step",
    .usage = "P.scp --input X.npy [--grads FILE] [options]",
    .about = "Runs one forward and backward pass over a given batch and prints the loss.\n"
             "Nothing is updated.",
    .examples = "  simclr step r18.scp --input x.npy --grads g.safetensors\n"
                "  simclr step r18.scp --input x.npy --params p.safetensors --json",
    .operands = {"P.scp", 1, 1, offsetof(struct arguments, program)},
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

static void print_result(const struct arguments *a, const struct simclr_step_result *r)
{
    if (a->json) {
        sc_cli_print("{\"loss\":%.9g", (double)r->loss);
        if (r->has_contrastive)
            sc_cli_print(",\"accuracy\":%.9g,\"entropy\":%.9g", (double)r->accuracy,
                         (double)r->entropy);
        sc_cli_print(",\"gradients\":%" PRId64 "}\n", r->n_grads);
        return;
    }
    sc_cli_print("loss %.9g\n", (double)r->loss);
    if (r->has_contrastive)
        sc_cli_print("accuracy %.9g\nentropy %.9g\n", (double)r->accuracy, (double)r->entropy);
    if (a->grads) sc_cli_print("%s: %" PRId64 " gradients\n", a->grads, r->n_grads);
}

int sc_cli_step(int argc, const char *const *argv, struct simclr_diag *diag)
{
    struct arguments a = {0};
    int exit_code;
    if (!simclr_options_parse(&command, argc, argv, &a, diag, &exit_code)) return exit_code;
    const struct simclr_step_options o = {.program = a.program.item[0],
                                          .input = a.input,
                                          .labels = a.labels,
                                          .params = a.params,
                                          .grads = a.grads,
                                          .threads = a.threads};
    struct simclr_step_result r;
    const simclr_status status = simclr_step(&o, diag, &r);
    if (status == SIMCLR_OK) print_result(&a, &r);
    return sc_cli_finish(diag, status);
}
