// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/passes.h"

#include <string.h>

const struct sc_pass sc_passes[] = {
#define PASS(stem, text, in_stage, is_required, what)                                          \
    {.name = text,                                                                             \
     .stage = SIMCLR_STAGE_##in_stage,                                                         \
     .required = is_required,                                                                  \
     .run = sc_pass_##stem,                                                                    \
     .about = what},
#include "compiler/passes/passes.def"
#undef PASS
};

const size_t sc_n_passes = sizeof sc_passes / sizeof *sc_passes;

const struct sc_pass *sc_pass_find(const char *name)
{
    for (size_t i = 0; i < sc_n_passes; i++) {
        if (strcmp(sc_passes[i].name, name) == 0) return &sc_passes[i];
    }
    return NULL;
}
