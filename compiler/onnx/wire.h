// SPDX-License-Identifier: Apache-2.0
//
// A look at protobuf's wire format before anything is unpacked. protobuf-c
// recurses per nested message and merges repeated ones, so that a small file can
// exhaust the stack or an afternoon; and it copies every tensor. The walk
// refuses the first two and spares us the third.
#ifndef SC_ONNX_WIRE_H
#define SC_ONNX_WIRE_H

#include <protobuf-c/protobuf-c.h>

#include "runtime/base/str.h"

enum { SC_WIRE_MAX_DEPTH = 64 };

// What takes the place of a tensor's raw_data in the lean copy.
struct sc_wire_ref {
    uint64_t offset, size; // in the bytes that were walked
};

// Walks a message of type `root`. On success `lean` holds the same message with
// every raw_data field replaced by the bytes of a struct sc_wire_ref, to be
// freed by the caller; on failure `error` (at least 200 bytes) says what is
// wrong and where.
bool sc_wire_walk(const ProtobufCMessageDescriptor *root, const uint8_t *data, size_t size,
                  struct sc_str *lean, char *error);

#endif
