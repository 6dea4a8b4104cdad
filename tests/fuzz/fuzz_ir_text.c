// SPDX-License-Identifier: Apache-2.0
//
// IR text: what parses prints as text that parses to the same.
#include "tests/fuzz/input.h"

#include "compiler/ir/text.h"

#include <stdlib.h>
#include <string.h>

// False if the text is refused.
static bool print_again(const char *text, size_t size, struct sc_str *out)
{
    struct simclr_diag diag = fuzz_quiet_diag();
    struct sc_module *const m = sc_module_new(&diag);
    struct sc_graph **graphs;
    uint32_t n = 0;
    const bool ok = sc_parse_text(m, "fuzz.ir", text, size, &graphs, &n) == SIMCLR_OK;
    for (uint32_t i = 0; ok && i < n; i++)
        sc_print_text(graphs[i], out);
    sc_module_free(m);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str once = {0}, twice = {0};
    if (print_again((const char *)data, size, &once)) {
        if (!print_again(sc_str_text(&once), once.size, &twice)) abort();
        if (strcmp(sc_str_text(&once), sc_str_text(&twice)) != 0) abort();
    }
    sc_str_free(&once);
    sc_str_free(&twice);
    return 0;
}
