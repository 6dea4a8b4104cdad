// SPDX-License-Identifier: Apache-2.0
//
// The models that come with the compiler: the files of models/, embedded at
// build time by cmake/embed.cmake.
#ifndef SC_ONNX_LIBRARY_H
#define SC_ONNX_LIBRARY_H

#include <stddef.h>

struct sc_library_model {
    const char *name;  // "resnet18"; NULL ends the table
    const char *about; // the first line of its file
    const unsigned char *data;
    size_t size;
};
extern const struct sc_library_model sc_library[];

// NULL if there is none of that name.
const struct sc_library_model *sc_library_find(const char *name);

#endif
