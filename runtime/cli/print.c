// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/commands.h"

#include <stdarg.h>
#include <stdio.h>

void sc_cli_say(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
}

void sc_cli_print(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
}

// Bytes from 0x80 on are passed on: file names are UTF-8 wherever it matters.
void sc_cli_print_json_text(const char *text)
{
    sc_cli_print("\"");
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            sc_cli_print("\\%c", *p);
        else if (*p < 0x20)
            sc_cli_print("\\u%04x", (unsigned)*p);
        else
            sc_cli_print("%c", *p);
    }
    sc_cli_print("\"");
}

int sc_cli_finish(struct simclr_diag *diag, simclr_status status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        simclr_report(diag, SIMCLR_ERROR, NULL, "cannot write to standard output");
        if (status == SIMCLR_OK) status = SIMCLR_IO;
    }
    return simclr_exit_code(status);
}
