// SPDX-License-Identifier: Apache-2.0
//
// The checksum of program files: FNV-1a over 64-bit little-endian words. It
// finds damage, not malice.
#ifndef SC_BASE_CHECKSUM_H
#define SC_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define SC_CHECKSUM_START UINT64_C(0xcbf29ce484222325)

// Continues `sum` over n bytes; a tail shorter than 8 bytes counts as padded
// with zeros, so only the last piece may have one.
uint64_t sc_checksum(uint64_t sum, const void *data, size_t n);

#endif
