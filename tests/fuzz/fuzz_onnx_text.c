// SPDX-License-Identifier: Apache-2.0
//
// A model in ONNX's textual syntax. Compiled as the bytes are; the mutations of
// text reach the importers far more often than those of bytes.
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    // What begins with the tag of ModelProto's first field would be read as bytes.
    if (size > 0 && data[0] < '\t') return 0;
    fuzz_compile(data, size);
    return 0;
}
