// SPDX-License-Identifier: Apache-2.0
//
// The commands of simclr and what they print with. Results go to stdout, all
// else to stderr.
#ifndef SC_CLI_COMMANDS_H
#define SC_CLI_COMMANDS_H

#include <simclr/options.h>

// Each takes its own arguments, argv[0] being its name, and returns an exit code.
int sc_cli_train(int argc, const char *const *argv, struct simclr_diag *diag);
int sc_cli_eval(int argc, const char *const *argv, struct simclr_diag *diag);
int sc_cli_embed(int argc, const char *const *argv, struct simclr_diag *diag);
int sc_cli_export(int argc, const char *const *argv, struct simclr_diag *diag);
int sc_cli_run(int argc, const char *const *argv, struct simclr_diag *diag);
int sc_cli_step(int argc, const char *const *argv, struct simclr_diag *diag);
int sc_cli_info(int argc, const char *const *argv, struct simclr_diag *diag);

// To stderr; what cannot be said there cannot be said at all.
void sc_cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
// To stdout; sc_cli_finish tells if that failed.
void sc_cli_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
// A JSON string to stdout, quoted and escaped.
void sc_cli_print_json_text(const char *text);
// The exit code of a command that ended with `status` and printed its results.
int sc_cli_finish(struct simclr_diag *diag, simclr_status status);

#endif
