// SPDX-License-Identifier: Apache-2.0
//
// Operators that are computed by others. Their rows in import.def name the
// importer "body"; the function itself is bodies/<operator>.onnxtxt, in ONNX's
// textual syntax, and takes the node's place when the model is read, as a local
// function would. The versions of the operators within are those that the function
// imports.
#include "compiler/onnx/functions.h"
#include "compiler/onnx/importer.h"

#include <assert.h>
#include <string.h>

static const struct sc_body *find_text(const char *name)
{
    const struct sc_body *body = sc_bodies;
    while (body->name && strcmp(body->name, name) != 0)
        body++;
    assert(body->name && "a row of import.def has a body that bodies/ has not");
    return body;
}

const Onnx__FunctionProto *sc_onnx_body(struct sc_onnx_model *model,
                                        const Onnx__NodeProto *node, int64_t opset)
{
    const struct sc_import_row *const row = sc_import_row(node, opset);
    if (!row || row->import != sc_import_body || !sc_import_arity_fits(row, node)) return NULL;
    void **const slot = sc_names_slot(model->bodies, row->op_type);
    if (!*slot) {
        const struct sc_body *const text = find_text(row->op_type);
        *slot = sc_onnx_parse_function(model->module, text->name, (const char *)text->data,
                                       text->size);
    }
    return *slot;
}

// Never called: the body has taken the node's place.
struct sc_value *sc_import_body(struct sc_scope *s)
{
    (void)s;
    assert(s == NULL && "a body has taken the place of its node");
    return NULL;
}
