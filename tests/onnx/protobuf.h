// SPDX-License-Identifier: Apache-2.0
//
// Binary models built by hand, byte by byte: protobuf's wire format.
#ifndef SC_TESTS_ONNX_PROTOBUF_H
#define SC_TESTS_ONNX_PROTOBUF_H

#include "runtime/base/str.h"

void put_varint(struct sc_str *s, uint64_t value);
void put_int(struct sc_str *s, unsigned field, uint64_t value);
void put_bytes(struct sc_str *s, unsigned field, const void *data, size_t n);
void put_text(struct sc_str *s, unsigned field, const char *text);
void put_message(struct sc_str *s, unsigned field, struct sc_str *message); // frees it

// ir_version 8 and opset 17.
struct sc_str new_model(void);
// float[2] w, without values.
struct sc_str new_weight(void);
// Opens the model as "m.onnx" and frees it; status and messages must be these.
void check_open(struct sc_str *bytes, simclr_status expected, const char *messages);

#endif
