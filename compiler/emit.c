// SPDX-License-Identifier: Apache-2.0
//
// Building the program: planned graphs become the flat sections of
// include/simclr/program.h, which sections.c writes. Nothing is decided here; what
// the plan says is written down.
#include "compiler/compilation.h"

#include "compiler/ir/op.h"
#include "compiler/sections.h"
#include "runtime/base/checksum.h"

#include <assert.h>
#include <string.h>

#define COMPILER_NAME "simclrc 0.1.0"

// The sections under construction, all in the module's arena.
struct image {
    struct sc_arena *arena;
    struct simclr_meta meta;
    char *strings;
    uint64_t n_strings;
    uint32_t *string_table; // open addressing, offset + 1
    size_t string_slots, n_string_entries;
    struct simclr_param *params;
    uint64_t n_params;
    uint64_t *param_offsets;
    const void **stored; // pieces of the initial section
    uint64_t *stored_sizes;
    uint64_t n_stored, initial_bytes;
    const void **constants; // pieces of the constant section
    uint64_t *constant_sizes, *constant_offsets;
    uint64_t n_constants, constant_bytes;
    struct simclr_entry *entries;
    uint64_t n_entries;
    struct simclr_port *ports;
    uint64_t n_ports;
    struct simclr_value *values;
    uint64_t n_values;
    struct simclr_instr *instrs;
    uint64_t n_instrs;
    uint32_t *operands;
    uint64_t n_operands;
};

static uint64_t hash_bytes(const char *text, size_t n)
{
    return sc_checksum(SC_CHECKSUM_START, text, n);
}

static void grow_string_table(struct image *im)
{
    const size_t slots = im->string_slots ? im->string_slots * 2 : 1024;
    uint32_t *const old = im->string_table;
    const size_t old_slots = im->string_slots;
    im->string_table = SC_NEW_ARRAY(im->arena, uint32_t, slots);
    im->string_slots = slots;
    for (size_t i = 0; i < old_slots; i++) {
        if (!old[i]) continue;
        const char *text = im->strings + old[i] - 1;
        size_t at = hash_bytes(text, strlen(text)) % slots;
        while (im->string_table[at])
            at = (at + 1) % slots;
        im->string_table[at] = old[i];
    }
}

// The offset of `text` in the string section; equal strings are stored once.
static uint32_t intern(struct image *im, const char *text)
{
    if (!text || !*text) return 0;
    const size_t n = strlen(text);
    if (im->n_string_entries * 2 >= im->string_slots) grow_string_table(im);
    size_t at = hash_bytes(text, n) % im->string_slots;
    for (; im->string_table[at]; at = (at + 1) % im->string_slots) {
        if (!strcmp(im->strings + im->string_table[at] - 1, text))
            return im->string_table[at] - 1;
    }
    const uint64_t offset = im->n_strings;
    for (size_t i = 0; i <= n; i++)
        SC_PUSH(im->arena, im->strings, im->n_strings) = text[i];
    im->string_table[at] = (uint32_t)offset + 1;
    im->n_string_entries++;
    return (uint32_t)offset;
}

uint64_t sc_layout_params(const struct sc_module *m, uint64_t **offsets)
{
    *offsets = SC_NEW_ARRAY(m->arena, uint64_t, m->n_params + 1u);
    uint64_t total = 0;
    for (uint32_t i = 0; i < m->n_params; i++) {
        const struct sc_param *p = m->params[i];
        (*offsets)[i] = total;
        total += sc_section_align((uint64_t)simclr_shape_count(&p->shape) *
                                  simclr_dtype_size(p->dtype));
    }
    return total;
}

static void emit_params(struct image *im, const struct sc_module *m)
{
    im->meta.persistent_bytes = sc_layout_params(m, &im->param_offsets);
    for (uint32_t i = 0; i < m->n_params; i++) {
        const struct sc_param *p = m->params[i];
        struct simclr_param r = {
            .name = intern(im, p->name),
            .dtype = p->dtype,
            .role = p->role,
            .init = p->init,
            .a = p->a,
            .b = p->b,
            .offset = im->param_offsets[i],
            .of = p->of ? p->of->index : i,
            .part = p->part,
            .excluded = p->excluded,
            .rank = p->shape.rank,
        };
        memcpy(r.dim, p->shape.dim, sizeof r.dim);
        if (p->init == SIMCLR_INIT_stored) {
            const uint64_t size =
                (uint64_t)simclr_shape_count(&p->shape) * simclr_dtype_size(p->dtype);
            r.stored_offset = im->initial_bytes;
            uint64_t n = im->n_stored;
            SC_PUSH(im->arena, im->stored_sizes, n) = size;
            SC_PUSH(im->arena, im->stored, im->n_stored) = p->stored;
            im->initial_bytes += sc_section_align(size);
        }
        SC_PUSH(im->arena, im->params, im->n_params) = r;
    }
}

// The place of a constant's bytes; the same bytes in memory are stored once.
static uint64_t emit_constant(struct image *im, const struct sc_value *v)
{
    for (uint64_t i = 0; i < im->n_constants; i++) {
        if (im->constants[i] == v->data) return im->constant_offsets[i];
    }
    const uint64_t size = (uint64_t)simclr_shape_count(&v->shape) * simclr_dtype_size(v->dtype);
    const uint64_t offset = im->constant_bytes;
    uint64_t n = im->n_constants;
    SC_PUSH(im->arena, im->constant_sizes, n) = size;
    n = im->n_constants;
    SC_PUSH(im->arena, im->constant_offsets, n) = offset;
    SC_PUSH(im->arena, im->constants, im->n_constants) = v->data;
    im->constant_bytes += sc_section_align(size);
    return offset;
}

// A value's place. Results may live in a parameter's place (updates in place,
// views of parameters) or in a constant's (views of constants): the plan has
// set param or data then.
static uint32_t emit_value(struct image *im, const struct sc_value *v)
{
    struct simclr_value r = {
        .name = intern(im, v->name),
        .dtype = v->dtype,
        .space = v->space,
        .rank = v->shape.rank,
    };
    memcpy(r.dim, v->shape.dim, sizeof r.dim);
    switch (v->space) {
    case SIMCLR_SPACE_arena: r.offset = v->offset; break;
    case SIMCLR_SPACE_persistent: r.offset = im->param_offsets[v->param->index]; break;
    case SIMCLR_SPACE_constant: r.offset = emit_constant(im, v); break;
    }
    SC_PUSH(im->arena, im->values, im->n_values) = r;
    return (uint32_t)im->n_values - 1;
}

static uint32_t emit_origin(struct image *im, const struct sc_origin *o)
{
    const char *const node = o->node ? o->node : "";
    const char *const by = o->made_by ? o->made_by : "";
    return intern(im, sc_arena_printf(im->arena, "%s%s%s%s%s", node, o->op_type ? ":" : "",
                                      o->op_type ? o->op_type : "", *by ? " by " : "", by));
}

static void emit_instr(struct image *im, const struct sc_node *n, const uint32_t *value_index)
{
    struct simclr_instr r = {
        .op = n->op,
        .n_in = (uint32_t)n->n_in,
        .n_out = (uint32_t)n->n_out,
        .operands = (uint32_t)im->n_operands,
        .kernel = n->kernel.kernel,
        .origin = emit_origin(im, &n->origin),
        .tile = n->kernel.tile,
        .scratch_bytes = n->kernel.scratch_bytes,
        .workspace_offset = n->kernel.workspace_offset,
        .workspace_bytes = n->kernel.workspace_bytes,
        .attr = n->attr,
    };
    for (int i = 0; i < n->n_in; i++)
        SC_PUSH(im->arena, im->operands, im->n_operands) = value_index[n->in[i]->id];
    for (int i = 0; i < n->n_out; i++)
        SC_PUSH(im->arena, im->operands, im->n_operands) = value_index[n->out[i]->id];
    if (r.scratch_bytes > im->meta.scratch_bytes) im->meta.scratch_bytes = r.scratch_bytes;
    SC_PUSH(im->arena, im->instrs, im->n_instrs) = r;
}

static void emit_ports(struct image *im, const struct sc_graph *g, const uint32_t *value_index,
                       struct simclr_entry *entry)
{
    entry->first_input = (uint32_t)im->n_ports;
    entry->n_inputs = g->n_inputs;
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        SC_PUSH(im->arena, im->ports, im->n_ports) = (struct simclr_port){
            .name = intern(im, g->inputs[i]->name),
            .role = g->inputs[i]->role,
            .value = value_index[g->inputs[i]->id],
        };
    }
    entry->first_output = (uint32_t)im->n_ports;
    entry->n_outputs = g->n_outputs;
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const struct sc_output *o = &g->outputs[i];
        SC_PUSH(im->arena, im->ports, im->n_ports) = (struct simclr_port){
            .name = intern(im, o->name),
            .role = o->role,
            .value = value_index[o->value->id],
            .param = o->param ? o->param->index : 0,
        };
    }
}

static void emit_entry(struct image *im, const struct sc_graph *g)
{
    assert(g->is_planned);
    struct simclr_entry entry = {
        .name = intern(im, g->name),
        .first_instr = (uint32_t)im->n_instrs,
        .arena_bytes = g->arena_bytes,
    };
    uint32_t *value_index = SC_NEW_ARRAY(im->arena, uint32_t, g->n_values + 1u);
    for (uint32_t i = 0; i < g->n_values; i++)
        value_index[i] = emit_value(im, g->values[i]);
    SC_FOR_EACH_NODE(g, n)
    {
        if (!(sc_op_table[n->op].traits & SC_TRAIT_V)) // a view is no work
            emit_instr(im, n, value_index);
    }
    entry.n_instrs = (uint32_t)im->n_instrs - entry.first_instr;
    emit_ports(im, g, value_index, &entry);
    if (entry.arena_bytes > im->meta.arena_bytes) im->meta.arena_bytes = entry.arena_bytes;
    SC_PUSH(im->arena, im->entries, im->n_entries) = entry;
}

static void emit_meta(struct image *im, const struct simclr_compilation *c)
{
    const struct sc_import *in = &c->import;
    struct simclr_meta *meta = &im->meta;
    meta->compiler = intern(im, COMPILER_NAME);
    meta->encoder = intern(im, in->encoder_name);
    meta->head = intern(im, in->head_name);
    meta->loss = intern(im, in->loss_name);
    if (!sc_has_entry(c, SC_ENTRY_run))
        meta->optimizer = intern(im, sc_optimizer_print(im->arena, &c->context.optimizer));
    meta->two_views = in->two_views;
    meta->halves = in->halves;
    meta->batch = in->batch;
    meta->rows = in->rows;
    meta->channels = in->channels;
    meta->height = in->height;
    meta->width = in->width;
    meta->n_classes = in->n_classes;
    meta->h_dim = in->h_dim;
    meta->z_dim = in->z_dim;
    meta->seed = c->options.seed;
    memcpy(meta->mean, c->mean, sizeof meta->mean);
    memcpy(meta->std, c->std, sizeof meta->std);
    SC_FOR_EACH_NODE(in->graph, n)
    {
        if (n->op == SIMCLR_OP_nt_xent) {
            meta->is_nt_xent = 1;
            meta->temperature = n->attr.nt_xent.temperature;
        }
    }
}

static struct sc_section one_piece(struct sc_arena *arena, const void *records, uint64_t count,
                                   size_t record_size)
{
    const void **piece = SC_NEW(arena, const void *);
    uint64_t *size = SC_NEW(arena, uint64_t);
    *piece = records;
    *size = count * record_size;
    return (struct sc_section){(uint32_t)record_size, count, piece, size, count ? 1 : 0};
}

simclr_status sc_emit(struct simclr_compilation *c, const char *path)
{
    assert(c->reached == SIMCLR_STAGE_plan);
    struct sc_arena *arena = c->module->arena;
    struct image im = {.arena = arena};
    SC_PUSH(arena, im.strings, im.n_strings) = '\0';
    emit_params(&im, c->module);
    emit_meta(&im, c);
    for (int e = 0; e < SC_N_ENTRIES; e++) {
        if (sc_has_entry(c, (enum sc_entry_kind)e))
            emit_entry(&im, c->graphs[e][SIMCLR_STAGE_plan]);
    }
    struct sc_template t = {0};
    if (!sc_has_entry(c, SC_ENTRY_run))
        SC_TRY(sc_onnx_template(c->module, c->models[0], &c->import, &t));

#define RECORDS(array, n) one_piece(arena, (array), (n), sizeof *(array))
    const struct sc_section sections[SIMCLR_N_SECTIONS] = {
        [SIMCLR_SECTION_meta] = RECORDS(&im.meta, 1),
        [SIMCLR_SECTION_strings] = RECORDS(im.strings, im.n_strings),
        [SIMCLR_SECTION_params] = RECORDS(im.params, im.n_params),
        [SIMCLR_SECTION_initial] = {1, im.initial_bytes, im.stored, im.stored_sizes,
                                    im.n_stored},
        [SIMCLR_SECTION_constants] = {1, im.constant_bytes, im.constants, im.constant_sizes,
                                      im.n_constants},
        [SIMCLR_SECTION_entries] = RECORDS(im.entries, im.n_entries),
        [SIMCLR_SECTION_ports] = RECORDS(im.ports, im.n_ports),
        [SIMCLR_SECTION_values] = RECORDS(im.values, im.n_values),
        [SIMCLR_SECTION_instrs] = RECORDS(im.instrs, im.n_instrs),
        [SIMCLR_SECTION_operands] = RECORDS(im.operands, im.n_operands),
        [SIMCLR_SECTION_template] = RECORDS(t.segments, t.n_segments),
        [SIMCLR_SECTION_bytes] = RECORDS(t.bytes, t.n_bytes),
    };
#undef RECORDS
    return sc_sections_write(c->diag, path, sections);
}
