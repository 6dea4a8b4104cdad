// SPDX-License-Identifier: Apache-2.0
//
// A model's file, as bytes: the walk over the wire format, protobuf, import and
// every stage behind it.
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_compile(data, size);
    return 0;
}
