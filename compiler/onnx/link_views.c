// SPDX-License-Identifier: Apache-2.0
//
// A whole model with two image inputs, as Siamese networks are often written: it
// gets all first views and all second views, and runs its encoder on each as
// written, so that BatchNormalization sees one view at a time. Parameters are
// shared, for both branches name the same initializers.
//
// The entries other than training want one row of h for each image. They run the
// branch that makes h on all rows at once: the model is imported a second time with
// all images as that branch's input, over the same parameters.
#include "compiler/onnx/link.h"

#include <string.h>

// Which inputs the value `name` is made of. The scope's graph is in order.
static void find_inputs(const struct sc_scope *s, const char *name,
                        const struct sc_ports *ports, bool *uses)
{
    const Onnx__GraphProto *const g = s->graph;
    struct sc_names *const wanted = sc_names_new(s->m->arena);
    *sc_names_slot(wanted, name) = wanted;
    for (size_t i = g->n_node; i-- > 0;) {
        const Onnx__NodeProto *const node = g->node[i];
        bool is_needed = false;
        for (size_t k = 0; k < node->n_output; k++)
            is_needed = is_needed || sc_names_find(wanted, sc_onnx_text(node->output[k]));
        for (size_t k = 0; is_needed && k < node->n_input; k++) {
            if (*sc_onnx_text(node->input[k])) *sc_names_slot(wanted, node->input[k]) = wanted;
        }
    }
    for (int i = 0; i < 2; i++)
        uses[i] = sc_names_find(wanted, sc_onnx_text(ports->images[i]->name)) != NULL;
}

// The input that alone makes `name`, from 0; -1 after reporting that there is none.
static int find_branch(struct sc_link *l, const char *what, const char *name,
                       const struct sc_ports *ports)
{
    const struct sc_onnx_model *const model = l->encoder.model;
    const char *const a = ports->images[0]->name, *const b = ports->images[1]->name;
    bool uses[2];
    find_inputs(&l->encoder, name, ports, uses);
    if (uses[0] != uses[1]) return uses[0] ? 0 : 1;
    sc_link_fail(l, model, "%s '%s' is made of %s '%s' %s '%s', expected one of them", what,
                 name, uses[0] ? "both" : "neither", a, uses[0] ? "and" : "nor", b);
    sc_link_hint(l, model, "give the features of one branch with --h");
    return -1;
}

// The two halves of the images become the two inputs.
static bool bind_views(struct sc_link *l, const struct sc_ports *ports)
{
    struct sc_scope *const s = &l->encoder;
    const char *const a = ports->images[0]->name, *const b = ports->images[1]->name;
    const int64_t n = l->out->batch;
    struct simclr_shape shape[2];
    bool known = sc_link_image_shape(l, s, ports->images[0], n, &shape[0]);
    known = sc_link_image_shape(l, s, ports->images[1], n, &shape[1]) && known;
    sc_scope_bound(s, a)->is_unknown = sc_scope_bound(s, b)->is_unknown = !known;
    if (!known) return false;
    if (!simclr_shape_equal(&shape[0], &shape[1])) {
        struct sc_str found = {0};
        sc_str_append_type(&found, SIMCLR_f32, &shape[0]);
        sc_str_append(&found, " and ");
        sc_str_append_type(&found, SIMCLR_f32, &shape[1]);
        sc_link_fail(l, s->model, "inputs '%s' and '%s' are %s, expected views of one size", a,
                     b, sc_str_text(&found));
        sc_str_free(&found);
        sc_scope_bound(s, a)->is_unknown = sc_scope_bound(s, b)->is_unknown = true;
        return false;
    }
    shape[0].dim[0] = 2 * n;
    sc_link_make_images(l, a, &shape[0]);
    sc_scope_bind(s, a, sc_link_slice(s, l->images, 0, n));
    sc_scope_bind(s, b, sc_link_slice(s, l->images, n, n));
    sc_report(l->m->diag, SIMCLR_NOTE, s->model->name,
              "the model takes all first views as '%s' and all second views as '%s'", a, b);
    return true;
}

static void note_norms(struct sc_link *l)
{
    const struct sc_scope *const s = &l->encoder;
    for (size_t i = 0; i < s->graph->n_node; i++) {
        if (strcmp(sc_onnx_text(s->graph->node[i]->op_type), "BatchNormalization") != 0)
            continue;
        sc_report(l->m->diag, SIMCLR_NOTE, s->model->name,
                  "BatchNormalization sees one view at a time, as the model is written");
        return;
    }
}

// h and z of all images, by the branch that makes h.
static void import_branch(struct sc_link *l, const struct sc_ports *ports, const char *h)
{
    struct sc_scope *const s = &l->branch;
    const int k = find_branch(l, "h", h, ports);
    if (k < 0) return;
    const char *const given = ports->images[k]->name;
    sc_scope_init(s, l->m, l->out->graph, l->encoder.model, SIMCLR_PART_encoder, false);
    s->options = l->options;
    s->elder = &l->encoder;
    s->is_rebound = true;
    s->model->scope = s;
    s->model->h = h;
    sc_scope_bind(s, given, l->images);
    sc_scope_prepare(s);
    l->h = sc_link_rows(l, s, "h", h, sc_scope_import(s, h));
    l->z = l->h;
    s->part = SIMCLR_PART_head;
    if (!sc_link_has_output(s->model, "z")) return;
    const int other = find_branch(l, "z", "z", ports);
    if (other == k)
        l->z = sc_link_rows(l, s, "z", "z", sc_scope_import(s, "z"));
    else if (other >= 0)
        sc_link_fail(l, s->model, "z 'z' is made of '%s', expected '%s', of which h '%s' is",
                     ports->images[other]->name, given, h);
}

void sc_link_views(struct sc_link *l, const struct sc_ports *ports, const char *loss)
{
    struct sc_scope *const s = &l->encoder;
    const bool is_bound = bind_views(l, ports);
    sc_scope_prepare(s);
    const char *const h = sc_link_find_h(l, s->model);
    if (h) (void)sc_scope_import(s, h); // so that its parameters are the encoder's
    s->part = SIMCLR_PART_head;
    sc_link_loss(l, s, loss);
    if (!h || !is_bound || l->failed || s->any_failed) return;
    note_norms(l);
    import_branch(l, ports, h);
}
