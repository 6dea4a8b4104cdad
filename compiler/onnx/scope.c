// SPDX-License-Identifier: Apache-2.0
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"
#include "compiler/ir/eval.h"
#include "runtime/base/integer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What is computed during import: shapes and the like, not weights or masks.
enum { MAX_FOLDED = 65536 };

struct sc_bound *sc_scope_find(const struct sc_scope *s, const char *name)
{
    return sc_names_find(s->bounds, name);
}

struct sc_bound *sc_scope_bound(struct sc_scope *s, const char *name)
{
    void **const slot = sc_names_slot(s->bounds, name);
    if (!*slot) *slot = SC_NEW(s->m->arena, struct sc_bound);
    return *slot;
}

void sc_scope_bind(struct sc_scope *s, const char *name, struct sc_value *value)
{
    struct sc_bound *const bound = sc_scope_bound(s, name);
    bound->value = value;
    bound->is_computed = true;
    if (value && value->kind == SC_VALUE_result && !value->name) value->name = name;
}

// Messages.

static const char *locus(const struct sc_scope *s)
{
    if (!s->node) return s->model->name;
    const bool quote = s->node_name[0] != '#'; // "#17" has no name
    return sc_arena_printf(s->m->arena, quote ? "%s: node '%s' (%s)" : "%s: node %s (%s)",
                           s->model->name, s->node_name, s->node_type);
}

struct sc_value *sc_bad_node(struct sc_scope *s, const char *fmt, ...)
{
    if (s->failed) return NULL; // one message per node
    s->failed = true;
    s->any_failed = true;
    va_list args;
    va_start(args, fmt);
    sc_vreport(s->m->diag, SIMCLR_ERROR, locus(s), fmt, args);
    va_end(args);
    return NULL;
}

struct sc_value *sc_bad_shape(struct sc_scope *s, const char *what, int i, const char *how,
                              const struct simclr_shape *expected)
{
    const struct sc_value *const x = sc_in(s, i);
    struct sc_str have = {0}, want = {0};
    if (!x) return NULL;
    sc_str_append_shape(&have, &x->shape);
    sc_str_append_shape(&want, expected);
    (void)sc_bad_node(s, "%s '%s' has shape %s, expected %s%s", what, sc_in_name(s, i),
                      sc_str_text(&have), how, sc_str_text(&want));
    sc_str_free(&have);
    sc_str_free(&want);
    return NULL;
}

void sc_hint_node(struct sc_scope *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sc_vreport(s->m->diag, SIMCLR_HINT, locus(s), fmt, args);
    va_end(args);
}

void sc_note_node(struct sc_scope *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sc_vreport(s->m->diag, SIMCLR_NOTE, locus(s), fmt, args);
    va_end(args);
}

void sc_scope_count_float(struct sc_scope *s, const char *name,
                          const struct sc_onnx_dtype *type)
{
    const bool is_other = simclr_dtype_is_float(type->dtype) &&
                          type->number != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    if (is_other && s->n_floats++ == 0) {
        s->first_float = name;
        s->first_float_type = type;
    }
}

void sc_scope_note_floats(struct sc_scope *s)
{
    if (s->n_floats == 1)
        sc_report(s->m->diag, SIMCLR_NOTE, s->model->name,
                  "tensor '%s' of type %s is computed as float", s->first_float,
                  s->first_float_type->name);
    if (s->n_floats > 1)
        sc_report(s->m->diag, SIMCLR_NOTE, s->model->name,
                  "%d tensors of double or half precision are computed as float, the first is "
                  "'%s' of type %s",
                  s->n_floats, s->first_float, s->first_float_type->name);
}

// Inputs.

int sc_n_in(const struct sc_scope *s)
{
    return (int)s->node->n_input;
}

const char *sc_in_name(const struct sc_scope *s, int i)
{
    return i < sc_n_in(s) ? sc_onnx_text(s->node->input[i]) : "";
}

bool sc_has_in(const struct sc_scope *s, int i)
{
    return *sc_in_name(s, i) != '\0';
}

bool sc_has_out(const struct sc_scope *s, int i)
{
    return (size_t)i < s->node->n_output && *sc_onnx_text(s->node->output[i]) != '\0';
}

struct sc_value *sc_in(struct sc_scope *s, int i)
{
    const char *const name = sc_in_name(s, i);
    if (!*name) return NULL;
    struct sc_bound *const bound = sc_scope_find(s, name);
    if (bound->weight && sc_weight_is_param(s, bound->weight))
        return sc_weight_value(s, bound->weight, i);
    if (!bound->value && bound->tensor) {
        bound->value = sc_import_tensor(s, bound->tensor, name);
        bound->is_unknown = !bound->value;
    }
    return bound->value;
}

// Constants.

void sc_hint_inputs(struct sc_scope *s, const struct sc_value *v)
{
    if (!s->is_as_written) return;
    enum { SHOWN = 4 };
    const struct sc_graph *const g = s->b.graph;
    bool *const wanted = SC_NEW_ARRAY(s->m->arena, bool, g->n_values);
    struct sc_str text = {0};
    int n = 0;
    wanted[v->id] = true;
    for (uint32_t i = g->n_nodes; i-- > 0;) {
        const struct sc_node *const node = g->nodes[i];
        bool is_wanted = false;
        for (int k = 0; k < node->n_out; k++)
            is_wanted = is_wanted || wanted[node->out[k]->id];
        for (int k = 0; k < node->n_in; k++)
            wanted[node->in[k]->id] = wanted[node->in[k]->id] || is_wanted;
    }
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        if (!wanted[g->inputs[i]->id] || n++ >= SHOWN) continue;
        sc_str_printf(&text, "%s--input %s=FILE.npy", n > 1 ? " " : "", g->inputs[i]->name);
    }
    if (n > 0)
        sc_hint_node(s, "fix what it depends on at compile time: %s%s", sc_str_text(&text),
                     n > SHOWN ? " ..." : "");
    sc_str_free(&text);
}

struct sc_tensor *sc_in_constant(struct sc_scope *s, int i, const char *what)
{
    const struct sc_value *const v = sc_in(s, i);
    if (!v) {
        (void)sc_bad_node(s, "input '%s' is missing", what);
        return NULL;
    }
    if (v->kind != SC_VALUE_constant) {
        (void)sc_bad_node(s, "'%s' must be known at compile time, but '%s' is computed", what,
                          sc_in_name(s, i));
        sc_hint_inputs(s, v);
        return NULL;
    }
    struct sc_tensor *const t = sc_tensor_new(v->dtype, &v->shape);
    if (v->data) sc_tensor_load(t, v->data);
    return t;
}

bool sc_in_ints(struct sc_scope *s, int i, const char *what, struct sc_ints *out)
{
    *out = (struct sc_ints){0};
    struct sc_tensor *const t = sc_in_constant(s, i, what);
    if (!t) return false;
    if (!t->i || t->shape.rank > 1) {
        (void)sc_bad_node(s, "'%s' is %s of rank %d, expected a list of integers", what,
                          simclr_dtype_name(t->dtype), (int)t->shape.rank);
    } else {
        int64_t *const copy = SC_NEW_ARRAY(s->m->arena, int64_t, (size_t)t->count);
        for (int64_t k = 0; k < t->count; k++) {
            copy[k] = t->i[k];
            if (t->dtype == SIMCLR_u64 && t->i[k] < 0)
                (void)sc_bad_node(s, "'%s' is %" PRIu64 ", expected at most %" PRId64, what,
                                  (uint64_t)t->i[k], INT64_MAX);
        }
        *out = (struct sc_ints){.v = copy, .n = t->count};
    }
    sc_tensor_free(t);
    return !s->failed;
}

bool sc_in_floats(struct sc_scope *s, int i, const char *what, struct sc_floats *out)
{
    *out = (struct sc_floats){0};
    struct sc_tensor *const t = sc_in_constant(s, i, what);
    if (!t) return false;
    if (!t->f || t->shape.rank > 1) {
        (void)sc_bad_node(s, "'%s' is %s of rank %d, expected a list of floats", what,
                          simclr_dtype_name(t->dtype), (int)t->shape.rank);
    } else {
        double *const copy = SC_NEW_ARRAY(s->m->arena, double, (size_t)t->count);
        for (int64_t k = 0; k < t->count; k++)
            copy[k] = t->f[k];
        *out = (struct sc_floats){.v = copy, .n = t->count};
    }
    sc_tensor_free(t);
    return !s->failed;
}

int64_t sc_in_int(struct sc_scope *s, int i, const char *what)
{
    struct sc_ints list;
    if (!sc_in_ints(s, i, what, &list)) return 0;
    if (list.n != 1) {
        (void)sc_bad_node(s, "'%s' has %" PRId64 " values, expected 1", what, list.n);
        return 0;
    }
    return list.v[0];
}

double sc_in_number(struct sc_scope *s, int i, const char *what)
{
    struct sc_tensor *const t = sc_in_constant(s, i, what);
    if (!t) return 0;
    double value = 0;
    if (t->count != 1)
        (void)sc_bad_node(s, "'%s' has %" PRId64 " values, expected 1", what, t->count);
    else
        value = t->f ? t->f[0] : sc_int_to_real(t->dtype, t->i[0]);
    sc_tensor_free(t);
    return value;
}

// Attributes.

static const char *attr_kind(const Onnx__AttributeProto *a)
{
    if (a->has_i) return "an integer";
    if (a->has_f) return "a float";
    if (a->has_s) return "a string";
    if (a->t) return "a tensor";
    if (a->g) return "a graph";
    return "a list";
}

static const Onnx__AttributeProto *find_attr(struct sc_scope *s, const char *name)
{
    const Onnx__AttributeProto *const a = sc_onnx_attribute(s->node, name);
    if (a && *sc_onnx_text(a->ref_attr_name)) {
        (void)sc_bad_node(s, "attribute '%s' refers to a function's, but there is no function",
                          name);
        return NULL;
    }
    return a;
}

bool sc_has_attr(const struct sc_scope *s, const char *name)
{
    return sc_onnx_attribute(s->node, name) != NULL;
}

int64_t sc_attr_i(struct sc_scope *s, const char *name, int64_t absent)
{
    const Onnx__AttributeProto *const a = find_attr(s, name);
    if (!a) return absent;
    if (a->has_i) return a->i;
    (void)sc_bad_node(s, "attribute '%s' is %s, expected an integer", name, attr_kind(a));
    return absent;
}

// ONNX has single-precision attributes. Whoever wrote 1e-5 meant that and not its
// neighbour 9.99999975e-6: the double is the one with the same short decimal form.
static double as_written(float f)
{
    struct sc_str text = {0};
    sc_str_append_f32(&text, f);
    const double value = strtod(sc_str_text(&text), NULL);
    sc_str_free(&text);
    return value;
}

double sc_attr_f(struct sc_scope *s, const char *name, double absent)
{
    const Onnx__AttributeProto *const a = find_attr(s, name);
    if (!a) return absent;
    if (a->has_f) return as_written(a->f);
    (void)sc_bad_node(s, "attribute '%s' is %s, expected a float", name, attr_kind(a));
    return absent;
}

const char *sc_attr_s(struct sc_scope *s, const char *name, const char *absent)
{
    const Onnx__AttributeProto *const a = find_attr(s, name);
    if (!a) return absent;
    if (a->has_s) return sc_arena_strndup(s->m->arena, (const char *)a->s.data, a->s.len);
    (void)sc_bad_node(s, "attribute '%s' is %s, expected a string", name, attr_kind(a));
    return absent;
}

bool sc_attr_ints(struct sc_scope *s, const char *name, struct sc_ints *out)
{
    *out = (struct sc_ints){0};
    const Onnx__AttributeProto *const a = find_attr(s, name);
    if (!a) return false;
    if (a->has_i || a->has_f || a->has_s || a->t || a->g || a->n_floats > 0) {
        (void)sc_bad_node(s, "attribute '%s' is %s, expected a list of integers", name,
                          a->n_floats > 0 ? "a list of floats" : attr_kind(a));
        return false;
    }
    *out = (struct sc_ints){.v = a->ints, .n = (int64_t)a->n_ints};
    return true;
}

bool sc_attr_floats(struct sc_scope *s, const char *name, struct sc_floats *out)
{
    *out = (struct sc_floats){0};
    const Onnx__AttributeProto *const a = find_attr(s, name);
    if (!a) return false;
    if (a->has_i || a->has_f || a->has_s || a->t || a->g || a->n_ints > 0) {
        (void)sc_bad_node(s, "attribute '%s' is %s, expected a list of floats", name,
                          a->n_ints > 0 ? "a list of integers" : attr_kind(a));
        return false;
    }
    double *const copy = SC_NEW_ARRAY(s->m->arena, double, a->n_floats);
    for (size_t k = 0; k < a->n_floats; k++)
        copy[k] = (double)a->floats[k];
    *out = (struct sc_floats){.v = copy, .n = (int64_t)a->n_floats};
    return true;
}

int64_t sc_axis(struct sc_scope *s, int64_t axis, int32_t rank)
{
    if (axis < -rank || axis >= rank) {
        (void)sc_bad_node(s, "axis %" PRId64 " is outside a tensor of rank %d", axis,
                          (int)rank);
        return 0;
    }
    return axis < 0 ? axis + rank : axis;
}

// Making nodes.

static bool is_small_constant(const struct sc_value *v)
{
    return v->kind == SC_VALUE_constant && simclr_shape_count(&v->shape) <= MAX_FOLDED;
}

static bool is_foldable(const struct sc_node *n)
{
    for (int i = 0; i < n->n_in; i++) {
        if (!is_small_constant(n->in[i])) return false;
    }
    return n->n_out == 1 && simclr_shape_count(&n->out[0]->shape) <= MAX_FOLDED;
}

// The node's value as a constant; the node itself is dead from now on.
static struct sc_value *fold(struct sc_scope *s, const struct sc_node *n)
{
    struct sc_tensor **const in =
        SC_NEW_ARRAY(s->m->arena, struct sc_tensor *, (size_t)n->n_in);
    for (int i = 0; i < n->n_in; i++) {
        in[i] = sc_tensor_new(n->in[i]->dtype, &n->in[i]->shape);
        if (n->in[i]->data) sc_tensor_load(in[i], n->in[i]->data);
    }
    const struct sc_value *const y = n->out[0];
    struct sc_tensor *out = sc_tensor_new(y->dtype, &y->shape);
    sc_eval_node(n, (const struct sc_tensor *const *)in, &out);
    void *const data =
        sc_arena_alloc(s->m->arena, (size_t)out->count, simclr_dtype_size(y->dtype));
    sc_tensor_store(out, data);
    sc_tensor_free(out);
    for (int i = 0; i < n->n_in; i++)
        sc_tensor_free(in[i]);
    return sc_graph_constant(s->b.graph, y->dtype, &y->shape, data, NULL);
}

// "x is f32[64,4,32,32], w is f32[64,3,7,7]": what the types of the inputs are.
static void note_inputs(struct sc_scope *s)
{
    struct sc_str text = {0};
    for (int i = 0; i < sc_n_in(s); i++) {
        const struct sc_value *const v = sc_in(s, i);
        if (!v) continue;
        sc_str_printf(&text, "%s'%s' is ", text.size > 0 ? ", " : "", sc_in_name(s, i));
        sc_str_append_type(&text, v->dtype, &v->shape);
    }
    sc_note_node(s, "%s", sc_str_text(&text));
    sc_str_free(&text);
}

struct sc_value *sc_make_node(struct sc_scope *s, enum simclr_op op,
                              const union simclr_attr *attr, struct sc_value *const *in,
                              int n_in)
{
    if (s->failed) return NULL;
    for (int i = 0; i < n_in; i++) {
        if (!in[i]) return NULL;
    }
    char error[SC_ONNX_ERROR];
    struct sc_node *const n = sc_try_build(&s->b, op, attr, in, n_in, error);
    if (!n) {
        (void)sc_bad_node(s, "%s", error);
        note_inputs(s);
        return NULL;
    }
    return is_foldable(n) ? fold(s, n) : n->out[0];
}

static struct sc_value *to_shape(struct sc_scope *s, enum simclr_op op, struct sc_value *x,
                                 const struct simclr_shape *shape)
{
    if (!x || simclr_shape_equal(&x->shape, shape)) return x;
    union simclr_attr attr = sc_attr_default(op);
    attr.reshape.shape.n = shape->rank;
    for (int32_t i = 0; i < shape->rank; i++)
        attr.reshape.shape.v[i] = shape->dim[i];
    return sc_make(s, op, &attr, x);
}

struct sc_value *sc_make_reshape(struct sc_scope *s, struct sc_value *x,
                                 const struct simclr_shape *shape)
{
    return to_shape(s, SIMCLR_OP_reshape, x, shape);
}

struct sc_value *sc_make_expand(struct sc_scope *s, struct sc_value *x,
                                const struct simclr_shape *shape)
{
    return to_shape(s, SIMCLR_OP_expand, x, shape);
}

struct sc_value *sc_make_cast(struct sc_scope *s, struct sc_value *x, simclr_dtype to)
{
    if (!x || x->dtype == to) return x;
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_cast);
    attr.cast.to = to;
    return sc_make(s, SIMCLR_OP_cast, &attr, x);
}

struct sc_value *sc_make_reduce(struct sc_scope *s, enum simclr_op op, struct sc_value *x,
                                const struct simclr_dims *axes, bool keepdims)
{
    union simclr_attr attr = sc_attr_default(op);
    attr.reduce.axes = *axes;
    attr.reduce.keepdims = keepdims;
    return sc_make(s, op, &attr, x);
}

struct sc_value *sc_make_scalar(struct sc_scope *s, double value, simclr_dtype dtype)
{
    const struct simclr_shape shape = sc_shape_scalar();
    return sc_fill(&s->b, value, dtype, &shape);
}
