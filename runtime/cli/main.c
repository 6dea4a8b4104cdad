// SPDX-License-Identifier: Apache-2.0
//
// simclr: trains programs that simclrc made, and uses what they learnt.
#include "runtime/cli/commands.h"

#include <string.h>

struct command {
    const char *name, *about;
    int (*run)(int argc, const char *const *argv, struct simclr_diag *diag);
};

static const struct command commands[] = {
    {"train", "train a program on images", sc_cli_train},
    {"eval", "measure how good the features of a run are", sc_cli_eval},
    {"embed", "write the features of images to a file", sc_cli_embed},
    {"export", "write the trained encoder as ONNX", sc_cli_export},
    {"step", "one forward and backward pass over a given batch", sc_cli_step},
    {"run", "compute a model's outputs from given inputs", sc_cli_run},
    {"info", "what is in a program file", sc_cli_info},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static int print_help(struct simclr_diag *diag)
{
    sc_cli_print("usage: simclr COMMAND [options]\n\n"
                 "Trains programs that simclrc compiled, and uses what they learnt.\n\n"
                 "Commands:\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        sc_cli_print("  %-8s %s\n", commands[i].name, commands[i].about);
    sc_cli_print("\nExamples:\n"
                 "  simclr train r18.scp --data cifar10:data --epochs 200 --out runs/a\n"
                 "  simclr eval runs/a --data cifar10:data --probe linear,knn\n"
                 "  simclr export runs/a -o encoder.onnx\n"
                 "  simclr train --help\n");
    return sc_cli_finish(diag, SIMCLR_OK);
}

static int refuse(struct simclr_diag *diag, const char *name)
{
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i].name;
    simclr_report(diag, SIMCLR_ERROR, NULL, "unknown command '%s'", name);
    const char *const nearest = simclr_nearest(name, names, N_COMMANDS);
    if (nearest) simclr_report(diag, SIMCLR_HINT, NULL, "the nearest is '%s'", nearest);
    simclr_report(diag, SIMCLR_HINT, NULL, "'simclr --help' lists the commands");
    return simclr_exit_code(SIMCLR_USAGE);
}

int main(int argc, char **argv)
{
    struct simclr_diag diag = {.program = "simclr"};
    const char *const name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        simclr_report(&diag, SIMCLR_ERROR, NULL, "a command is missing");
        simclr_report(&diag, SIMCLR_HINT, NULL, "'simclr --help' lists the commands");
        return simclr_exit_code(SIMCLR_USAGE);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return print_help(&diag);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, (const char *const *)argv + 1, &diag);
    }
    return refuse(&diag, name);
}
