// SPDX-License-Identifier: Apache-2.0
//
// The command line of both programs: a table of options for each command, from
// which parsing, --help and the messages about mistakes are made. Values land
// in a struct of the command's own, at the offset its row names.
#ifndef SIMCLR_OPTIONS_H
#define SIMCLR_OPTIONS_H

#include <simclr/types.h>

enum simclr_option_kind {
    SIMCLR_OPTION_heading,  // no option: `help` is a title in the list of options
    SIMCLR_OPTION_flag,     // bool; takes no value
    SIMCLR_OPTION_text,     // const char *, borrowed from argv
    SIMCLR_OPTION_optional, // const char *: --name=VALUE, or --name alone, which gives `implied`
    SIMCLR_OPTION_integer,  // int64_t, at least `at_least`
    SIMCLR_OPTION_number,   // double, finite, at least `at_least`
    SIMCLR_OPTION_list      // struct simclr_texts; may be given again and again
};

// Everything a repeated option, or the arguments without one, were given. Options
// that share one list keep their common order: `option` says which gave the item.
enum { SIMCLR_MAX_TEXTS = 64 };
struct simclr_texts {
    size_t n;
    const char *item[SIMCLR_MAX_TEXTS];
    const char *option[SIMCLR_MAX_TEXTS]; // its name; NULL of arguments without one
};

struct simclr_option {
    enum simclr_option_kind kind;
    char letter; // of the short form; 0: none
    bool is_required;
    const char *name;    // without dashes
    size_t offset;       // of the value in the command's struct
    const char *metavar; // what the value is called in --help; NULL: the choices
    const char *choices; // of a text: the only values allowed, "linear|sqrt|none"; NULL: any
    const char *implied; // of an optional
    int64_t at_least;
    const char *help; // lower case, no full stop; may hold newlines
};

// Arguments that belong to no option: `metavar` at `offset`, a struct simclr_texts.
struct simclr_operands {
    const char *metavar; // NULL: the command takes none
    size_t min, max;
    size_t offset;
};

struct simclr_command {
    const char *program;  // "simclr"
    const char *name;     // "train"; NULL for a program without commands
    const char *usage;    // what follows the name: "P.scp --data SPEC [options]"
    const char *about;    // whole sentences
    const char *examples; // one to a line, indented by two
    struct simclr_operands operands;
    const struct simclr_option *options;
    size_t n_options;
};

// Parses argv[1 .. argc-1] into `values`, which holds the defaults. Options may
// stand before, between and after operands; "--" ends them. --help and -h print
// to stdout. True: run the command. False: leave with *exit_code, everything is
// said.
bool simclr_options_parse(const struct simclr_command *command, int argc,
                          const char *const *argv, void *values, struct simclr_diag *diag,
                          int *exit_code);

// What --help prints; returns 0 or -1 if stdout fails.
int simclr_options_help(const struct simclr_command *command);

// The name most like `word`, or NULL if none is like it. For "unknown" messages.
const char *simclr_nearest(const char *word, const char *const *names, size_t n);

// Says something to the user in the common form `locus: severity: text`; locus
// NULL is diag->program.
void simclr_report(struct simclr_diag *diag, enum simclr_severity severity, const char *locus,
                   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
