// SPDX-License-Identifier: Apache-2.0
//
// Constants, and nodes that say how a weight starts: RandomNormal, RandomUniform
// (and ...Like) and ConstantOfShape are descriptions where they reach a slot for
// weights. Elsewhere ConstantOfShape is a constant, and random numbers are refused.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"
#include "runtime/base/checked.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

// Double precision is computed in single.
struct sc_value *sc_import_tensor(struct sc_scope *s, const Onnx__TensorProto *t,
                                  const char *name)
{
    char error[SC_ONNX_ERROR];
    struct sc_onnx_tensor info;
    const void *data = NULL;
    if (sc_onnx_tensor_type(t, &info, error)) {
        if (info.dtype == SIMCLR_f64) info.dtype = SIMCLR_f32;
        data = sc_onnx_tensor_values(s->model, t, info.dtype, true, error);
        sc_scope_count_float(s, name, sc_onnx_dtype(t->data_type));
    }
    if (!data) {
        if (s->node) return sc_bad_node(s, "tensor '%s': %s", name, error);
        sc_report(s->m->diag, SIMCLR_ERROR, s->model->name, "tensor '%s': %s", name, error);
        s->any_failed = true;
        return NULL;
    }
    return sc_graph_constant(s->b.graph, info.dtype, &info.shape, info.count > 0 ? data : NULL,
                             name);
}

static Onnx__TensorProto *new_tensor(struct sc_onnx_model *model, int type, const size_t *n)
{
    Onnx__TensorProto *const t = SC_NEW(model->module->arena, Onnx__TensorProto);
    onnx__tensor_proto__init(t);
    t->has_data_type = 1;
    t->data_type = type;
    if (n) SC_PUSH(model->module->arena, t->dims, t->n_dims) = (int64_t)*n;
    return t;
}

const Onnx__TensorProto *sc_onnx_constant(struct sc_onnx_model *model,
                                          const Onnx__NodeProto *node, char *error)
{
    const Onnx__AttributeProto *a = sc_onnx_attribute(node, "value");
    Onnx__TensorProto *t = NULL;
    if (a && a->t) return a->t;
    if ((a = sc_onnx_attribute(node, "sparse_value")) && a->sparse_tensor)
        return sc_onnx_densify(model, a->sparse_tensor, error);
    if ((a = sc_onnx_attribute(node, "value_float")) && a->has_f) {
        t = new_tensor(model, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, NULL);
        SC_PUSH(model->module->arena, t->float_data, t->n_float_data) = a->f;
    } else if ((a = sc_onnx_attribute(node, "value_int")) && a->has_i) {
        t = new_tensor(model, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, NULL);
        SC_PUSH(model->module->arena, t->int64_data, t->n_int64_data) = a->i;
    } else if ((a = sc_onnx_attribute(node, "value_floats"))) {
        t = new_tensor(model, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, &a->n_floats);
        t->n_float_data = a->n_floats;
        t->float_data = a->floats;
    } else if ((a = sc_onnx_attribute(node, "value_ints"))) {
        t = new_tensor(model, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, &a->n_ints);
        t->n_int64_data = a->n_ints;
        t->int64_data = a->ints;
    } else {
        const bool is_text =
            sc_onnx_attribute(node, "value_string") || sc_onnx_attribute(node, "value_strings");
        (void)snprintf(error, SC_ONNX_ERROR, "it has %s, expected a tensor or numbers",
                       is_text ? "strings" : "no value");
    }
    return t;
}

struct sc_value *sc_import_constant(struct sc_scope *s)
{
    char error[SC_ONNX_ERROR];
    const char *const name = sc_has_out(s, 0) ? s->node->output[0] : "";
    const Onnx__TensorProto *const t = sc_onnx_constant(s->model, s->node, error);
    if (!t) return sc_bad_node(s, "%s", error);
    if (*name && sc_weight_described(s)) return NULL; // a weight: see weights.c
    return sc_import_tensor(s, t, name);
}

static bool to_shape(struct sc_scope *s, const struct sc_ints *list, struct simclr_shape *out)
{
    size_t bytes = 0;
    *out = (struct simclr_shape){.rank = (int32_t)list->n};
    for (int64_t i = 0; i < list->n && i < SIMCLR_MAX_RANK; i++)
        out->dim[i] = list->v[i];
    if (list->n <= SIMCLR_MAX_RANK && sc_checked_nbytes(SIMCLR_f64, out, &bytes)) return true;
    (void)sc_bad_node(s,
                      "the shape has an extent below 0, more than %d extents or too many "
                      "elements",
                      SIMCLR_MAX_RANK);
    return false;
}

static void describe(struct sc_weight *w, const struct simclr_shape *shape,
                     enum simclr_init init, double a, double b)
{
    w->is_described = true;
    w->shape = *shape;
    w->init = init;
    w->a = a;
    w->b = b;
}

// The one element of attribute 'value', as a scalar; 0.0f without it.
static struct sc_value *fill_value(struct sc_scope *s)
{
    const Onnx__AttributeProto *const a = sc_onnx_attribute(s->node, "value");
    const struct simclr_shape scalar = sc_shape_scalar();
    if (!a) return sc_make_scalar(s, 0, SIMCLR_f32);
    struct sc_value *const v = a->t ? sc_import_tensor(s, a->t, "value") : NULL;
    if (!v || simclr_shape_count(&v->shape) != 1)
        return sc_bad_node(s, "attribute 'value' is no tensor of one element");
    return sc_make_reshape(s, v, &scalar);
}

struct sc_value *sc_import_constant_of_shape(struct sc_scope *s)
{
    struct sc_ints list;
    struct simclr_shape shape;
    if (!sc_in_ints(s, 0, "input", &list) || !to_shape(s, &list, &shape)) return NULL;
    struct sc_value *const value = fill_value(s);
    double number = 0;
    if (s->failed || !sc_constant_scalar(value, &number)) return NULL;
    struct sc_weight *const w = sc_weight_described(s);
    if (w && value->dtype == SIMCLR_f32) {
        describe(w, &shape, SIMCLR_INIT_constant, number, 0);
        return NULL;
    }
    return sc_make_expand(s, value, &shape);
}

static struct sc_value *random_weight(struct sc_scope *s, const struct simclr_shape *shape,
                                      bool is_normal)
{
    struct sc_weight *const w = sc_weight_described(s);
    const int64_t dtype = sc_attr_i(s, "dtype", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
    if (s->failed) return NULL;
    if (!w) return sc_bad_node(s, "random numbers are supported as the start of a weight only");
    if (dtype != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return sc_bad_node(s, "attribute 'dtype' is %" PRId64 ", expected 1 (float)", dtype);
    if (is_normal)
        describe(w, shape, SIMCLR_INIT_normal, sc_attr_f(s, "mean", 0),
                 sc_attr_f(s, "scale", 1));
    else
        describe(w, shape, SIMCLR_INIT_uniform, sc_attr_f(s, "low", 0),
                 sc_attr_f(s, "high", 1));
    return NULL;
}

static struct sc_value *random_shape(struct sc_scope *s, bool is_normal)
{
    struct sc_ints list;
    struct simclr_shape shape;
    if (!sc_attr_ints(s, "shape", &list)) return sc_bad_node(s, "attribute 'shape' is missing");
    return to_shape(s, &list, &shape) ? random_weight(s, &shape, is_normal) : NULL;
}

static struct sc_value *random_like(struct sc_scope *s, bool is_normal)
{
    const struct sc_value *const like = sc_in(s, 0);
    return like ? random_weight(s, &like->shape, is_normal) : NULL;
}

struct sc_value *sc_import_random_normal(struct sc_scope *s)
{
    return random_shape(s, true);
}

struct sc_value *sc_import_random_normal_like(struct sc_scope *s)
{
    return random_like(s, true);
}

struct sc_value *sc_import_random_uniform(struct sc_scope *s)
{
    return random_shape(s, false);
}

struct sc_value *sc_import_random_uniform_like(struct sc_scope *s)
{
    return random_like(s, false);
}

// Ones where the column is the row plus k: a comparison of two short constants, so
// that no square one is stored.
struct sc_value *sc_import_eye_like(struct sc_scope *s)
{
    const struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    if (x->shape.rank != 2)
        return sc_bad_node(s, "input '%s' has rank %d, expected 2", sc_in_name(s, 0),
                           (int)x->shape.rank);
    simclr_dtype dtype = x->dtype;
    if (sc_has_attr(s, "dtype")) {
        const struct sc_onnx_dtype *const type = sc_onnx_dtype((int)sc_attr_i(s, "dtype", 0));
        if (!type || !type->supported)
            return sc_bad_node(s, "attribute 'dtype' is no type that is supported");
        dtype = type->dtype == SIMCLR_f64 ? SIMCLR_f32 : type->dtype;
    }
    const int64_t rows = x->shape.dim[0], columns = x->shape.dim[1];
    int64_t k = sc_attr_i(s, "k", 0); // beyond the corners all are the same
    k = k < -rows ? -rows : k > columns ? columns : k;
    struct sc_value *const row = sc_make_counting(s, k, rows, 2, 0);
    struct sc_value *const column = sc_make_counting(s, 0, columns, 2, 1);
    return row && column ? sc_cast(&s->b, sc_equal(&s->b, row, column), dtype) : NULL;
}

// start + i delta for as many i as stay before the limit; integers exactly.
static struct sc_value *make_range(struct sc_scope *s, struct sc_value *start,
                                   struct sc_value *delta, int64_t n)
{
    struct sc_value *const i = sc_make_cast(s, sc_make_counting(s, 0, n, 1, 0), delta->dtype);
    const struct simclr_shape scalar = sc_shape_scalar();
    struct sc_value *const step =
        sc_make(s, SIMCLR_OP_mul, NULL, i, sc_make_reshape(s, delta, &scalar));
    return sc_make(s, SIMCLR_OP_add, NULL, step, sc_make_reshape(s, start, &scalar));
}

// How many steps of `delta` lead from `start` to before `limit`: exact, since the
// distance of two int64 fits in uint64.
static int64_t count_steps(int64_t start, int64_t limit, int64_t delta)
{
    if (delta > 0 ? start >= limit : start <= limit) return 0;
    const uint64_t distance =
        delta > 0 ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
    const uint64_t step = delta > 0 ? (uint64_t)delta : 0 - (uint64_t)delta;
    const uint64_t n = (distance - 1) / step + 1;
    return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

struct sc_value *sc_import_range(struct sc_scope *s)
{
    struct sc_value *const first = sc_in(s, 0), *const step = sc_in(s, 2);
    const double start = sc_in_number(s, 0, "start"), limit = sc_in_number(s, 1, "limit");
    const double delta = sc_in_number(s, 2, "delta");
    if (s->failed || !first || !step) return NULL;
    if (delta == 0) return sc_bad_node(s, "'delta' is 0, expected another number");
    const double steps = ceil((limit - start) / delta);
    int64_t n = steps > 0 ? (int64_t)fmin(steps, 1e15) : 0;
    if (!simclr_dtype_is_float(first->dtype))
        n = count_steps(sc_in_int(s, 0, "start"), sc_in_int(s, 1, "limit"),
                        sc_in_int(s, 2, "delta"));
    return s->failed ? NULL : make_range(s, first, step, n);
}

// `on` where the index, counted from the end if negative, is the coordinate along
// the new axis.
struct sc_value *sc_import_one_hot(struct sc_scope *s)
{
    struct sc_value *const given = sc_in(s, 0), *const values = sc_in(s, 2);
    const double wanted = sc_in_number(s, 1, "depth");
    if (s->failed || !given || !values) return NULL;
    const int64_t depth = wanted >= 1 ? (int64_t)fmin(wanted, 1e15) : 0;
    const int32_t rank = given->shape.rank + 1;
    if (depth < 1 || rank > SIMCLR_MAX_RANK || simclr_shape_count(&values->shape) != 2)
        return sc_bad_node(s,
                           "depth is %" PRId64 " and there are %" PRId64
                           " values, expected at least 1 and exactly 2",
                           depth, simclr_shape_count(&values->shape));
    const int64_t axis = sc_axis(s, sc_attr_i(s, "axis", -1), rank);
    struct simclr_shape wide = {.rank = rank};
    for (int32_t i = 0, k = 0; i < rank; i++)
        wide.dim[i] = i == axis ? 1 : given->shape.dim[k++];
    struct sc_value *const index =
        sc_make_reshape(s, sc_make_cast(s, given, SIMCLR_i64), &wide);
    struct sc_value *const place = sc_make_counting(s, 0, depth, rank, axis);
    struct sc_value *const from_end = sc_make_counting(s, -depth, depth, rank, axis);
    struct sc_value *const hit =
        sc_make(s, SIMCLR_OP_or, NULL, sc_make(s, SIMCLR_OP_equal, NULL, index, place),
                sc_make(s, SIMCLR_OP_equal, NULL, index, from_end));
    const struct simclr_shape pair = {1, {2}}, scalar = sc_shape_scalar();
    struct sc_value *const both = sc_make_reshape(s, values, &pair);
    struct sc_value *const off = sc_make_reshape(s, sc_make_part(s, both, 0, 0, 1, 1), &scalar);
    struct sc_value *const on = sc_make_reshape(s, sc_make_part(s, both, 0, 1, 1, 1), &scalar);
    return sc_make(s, SIMCLR_OP_where, NULL, hit, on, off);
}

// Whether an input is given, which bodies of operators ask.
struct sc_value *sc_import_optional_has_element(struct sc_scope *s)
{
    const struct simclr_shape shape = sc_shape_scalar();
    return sc_fill(&s->b, sc_has_in(s, 0), SIMCLR_bool, &shape);
}
