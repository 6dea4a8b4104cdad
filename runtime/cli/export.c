// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/commands.h"

#include <simclr/train.h>

#include <inttypes.h>

struct arguments {
    struct simclr_texts run;
    const char *out;
    bool json;
};

#define AT(field) offsetof(struct arguments, field)
static const struct simclr_option options[] = {
    {SIMCLR_OPTION_text, .letter = 'o', .name = "out", .offset = AT(out), .is_required = true,
     .metavar = "F.onnx", .help = "the file to write"},
    {SIMCLR_OPTION_flag, .name = "json", .offset = AT(json),
     .help = "print the result as JSON"},
};
#undef AT

static const struct simclr_command command = {
    .program = "simclr",
    .name = "export",
    .usage = "RUN -o F.onnx [options]",
    .about = "Writes the encoder with the parameters of a run's newest checkpoint, or of one\n"
             "checkpoint's folder, as ONNX. The projection head is left out.",
    .examples = "  simclr export runs/a -o encoder.onnx\n"
                "  simclr export runs/a/checkpoints/step-00000500 -o early.onnx",
    .operands = {"RUN", 1, 1, offsetof(struct arguments, run)},
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

int sc_cli_export(int argc, const char *const *argv, struct simclr_diag *diag)
{
    struct arguments a = {0};
    int exit_code;
    if (!simclr_options_parse(&command, argc, argv, &a, diag, &exit_code)) return exit_code;
    struct simclr_export_result r;
    const simclr_status status = simclr_export(a.run.item[0], a.out, diag, &r);
    if (status == SIMCLR_OK && a.json) {
        sc_cli_print("{\"file\":");
        sc_cli_print_json_text(a.out);
        sc_cli_print(",\"step\":%" PRId64 ",\"bytes\":%" PRIu64 "}\n", r.step, r.bytes);
    } else if (status == SIMCLR_OK) {
        sc_cli_print("%s: the encoder of step %" PRId64 ", %" PRIu64 " bytes\n", a.out, r.step,
                     r.bytes);
    }
    return sc_cli_finish(diag, status);
}
