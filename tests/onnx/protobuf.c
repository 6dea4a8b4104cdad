// SPDX-License-Identifier: Apache-2.0
#include "tests/onnx/protobuf.h"

#include "tests/onnx/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void put_varint(struct sc_str *s, uint64_t value)
{
    do {
        const char byte = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        sc_str_append_n(s, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

void put_int(struct sc_str *s, unsigned field, uint64_t value)
{
    put_varint(s, field << 3);
    put_varint(s, value);
}

void put_bytes(struct sc_str *s, unsigned field, const void *data, size_t n)
{
    put_varint(s, field << 3 | 2);
    put_varint(s, n);
    sc_str_append_n(s, data, n);
}

void put_text(struct sc_str *s, unsigned field, const char *text)
{
    put_bytes(s, field, text, strlen(text));
}

void put_message(struct sc_str *s, unsigned field, struct sc_str *message)
{
    put_bytes(s, field, sc_str_text(message), message->size);
    sc_str_free(message);
}

// ir_version 8 and opset 17.
struct sc_str new_model(void)
{
    struct sc_str model = {0}, opset = {0};
    put_int(&model, 1, 8);
    put_int(&opset, 2, 17);
    put_message(&model, 8, &opset);
    return model;
}

// float[2] w
struct sc_str new_weight(void)
{
    struct sc_str w = {0};
    put_int(&w, 1, 2);
    put_int(&w, 2, 1);
    put_text(&w, 8, "w");
    return w;
}

void check_open(struct sc_str *bytes, simclr_status expected, const char *message)
{
    struct run r;
    run_init(&r);
    assert_int_equal(
        sc_onnx_open_bytes(r.m, "m.onnx", sc_str_text(bytes), bytes->size, &r.model), expected);
    assert_string_equal(sc_str_text(&r.messages), message);
    run_deinit(&r);
    sc_str_free(bytes);
}
