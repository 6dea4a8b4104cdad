// SPDX-License-Identifier: Apache-2.0
#include "compiler/ops/rules.h"

#include "runtime/base/str.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct sc_type_text sc_type_text(const struct sc_value *v)
{
    struct sc_str text = {0};
    sc_str_append_type(&text, v->dtype, &v->shape);
    struct sc_type_text result;
    (void)snprintf(result.s, sizeof result.s, "%s", sc_str_text(&text));
    sc_str_free(&text);
    return result;
}

bool sc_infer_dtype(struct sc_infer *ctx, int operand, simclr_dtype expected)
{
    const struct sc_value *v = ctx->node->in[operand];
    if (v->dtype == expected) return true;
    return sc_infer_fail(ctx, "operand %d is %s, expected %s", operand + 1, sc_type_text(v).s,
                         simclr_dtype_name(expected));
}

bool sc_infer_rank(struct sc_infer *ctx, int operand, int32_t expected)
{
    const struct sc_value *v = ctx->node->in[operand];
    if (v->shape.rank == expected) return true;
    return sc_infer_fail(ctx, "operand %d is %s, expected rank %d", operand + 1,
                         sc_type_text(v).s, (int)expected);
}

bool sc_infer_same_shape(struct sc_infer *ctx, int operand, int other)
{
    const struct sc_value *v = ctx->node->in[operand];
    const struct sc_value *w = ctx->node->in[other];
    if (simclr_shape_equal(&v->shape, &w->shape)) return true;
    return sc_infer_fail(ctx, "operand %d is %s, expected the shape of operand %d, %s",
                         operand + 1, sc_type_text(v).s, other + 1, sc_type_text(w).s);
}

bool sc_infer_scalar(struct sc_infer *ctx, int operand)
{
    return sc_infer_rank(ctx, operand, 0);
}

bool sc_infer_vector(struct sc_infer *ctx, int operand, const char *what, int64_t count)
{
    const struct sc_value *v = ctx->node->in[operand];
    if (v->dtype == SIMCLR_f32 && v->shape.rank == 1 && v->shape.dim[0] == count) return true;
    return sc_infer_fail(ctx, "%s is %s, expected f32[%lld]", what, sc_type_text(v).s,
                         (long long)count);
}

bool sc_infer_axis(struct sc_infer *ctx, int64_t axis, int32_t rank)
{
    if (axis >= 0 && axis < rank) return true;
    return sc_infer_fail(ctx, "axis %lld is outside a tensor of rank %d", (long long)axis,
                         (int)rank);
}

bool sc_infer_dims(struct sc_infer *ctx, const struct simclr_dims *dims)
{
    if (dims->n < 0 || dims->n > SIMCLR_MAX_RANK)
        return sc_infer_fail(ctx, "shape has %lld extents, at most %d are supported",
                             (long long)dims->n, (int)SIMCLR_MAX_RANK);
    for (int64_t i = 0; i < dims->n; i++) {
        if (dims->v[i] < 0)
            return sc_infer_fail(ctx, "extent %lld of the shape is %lld, expected at least 0",
                                 (long long)i + 1, (long long)dims->v[i]);
    }
    return true;
}

bool sc_infer_set(struct sc_infer *ctx, int out, simclr_dtype dtype,
                  const struct simclr_shape *shape)
{
    ctx->dtype[out] = dtype;
    ctx->shape[out] = *shape;
    return true;
}

bool sc_infer_set_like(struct sc_infer *ctx, int out, int operand)
{
    const struct sc_value *v = ctx->node->in[operand];
    return sc_infer_set(ctx, out, v->dtype, &v->shape);
}

// Sets output 0 to the common dtype of all operands and the shape they broadcast to.
static bool infer_broadcast(struct sc_infer *ctx)
{
    const struct sc_node *n = ctx->node;
    struct simclr_shape shape = n->in[0]->shape;
    for (int i = 1; i < n->n_in; i++) {
        if (n->in[i]->dtype != n->in[0]->dtype)
            return sc_infer_fail(ctx, "operands have different types: %s and %s",
                                 sc_type_text(n->in[0]).s, sc_type_text(n->in[i]).s);
        const struct simclr_shape before = shape;
        if (!sc_broadcast(&before, &n->in[i]->shape, &shape))
            return sc_infer_fail(ctx, "operands do not broadcast: %s and %s",
                                 sc_type_text(n->in[0]).s, sc_type_text(n->in[i]).s);
    }
    return sc_infer_set(ctx, 0, n->in[0]->dtype, &shape);
}

bool sc_infer_float(struct sc_infer *ctx)
{
    for (int i = 0; i < ctx->node->n_in; i++) {
        if (!sc_infer_dtype(ctx, i, SIMCLR_f32)) return false;
    }
    return infer_broadcast(ctx);
}

bool sc_infer_number(struct sc_infer *ctx)
{
    for (int i = 0; i < ctx->node->n_in; i++) {
        const struct sc_value *v = ctx->node->in[i];
        if (v->dtype != SIMCLR_f32 && v->dtype != SIMCLR_i64 && v->dtype != SIMCLR_i32)
            return sc_infer_fail(ctx, "operand %d is %s, expected f32, i64 or i32", i + 1,
                                 sc_type_text(v).s);
    }
    return infer_broadcast(ctx);
}

bool sc_infer_arithmetic(struct sc_infer *ctx)
{
    for (int i = 0; i < ctx->node->n_in; i++) {
        const struct sc_value *v = ctx->node->in[i];
        if (v->dtype == SIMCLR_f64 || v->dtype == SIMCLR_bool)
            return sc_infer_fail(ctx, "operand %d is %s, expected f32 or an integer type",
                                 i + 1, sc_type_text(v).s);
    }
    return infer_broadcast(ctx);
}

bool sc_infer_compare(struct sc_infer *ctx)
{
    if (!infer_broadcast(ctx)) return false;
    ctx->dtype[0] = SIMCLR_bool;
    return true;
}

bool sc_infer_logic(struct sc_infer *ctx)
{
    for (int i = 0; i < ctx->node->n_in; i++) {
        if (!sc_infer_dtype(ctx, i, SIMCLR_bool)) return false;
    }
    return infer_broadcast(ctx);
}

// Large enough for every real network, small enough that no sum of products of
// two of them leaves int64.
enum { MAX_WINDOW = 1 << 30 };

static bool check_window(struct sc_infer *ctx, const char *axis, const char *what,
                         int64_t value, int64_t least)
{
    if (value >= least && value <= MAX_WINDOW) return true;
    return sc_infer_fail(ctx, "%s along the %s is %lld, expected %lld to %d", what, axis,
                         (long long)value, (long long)least, MAX_WINDOW);
}

bool sc_infer_window(struct sc_infer *ctx, const char *axis, const struct sc_window *w,
                     int64_t *out)
{
    if (!check_window(ctx, axis, "input", w->in, 1) ||
        !check_window(ctx, axis, "kernel", w->kernel, 1) ||
        !check_window(ctx, axis, "stride", w->stride, 1) ||
        !check_window(ctx, axis, "dilation", w->dilation, 1) ||
        !check_window(ctx, axis, "padding", w->pad_begin, 0) ||
        !check_window(ctx, axis, "padding", w->pad_end, 0))
        return false;
    const int64_t extent = (w->kernel - 1) * w->dilation + 1;
    const int64_t padded = w->in + w->pad_begin + w->pad_end;
    const int64_t room = padded - extent;
    if (room < 0)
        return sc_infer_fail(ctx, "kernel covers %lld along the %s, the padded input has %lld",
                             (long long)extent, axis, (long long)padded);
    *out = (w->ceil_mode ? room + w->stride - 1 : room) / w->stride + 1;
    // A window that starts in the padding behind the input is none (ONNX, AveragePool).
    if (w->ceil_mode && (*out - 1) * w->stride >= w->in + w->pad_begin) *out -= 1;
    return true;
}

struct sc_range sc_window_inside(const struct sc_window *w, int64_t k, int64_t n_out)
{
    const int64_t first = k * w->dilation - w->pad_begin; // where output 0 reads
    struct sc_range r = {0, 0};
    if (first < 0) r.begin = (-first + w->stride - 1) / w->stride;
    if (first < w->in) r.end = (w->in - first + w->stride - 1) / w->stride;
    if (r.end > n_out) r.end = n_out;
    if (r.end < r.begin) r.end = r.begin;
    return r;
}

void sc_eval_unary(const struct sc_tensor *const *in, struct sc_tensor *const *out,
                   double (*f)(double), int64_t (*f_int)(int64_t))
{
    struct sc_tensor *y = out[0];
    for (int64_t i = 0; i < y->count; i++) {
        if (y->f)
            y->f[i] = f(in[0]->f[i]);
        else
            y->i[i] = sc_int_wrap(y->dtype, f_int(in[0]->i[i]));
    }
}

void sc_eval_binary(const struct sc_tensor *const *in, struct sc_tensor *const *out,
                    double (*f)(double, double), int64_t (*f_int)(int64_t, int64_t))
{
    struct sc_tensor *y = out[0];
    struct sc_walk a = sc_walk_broadcast(&in[0]->shape, &y->shape);
    struct sc_walk b = sc_walk_broadcast(&in[1]->shape, &y->shape);
    for (int64_t i = 0; i < y->count; i++) {
        if (y->f)
            y->f[i] = f(in[0]->f[a.offset], in[1]->f[b.offset]);
        else
            y->i[i] = sc_int_wrap(y->dtype, f_int(in[0]->i[a.offset], in[1]->i[b.offset]));
        sc_walk_next(&a);
        sc_walk_next(&b);
    }
}

void sc_eval_compare(const struct sc_tensor *const *in, struct sc_tensor *const *out,
                     bool (*f)(double, double), bool (*f_int)(int64_t, int64_t))
{
    struct sc_tensor *y = out[0];
    struct sc_walk a = sc_walk_broadcast(&in[0]->shape, &y->shape);
    struct sc_walk b = sc_walk_broadcast(&in[1]->shape, &y->shape);
    for (int64_t i = 0; i < y->count; i++) {
        if (in[0]->f)
            y->i[i] = f(in[0]->f[a.offset], in[1]->f[b.offset]);
        else
            y->i[i] = f_int(in[0]->i[a.offset], in[1]->i[b.offset]);
        sc_walk_next(&a);
        sc_walk_next(&b);
    }
}

void sc_copy_element(const struct sc_tensor *from, int64_t i, struct sc_tensor *to, int64_t j)
{
    if (to->f)
        to->f[j] = from->f[i];
    else
        to->i[j] = from->i[i];
}

void sc_set_zero(struct sc_tensor *t)
{
    for (int64_t i = 0; i < t->count; i++) {
        if (t->f)
            t->f[i] = 0;
        else
            t->i[i] = 0;
    }
}

void sc_strides(const struct simclr_shape *shape, int64_t *stride)
{
    int64_t step = 1;
    for (int32_t i = shape->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= shape->dim[i];
    }
}

struct sc_walk sc_walk_strided(const struct simclr_shape *over, const int64_t *stride)
{
    struct sc_walk w = {.rank = over->rank};
    for (int32_t i = 0; i < over->rank; i++) {
        w.dim[i] = over->dim[i];
        w.stride[i] = stride[i];
    }
    return w;
}

struct sc_walk sc_walk_broadcast(const struct simclr_shape *shape,
                                 const struct simclr_shape *over)
{
    int64_t own[SIMCLR_MAX_RANK] = {0};
    int64_t stride[SIMCLR_MAX_RANK] = {0};
    sc_strides(shape, own);
    const int32_t shift = over->rank - shape->rank;
    assert(shift >= 0);
    for (int32_t i = 0; i < shape->rank; i++)
        stride[i + shift] = shape->dim[i] == 1 ? 0 : own[i];
    return sc_walk_strided(over, stride);
}

void sc_walk_next(struct sc_walk *w)
{
    for (int32_t i = w->rank - 1; i >= 0; i--) {
        w->offset += w->stride[i];
        if (++w->index[i] < w->dim[i]) return;
        w->offset -= w->stride[i] * w->dim[i];
        w->index[i] = 0;
    }
}

struct sc_axis_view sc_axis_view(const struct simclr_shape *shape, int64_t axis)
{
    struct sc_axis_view v = {1, shape->dim[axis], 1};
    for (int64_t i = 0; i < axis; i++)
        v.outer *= shape->dim[i];
    for (int64_t i = axis + 1; i < shape->rank; i++)
        v.inner *= shape->dim[i];
    return v;
}

// Element i of a constant as double; exact for all that can equal a fill.
static double constant_element(const struct sc_value *v, int64_t i)
{
    double f64;
    float f32;
    const char *at = (const char *)v->data + (size_t)i * simclr_dtype_size(v->dtype);
    if (v->dtype == SIMCLR_f32) return (double)*(float *)memcpy(&f32, at, sizeof f32);
    if (v->dtype == SIMCLR_f64) return *(double *)memcpy(&f64, at, sizeof f64);
    return sc_int_to_real(v->dtype, sc_int_load(v->dtype, at, 0));
}

bool sc_is_fill(const struct sc_value *v, double value)
{
    if (v->kind != SC_VALUE_constant) return false;
    const int64_t count = simclr_shape_count(&v->shape);
    for (int64_t i = 0; i < count; i++) {
        if (constant_element(v, i) != value) return false;
    }
    return true;
}

const struct sc_node *sc_made_by(const struct sc_value *v, enum simclr_op op)
{
    return v->kind == SC_VALUE_result && v->def->op == op ? v->def : NULL;
}

struct sc_value *sc_if_same_type(struct sc_value *v, const struct sc_node *n)
{
    const bool same =
        v->dtype == n->out[0]->dtype && simclr_shape_equal(&v->shape, &n->out[0]->shape);
    return same ? v : NULL;
}

struct simclr_shape sc_dims_shape(const struct simclr_dims *dims)
{
    return sc_shape((int)dims->n, dims->v);
}

struct simclr_dims sc_shape_dims(const struct simclr_shape *shape)
{
    struct simclr_dims dims = {.n = shape->rank};
    for (int32_t i = 0; i < shape->rank; i++)
        dims.v[i] = shape->dim[i];
    return dims;
}
