// SPDX-License-Identifier: Apache-2.0
//
// A model that is not trained, as it is: its inputs and outputs become ports.
#include "compiler/onnx/link.h"

#include <inttypes.h>
#include <string.h>

static bool has_input(const struct sc_onnx_model *model, const char *name)
{
    for (size_t i = 0; i < model->graph->n_input; i++) {
        if (!strcmp(sc_onnx_text(model->graph->input[i]->name), name))
            return !sc_onnx_initializer(model->graph, name);
    }
    return false;
}

static void check_options(struct sc_link *l)
{
    const struct simclr_compile_options *const o = l->options;
    for (size_t i = 0; i < o->n_fixed; i++) {
        if (!has_input(l->encoder.model, o->fixed[i].name))
            sc_link_fail(l, l->encoder.model, "--input %s=%s: there is no input of that name",
                         o->fixed[i].name, o->fixed[i].file);
        for (size_t k = 0; k < i; k++) {
            if (!strcmp(o->fixed[k].name, o->fixed[i].name))
                sc_link_fail(l, l->encoder.model, "input '%s' is fixed twice: '%s' and '%s'",
                             o->fixed[i].name, o->fixed[k].file, o->fixed[i].file);
        }
    }
    if (o->batch > 0 && !l->took_batch)
        sc_report(l->m->diag, SIMCLR_WARNING, NULL,
                  "--batch %" PRId64 ": no input has a symbolic batch as its first extent",
                  o->batch);
    sc_link_check_bindings(l);
}

static void import_outputs(struct sc_link *l)
{
    const Onnx__GraphProto *const graph = l->encoder.model->graph;
    if (graph->n_output == 0) sc_link_fail(l, l->encoder.model, "the model has no output");
    for (size_t i = 0; i < graph->n_output; i++) {
        const char *const name = sc_onnx_text(graph->output[i]->name);
        struct sc_value *const v = sc_scope_import_output(&l->encoder, name);
        if (v) sc_graph_output(l->out->graph, name, SIMCLR_PORT_tensor, v, NULL);
    }
}

simclr_status sc_onnx_import_run(struct sc_module *m, const struct sc_import_options *options,
                                 struct sc_import *out)
{
    struct sc_onnx_model *const model = options->encoder;
    *out = (struct sc_import){.graph = sc_graph_new(m, "model"), .encoder_name = model->name};
    struct sc_link *const l = SC_NEW(m->arena, struct sc_link);
    *l = (struct sc_link){.m = m, .options = options->compile, .out = out};
    sc_scope_init(&l->encoder, m, out->graph, model, SIMCLR_PART_encoder, false);
    l->encoder.is_as_written = true;
    model->scope = &l->encoder;
    for (size_t i = 0; i < model->graph->n_input; i++) {
        const Onnx__ValueInfoProto *const info = model->graph->input[i];
        if (!sc_onnx_initializer(model->graph, sc_onnx_text(info->name)))
            sc_link_tensor(l, &l->encoder, info);
    }
    sc_scope_prepare(&l->encoder);
    import_outputs(l);
    check_options(l);
    if (l->failed || l->encoder.any_failed) {
        sc_report_suppressed(m->diag);
        return l->file_status != SIMCLR_OK ? l->file_status : SIMCLR_BAD_INPUT;
    }
    (void)sc_graph_remove_dead(out->graph);
    sc_weights_note_copies(&l->encoder);
    sc_scope_note_floats(&l->encoder);
    return SIMCLR_OK;
}
