// SPDX-License-Identifier: Apache-2.0
//
// The compiler's public face: opens the models, imports and links them, and
// takes every entry of the program through the stages.
#include "compiler/compilation.h"

#include "compiler/ir/verify.h"
#include "runtime/base/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const entry_names[SC_N_ENTRIES] = {
    [SC_ENTRY_train] = "train",
    [SC_ENTRY_grad] = "grad",
    [SC_ENTRY_embed] = "embed",
    [SC_ENTRY_project] = "project",
    [SC_ENTRY_recalibrate] = "recalibrate",
    [SC_ENTRY_run] = "run",
};

const char *sc_entry_name(enum sc_entry_kind entry)
{
    return entry_names[entry];
}

// "--loss none": the model as it is, nothing to train.
static bool is_run_only(const struct simclr_compile_options *o)
{
    return o->loss && !strcmp(o->loss, "none");
}

bool sc_has_entry(const struct simclr_compilation *c, enum sc_entry_kind entry)
{
    return (entry == SC_ENTRY_run) == is_run_only(&c->options);
}

static bool selects(const struct simclr_compile_options *o, bool train)
{
    for (size_t i = 0; i < o->n_selections; i++) {
        if (o->selections[i].train == train) return true;
    }
    return false;
}

// What was asked for that only training has a meaning for.
static simclr_status check_run_only(const struct simclr_compilation *c)
{
    const struct simclr_compile_options *const o = &c->options;
    const struct {
        const char *name;
        bool is_given;
    } options[] = {
        {"--head", o->head},
        {"--h", o->h},
        {"--image-size", o->image_size},
        {"--set temperature", o->temperature != 0},
        {"--optimizer", o->optimizer},
        {"--bn", o->bn},
        {"--bn-var", o->bn_var},
        {"--insert-bn", o->insert_bn},
        {"--train", selects(o, true)},
        {"--freeze", selects(o, false)},
        {"--normalize", o->normalize},
    };
    if (!is_run_only(o) && o->n_fixed > 0)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL,
                       "--input is given without --loss none: what is trained has no other "
                       "inputs than images and labels");
    for (size_t i = 0; is_run_only(o) && i < sizeof options / sizeof *options; i++) {
        if (options[i].is_given)
            return sc_fail(c->diag, SIMCLR_USAGE, NULL,
                           "%s has no meaning with --loss none, which compiles the model as "
                           "it is",
                           options[i].name);
    }
    return SIMCLR_OK;
}

static void fill_defaults(struct simclr_compile_options *o)
{
    if (!o->head) o->head = "nonlinear";
    if (!o->loss) o->loss = "nt_xent";
    if (!o->batch && !is_run_only(o)) o->batch = 256;
    if (!o->normalize) o->normalize = "none";
    if (!o->optimizer) o->optimizer = "sgd";
    if (!o->bn) o->bn = "train";
    if (!o->bn_var) o->bn_var = "population";
    if (!o->conv) o->conv = "fast";
}

// Pixel statistics: ImageNet's are those every classifier of its family uses,
// CIFAR-10's are of its 50,000 training images.
static simclr_status parse_normalize(struct simclr_compilation *c)
{
    static const struct {
        const char *name;
        float mean[3], std[3];
    } known[] = {
        {"none", {0, 0, 0}, {1, 1, 1}},
        {"imagenet", {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}},
        {"cifar10", {0.4914f, 0.4822f, 0.4465f}, {0.2470f, 0.2435f, 0.2616f}},
    };
    const char *text = c->options.normalize;
    float *m = c->mean, *s = c->std;
    s[3] = 1;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(text, known[i].name)) {
            memcpy(m, known[i].mean, sizeof known[i].mean);
            memcpy(s, known[i].std, sizeof known[i].std);
            return SIMCLR_OK;
        }
    }
    char rest;
    const bool is_list = sscanf(text, "%f,%f,%f/%f,%f,%f%c", &m[0], &m[1], &m[2], &s[0], &s[1],
                                &s[2], &rest) == 6;
    if (!is_list || !(s[0] > 0 && s[1] > 0 && s[2] > 0))
        return sc_fail(c->diag, SIMCLR_USAGE, NULL,
                       "--normalize '%s' is not none, imagenet, cifar10 or M,M,M/S,S,S with "
                       "positive deviations",
                       text);
    return SIMCLR_OK;
}

static simclr_status check_options(struct simclr_compilation *c)
{
    const struct simclr_compile_options *o = &c->options;
    if (!o->model == !o->encoder)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL, "give either a model or an encoder");
    if (o->batch < !is_run_only(o) || o->batch > 1 << 20)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL, "batch is %lld, expected 1 to 1048576",
                       (long long)o->batch);
    if (o->image_size < 0 || o->image_size > 1 << 14)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL, "image size is %lld, expected 1 to 16384",
                       (long long)o->image_size);
    if (strcmp(o->bn, "train") != 0 && strcmp(o->bn, "freeze") != 0)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL, "--bn is '%s', expected train or freeze",
                       o->bn);
    if (strcmp(o->bn_var, "population") != 0 && strcmp(o->bn_var, "unbiased") != 0)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL,
                       "--bn-var is '%s', expected population or unbiased", o->bn_var);
    if (strcmp(o->conv, "fast") != 0 && strcmp(o->conv, "strict") != 0)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL, "--conv is '%s', expected fast or strict",
                       o->conv);
    if (o->temperature < 0)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL, "temperature is %g, expected more than 0",
                       o->temperature);
    SC_TRY(sc_pipeline_check(c));
    SC_TRY(parse_normalize(c));
    c->context.options = o;
    c->context.freeze_bn = !strcmp(o->bn, "freeze");
    c->context.unbiased_bn = !strcmp(o->bn_var, "unbiased");
    c->context.strict_conv = !strcmp(o->conv, "strict");
    return sc_optimizer_parse(c->diag, o->optimizer, &c->context.optimizer);
}

static simclr_status open_models(struct simclr_compilation *c)
{
    const struct simclr_compile_options *o = &c->options;
    const char *const first = o->model ? o->model : o->encoder;
    simclr_status status = sc_onnx_open(c->module, first, &c->models[0]);
    c->n_models = status == SIMCLR_OK;
    if (is_run_only(o)) return status;
    // A model without a loss is an encoder.
    if (o->model && (status != SIMCLR_OK || sc_onnx_has_loss(c->models[0]))) return status;
    // Open all three, so that every unusable file is reported at once.
    const char *const names[] = {o->head, o->loss};
    for (size_t i = 0; i < 2; i++) {
        const simclr_status s = sc_onnx_open(c->module, names[i], &c->models[1 + i]);
        if (status == SIMCLR_OK) status = s;
    }
    c->n_models = status == SIMCLR_OK ? 3 : c->n_models;
    return status;
}

// --init: values by parameter name. The file stays mapped until the module dies.
static simclr_status apply_init_file(struct simclr_compilation *c)
{
    if (!c->options.init_file) return SIMCLR_OK;
    const char *const path = c->options.init_file;
    struct sc_safetensors file;
    SC_TRY(sc_safetensors_open(c->diag, path, &file));
    simclr_status status = SIMCLR_OK;
    for (size_t i = 0; i < file.n_tensors; i++) {
        const struct simclr_tensor *t = &file.tensor[i];
        struct sc_param *p = sc_module_find_param(c->module, t->name);
        if (!p) {
            sc_report(c->diag, SIMCLR_WARNING, path, "'%s' is no parameter of the model",
                      t->name);
        } else if (t->dtype != p->dtype || !simclr_shape_equal(&t->shape, &p->shape)) {
            struct sc_str have = {0}, want = {0};
            sc_str_append_type(&have, t->dtype, &t->shape);
            sc_str_append_type(&want, p->dtype, &p->shape);
            status = sc_fail(c->diag, SIMCLR_BAD_INPUT, path, "'%s' is %s, the model has %s",
                             t->name, sc_str_text(&have), sc_str_text(&want));
            sc_str_free(&have);
            sc_str_free(&want);
        } else {
            const size_t n = (size_t)simclr_shape_count(&p->shape);
            void *copy = sc_arena_alloc(c->module->arena, n, simclr_dtype_size(p->dtype));
            memcpy(copy, t->data, n * simclr_dtype_size(p->dtype));
            p->init = SIMCLR_INIT_stored;
            p->stored = copy;
        }
    }
    sc_safetensors_close(&file);
    return status;
}

// --set temperature: the fused loss carries it as an attribute.
static simclr_status apply_temperature(struct simclr_compilation *c)
{
    if (c->options.temperature == 0) return SIMCLR_OK;
    bool found = false;
    SC_FOR_EACH_NODE(c->import.graph, n)
    {
        if (n->op == SIMCLR_OP_nt_xent || n->op == SIMCLR_OP_nt_xent_metrics) {
            n->attr.nt_xent.temperature = c->options.temperature;
            found = true;
        }
    }
    if (!found)
        return sc_fail(
            c->diag, SIMCLR_USAGE, NULL,
            "the temperature cannot be set: the loss '%s' is not recognised as NT-Xent",
            c->import.loss_name ? c->import.loss_name : "of the model");
    return SIMCLR_OK;
}

// Whether an operation may put rows in another order than its operand's.
static bool moves_rows(const struct sc_node *n)
{
    switch ((int)n->op) {
    case SIMCLR_OP_slice:
    case SIMCLR_OP_gather:
    case SIMCLR_OP_gather_elements:
    case SIMCLR_OP_scatter:
    case SIMCLR_OP_concat:
    case SIMCLR_OP_transpose:
    case SIMCLR_OP_matmul:
    case SIMCLR_OP_reshape: return true;
    default: return false;
    }
}

// Whether row i of `u` is made of row i of the projection, for each i.
static bool keeps_rows(const struct sc_graph *g, const struct sc_value *u)
{
    bool *const needed = SC_NEW_ARRAY(g->module->arena, bool, g->n_values + 1u);
    const struct sc_value *z = NULL;
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        if (g->outputs[i].role == SIMCLR_PORT_projection) z = g->outputs[i].value;
    }
    needed[u->id] = true;
    for (uint32_t i = g->n_nodes; i-- > 0;) {
        const struct sc_node *const n = g->nodes[i];
        if (n->out[0] == z || !needed[n->out[0]->id]) continue;
        if (moves_rows(n)) return false;
        for (int k = 0; k < n->n_in; k++)
            needed[n->in[k]->id] = true;
    }
    return z && needed[z->id];
}

// A loss over all rows of z says by its positives which two belong together: then
// the images come in that order. One we do not recognise must know ours.
static void follow_pairing(struct simclr_compilation *c)
{
    const struct sc_graph *const g = c->import.graph;
    bool is_known = false;
    SC_FOR_EACH_NODE(g, n)
    {
        if (n->op != SIMCLR_OP_nt_xent) continue;
        is_known = true;
        if (keeps_rows(g, n->in[0])) c->import.halves = n->attr.nt_xent.halves != 0;
    }
    if (!is_known && c->import.two_views && !c->import.halves)
        sc_report(c->diag, SIMCLR_HINT, NULL,
                  "rows 2k and 2k + 1 of what the loss gets are the two views of image k");
}

// Takes one entry through the stages, each on its own copy, so that every stage
// stays open to inspection.
static simclr_status compile_entry(struct simclr_compilation *c, enum sc_entry_kind entry,
                                   enum simclr_stage last)
{
    c->context.entry = entry;
    struct sc_graph *g = c->import.graph;
    for (int stage = SIMCLR_STAGE_train; stage <= (int)last; stage++) {
        g = sc_clone(g, entry_names[entry]);
        SC_TRY(sc_pipeline_run(c, g, (enum simclr_stage)stage));
        c->graphs[entry][stage] = g;
    }
    return SIMCLR_OK;
}

static simclr_status import(struct simclr_compilation *c)
{
    const struct sc_import_options how = {
        .compile = &c->options,
        .encoder = c->models[0],
        .head = c->models[1],
        .loss = c->models[2],
    };
    return is_run_only(&c->options) ? sc_onnx_import_run(c->module, &how, &c->import)
                                    : sc_onnx_import(c->module, &how, &c->import);
}

static simclr_status import_and_run(struct simclr_compilation *c, enum simclr_stage last)
{
    if (last == SIMCLR_STAGE_onnx) return SIMCLR_OK;
    SC_TRY(import(c));
    if (c->import.two_views && c->import.batch < 2)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL,
                       "batch is 1, expected at least 2: a contrastive loss compares images");
    c->imported = sc_clone(c->import.graph, c->import.graph->name);
    SC_TRY(sc_select_params(c));
    SC_TRY(apply_init_file(c));
    SC_TRY(sc_pipeline_run(c, c->import.graph, SIMCLR_STAGE_graph));
    follow_pairing(c);
    SC_TRY(apply_temperature(c));
    for (int e = 0; e < SC_N_ENTRIES; e++) {
        if (!sc_has_entry(c, (enum sc_entry_kind)e)) continue;
        c->graphs[e][SIMCLR_STAGE_graph] = c->import.graph;
        SC_TRY(compile_entry(c, (enum sc_entry_kind)e, last));
    }
    return SIMCLR_OK;
}

simclr_status sc_compile(const struct simclr_compile_options *options, enum simclr_stage last,
                         struct simclr_diag *diag, struct simclr_compilation **out)
{
    *out = NULL;
    struct simclr_compilation *c = calloc(1, sizeof *c);
    if (!c) return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory");
    c->options = *options;
    c->own_diag.program = "simclrc";
    c->diag = diag ? diag : &c->own_diag;
    simclr_status status = check_run_only(c);
    fill_defaults(&c->options);
    c->module = sc_module_new(c->diag);
    if (status == SIMCLR_OK) status = check_options(c);
    if (status == SIMCLR_OK) status = open_models(c);
    if (status == SIMCLR_OK) status = import_and_run(c, last);
    c->reached = last;
    *out = c;
    return status;
}

simclr_status simclr_compile(const struct simclr_compile_options *options,
                             enum simclr_stage last, struct simclr_diag *diag,
                             struct simclr_compilation **out)
{
    const simclr_status status = sc_compile(options, last, diag, out);
    if (status == SIMCLR_OK) return status;
    simclr_compilation_free(*out);
    *out = NULL;
    return status;
}

void simclr_compilation_free(struct simclr_compilation *c)
{
    if (!c) return;
    for (size_t i = 0; i < SC_MAX_MODELS; i++)
        sc_onnx_close(c->models[i]);
    sc_module_free(c->module);
    sc_str_free(&c->dump);
    sc_str_free(&c->summary);
    free(c);
}

simclr_status simclr_compilation_write(struct simclr_compilation *c, const char *path)
{
    if (c->reached < SIMCLR_STAGE_plan)
        return sc_fail(c->diag, SIMCLR_USAGE, NULL, "stage 'plan' was not compiled");
    return sc_emit(c, path);
}
