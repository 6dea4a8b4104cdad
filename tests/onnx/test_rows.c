// SPDX-License-Identifier: Apache-2.0
//
// import.def, the list of what we understand of ONNX: one row for an operator at
// an opset, and a function in bodies/ for each row that asks for one.
#include "compiler/onnx/functions.h"
#include "tests/onnx/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { NEWEST = SC_OPSET_NEWEST };

static const struct {
    const char *op_type, *importer;
    int since, until;
} rows[] = {
#define ONNX(op_type, since, until, fn, min_in, max_in, max_out, slots)                        \
    {#op_type, #fn, since, until},
#include "compiler/onnx/import.def"
#undef ONNX
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static void an_operator_has_one_row_for_an_opset(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS; i++) {
        assert_true(rows[i].since <= rows[i].until);
        for (size_t k = 0; k < i; k++) {
            const bool overlap = !strcmp(rows[i].op_type, rows[k].op_type) &&
                                 rows[i].since <= rows[k].until &&
                                 rows[k].since <= rows[i].until;
            if (overlap)
                fail_msg("%s has two rows for opset %d", rows[i].op_type,
                         rows[i].since > rows[k].since ? rows[i].since : rows[k].since);
        }
    }
}

static bool has_body_row(const char *name)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if (!strcmp(rows[i].op_type, name) && !strcmp(rows[i].importer, "body")) return true;
    }
    return false;
}

static void bodies_and_their_rows_belong_together(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS; i++) {
        const struct sc_body *body = sc_bodies;
        if (strcmp(rows[i].importer, "body") != 0) continue;
        while (body->name && strcmp(body->name, rows[i].op_type) != 0)
            body++;
        if (!body->name) fail_msg("%s has no body", rows[i].op_type);
    }
    for (const struct sc_body *body = sc_bodies; body->name; body++) {
        if (!has_body_row(body->name)) fail_msg("%s has a body and no row", body->name);
    }
}

static void bodies_are_functions_of_their_names(void **state)
{
    (void)state;
    for (const struct sc_body *body = sc_bodies; body->name; body++) {
        struct run r;
        run_init(&r);
        const Onnx__FunctionProto *const f =
            sc_onnx_parse_function(r.m, body->name, (const char *)body->data, body->size);
        assert_string_equal(sc_str_text(&r.messages), "");
        assert_string_equal(f->name, body->name);
        assert_true(strlen(body->about) > 10);
        assert_true(sc_onnx_opset_of(f->opset_import, f->n_opset_import) >= SC_OPSET_OLDEST);
        run_deinit(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operator_has_one_row_for_an_opset),
        cmocka_unit_test(bodies_and_their_rows_belong_together),
        cmocka_unit_test(bodies_are_functions_of_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
