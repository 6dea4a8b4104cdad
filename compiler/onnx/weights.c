// SPDX-License-Identifier: Apache-2.0
//
// Which tensors are parameters. Float initializers with more than one element
// are; so is whatever reaches a slot for weights: a single number, a Constant, or
// a node that describes how a weight starts (RandomNormal and its kind,
// ConstantOfShape). Identity is looked through. Any other float tensor, of the loss
// too, is a parameter where --train or --freeze gives its whole name: a pattern would
// find epsilons and masks.
//
// A tensor used twice is one parameter, as in Siamese networks. But exporters
// merge initializers of equal value, so in a fresh network all biases and
// statistics of one width are the same tensor. Vectors per channel therefore
// belong to the convolution whose output they normalise or shift, and each
// convolution has its own.
#include "compiler/onnx/importer.h"

#include <string.h>

static char slot_letter(const struct sc_import_row *row, size_t i)
{
    const size_t n = strlen(row->slots);
    return row->slots[i < n ? i : n - 1];
}

// A vector per channel, which belongs to a convolution.
static bool is_per_channel(char letter)
{
    return strchr("bsomv", letter) != NULL;
}

static bool is_float(const Onnx__TensorProto *t)
{
    const struct sc_onnx_dtype *const dtype = sc_onnx_dtype(t->data_type);
    return dtype && dtype->supported && simclr_dtype_is_float(dtype->dtype);
}

static bool describes_weights(const char *op_type)
{
    static const char *const known[] = {"RandomNormal", "RandomNormalLike", "RandomUniform",
                                        "RandomUniformLike", "ConstantOfShape"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(op_type, known[i])) return true;
    }
    return false;
}

// A second import of a model has the parameters of the first.
static struct sc_weight *new_weight(struct sc_scope *s, const char *name,
                                    const Onnx__TensorProto *tensor)
{
    const struct sc_bound *const elder = s->elder ? sc_scope_find(s->elder, name) : NULL;
    if (elder && elder->weight) return elder->weight;
    struct sc_weight *const w = SC_NEW(s->m->arena, struct sc_weight);
    w->name = name;
    w->tensor = tensor;
    return w;
}

// Whether the user names this tensor to have it as a parameter.
static bool is_asked_for(const struct sc_scope *s, const char *name)
{
    for (size_t i = 0; s->options && i < s->options->n_selections; i++) {
        if (!strcmp(s->options->selections[i].pattern, name)) return true;
    }
    return false;
}

// It is one from now on. A lone number is no weight to be decayed.
static void ask_for(struct sc_weight *w)
{
    w->is_wanted = true;
    w->is_excluded = true;
    for (size_t i = 0; w->tensor && i < w->tensor->n_dims; i++)
        w->is_excluded = w->is_excluded && w->tensor->dims[i] == 1;
}

// A candidate that the node's output is, if any.
static struct sc_weight *candidate(struct sc_scope *s, const Onnx__NodeProto *node)
{
    const char *const op_type = sc_onnx_text(node->op_type);
    if (node->n_output == 0) return NULL;
    if (!strcmp(op_type, "Identity") && node->n_input == 1) {
        const struct sc_bound *const source = sc_scope_find(s, sc_onnx_text(node->input[0]));
        return source ? source->weight : NULL;
    }
    const char *const name = sc_onnx_text(node->output[0]);
    const bool is_asked = is_asked_for(s, name);
    if (s->is_loss && !is_asked) return NULL;
    struct sc_weight *w = NULL;
    if (!strcmp(op_type, "Constant")) {
        char error[SC_ONNX_ERROR]; // the importer reports it
        const Onnx__TensorProto *const t = sc_onnx_constant(s->model, node, error);
        if (t && is_float(t)) w = new_weight(s, name, t);
    } else if (describes_weights(op_type)) {
        w = new_weight(s, name, NULL);
    }
    if (w && is_asked) ask_for(w);
    return w;
}

static void mark(struct sc_weight *w, char letter)
{
    const bool is_vector = w->tensor && w->tensor->n_dims == 1;
    if (strchr("wbsomv", letter)) w->is_wanted = true;
    if (strchr("bso", letter) || (letter == 'a' && is_vector)) w->is_excluded = true;
}

void sc_weights_find(struct sc_scope *s, size_t first_initializer,
                     Onnx__NodeProto *const *nodes, size_t n_nodes)
{
    for (size_t i = first_initializer; i < s->graph->n_initializer; i++) {
        const Onnx__TensorProto *const t = s->graph->initializer[i];
        if (!is_float(t) || !*sc_onnx_text(t->name)) continue;
        const bool is_asked = is_asked_for(s, t->name);
        if (s->is_loss && !is_asked) continue;
        struct sc_weight *const w = new_weight(s, t->name, t);
        w->is_initializer = true;
        if (is_asked) ask_for(w);
        sc_scope_bound(s, w->name)->weight = w;
    }
    for (size_t i = 0; i < n_nodes; i++) {
        const Onnx__NodeProto *const node = nodes[i];
        const struct sc_import_row *const row = sc_import_find(s, node);
        struct sc_weight *const made = candidate(s, node);
        if (made) sc_scope_bound(s, sc_onnx_text(node->output[0]))->weight = made;
        for (size_t k = 0; row && k < node->n_input; k++) {
            const struct sc_bound *const in = sc_scope_find(s, sc_onnx_text(node->input[k]));
            if (in && in->weight) mark(in->weight, slot_letter(row, k));
        }
    }
}

bool sc_weight_is_param(const struct sc_scope *s, const struct sc_weight *w)
{
    if (w->is_wanted) return true;
    if (s->is_loss || !w->is_initializer) return false;
    for (size_t i = 0; i < w->tensor->n_dims; i++) {
        if (w->tensor->dims[i] > 1) return true;
    }
    return false;
}

struct sc_weight *sc_weight_described(struct sc_scope *s)
{
    const struct sc_bound *const bound = sc_scope_find(s, sc_onnx_text(s->node->output[0]));
    return bound && bound->weight && bound->weight->is_wanted ? bound->weight : NULL;
}

// The name of the weight behind input `i`, or of the input itself.
static const char *weight_name(struct sc_scope *s, const Onnx__NodeProto *node, size_t i)
{
    const char *const name = i < node->n_input ? sc_onnx_text(node->input[i]) : "";
    const struct sc_bound *const bound = sc_scope_find(s, name);
    return bound && bound->weight ? bound->weight->name : name;
}

// The product to which a vector at input `i` of an Add is the bias; NULL if it is none.
static const Onnx__NodeProto *product_of_bias(struct sc_scope *s, const Onnx__NodeProto *node,
                                              int i)
{
    const struct sc_bound *const bias = sc_scope_find(s, sc_onnx_text(node->input[i]));
    const struct sc_weight *const w = bias ? bias->weight : NULL;
    if (node->n_input != 2 || !w || !w->tensor || w->tensor->n_dims != 1) return NULL;
    const struct sc_bound *const other = sc_scope_find(s, sc_onnx_text(node->input[1 - i]));
    const Onnx__NodeProto *const maker = other ? other->maker : NULL;
    return maker && !strcmp(sc_onnx_text(maker->op_type), "MatMul") ? maker : NULL;
}

// What a vector per channel at input `i` belongs to: the weight of the layer that
// makes the channels, and its place there.
static const char *copy_key(struct sc_scope *s, const Onnx__NodeProto *node, int i)
{
    const struct sc_import_row *const row = sc_import_find(s, node);
    const char letter = slot_letter(row, (size_t)i);
    if (letter == 'a') {
        const Onnx__NodeProto *const product = product_of_bias(s, node, i);
        return product ? sc_arena_printf(s->m->arena, "b %s", weight_name(s, product, 1)) : "";
    }
    if (!is_per_channel(letter)) return "";
    const Onnx__NodeProto *layer = node;
    if (letter != 'b') {
        const struct sc_bound *const x = sc_scope_find(s, sc_onnx_text(node->input[0]));
        layer = x ? x->maker : NULL;
        const char *const type = layer ? sc_onnx_text(layer->op_type) : "";
        const bool has_weight =
            !strcmp(type, "Conv") || !strcmp(type, "ConvTranspose") || !strcmp(type, "Gemm");
        if (!has_weight)
            return sc_arena_printf(s->m->arena, "%c %s", letter, sc_onnx_text(node->input[0]));
    }
    return sc_arena_printf(s->m->arena, "%c %s", letter, weight_name(s, layer, 1));
}

static struct sc_copy *find_copy(const struct sc_weight *w, const char *key)
{
    for (size_t i = 0; i < w->n_copies; i++) {
        if (!strcmp(w->copies[i].key, key)) return &w->copies[i];
    }
    return NULL;
}

// Adds a parameter under `name` or, if the encoder has one of that name, under
// "head.<name>".
static struct sc_param *add_param(struct sc_scope *s, const char *name,
                                  const struct simclr_shape *shape)
{
    struct sc_param *p = sc_module_add_param(s->m, name, shape);
    while (!p) {
        name = sc_arena_printf(s->m->arena, "%s.%s",
                               s->part == SIMCLR_PART_head ? "head" : "encoder", name);
        p = sc_module_add_param(s->m, name, shape);
    }
    return p;
}

// Its type, and its values or what describes them; false after reporting.
static bool fill_start(struct sc_scope *s, struct sc_weight *w, const void **stored)
{
    char error[SC_ONNX_ERROR];
    *stored = NULL;
    if (!w->tensor) return w->is_described;
    struct sc_onnx_tensor info = {0};
    if (sc_onnx_tensor_type(w->tensor, &info, error))
        *stored = sc_onnx_tensor_values(s->model, w->tensor, SIMCLR_f32, false, error);
    if (!*stored) {
        w->is_unusable = true;
        (void)sc_bad_node(s, "initializer '%s': %s", w->name, error);
        return false;
    }
    if (w->n_copies == 0) sc_scope_count_float(s, w->name, sc_onnx_dtype(w->tensor->data_type));
    w->shape = info.shape;
    w->init = SIMCLR_INIT_stored;
    return true;
}

// The parameter that `w` is for `key`; NULL after reporting.
static struct sc_value *value_for(struct sc_scope *s, struct sc_weight *w, const char *key,
                                  char letter)
{
    struct sc_copy *copy = find_copy(w, key);
    if (!copy) {
        if (w->is_unusable) { // and said so
            s->failed = true;
            return NULL;
        }
        const void *stored;
        if (!fill_start(s, w, &stored)) return NULL;
        const char *const name =
            w->n_copies == 0 ? w->name
                             : sc_arena_printf(s->m->arena, "%s.%zu", w->name, w->n_copies + 1);
        struct sc_param *const p = add_param(s, name, &w->shape);
        const bool is_statistic = letter == 'm' || letter == 'v';
        p->role = is_statistic ? SIMCLR_ROLE_statistic : SIMCLR_ROLE_trainable;
        p->part = s->part;
        p->excluded = w->is_excluded && !is_statistic;
        p->init = w->init;
        p->a = w->a;
        p->b = w->b;
        p->stored = stored;
        copy = &SC_PUSH(s->m->arena, w->copies, w->n_copies);
        *copy = (struct sc_copy){.key = key, .param = p};
    }
    return sc_graph_param(s->b.graph, copy->param);
}

struct sc_value *sc_weight_value(struct sc_scope *s, struct sc_weight *w, int i)
{
    return value_for(s, w, copy_key(s, s->node, i), slot_letter(s->row, (size_t)i));
}

struct sc_value *sc_weight_itself(struct sc_scope *s, struct sc_weight *w)
{
    s->failed = false; // of the node before
    if (w->n_copies > 0) return sc_graph_param(s->b.graph, w->copies[0].param);
    return value_for(s, w, "", '-');
}

struct sc_param *sc_weight_param(struct sc_scope *s, const Onnx__NodeProto *node, int i)
{
    const struct sc_bound *const bound = sc_scope_find(s, sc_onnx_text(node->input[i]));
    if (!bound || !bound->weight || !sc_weight_is_param(s, bound->weight)) return NULL;
    const struct sc_copy *const copy = find_copy(bound->weight, copy_key(s, node, i));
    return copy ? copy->param : NULL;
}

static void list_constant(struct sc_scope *s, const char *name, struct sc_import *out)
{
    const struct sc_bound *const bound = sc_scope_find(s, name);
    const struct sc_value *const v = bound ? bound->value : NULL;
    if (!v || v->kind != SC_VALUE_constant || !simclr_dtype_is_float(v->dtype)) return;
    SC_PUSH(s->m->arena, out->constants, out->n_constants) =
        (struct sc_constant){.file = s->model->name, .name = name, .value = v};
}

void sc_weights_list_constants(struct sc_scope *s, struct sc_import *out)
{
    for (size_t i = 0; i < s->graph->n_initializer; i++)
        list_constant(s, sc_onnx_text(s->graph->initializer[i]->name), out);
    for (size_t i = 0; i < s->graph->n_node; i++) {
        const Onnx__NodeProto *const node = s->graph->node[i];
        if (!strcmp(sc_onnx_text(node->op_type), "Constant") && node->n_output > 0)
            list_constant(s, sc_onnx_text(node->output[0]), out);
    }
}

// In one message, for an untrained network has dozens.
void sc_weights_note_copies(struct sc_scope *s)
{
    enum { SHOWN = 4 };
    struct sc_str text = {0};
    size_t n_shared = 0, n_params = 0;
    if (s->is_as_written) return; // equal values that stay equal
    for (size_t i = 0; i < s->graph->n_initializer; i++) {
        const struct sc_bound *const bound =
            sc_scope_find(s, sc_onnx_text(s->graph->initializer[i]->name));
        const struct sc_weight *const w = bound ? bound->weight : NULL;
        if (!w || w->n_copies < 2) continue;
        n_params += w->n_copies;
        if (n_shared++ < SHOWN)
            sc_str_printf(&text, "%s'%s' for %zu", n_shared > 1 ? ", " : "", w->name,
                          w->n_copies);
    }
    if (n_shared > 0) {
        sc_report(s->m->diag, SIMCLR_NOTE, s->model->name,
                  "%zu %s for %zu vectors of different layers or roles, which are trained "
                  "apart: %s%s",
                  n_shared, n_shared == 1 ? "tensor stands" : "tensors stand", n_params,
                  sc_str_text(&text), n_shared > SHOWN ? ", ..." : "");
        sc_report(s->m->diag, SIMCLR_HINT, s->model->name,
                  "exporters merge tensors of equal value, but not with training="
                  "torch.onnx.TrainingMode.TRAINING, nor with dynamo=True, optimize=False");
    }
    sc_str_free(&text);
}
