// SPDX-License-Identifier: Apache-2.0
#include "compiler/onnx/library.h"

#include <simclr/compiler.h>

#include <string.h>

const struct sc_library_model *sc_library_find(const char *name)
{
    for (const struct sc_library_model *model = sc_library; model->name; model++) {
        if (!strcmp(model->name, name)) return model;
    }
    return NULL;
}

// Counts rather than indexes, so that any `i` is allowed.
static const struct sc_library_model *row(size_t i)
{
    const struct sc_library_model *model = sc_library;
    while (model->name && i > 0) {
        model++;
        i--;
    }
    return model;
}

const char *simclr_model_name(size_t i)
{
    return row(i)->name;
}

const char *simclr_model_about(size_t i)
{
    return row(i)->about;
}
