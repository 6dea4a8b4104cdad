// SPDX-License-Identifier: Apache-2.0
//
// What fuzz targets share.
#ifndef SC_TESTS_FUZZ_INPUT_H
#define SC_TESTS_FUZZ_INPUT_H

#include <simclr/types.h>

// libFuzzer's entry: what it returns is 0. A target aborts if something is wrong.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Messages are formatted and thrown away; their number is bounded as for users.
struct simclr_diag fuzz_quiet_diag(void);

// Compiles the bytes of a model as `simclrc MODEL` and as `simclrc MODEL --dump` would.
void fuzz_compile(const uint8_t *data, size_t size);

#endif
