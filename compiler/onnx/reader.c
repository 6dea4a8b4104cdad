// SPDX-License-Identifier: Apache-2.0
//
// Opening a model: map the file, tell binary from text, check the wire format,
// unpack within a budget. What protobuf-c unpacks goes into the module's arena,
// and its tensors stay in the file.
#include "compiler/onnx/import.h"

#include "compiler/onnx/functions.h"
#include "compiler/onnx/library.h"
#include "compiler/onnx/model.h"
#include "compiler/onnx/wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// An honest file needs less than 16 bytes of memory per byte; the constant is for
// small ones.
enum { BUDGET_FIXED = 32 * 1024 * 1024, BUDGET_PER_BYTE = 16 };

struct budget {
    struct sc_arena *arena;
    size_t left;
    bool exceeded;
};

static void *budget_alloc(void *user, size_t size)
{
    struct budget *const b = user;
    if (size > b->left) {
        b->exceeded = true;
        return NULL;
    }
    b->left -= size;
    return sc_arena_alloc(b->arena, 1, size);
}

static void *arena_alloc(void *user, size_t size)
{
    return sc_arena_alloc(user, 1, size);
}

static void no_free(void *user, void *pointer)
{
    (void)user;
    (void)pointer; // the arena's
}

ProtobufCAllocator sc_onnx_allocator(struct sc_module *m)
{
    return (ProtobufCAllocator){arena_alloc, no_free, m->arena};
}

const char *sc_onnx_text(const char *s)
{
    return s ? s : "";
}

bool sc_onnx_is_standard_domain(const char *domain)
{
    return !*sc_onnx_text(domain) || !strcmp(domain, "ai.onnx");
}

int64_t sc_onnx_opset_of(Onnx__OperatorSetIdProto *const *imports, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (sc_onnx_is_standard_domain(imports[i]->domain)) return imports[i]->version;
    }
    return 0;
}

int64_t sc_onnx_opset(const struct sc_onnx_model *model)
{
    return sc_onnx_opset_of(model->proto->opset_import, model->proto->n_opset_import);
}

const Onnx__AttributeProto *sc_onnx_attribute(const Onnx__NodeProto *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++) {
        if (!strcmp(sc_onnx_text(node->attribute[i]->name), name)) return node->attribute[i];
    }
    return NULL;
}

const Onnx__TensorProto *sc_onnx_initializer(const Onnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_initializer; i++) {
        if (!strcmp(sc_onnx_text(graph->initializer[i]->name), name))
            return graph->initializer[i];
    }
    return NULL;
}

// A binary model holds control characters in its first bytes: the tag of
// ir_version is 8, and lengths and numbers are small. Text holds none.
static bool is_text(const uint8_t *data, size_t size)
{
    const size_t n = size < 512 ? size : 512;
    for (size_t i = 0; i < n; i++) {
        if (data[i] < 0x20 && !strchr("\t\n\v\f\r", data[i])) return false;
        if (data[i] == 0) return false;
    }
    return true;
}

static simclr_status unpack(struct sc_onnx_model *model)
{
    struct simclr_diag *const diag = model->module->diag;
    const ProtobufCMessageDescriptor *const type = &onnx__model_proto__descriptor;
    struct sc_str lean = {0};
    char error[SC_ONNX_ERROR];
    if (!sc_wire_walk(type, model->data, model->size, &lean, error)) {
        sc_str_free(&lean);
        return sc_fail(diag, SIMCLR_BAD_INPUT, model->name, "this is no ONNX model: %s", error);
    }
    struct budget budget = {
        .arena = model->module->arena,
        .left = BUDGET_FIXED + (size_t)BUDGET_PER_BYTE * model->size,
    };
    ProtobufCAllocator allocator = {budget_alloc, no_free, &budget};
    model->proto = (Onnx__ModelProto *)protobuf_c_message_unpack(
        type, &allocator, lean.size, (const uint8_t *)sc_str_text(&lean));
    sc_str_free(&lean);
    if (budget.exceeded)
        return sc_fail(diag, SIMCLR_BAD_INPUT, model->name,
                       "the model unpacks to more than %d MiB + %d times its size",
                       BUDGET_FIXED >> 20, BUDGET_PER_BYTE);
    if (!model->proto)
        return sc_fail(diag, SIMCLR_BAD_INPUT, model->name,
                       "this is no ONNX model: a field has the wrong type");
    return SIMCLR_OK;
}

// What the file has that does not matter, and what may.
static void report_oddities(const struct sc_onnx_model *model)
{
    enum { NEWEST_IR = 13 };
    const Onnx__ModelProto *const proto = model->proto;
    if (proto->ir_version > NEWEST_IR)
        sc_report(model->module->diag, SIMCLR_WARNING, model->name,
                  "IR version %" PRId64 " is newer than %d, the newest simclrc knows",
                  proto->ir_version, NEWEST_IR);
    if (proto->n_training_info > 0)
        sc_report(model->module->diag, SIMCLR_NOTE, model->name,
                  "the model's training information is ignored: simclrc derives its own");
}

// Sparse initializers become dense ones.
static simclr_status densify(struct sc_onnx_model *model, Onnx__GraphProto *graph)
{
    simclr_status status = SIMCLR_OK;
    for (size_t i = 0; i < graph->n_sparse_initializer; i++) {
        const Onnx__SparseTensorProto *const sparse = graph->sparse_initializer[i];
        char error[SC_ONNX_ERROR];
        Onnx__TensorProto *const dense = sc_onnx_densify(model, sparse, error);
        if (dense)
            SC_PUSH(model->module->arena, graph->initializer, graph->n_initializer) = dense;
        else
            status = sc_fail(model->module->diag, SIMCLR_BAD_INPUT, model->name,
                             "sparse initializer '%s': %s",
                             sparse->values ? sc_onnx_text(sparse->values->name) : "", error);
    }
    graph->n_sparse_initializer = 0;
    return status;
}

// Inputs and outputs have names from here on, if only empty ones.
static void fill_names(struct sc_arena *arena, Onnx__ValueInfoProto **list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!list[i]->name) list[i]->name = sc_arena_strdup(arena, "");
    }
}

// Makes the protobuf tree of the bytes the model has.
static simclr_status read_model(struct sc_onnx_model *model)
{
    struct sc_module *const m = model->module;
    if (model->size == 0)
        return sc_fail(m->diag, SIMCLR_BAD_INPUT, model->name, "the file is empty");
    if (is_text(model->data, model->size)) {
        model->proto = sc_onnx_parse(m, model->name, (const char *)model->data, model->size);
        if (!model->proto) return SIMCLR_BAD_INPUT;
    } else {
        SC_TRY(unpack(model));
    }
    if (!model->proto->graph)
        return sc_fail(m->diag, SIMCLR_BAD_INPUT, model->name, "the model has no graph");
    Onnx__GraphProto *const graph = model->proto->graph;
    fill_names(m->arena, graph->input, graph->n_input);
    fill_names(m->arena, graph->output, graph->n_output);
    report_oddities(model);
    SC_TRY(densify(model, graph));
    return sc_onnx_inline(model);
}

static struct sc_onnx_model *new_model(struct sc_module *m, const char *name)
{
    struct sc_onnx_model *const model = SC_NEW(m->arena, struct sc_onnx_model);
    model->module = m;
    model->name = sc_arena_strdup(m->arena, name);
    return model;
}

simclr_status sc_onnx_open_bytes(struct sc_module *m, const char *name, const void *data,
                                 size_t size, struct sc_onnx_model **out)
{
    struct sc_onnx_model *const model = new_model(m, name);
    *out = NULL;
    model->data = data;
    model->size = size;
    SC_TRY(read_model(model));
    *out = model;
    return SIMCLR_OK;
}

// The folder of a path, with its slash; "" for the current one.
static const char *folder_of(struct sc_arena *arena, const char *path)
{
    const char *const slash = strrchr(path, '/');
    return slash ? sc_arena_strndup(arena, path, (size_t)(slash - path) + 1) : "";
}

static simclr_status fail_unknown(struct sc_module *m, const char *name)
{
    sc_report(m->diag, SIMCLR_ERROR, NULL, "there is no file '%s' and no model of that name",
              name);
    sc_report(m->diag, SIMCLR_HINT, NULL,
              "--list-models lists the models that come with simclrc");
    return SIMCLR_IO;
}

simclr_status sc_onnx_open(struct sc_module *m, const char *name, struct sc_onnx_model **out)
{
    *out = NULL;
    if (!sc_path_exists(name)) {
        const struct sc_library_model *const ours = sc_library_find(name);
        if (ours) return sc_onnx_open_bytes(m, name, ours->data, ours->size, out);
        if (!strpbrk(name, "./")) return fail_unknown(m, name);
    }
    struct sc_onnx_model *const model = new_model(m, name);
    model->folder = folder_of(m->arena, name);
    SC_TRY(sc_map_open(m->diag, name, &model->file));
    model->data = model->file.data;
    model->size = model->file.size;
    const simclr_status status = read_model(model);
    if (status != SIMCLR_OK)
        sc_onnx_close(model);
    else
        *out = model;
    return status;
}

void sc_onnx_close(struct sc_onnx_model *model)
{
    if (!model) return;
    sc_map_close(&model->file);
    for (size_t i = 0; i < model->n_externals; i++)
        sc_map_close(&model->externals[i].map);
    model->n_externals = 0;
}
