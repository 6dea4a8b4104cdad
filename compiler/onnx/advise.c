// SPDX-License-Identifier: Apache-2.0
//
// What exporters do to a model without telling its owner, each said once: quantised or
// missing weights, BatchNormalization merged away or in inference form, Dropout that
// drops nothing, initializers that look like inputs, a classifier or a softmax that is
// still there. With each comes what to do about it.
#include "compiler/onnx/link.h"
#include "compiler/onnx/wiring.h"

#include <inttypes.h>
#include <string.h>

static void warn(struct sc_link *l, const struct sc_onnx_model *model, const char *fmt, ...)
    SC_PRINTF(3, 4);
static void note(struct sc_link *l, const struct sc_onnx_model *model, const char *fmt, ...)
    SC_PRINTF(3, 4);

static void warn(struct sc_link *l, const struct sc_onnx_model *model, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sc_vreport(l->m->diag, SIMCLR_WARNING, model->name, fmt, args);
    va_end(args);
}

static void note(struct sc_link *l, const struct sc_onnx_model *model, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sc_vreport(l->m->diag, SIMCLR_NOTE, model->name, fmt, args);
    va_end(args);
}

// Before the import.

static bool is_of_quantisation(const Onnx__NodeProto *node)
{
    static const char *const known[] = {"QuantizeLinear", "DequantizeLinear",
                                        "DynamicQuantizeLinear", "ConvInteger",
                                        "MatMulInteger"};
    const char *const op = sc_onnx_text(node->op_type);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(op, known[i])) return true;
    }
    return !strncmp(op, "QLinear", 7);
}

static bool check_not_quantised(struct sc_link *l, const struct sc_onnx_model *model)
{
    size_t n = 0;
    const char *first = NULL;
    for (size_t i = 0; i < model->graph->n_node; i++) {
        if (!is_of_quantisation(model->graph->node[i])) continue;
        if (n++ == 0) first = model->graph->node[i]->op_type;
    }
    if (n == 0) return true;
    sc_link_fail(l, model,
                 "the model is quantised: it has %zu %s like %s, expected floats throughout", n,
                 n == 1 ? "node" : "nodes", first);
    sc_link_hint(l, model, "export the float model, train it, and quantise what comes out");
    return false;
}

// One message for each file, not for each tensor in it.
static bool check_externals(struct sc_link *l, struct sc_onnx_model *model)
{
    const Onnx__GraphProto *const graph = model->graph;
    struct sc_names *const seen = sc_names_new(l->m->arena);
    bool all = true;
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const char *const location = sc_onnx_tensor_location(graph->initializer[i]);
        if (!location || sc_names_find(seen, location)) continue;
        *sc_names_slot(seen, location) = l;
        char error[SC_ONNX_ERROR];
        if (sc_onnx_open_external(model, location, error)) continue;
        sc_link_fail(l, model, "the weights are not in the model: %s", error);
        if (location[0] != '/' && !strstr(location, ".."))
            sc_link_hint(l, model, "the file belongs to the model and is expected as '%s%s'",
                         model->folder ? model->folder : "", location);
        all = false;
    }
    return all;
}

bool sc_link_check_model(struct sc_link *l, struct sc_onnx_model *model)
{
    const bool is_float = check_not_quantised(l, model);
    return check_externals(l, model) && is_float;
}

// What h is.

struct ending {
    const Onnx__NodeProto *probabilities; // Softmax and the like at the end, or NULL
    const char *features;                 // what goes into the last linear layer, or NULL
};

static bool passes_rows(const Onnx__NodeProto *node)
{
    return sc_onnx_is_op(node, "Identity") || sc_onnx_is_op(node, "Dropout") ||
           sc_onnx_is_op(node, "Flatten") || sc_onnx_is_op(node, "Reshape") ||
           sc_onnx_is_op(node, "Squeeze");
}

static bool is_weight(const struct sc_wiring *w, const char *name)
{
    const struct sc_wire *const x = sc_wiring_source(w, name, NULL);
    return x->tensor || (x->maker && x->maker->n_input == 0);
}

// The input of a linear layer that makes `name`: Gemm, MatMul, MatMul and Add, or a
// convolution of pooled features; NULL if there is none.
static const char *features_of(const struct sc_wiring *w, const char *name)
{
    const Onnx__NodeProto *node = sc_wiring_find(w, name)->maker;
    for (size_t i = 0; i < 2 && sc_onnx_is_op(node, "Add"); i++) {
        const Onnx__NodeProto *const side = sc_wiring_find(w, sc_onnx_in(node, i))->maker;
        if (sc_onnx_is_op(side, "MatMul") && is_weight(w, sc_onnx_in(node, 1 - i))) node = side;
    }
    const bool is_linear =
        sc_onnx_is_op(node, "Gemm") || sc_onnx_is_op(node, "MatMul") ||
        (sc_onnx_is_op(node, "Conv") && sc_wiring_find(w, sc_onnx_in(node, 0))->is_pooled);
    if (!is_linear || !is_weight(w, sc_onnx_in(node, 1))) return NULL;
    const char *features;
    (void)sc_wiring_source(w, sc_onnx_in(node, 0), &features);
    return features;
}

static struct ending find_ending(const struct sc_wiring *w, const char *h)
{
    enum { FAR = 8 };
    struct ending out = {0};
    for (int i = 0; i < FAR; i++) {
        out.features = features_of(w, h);
        const Onnx__NodeProto *const node = sc_wiring_find(w, h)->maker;
        const bool is_probability = sc_onnx_is_op(node, "Softmax") ||
                                    sc_onnx_is_op(node, "LogSoftmax") ||
                                    sc_onnx_is_op(node, "Sigmoid");
        if (is_probability) out.probabilities = node;
        if (out.features || !node || (!is_probability && !passes_rows(node))) break;
        h = sc_onnx_in(node, 0);
    }
    return out;
}

static const char *data_with_classes(int64_t n)
{
    static const struct {
        int64_t n;
        const char *name;
    } known[] = {{10, "CIFAR-10"},        {100, "CIFAR-100"},
                 {1000, "ImageNet"},      {1001, "ImageNet (and a background)"},
                 {21841, "ImageNet-21k"}, {21843, "ImageNet-21k"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].n == n) return known[i].name;
    }
    return NULL;
}

static void advise_on_ending(struct sc_link *l, const struct sc_onnx_model *model,
                             const char *h)
{
    const struct ending end = find_ending(sc_wiring_new(l->m->arena, model->graph), h);
    const int64_t n = l->h->shape.dim[1];
    const char *const data = data_with_classes(n);
    if (end.probabilities)
        warn(l, model, "the encoder ends in %s: its features are probabilities",
             end.probabilities->op_type);
    if (end.features && (data || end.probabilities))
        warn(l, model,
             "the encoder ends in a linear layer with %" PRId64
             " outputs%s%s: it is probably still a classifier",
             n, data ? ", as many as there are classes in " : "", data ? data : "");
    if (end.features && (data || end.probabilities))
        sc_link_hint(l, model, "--h '%s' ends it before that layer", end.features);
    else if (end.features)
        sc_link_hint(l, model,
                     "the encoder ends in a linear layer with %" PRId64
                     " outputs: if that is a classifier, leave it out with --h '%s'",
                     n, end.features);
}

// What the nodes are.

static void advise_on_merged_norms(struct sc_link *l, const struct sc_onnx_model *model)
{
    const struct sc_merged merged = sc_onnx_find_merged(l->m->arena, model->graph);
    if (!merged.is_likely) return;
    warn(l, model,
         "%zu of %zu convolutions have a bias and nothing normalises what they make: the "
         "export has probably merged BatchNormalization into them",
         merged.n_merged, merged.n_convs);
    sc_link_hint(l, model,
                 "export with torch.onnx.export(..., dynamo=False, "
                 "training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False), or "
                 "with dynamo=True, optimize=False");
    sc_link_hint(l, model, "or give --insert-bn: it puts new ones in their places");
}

struct census {
    size_t norms, training_norms; // BatchNormalization
    size_t dropouts;
};

static bool is_in_training_form(const struct sc_scope *s, const Onnx__NodeProto *norm)
{
    const Onnx__AttributeProto *const mode =
        sc_onnx_attribute(norm, s->opset < 7 ? "is_test" : "training_mode");
    if (s->opset < 7) return !mode || mode->i == 0;
    return s->opset < 14 ? norm->n_output > 1 : mode && mode->i != 0;
}

// Of the nodes that h needs.
static struct census count_nodes(const struct sc_scope *s)
{
    struct census c = {0};
    for (size_t i = 0; i < s->graph->n_node; i++) {
        const Onnx__NodeProto *const node = s->graph->node[i];
        if (!sc_scope_has_imported(s, node)) continue;
        c.dropouts += sc_onnx_is_op(node, "Dropout");
        if (!sc_onnx_is_op(node, "BatchNormalization")) continue;
        c.norms++;
        c.training_norms += is_in_training_form(s, node);
    }
    return c;
}

// A model written by hand says what its author wants; an exporter says what it does.
static void advise_on_modes(struct sc_link *l, const struct sc_scope *s)
{
    const struct census c = count_nodes(s);
    const bool is_exported = *sc_onnx_text(s->model->proto->producer_name) != '\0';
    if (is_exported && c.norms > 0 && c.training_norms == 0 && !l->options->insert_bn)
        note(l, s->model,
             "all %zu BatchNormalization nodes are in inference form, which exporters write "
             "for any model: --bn decides, not the file",
             c.norms);
    if (c.dropouts > 0)
        note(l, s->model, "%zu Dropout %s nothing: programs have no random masks", c.dropouts,
             c.dropouts == 1 ? "drops" : "nodes drop");
}

// Before IR version 4 they all had to be.
static void advise_on_inputs(struct sc_link *l, const struct sc_onnx_model *model)
{
    size_t n = 0;
    if (model->proto->ir_version < 4) return;
    for (size_t i = 0; i < model->graph->n_input; i++)
        n += sc_onnx_initializer(model->graph, model->graph->input[i]->name) != NULL;
    if (n == 0) return;
    note(l, model,
         "%zu of its inputs are initializers too: they are taken as parameters, not as "
         "inputs",
         n);
    sc_link_hint(l, model,
                 "torch.onnx.export(..., keep_initializers_as_inputs=False) leaves them out");
}

void sc_link_advise(struct sc_link *l, const char *h)
{
    const struct sc_scope *const s = &l->encoder;
    if (h && l->h && !l->options->h) advise_on_ending(l, s->model, h);
    if (!l->options->insert_bn) advise_on_merged_norms(l, s->model);
    advise_on_modes(l, s);
    advise_on_inputs(l, s->model);
}
