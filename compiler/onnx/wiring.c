// SPDX-License-Identifier: Apache-2.0
#include "compiler/onnx/wiring.h"

#include "compiler/ir/names.h"

#include <string.h>

struct sc_wiring {
    struct sc_arena *arena;
    struct sc_names *wires;
};

bool sc_onnx_is_op(const Onnx__NodeProto *node, const char *op_type)
{
    return node && sc_onnx_is_standard_domain(node->domain) &&
           !strcmp(sc_onnx_text(node->op_type), op_type);
}

const char *sc_onnx_in(const Onnx__NodeProto *node, size_t i)
{
    return i < node->n_input ? sc_onnx_text(node->input[i]) : "";
}

const char *sc_onnx_out(const Onnx__NodeProto *node, size_t i)
{
    return i < node->n_output ? sc_onnx_text(node->output[i]) : "";
}

static struct sc_wire *wire(struct sc_wiring *w, const char *name)
{
    void **const slot = sc_names_slot(w->wires, name);
    if (!*slot) *slot = SC_NEW(w->arena, struct sc_wire);
    return *slot;
}

// A global pooling leaves one number per channel, and what is computed of such numbers
// alone is the same. Sizes would say it better, but are not known here.
static bool makes_pooled(const struct sc_wiring *w, const Onnx__NodeProto *node)
{
    static const char *const poolings[] = {"GlobalAveragePool", "GlobalMaxPool", "ReduceMean",
                                           "ReduceMax"};
    for (size_t i = 0; i < sizeof poolings / sizeof *poolings; i++) {
        if (sc_onnx_is_op(node, poolings[i])) return true;
    }
    bool any = false;
    for (size_t i = 0; i < node->n_input; i++) {
        const struct sc_wire *const in = sc_wiring_find(w, sc_onnx_in(node, i));
        if (in->is_pooled) any = true;
        if (!in->is_pooled && in->maker && !sc_onnx_is_op(in->maker, "Constant")) return false;
    }
    return any;
}

// One sweep finds all in a file whose nodes are in order; others take a few.
static void mark_pooled(struct sc_wiring *w, const Onnx__GraphProto *graph)
{
    enum { MANY = 64 };
    bool any = true;
    for (int sweep = 0; sweep < MANY && any; sweep++) {
        any = false;
        for (size_t i = 0; i < graph->n_node; i++) {
            const Onnx__NodeProto *const node = graph->node[i];
            if (node->n_output == 0 || wire(w, sc_onnx_out(node, 0))->is_pooled ||
                !makes_pooled(w, node))
                continue;
            any = true;
            for (size_t k = 0; k < node->n_output; k++)
                wire(w, sc_onnx_out(node, k))->is_pooled = true;
        }
    }
}

struct sc_wiring *sc_wiring_new(struct sc_arena *arena, const Onnx__GraphProto *graph)
{
    struct sc_wiring *const w = SC_NEW(arena, struct sc_wiring);
    w->arena = arena;
    w->wires = sc_names_new(arena);
    for (size_t i = 0; i < graph->n_initializer; i++)
        wire(w, sc_onnx_text(graph->initializer[i]->name))->tensor = graph->initializer[i];
    for (size_t i = 0; i < graph->n_node; i++) {
        const Onnx__NodeProto *const node = graph->node[i];
        for (size_t k = 0; k < node->n_input; k++) {
            struct sc_wire *const in = wire(w, sc_onnx_in(node, k));
            SC_PUSH(arena, in->users, in->n_users) = node;
        }
        for (size_t k = 0; k < node->n_output; k++) {
            struct sc_wire *const out = wire(w, sc_onnx_out(node, k));
            if (!out->maker) out->maker = node;
        }
    }
    mark_pooled(w, graph);
    return w;
}

const struct sc_wire *sc_wiring_find(const struct sc_wiring *w, const char *name)
{
    static const struct sc_wire none;
    const struct sc_wire *const found = sc_names_find(w->wires, name);
    return found && *name ? found : &none;
}

static bool hands_on(const Onnx__NodeProto *node)
{
    return sc_onnx_is_op(node, "Identity") || sc_onnx_is_op(node, "Dropout");
}

const struct sc_wire *sc_wiring_source(const struct sc_wiring *w, const char *name,
                                       const char **source)
{
    enum { FAR = 64 }; // a model may be a ring
    const struct sc_wire *at = sc_wiring_find(w, name);
    for (int i = 0; i < FAR && hands_on(at->maker); i++) {
        name = sc_onnx_in(at->maker, 0);
        at = sc_wiring_find(w, name);
    }
    if (source) *source = name;
    return at;
}

// Merged BatchNormalization.

static bool is_one_of(const Onnx__NodeProto *node, const char *const *ops, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (sc_onnx_is_op(node, ops[i])) return true;
    }
    return false;
}

static bool normalises(const Onnx__NodeProto *node)
{
    return strstr(sc_onnx_text(node->op_type), "Normalization") != NULL;
}

// x - mean(x): the beginning of a normalisation that the exporter wrote out.
static bool is_centred(const struct sc_wire *x)
{
    bool has_mean = false, has_difference = false;
    for (size_t i = 0; i < x->n_users; i++) {
        has_mean = has_mean || sc_onnx_is_op(x->users[i], "ReduceMean");
        has_difference = has_difference || sc_onnx_is_op(x->users[i], "Sub");
    }
    return has_mean && has_difference;
}

// Is `name` normalised, perhaps in another layout?
static bool is_normalised(const struct sc_wiring *w, const char *name)
{
    static const char *const layouts[] = {"Transpose", "Reshape", "Identity", "Dropout",
                                          "Cast",      "Pad",     "Flatten"};
    enum { FAR = 8 };
    for (int i = 0; i < FAR; i++) {
        const struct sc_wire *const x = sc_wiring_find(w, name);
        const char *next = NULL;
        if (is_centred(x)) return true;
        for (size_t k = 0; k < x->n_users; k++) {
            if (normalises(x->users[k])) return true;
            if (is_one_of(x->users[k], layouts, sizeof layouts / sizeof *layouts))
                next = sc_onnx_out(x->users[k], 0);
        }
        if (!next) return false;
        name = next;
    }
    return false;
}

static bool is_conv(const Onnx__NodeProto *node)
{
    return sc_onnx_is_op(node, "Conv") || sc_onnx_is_op(node, "ConvTranspose");
}

// A merged bias is stored; one that is computed (torch.export expands a zero) is none.
static bool has_stored_bias(const struct sc_wiring *w, const Onnx__NodeProto *node)
{
    const struct sc_wire *const bias = sc_wiring_source(w, sc_onnx_in(node, 2), NULL);
    return bias->tensor || sc_onnx_is_op(bias->maker, "Constant");
}

static bool is_candidate(const struct sc_wiring *w, const Onnx__NodeProto *node)
{
    return is_conv(node) && has_stored_bias(w, node) && *sc_onnx_out(node, 0) &&
           !sc_wiring_find(w, sc_onnx_in(node, 0))->is_pooled &&
           !is_normalised(w, sc_onnx_out(node, 0));
}

// A kernel of more than one pixel whose result is activated at once.
static bool is_activated_window(const struct sc_wiring *w, const Onnx__NodeProto *node)
{
    static const char *const activations[] = {"Relu",        "LeakyRelu", "PRelu",   "Clip",
                                              "Sigmoid",     "HardSwish", "Mish",    "Elu",
                                              "HardSigmoid", "Selu",      "Softplus"};
    const Onnx__TensorProto *const t = sc_wiring_source(w, sc_onnx_in(node, 1), NULL)->tensor;
    bool is_window = false;
    for (size_t i = 2; t && i < t->n_dims; i++)
        is_window = is_window || t->dims[i] > 1;
    const struct sc_wire *const y = sc_wiring_find(w, sc_onnx_out(node, 0));
    for (size_t i = 0; is_window && i < y->n_users; i++) {
        if (is_one_of(y->users[i], activations, sizeof activations / sizeof *activations))
            return true;
    }
    return false;
}

// Whether the model has normalisations that exporters do not merge.
static bool has_other_norms(const struct sc_wiring *w, const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_node; i++) {
        const Onnx__NodeProto *const node = graph->node[i];
        if (normalises(node) && !sc_onnx_is_op(node, "BatchNormalization")) return true;
        if (sc_onnx_is_op(node, "ReduceMean") &&
            is_centred(sc_wiring_find(w, sc_onnx_in(node, 0))))
            return true;
    }
    return false;
}

// Networks with a LayerNormalization or the like have biases of their own; there only a
// window with an activation right behind it is taken for one that had a
// BatchNormalization. A model without any normalisation may have been made so (VGG):
// that cannot be told apart.
struct sc_merged sc_onnx_find_merged(struct sc_arena *arena, const Onnx__GraphProto *graph)
{
    enum { FEW = 4 };
    const struct sc_wiring *const w = sc_wiring_new(arena, graph);
    const bool is_mixed = has_other_norms(w, graph);
    struct sc_merged out = {.is_merged = SC_NEW_ARRAY(arena, bool, graph->n_node + 1)};
    for (size_t i = 0; i < graph->n_node; i++) {
        const Onnx__NodeProto *const node = graph->node[i];
        if (!is_conv(node) || sc_wiring_find(w, sc_onnx_in(node, 0))->is_pooled) continue;
        out.n_convs++;
        out.is_merged[i] = is_candidate(w, node) && (!is_mixed || is_activated_window(w, node));
        out.n_merged += out.is_merged[i];
    }
    out.is_likely = out.n_merged >= FEW && 4 * out.n_merged >= out.n_convs;
    return out;
}
