// SPDX-License-Identifier: Apache-2.0
//
// images -> encoder -> h -> head -> z -> loss, each its own ONNX model, become one
// graph; or one model that has its own loss does. The loss says what a step is: one
// with labels sees `batch` rows, any other the two views of `batch` images.
#include "compiler/onnx/link.h"

#include "compiler/ir/attr.h"

#include <inttypes.h>
#include <string.h>

void sc_link_fail(struct sc_link *l, const struct sc_onnx_model *model, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sc_vreport(l->m->diag, SIMCLR_ERROR, model->name, fmt, args);
    va_end(args);
    l->failed = true;
}

void sc_link_hint(struct sc_link *l, const struct sc_onnx_model *model, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sc_vreport(l->m->diag, SIMCLR_HINT, model->name, fmt, args);
    va_end(args);
}

static const Onnx__NodeProto *maker_of(const Onnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_node; i++) {
        for (size_t k = 0; k < graph->node[i]->n_output; k++) {
            if (!strcmp(sc_onnx_text(graph->node[i]->output[k]), name)) return graph->node[i];
        }
    }
    return NULL;
}

static bool is_loss_output(const Onnx__GraphProto *graph, const Onnx__ValueInfoProto *info)
{
    const Onnx__TypeProto *const type = info->type;
    if (type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE &&
        type->tensor_type->shape && type->tensor_type->shape->n_dim == 0)
        return true;
    const Onnx__NodeProto *const maker = maker_of(graph, sc_onnx_text(info->name));
    const char *const op = maker ? sc_onnx_text(maker->op_type) : "";
    const bool is_first =
        maker && !strcmp(sc_onnx_text(maker->output[0]), sc_onnx_text(info->name));
    return is_first &&
           (!strcmp(op, "SoftmaxCrossEntropyLoss") || !strcmp(op, "NegativeLogLikelihoodLoss"));
}

// The name of the output that is the model's own loss; NULL if there is none.
static const char *own_loss(const struct sc_onnx_model *model)
{
    const Onnx__GraphProto *const graph = model->graph;
    for (size_t i = 0; i < graph->n_output; i++) {
        if (is_loss_output(graph, graph->output[i])) return graph->output[i]->name;
    }
    return NULL;
}

bool sc_onnx_has_loss(const struct sc_onnx_model *model)
{
    return own_loss(model) != NULL;
}

static const char *output_name(struct sc_link *l, const struct sc_onnx_model *model)
{
    const Onnx__GraphProto *const graph = model->graph;
    if (graph->n_output > 0) return sc_onnx_text(graph->output[0]->name);
    sc_link_fail(l, model, "the model has no output");
    return NULL;
}

bool sc_link_has_output(const struct sc_onnx_model *model, const char *name)
{
    const Onnx__GraphProto *const graph = model->graph;
    for (size_t i = 0; i < graph->n_output; i++) {
        if (!strcmp(sc_onnx_text(graph->output[i]->name), name)) return true;
    }
    return false;
}

struct sc_value *sc_link_rows(struct sc_link *l, struct sc_scope *s, const char *what,
                              const char *name, struct sc_value *v)
{
    if (!v) return NULL;
    bool is_flat = v->shape.rank >= 2;
    for (int32_t i = 2; i < v->shape.rank; i++)
        is_flat = is_flat && v->shape.dim[i] == 1;
    if (is_flat && v->shape.dim[0] == l->out->rows && v->dtype == SIMCLR_f32) {
        const struct simclr_shape shape = {2, {v->shape.dim[0], v->shape.dim[1]}};
        s->b.origin = (struct sc_origin){.file = s->model->name, .made_by = "link"};
        return sc_reshape(&s->b, v, &shape);
    }
    struct sc_str type = {0};
    sc_str_append_type(&type, v->dtype, &v->shape);
    sc_link_fail(l, s->model, "%s '%s' is %s, expected f32[%" PRId64 ",D]", what, name,
                 sc_str_text(&type), l->out->rows);
    sc_str_free(&type);
    if (v->shape.rank == 4 && !is_flat)
        sc_link_hint(l, s->model,
                     "h is one vector per image: give the tensor behind the global "
                     "pooling with --h");
    return NULL;
}

// Which input each model has, and with that the number of rows.
static void choose_rows(struct sc_link *l, const struct sc_ports *loss, int n_features)
{
    struct sc_import *const out = l->out;
    out->batch = l->options->batch > 0 ? l->options->batch : 256;
    out->two_views = loss->n_labels == 0;
    out->halves = out->two_views && n_features == 2;
    out->rows = out->two_views ? 2 * out->batch : out->batch;
}

static bool has_one_input(struct sc_link *l, const struct sc_onnx_model *model,
                          const struct sc_ports *ports)
{
    if (ports->n_images == 1 && ports->n_labels == 0) return true;
    sc_link_fail(l, model, "the model has %d inputs, expected 1",
                 ports->n_images + ports->n_labels);
    return false;
}

static void import_encoder(struct sc_link *l, const struct sc_ports *ports)
{
    struct sc_scope *const s = &l->encoder;
    if (has_one_input(l, s->model, ports)) sc_link_images(l, s, ports->images[0]);
    sc_scope_prepare(s);
    const char *const h = l->options->h ? l->options->h : output_name(l, s->model);
    if (!h) return;
    s->model->h = h;
    l->h = sc_link_rows(l, s, "h", h, sc_scope_import(s, h));
    sc_link_advise(l, h);
}

static void import_head(struct sc_link *l)
{
    struct sc_scope *const s = &l->head;
    const struct sc_ports ports = sc_link_ports(l, s->model);
    if (has_one_input(l, s->model, &ports))
        sc_link_feed(l, s, ports.images[0], l->h, "the encoder");
    sc_scope_prepare(s);
    const char *const name = output_name(l, s->model);
    if (name) l->z = sc_link_rows(l, s, "z", name, sc_scope_import(s, name));
}

struct sc_value *sc_link_slice(struct sc_scope *s, struct sc_value *v, int64_t first, int64_t n)
{
    if (!v) return NULL;
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_slice);
    attr.slice.starts = (struct simclr_dims){v->shape.rank, {first}};
    attr.slice.sizes = (struct simclr_dims){v->shape.rank, {n}};
    attr.slice.steps = (struct simclr_dims){v->shape.rank, {1}};
    for (int32_t i = 1; i < v->shape.rank; i++) {
        attr.slice.sizes.v[i] = v->shape.dim[i];
        attr.slice.steps.v[i] = 1;
    }
    s->b.origin = (struct sc_origin){.file = s->model->name, .made_by = "link"};
    return sc_build(&s->b, SIMCLR_OP_slice, &attr, v);
}

// A scalar, or the one element of [1].
void sc_link_loss(struct sc_link *l, struct sc_scope *s, const char *name)
{
    struct sc_value *const v = name ? sc_scope_import(s, name) : NULL;
    if (!v) return;
    if (v->dtype != SIMCLR_f32 || simclr_shape_count(&v->shape) != 1) {
        struct sc_str type = {0};
        sc_str_append_type(&type, v->dtype, &v->shape);
        sc_link_fail(l, s->model, "loss '%s' is %s, expected f32[]", name, sc_str_text(&type));
        sc_str_free(&type);
        return;
    }
    const struct simclr_shape scalar = sc_shape_scalar();
    s->b.origin = (struct sc_origin){.file = s->model->name, .made_by = "link"};
    l->l = sc_reshape(&s->b, v, &scalar);
}

static void import_loss(struct sc_link *l, const struct sc_ports *ports)
{
    struct sc_scope *const s = &l->loss;
    const int64_t rows = l->out->rows;
    if (ports->n_images == 2 && ports->n_labels == 0) {
        sc_link_feed(l, s, ports->images[0], sc_link_slice(s, l->z, 0, rows / 2), "the head");
        sc_link_feed(l, s, ports->images[1], sc_link_slice(s, l->z, rows / 2, rows / 2),
                     "the head");
        sc_report(l->m->diag, SIMCLR_NOTE, s->model->name,
                  "the loss takes all first views as '%s' and all second views as '%s'",
                  ports->images[0]->name, ports->images[1]->name);
    } else if (ports->n_images == 1 && ports->n_labels <= 1) {
        sc_link_feed(l, s, ports->images[0], l->z, "the head");
    } else {
        sc_link_fail(l, s->model,
                     "the loss has %d float and %d integer inputs, expected z, z and "
                     "labels, or the two views of z",
                     ports->n_images, ports->n_labels);
    }
    if (ports->n_labels == 1) sc_link_labels(l, s, ports->labels[0]);
    sc_scope_prepare(s);
    sc_link_loss(l, s, output_name(l, s->model));
}

const char *sc_link_find_h(struct sc_link *l, const struct sc_onnx_model *model)
{
    if (l->options->h) return l->options->h;
    if (sc_link_has_output(model, "h")) return "h";
    sc_link_fail(l, model, "no output is called 'h', expected to know where the encoder ends");
    sc_link_hint(l, model, "give the tensor of features with --h");
    return NULL;
}

// A model that brings its own loss: h by --h or by its name, z by its name or h.
static void import_whole(struct sc_link *l, const struct sc_ports *ports)
{
    struct sc_scope *const s = &l->encoder;
    if (ports->n_images == 2 && ports->n_labels == 0) {
        sc_link_views(l, ports, own_loss(s->model));
        sc_link_advise(l, NULL);
        return;
    }
    if (ports->n_images != 1 || ports->n_labels > 1)
        sc_link_fail(l, s->model,
                     "the model has %d float and %d integer inputs, expected images, "
                     "images and labels, or the two views of images",
                     ports->n_images, ports->n_labels);
    if (ports->n_images > 0) sc_link_images(l, s, ports->images[0]);
    if (ports->n_labels > 0) sc_link_labels(l, s, ports->labels[0]);
    sc_scope_prepare(s);
    const char *const h = sc_link_find_h(l, s->model);
    s->model->h = h;
    if (h) l->h = sc_link_rows(l, s, "h", h, sc_scope_import(s, h));
    s->part = SIMCLR_PART_head;
    sc_link_loss(l, s, own_loss(s->model));
    l->z = l->h;
    if (sc_link_has_output(s->model, "z"))
        l->z = sc_link_rows(l, s, "z", "z", sc_scope_import(s, "z"));
    sc_link_advise(l, NULL);
}

static bool any_failed(const struct sc_link *l)
{
    return l->failed || l->encoder.any_failed || l->branch.any_failed ||
           (l->has_head && l->head.any_failed) || (l->has_loss && l->loss.any_failed);
}

static void check_trainable(struct sc_link *l)
{
    for (uint32_t i = 0; i < l->m->n_params; i++) {
        if (l->m->params[i]->role == SIMCLR_ROLE_trainable) return;
    }
    sc_link_fail(l, l->encoder.model,
                 "there is nothing to train: the model has no float "
                 "initializers");
    sc_link_hint(l, l->encoder.model,
                 "export with its parameters "
                 "(torch.onnx.export(..., export_params=True))");
}

static void finish(struct sc_link *l)
{
    struct sc_import *const out = l->out;
    struct sc_graph *const g = out->graph;
    out->h_dim = l->h->shape.dim[1];
    out->z_dim = l->z->shape.dim[1];
    out->n_classes = l->labels ? out->z_dim : 0;
    sc_graph_output(g, "h", SIMCLR_PORT_embedding, l->h, NULL);
    sc_graph_output(g, "z", SIMCLR_PORT_projection, l->z, NULL);
    if (l->l) sc_graph_output(g, "loss", SIMCLR_PORT_loss, l->l, NULL);
    (void)sc_graph_remove_dead(g);
    sc_weights_note_copies(&l->encoder);
    if (l->has_head) sc_weights_note_copies(&l->head);
    sc_scope_note_floats(&l->encoder);
    if (l->has_head) sc_scope_note_floats(&l->head);
    if (l->has_loss) sc_scope_note_floats(&l->loss);
    sc_weights_list_constants(&l->encoder, out);
    if (l->has_head) sc_weights_list_constants(&l->head, out);
    if (l->has_loss) sc_weights_list_constants(&l->loss, out);
}

static void import_parts(struct sc_link *l, const struct sc_import_options *options)
{
    bool is_usable = sc_link_check_model(l, options->encoder);
    if (options->head) is_usable &= sc_link_check_model(l, options->head);
    if (options->loss) is_usable &= sc_link_check_model(l, options->loss);
    if (!is_usable) return;
    const struct sc_ports encoder = sc_link_ports(l, options->encoder);
    struct sc_ports loss = {0};
    const bool is_whole =
        !options->head && !options->loss && sc_onnx_has_loss(options->encoder);
    if (options->loss) loss = sc_link_ports(l, options->loss);
    choose_rows(l, is_whole ? &encoder : &loss, is_whole ? encoder.n_images : loss.n_images);
    if (is_whole) {
        import_whole(l, &encoder);
        return;
    }
    import_encoder(l, &encoder);
    l->z = l->h;
    if (options->head) import_head(l);
    if (options->loss) import_loss(l, &loss);
}

simclr_status sc_onnx_import(struct sc_module *m, const struct sc_import_options *options,
                             struct sc_import *out)
{
    *out = (struct sc_import){
        .graph = sc_graph_new(m, "model"),
        .encoder_name = options->encoder->name,
        .head_name = options->head ? options->head->name : NULL,
        .loss_name = options->loss ? options->loss->name : NULL,
    };
    struct sc_link *const l = SC_NEW(m->arena, struct sc_link);
    *l = (struct sc_link){.m = m,
                          .options = options->compile,
                          .out = out,
                          .has_head = options->head != NULL,
                          .has_loss = options->loss != NULL};
    struct sc_graph *const g = out->graph;
    if (options->compile->insert_bn) sc_link_insert_norms(l, options->encoder);
    sc_scope_init(&l->encoder, m, g, options->encoder, SIMCLR_PART_encoder, false);
    if (l->has_head) sc_scope_init(&l->head, m, g, options->head, SIMCLR_PART_head, false);
    if (l->has_loss) sc_scope_init(&l->loss, m, g, options->loss, SIMCLR_PART_head, true);
    l->encoder.options = l->head.options = l->loss.options = options->compile;
    options->encoder->scope = &l->encoder;
    if (l->has_head) options->head->scope = &l->head;
    if (l->has_loss) options->loss->scope = &l->loss;
    import_parts(l, options);
    sc_link_check_bindings(l);
    if (!any_failed(l)) check_trainable(l);
    if (any_failed(l)) {
        sc_report_suppressed(m->diag);
        return SIMCLR_BAD_INPUT;
    }
    finish(l);
    return SIMCLR_OK;
}
