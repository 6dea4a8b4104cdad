// SPDX-License-Identifier: Apache-2.0
//
// The records of a program, one after the other: each field against what it may
// be. Most fields are numbers below a bound (a count of records, of bytes, of
// enumerators) and are listed in tables; the rest is spelled out.
#include "runtime/core/program.h"

#include "runtime/base/checked.h"
#include "runtime/core/facts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

// A record under examination: "value 3 ('conv1')".
struct record {
    const struct simclr_sections *s;
    const char *path;
    struct simclr_diag *diag;
    const char *kind;
    uint64_t i;
    uint32_t name; // string
};

// Reports "value 3 ('conv1') " and the rest.
#define BAD(r, fmt, ...)                                                                       \
    sc_fail((r)->diag, SIMCLR_BAD_INPUT, (r)->path, "%s %" PRIu64 " ('%s') " fmt, (r)->kind,   \
            (r)->i, (r)->s->strings + (r)->name, __VA_ARGS__)

struct bound {
    const char *field;
    uint64_t found, below;
};

// The first bound is that of the record's name, which names it from then on.
static simclr_status check_bounds(struct record *r, const struct bound *bounds, size_t n)
{
    r->name = 0;
    for (size_t i = 0; i < n; i++) {
        const struct bound *const b = &bounds[i];
        if (b->found >= b->below)
            return BAD(r, "has %s %" PRIu64 ", expected less than %" PRIu64, b->field, b->found,
                       b->below);
        if (i == 0) r->name = (uint32_t)b->found;
    }
    return SIMCLR_OK;
}

static simclr_status check_range(const struct record *r, const char *what, uint64_t offset,
                                 uint64_t size, uint64_t total)
{
    if (sc_range_within(offset, size, total)) return SIMCLR_OK;
    return BAD(r, "has %" PRIu64 " %s from %" PRIu64 " on, expected to end by %" PRIu64, size,
               what, offset, total);
}

// The number of bytes of the tensor, which must lie aligned within its region.
static simclr_status check_tensor(const struct record *r, uint32_t dtype, int32_t rank,
                                  const int64_t *dim, uint64_t offset, uint64_t region)
{
    struct simclr_shape shape = {.rank = rank};
    size_t bytes;
    memcpy(shape.dim, dim, sizeof shape.dim);
    if (!sc_checked_nbytes((simclr_dtype)dtype, &shape, &bytes))
        return BAD(r,
                   "has rank %" PRId32 " and a shape that is none, expected rank 0 to %d and "
                   "extents of at least 0 whose product is a size",
                   rank, (int)SIMCLR_MAX_RANK);
    if (offset % SIMCLR_SCP_ALIGN != 0)
        return BAD(r, "is at offset %" PRIu64 ", expected a multiple of %d", offset,
                   (int)SIMCLR_SCP_ALIGN);
    return check_range(r, "bytes", offset, bytes, region);
}

// ---- meta ----

static simclr_status check_meta(struct record *r, const void *record)
{
    const struct simclr_meta *const m = record;
    const uint64_t n_strings = r->s->n_strings;
    const struct bound bounds[] = {
        {"encoder", m->encoder, n_strings},
        {"compiler", m->compiler, n_strings},
        {"head", m->head, n_strings},
        {"loss", m->loss, n_strings},
        {"optimizer", m->optimizer, n_strings},
        {"two_views", m->two_views, 2},
        {"halves", m->halves, 2},
        {"is_nt_xent", m->is_nt_xent, 2},
    };
    SC_TRY(check_bounds(r, bounds, sizeof bounds / sizeof bounds[0]));
    const int64_t counts[] = {m->batch, m->rows,      m->channels, m->height,
                              m->width, m->n_classes, m->h_dim,    m->z_dim};
    const char *const names[] = {"batch", "rows",      "channels", "height",
                                 "width", "n_classes", "h_dim",    "z_dim"};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i] < 0 || counts[i] > INT32_MAX)
            return BAD(r, "has %s %" PRId64 ", expected 0 to %" PRId32, names[i], counts[i],
                       INT32_MAX);
    }
    if (m->rows != m->batch * (1 + (int64_t)m->two_views))
        return BAD(r, "has %" PRId64 " rows, expected %" PRId64, m->rows,
                   m->batch * (1 + (int64_t)m->two_views));
    if (!isfinite(m->temperature) || m->temperature < 0)
        return BAD(r, "has temperature %g, expected at least 0", m->temperature);
    for (int c = 0; c < 4; c++) {
        const bool is_used = c < m->channels;
        if (!isfinite(m->mean[c]) || !isfinite(m->std[c]) || (is_used && m->std[c] <= 0))
            return BAD(r,
                       "normalises channel %d by mean %g and deviation %g, expected finite "
                       "ones and a deviation above 0",
                       c, (double)m->mean[c], (double)m->std[c]);
    }
    return SIMCLR_OK;
}

// ---- parameters ----

static simclr_status check_param(struct record *r, const void *record)
{
    const struct simclr_param *const p = record;
    const struct simclr_sections *const s = r->s;
    const struct bound bounds[] = {
        {"name", p->name, s->n_strings},
        {"dtype", p->dtype, SIMCLR_N_DTYPES},
        {"role", p->role, SIMCLR_ROLE_slot + 1},
        {"initializer", p->init, SIMCLR_INIT_stored + 1},
        {"owner", p->of, s->n_params},
        {"part", p->part, SIMCLR_PART_head + 1},
        {"excluded", p->excluded, 2},
    };
    SC_TRY(check_bounds(r, bounds, sizeof bounds / sizeof bounds[0]));
    SC_TRY(check_tensor(r, p->dtype, p->rank, p->dim, p->offset, s->meta->persistent_bytes));
    if (p->init == SIMCLR_INIT_stored)
        return check_range(r, "initial bytes", p->stored_offset, sc_param_bytes(p),
                           s->n_initial);
    if (p->dtype != SIMCLR_f32)
        return BAD(r, "of %s has a described initial value, expected f32",
                   simclr_dtype_name((simclr_dtype)p->dtype));
    if (!isfinite(p->a) || !isfinite(p->b))
        return BAD(r, "is initialised by %g and %g, expected finite numbers", p->a, p->b);
    return SIMCLR_OK;
}

// ---- values, ports, entries ----

static simclr_status check_value(struct record *r, const void *record)
{
    const struct simclr_value *const v = record;
    const struct simclr_sections *const s = r->s;
    const uint64_t region[] = {[SIMCLR_SPACE_arena] = s->meta->arena_bytes,
                               [SIMCLR_SPACE_persistent] = s->meta->persistent_bytes,
                               [SIMCLR_SPACE_constant] = s->n_constants};
    const struct bound bounds[] = {
        {"name", v->name, s->n_strings},
        {"dtype", v->dtype, SIMCLR_N_DTYPES},
        {"space", v->space, SIMCLR_SPACE_constant + 1},
    };
    SC_TRY(check_bounds(r, bounds, sizeof bounds / sizeof bounds[0]));
    return check_tensor(r, v->dtype, v->rank, v->dim, v->offset, region[v->space]);
}

// What a port's value must be: dtype, rank and number of elements (0: any).
static simclr_status check_port_type(const struct record *r, const struct simclr_port *p,
                                     simclr_dtype dtype, int32_t rank, int64_t count)
{
    const struct simclr_value *const v = &r->s->values[p->value];
    const struct simclr_shape shape = sc_value_shape(v);
    const int64_t found = simclr_shape_count(&shape);
    if (v->dtype == (uint32_t)dtype && v->rank == rank && (count == 0 || found == count))
        return SIMCLR_OK;
    return BAD(r,
               "is a tensor of %s, rank %" PRId32 " and %" PRId64
               " elements, expected %s, rank %" PRId32 " and %" PRId64,
               simclr_dtype_name((simclr_dtype)v->dtype), v->rank, found,
               simclr_dtype_name(dtype), rank, count ? count : found);
}

static simclr_status check_grad_port(const struct record *r, const struct simclr_port *p)
{
    if (p->param >= r->s->n_params)
        return BAD(r, "is the gradient of parameter %" PRIu32 ", expected less than %" PRIu64,
                   p->param, r->s->n_params);
    const struct simclr_shape of = sc_param_shape(&r->s->params[p->param]);
    const struct simclr_shape found = sc_value_shape(&r->s->values[p->value]);
    if (!simclr_shape_equal(&of, &found))
        return BAD(r,
                   "has %" PRId64 " elements in another shape than parameter %" PRIu32
                   ", expected the same shape",
                   simclr_shape_count(&found), p->param);
    return SIMCLR_OK;
}

static simclr_status check_port(struct record *r, const void *record)
{
    const struct simclr_port *const p = record;
    const struct simclr_meta *const m = r->s->meta;
    const struct bound bounds[] = {
        {"name", p->name, r->s->n_strings},
        {"role", p->role, SIMCLR_PORT_grad + 1},
        {"value", p->value, r->s->n_values},
    };
    SC_TRY(check_bounds(r, bounds, sizeof bounds / sizeof bounds[0]));
    switch ((enum simclr_port_role)p->role) {
    case SIMCLR_PORT_tensor: return SIMCLR_OK;
    case SIMCLR_PORT_images:
        return check_port_type(r, p, SIMCLR_f32, 4,
                               m->rows * m->channels * m->height * m->width);
    case SIMCLR_PORT_labels: return check_port_type(r, p, SIMCLR_i64, 1, m->rows);
    case SIMCLR_PORT_lr:
    case SIMCLR_PORT_loss: return check_port_type(r, p, SIMCLR_f32, 0, 1);
    case SIMCLR_PORT_step: return check_port_type(r, p, SIMCLR_i64, 0, 1);
    case SIMCLR_PORT_metrics: return check_port_type(r, p, SIMCLR_f32, 1, 2);
    case SIMCLR_PORT_embedding: return check_port_type(r, p, SIMCLR_f32, 2, m->rows * m->h_dim);
    case SIMCLR_PORT_projection:
        return check_port_type(r, p, SIMCLR_f32, 2, m->rows * m->z_dim);
    case SIMCLR_PORT_grad: return check_grad_port(r, p);
    }
    return SIMCLR_OK;
}

static simclr_status check_entry(struct record *r, const void *record)
{
    const struct simclr_entry *const e = record;
    const struct simclr_sections *const s = r->s;
    const struct bound bounds[] = {{"name", e->name, s->n_strings},
                                   {"reserved", e->reserved, 1}};
    SC_TRY(check_bounds(r, bounds, sizeof bounds / sizeof bounds[0]));
    SC_TRY(check_range(r, "instructions", e->first_instr, e->n_instrs, s->n_instrs));
    SC_TRY(check_range(r, "inputs", e->first_input, e->n_inputs, s->n_ports));
    SC_TRY(check_range(r, "outputs", e->first_output, e->n_outputs, s->n_ports));
    if (e->arena_bytes > s->meta->arena_bytes)
        return BAD(r, "needs %" PRIu64 " bytes of arena, expected at most %" PRIu64,
                   e->arena_bytes, s->meta->arena_bytes);
    for (uint32_t i = 0; i < e->n_inputs; i++) {
        const struct simclr_port *const p = &s->ports[e->first_input + i];
        if (s->values[p->value].space != SIMCLR_SPACE_arena)
            return BAD(r, "has input %" PRIu32 " in space %" PRIu32 ", expected the arena", i,
                       s->values[p->value].space);
    }
    return SIMCLR_OK;
}

// ---- instructions ----

static simclr_status check_code(const struct record *r, const struct simclr_code *code)
{
    if (code->n_steps < 0 || code->n_steps > SIMCLR_MAX_CODE)
        return BAD(r, "has %" PRId64 " steps, expected at most %d", code->n_steps,
                   (int)SIMCLR_MAX_CODE);
    const struct simclr_instr *const instr = &r->s->instrs[r->i];
    for (int64_t i = 0; i < code->n_steps; i++) {
        const struct simclr_code_step *const step = &code->step[i];
        const int64_t n_written = (int64_t)instr->n_in + i;
        if (step->op >= SIMCLR_N_OPS || !sc_op_facts[step->op].is_pointwise)
            return BAD(r, "has operation %u in step %" PRId64 ", expected a pointwise one",
                       (unsigned)step->op, i);
        if (step->a >= n_written || step->b >= n_written)
            return BAD(
                r, "reads registers %u and %u in step %" PRId64 ", expected less than %" PRId64,
                (unsigned)step->a, (unsigned)step->b, i, n_written);
    }
    return SIMCLR_OK;
}

static simclr_status check_attr(const struct record *r, const struct simclr_instr *instr,
                                const struct sc_attr_fact *fact)
{
    const void *const field = (const char *)&instr->attr + fact->offset;
    int64_t number = 0;
    double real = 0;
    if (fact->kind == SIMCLR_ATTR_code) return check_code(r, field);
    if (fact->kind == SIMCLR_ATTR_f64)
        memcpy(&real, field, sizeof real);
    else
        memcpy(&number, field, sizeof number);
    if (fact->kind == SIMCLR_ATTR_flag && (number < 0 || number > 1))
        return BAD(r, "has %s %" PRId64 ", expected 0 or 1", fact->name, number);
    if (fact->kind == SIMCLR_ATTR_dtype && (number < 0 || number >= SIMCLR_N_DTYPES))
        return BAD(r, "has %s %" PRId64 ", expected less than %d", fact->name, number,
                   (int)SIMCLR_N_DTYPES);
    if (fact->kind == SIMCLR_ATTR_dims && (number < 0 || number > SIMCLR_MAX_RANK))
        return BAD(r, "has %" PRId64 " %s, expected at most %d", number, fact->name,
                   (int)SIMCLR_MAX_RANK);
    if (!isfinite(real)) return BAD(r, "has %s %g, expected a finite number", fact->name, real);
    return SIMCLR_OK;
}

static simclr_status check_operands(const struct record *r, const struct simclr_instr *instr)
{
    const struct simclr_sections *const s = r->s;
    const struct sc_op_facts *const op = &sc_op_facts[instr->op];
    if (instr->n_in < op->min_in || instr->n_in > op->max_in || instr->n_out != op->n_out)
        return BAD(r,
                   "is %s of %" PRIu32 " inputs and %" PRIu32 " outputs, expected %" PRIu32
                   " to %" PRIu32 " and %" PRIu32,
                   op->name, instr->n_in, instr->n_out, op->min_in, op->max_in, op->n_out);
    const uint64_t n = (uint64_t)instr->n_in + instr->n_out;
    SC_TRY(check_range(r, "operands", instr->operands, n, s->n_operands));
    for (uint64_t i = 0; i < n; i++) {
        const uint32_t value = s->operands[instr->operands + i];
        if (value >= s->n_values)
            return BAD(
                r, "has value %" PRIu32 " as operand %" PRIu64 ", expected less than %" PRIu64,
                value, i, s->n_values);
        if (i >= instr->n_in && s->values[value].space == SIMCLR_SPACE_constant)
            return BAD(r, "writes value %" PRIu32 ", a constant, expected one that may change",
                       value);
    }
    return SIMCLR_OK;
}

static simclr_status check_instr(struct record *r, const void *record)
{
    const struct simclr_instr *const instr = record;
    const struct simclr_sections *const s = r->s;
    const struct bound names[] = {{"origin", instr->origin, s->n_strings},
                                  {"operation", instr->op, SIMCLR_N_OPS}};
    SC_TRY(check_bounds(r, names, sizeof names / sizeof names[0]));
    const uint32_t n_kernels = sc_op_n_kernels((enum simclr_op)instr->op);
    if (instr->kernel >= n_kernels)
        return BAD(r, "has kernel %" PRIu32 ", expected less than %" PRIu32, instr->kernel,
                   n_kernels);
    if (instr->tile < 0 || instr->tile > INT32_MAX)
        return BAD(r, "has tile %" PRId64 ", expected 0 to %" PRId32, instr->tile, INT32_MAX);
    if (instr->scratch_bytes > s->meta->scratch_bytes)
        return BAD(r, "has %" PRIu64 " bytes of scratch, expected at most %" PRIu64,
                   instr->scratch_bytes, s->meta->scratch_bytes);
    if (instr->workspace_offset % SIMCLR_SCP_ALIGN != 0)
        return BAD(r, "has its workspace at %" PRIu64 ", expected a multiple of %d",
                   instr->workspace_offset, (int)SIMCLR_SCP_ALIGN);
    SC_TRY(check_range(r, "bytes of workspace", instr->workspace_offset, instr->workspace_bytes,
                       s->meta->arena_bytes));
    for (const struct sc_attr_fact *fact = sc_op_facts[instr->op].attrs; fact->name; fact++)
        SC_TRY(check_attr(r, instr, fact));
    return check_operands(r, instr);
}

// ---- export template ----

static simclr_status check_segment(struct record *r, const void *record)
{
    const struct simclr_segment *const segment = record;
    r->name = 0;
    if (segment->reserved != 0)
        return BAD(r, "has reserved %" PRIu32 ", expected 0", segment->reserved);
    if (segment->param == SIMCLR_SEGMENT_LITERAL)
        return check_range(r, "bytes", segment->offset, segment->size, r->s->n_bytes);
    if (segment->param >= r->s->n_params)
        return BAD(r, "is parameter %" PRIu32 ", expected less than %" PRIu64, segment->param,
                   r->s->n_params);
    if (segment->size != sc_param_bytes(&r->s->params[segment->param]))
        return BAD(r, "has %" PRIu64 " bytes of parameter %" PRIu32 ", expected %" PRIu64,
                   segment->size, segment->param,
                   sc_param_bytes(&r->s->params[segment->param]));
    return SIMCLR_OK;
}

// ---- all of them ----

simclr_status sc_program_check(const struct simclr_sections *s, const char *path,
                               struct simclr_diag *diag)
{
    // Values come before the ports and instructions that refer to them.
    const struct {
        const char *kind;
        const void *records;
        uint64_t n;
        size_t size;
        simclr_status (*check)(struct record *r, const void *record);
    } lists[] = {
        {"meta record", s->meta, 1, sizeof *s->meta, check_meta},
        {"parameter", s->params, s->n_params, sizeof *s->params, check_param},
        {"value", s->values, s->n_values, sizeof *s->values, check_value},
        {"port", s->ports, s->n_ports, sizeof *s->ports, check_port},
        {"instruction", s->instrs, s->n_instrs, sizeof *s->instrs, check_instr},
        {"entry", s->entries, s->n_entries, sizeof *s->entries, check_entry},
        {"segment", s->segments, s->n_segments, sizeof *s->segments, check_segment},
    };
    if (s->n_strings == 0 || s->strings[0] != 0 || s->strings[s->n_strings - 1] != 0)
        return sc_fail(diag, SIMCLR_BAD_INPUT, path,
                       "the %" PRIu64
                       " bytes of strings do not begin with the empty string and end with NUL",
                       s->n_strings);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct record r = {.s = s, .path = path, .diag = diag, .kind = lists[i].kind};
        for (; r.i < lists[i].n; r.i++)
            SC_TRY(lists[i].check(&r, (const char *)lists[i].records + r.i * lists[i].size));
    }
    return SIMCLR_OK;
}
