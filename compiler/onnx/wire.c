// SPDX-License-Identifier: Apache-2.0
//
// Protocol Buffers, "Encoding": a message is a sequence of fields, each a tag
// (number and wire type) and a payload; a nested message is a payload with its
// length in front. The walk keeps its own stack and is driven by the generated
// descriptors. Lengths of enclosing messages change when raw_data shrinks, so
// they are written as five-byte varints, which leaves room to fill them in later.
#include "compiler/onnx/wire.h"

#include "onnx/onnx.pb-c.h"

#include "runtime/base/checked.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WIRE_VARINT, WIRE_64BIT, WIRE_BYTES, WIRE_32BIT = 5 };
enum { LENGTH_BYTES = 5, RAW_DATA = 9, ATTRIBUTE_PROTO = 11, ERROR_SIZE = 200 };

struct frame {
    const ProtobufCMessageDescriptor *type;
    size_t end;       // of the message, in the input
    size_t length_at; // of its length, in the lean copy
    uint64_t seen;    // singular message fields already met, by index in `type`
};

struct walk {
    const uint8_t *data;
    size_t at;
    struct frame stack[SC_WIRE_MAX_DEPTH];
    int depth;
    struct sc_str *lean;
    char *error;
};

static bool fail(const struct walk *w, size_t at, const char *what)
{
    (void)snprintf(w->error, ERROR_SIZE, "%s at byte %zu", what, at);
    return false;
}

static bool read_varint(struct walk *w, size_t end, uint64_t *out)
{
    const size_t start = w->at;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && w->at < end; shift += 7) {
        const uint8_t byte = w->data[w->at++];
        if (shift < 64) value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return fail(w, start, "a number is cut off");
}

static void write_varint(struct sc_str *out, uint64_t value)
{
    do {
        const char byte = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        sc_str_append_n(out, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

// Fills in the length of the message that ends here.
static void pop(struct walk *w)
{
    const struct frame *const f = &w->stack[--w->depth];
    if (w->depth == 0) return;
    uint64_t length = w->lean->size - (f->length_at + LENGTH_BYTES);
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        const uint64_t more = i + 1 < LENGTH_BYTES ? 0x80 : 0;
        w->lean->data[f->length_at + i] = (char)((length & 0x7f) | more);
        length >>= 7;
    }
}

static bool is_first(struct walk *w, size_t start, const ProtobufCFieldDescriptor *field)
{
    struct frame *const f = &w->stack[w->depth - 1];
    const unsigned index = (unsigned)(field - f->type->fields);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) return true;
    if (f->seen >> index & 1) return fail(w, start, "a field that may come once is repeated");
    f->seen |= UINT64_C(1) << index;
    return true;
}

static bool push(struct walk *w, size_t start, const ProtobufCMessageDescriptor *type,
                 size_t size)
{
    if (w->depth == SC_WIRE_MAX_DEPTH)
        return fail(w, start, "messages are nested deeper than 64 levels");
    w->stack[w->depth++] = (struct frame){
        .type = type,
        .end = w->at + size,
        .length_at = w->lean->size,
    };
    sc_str_append_n(w->lean, "\0\0\0\0", LENGTH_BYTES);
    return true;
}

// The payload of a field of wire type 2, whose tag has been copied already.
static bool take_bytes(struct walk *w, size_t start, unsigned number)
{
    const struct frame *const f = &w->stack[w->depth - 1];
    const ProtobufCFieldDescriptor *const field =
        protobuf_c_message_descriptor_get_field(f->type, number);
    uint64_t size;
    if (!read_varint(w, f->end, &size)) return false;
    if (size > f->end - w->at) return fail(w, start, "a field runs past the end");
    if (field && field->type == PROTOBUF_C_TYPE_MESSAGE)
        return is_first(w, start, field) && push(w, start, field->descriptor, (size_t)size);
    // Newer than the schema: the defaults of a function's attributes.
    if (f->type == &onnx__function_proto__descriptor && number == ATTRIBUTE_PROTO)
        return push(w, start, &onnx__attribute_proto__descriptor, (size_t)size);
    const uint8_t *const payload = w->data + w->at;
    if (field && field->type == PROTOBUF_C_TYPE_STRING && size > 0 &&
        memchr(payload, 0, (size_t)size))
        return fail(w, start, "a name with a NUL byte");
    if (f->type == &onnx__tensor_proto__descriptor && field && field->id == RAW_DATA) {
        const struct sc_wire_ref ref = {.offset = w->at, .size = size};
        write_varint(w->lean, sizeof ref);
        sc_str_append_n(w->lean, (const char *)&ref, sizeof ref);
    } else {
        write_varint(w->lean, size);
        sc_str_append_n(w->lean, (const char *)payload, (size_t)size);
    }
    w->at += (size_t)size;
    return true;
}

static bool take_field(struct walk *w)
{
    const struct frame *const f = &w->stack[w->depth - 1];
    const size_t start = w->at;
    uint64_t tag, number;
    if (!read_varint(w, f->end, &tag)) return false;
    const unsigned wire = (unsigned)(tag & 7);
    if (tag >> 3 == 0 || tag >> 3 > (1u << 29) - 1) return fail(w, start, "no field number");
    write_varint(w->lean, tag);
    if (wire == WIRE_BYTES) return take_bytes(w, start, (unsigned)(tag >> 3));
    if (wire == WIRE_VARINT) {
        if (!read_varint(w, f->end, &number)) return false;
        write_varint(w->lean, number);
        return true;
    }
    if (wire != WIRE_64BIT && wire != WIRE_32BIT) return fail(w, start, "an unknown wire type");
    const size_t size = wire == WIRE_64BIT ? 8 : 4;
    if (size > f->end - w->at) return fail(w, start, "a field runs past the end");
    sc_str_append_n(w->lean, (const char *)w->data + w->at, size);
    w->at += size;
    return true;
}

bool sc_wire_walk(const ProtobufCMessageDescriptor *root, const uint8_t *data, size_t size,
                  struct sc_str *lean, char *error)
{
    struct walk w = {.data = data, .depth = 1, .lean = lean, .error = error};
    w.stack[0] = (struct frame){.type = root, .end = size};
    while (w.depth > 0) {
        if (w.at == w.stack[w.depth - 1].end)
            pop(&w);
        else if (!take_field(&w))
            return false;
    }
    return true;
}
