// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/builder.h"

#include "compiler/ir/eval.h"
#include "runtime/base/checked.h"
#include "runtime/base/integer.h"
#include "runtime/base/str.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool check_arity(const struct sc_op_row *row, int n_in, struct sc_infer *ctx)
{
    if (n_in >= row->min_in && (row->max_in < 0 || n_in <= row->max_in)) return true;
    if (row->max_in < 0)
        return sc_infer_fail(ctx, "%d inputs, at least %d expected", n_in, row->min_in);
    if (row->min_in == row->max_in)
        return sc_infer_fail(ctx, "%d inputs, %d expected", n_in, row->min_in);
    return sc_infer_fail(ctx, "%d inputs, %d to %d expected", n_in, row->min_in, row->max_in);
}

// What struct simclr_shape promises, whatever the rule made of its attributes.
static bool check_shapes(int n_out, struct sc_infer *ctx)
{
    for (int i = 0; i < n_out; i++) {
        const struct simclr_shape *const shape = &ctx->shape[i];
        size_t n_bytes;
        if (shape->rank < 0 || shape->rank > SIMCLR_MAX_RANK)
            return sc_infer_fail(ctx, "result has %d axes, 0 to %d expected", (int)shape->rank,
                                 (int)SIMCLR_MAX_RANK);
        if (!sc_checked_nbytes(SIMCLR_f64, shape, &n_bytes)) {
            struct sc_str text = {0};
            sc_str_append_shape(&text, shape);
            (void)sc_infer_fail(ctx, "result of shape %s is not possible", sc_str_text(&text));
            sc_str_free(&text);
            return false;
        }
    }
    return true;
}

struct sc_node *sc_try_build(struct sc_builder *b, enum simclr_op op,
                             const union simclr_attr *attr, struct sc_value *const *in,
                             int n_in, char *error)
{
    const struct sc_op_row *const row = &sc_op_table[op];
    struct sc_value **const inputs =
        SC_NEW_ARRAY(b->graph->module->arena, struct sc_value *, (size_t)n_in);
    for (int i = 0; i < n_in; i++)
        inputs[i] = in[i];
    const struct sc_node node = {.op = op,
                                 .attr = attr ? *attr : sc_attr_default(op),
                                 .n_in = n_in,
                                 .n_out = row->n_out,
                                 .in = inputs};
    struct sc_infer ctx = {.node = &node};
    if (!check_arity(row, n_in, &ctx) || !row->info->infer(&ctx) ||
        !check_shapes(row->n_out, &ctx)) {
        memcpy(error, ctx.error, sizeof ctx.error);
        return NULL;
    }
    return sc_graph_append(b->graph, op, &node.attr, in, n_in, ctx.dtype, ctx.shape, row->n_out,
                           &b->origin);
}

// A rule or pass of ours built something that cannot be: says what, and aborts.
static _Noreturn void die(const struct sc_builder *b, enum simclr_op op,
                          struct sc_value *const *in, int n_in, const char *error)
{
    struct sc_str text = {0};
    sc_str_printf(&text, "simclrc: internal error: %s(", sc_op_table[op].name);
    for (int i = 0; i < n_in; i++) {
        sc_str_append(&text, i > 0 ? ", " : "");
        sc_str_append_type(&text, in[i]->dtype, &in[i]->shape);
    }
    sc_str_printf(&text, "): %s", error);
    if (b->origin.node) sc_str_printf(&text, " (from node '%s')", b->origin.node);
    if (b->origin.made_by) sc_str_printf(&text, " (by %s)", b->origin.made_by);
    (void)fprintf(stderr, "%s\n", sc_str_text(&text));
    abort();
}

struct sc_node *sc_build_node(struct sc_builder *b, enum simclr_op op,
                              const union simclr_attr *attr, struct sc_value *const *in,
                              int n_in)
{
    char error[sizeof((struct sc_infer *)0)->error];
    struct sc_node *const n = sc_try_build(b, op, attr, in, n_in, error);
    if (!n) die(b, op, in, n_in, error);
    return n;
}

// Stores a double as one element of `dtype`.
static void put_element(simclr_dtype dtype, double value, void *data, int64_t i)
{
    const size_t size = simclr_dtype_size(dtype);
    const float f32 = (float)value;
    if (simclr_dtype_is_float(dtype))
        memcpy((char *)data + (size_t)i * size,
               dtype == SIMCLR_f32 ? (const void *)&f32 : &value, size);
    else
        sc_int_store(dtype, data, (size_t)i, sc_int_from_real(dtype, value));
}

static struct sc_value *fill_constant(struct sc_builder *b, double value, simclr_dtype dtype,
                                      const struct simclr_shape *shape)
{
    const int64_t n = simclr_shape_count(shape);
    void *const data =
        sc_arena_alloc(b->graph->module->arena, (size_t)n, simclr_dtype_size(dtype));
    for (int64_t i = 0; i < n; i++)
        put_element(dtype, value, data, i);
    return sc_graph_constant(b->graph, dtype, shape, data, NULL);
}

struct sc_value *sc_fill(struct sc_builder *b, double value, simclr_dtype dtype,
                         const struct simclr_shape *shape)
{
    if (simclr_shape_count(shape) <= SC_MAX_FILL) return fill_constant(b, value, dtype, shape);
    const struct simclr_shape scalar = sc_shape_scalar();
    return sc_expand(b, fill_constant(b, value, dtype, &scalar), shape);
}

struct sc_value *sc_scalar(struct sc_builder *b, double value)
{
    const struct simclr_shape shape = sc_shape_scalar();
    return fill_constant(b, value, SIMCLR_f32, &shape);
}

struct sc_value *sc_ints(struct sc_builder *b, const int64_t *values, int64_t n)
{
    int64_t *const data = SC_NEW_ARRAY(b->graph->module->arena, int64_t, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        data[i] = values[i];
    const struct simclr_shape shape = sc_shape(1, &n);
    return sc_graph_constant(b->graph, SIMCLR_i64, &shape, data, NULL);
}

struct sc_value *sc_neg(struct sc_builder *b, struct sc_value *x)
{
    return sc_build(b, SIMCLR_OP_neg, NULL, x);
}

struct sc_value *sc_exp(struct sc_builder *b, struct sc_value *x)
{
    return sc_build(b, SIMCLR_OP_exp, NULL, x);
}

struct sc_value *sc_log(struct sc_builder *b, struct sc_value *x)
{
    return sc_build(b, SIMCLR_OP_log, NULL, x);
}

struct sc_value *sc_sqrt(struct sc_builder *b, struct sc_value *x)
{
    return sc_build(b, SIMCLR_OP_sqrt, NULL, x);
}

struct sc_value *sc_reciprocal(struct sc_builder *b, struct sc_value *x)
{
    return sc_build(b, SIMCLR_OP_reciprocal, NULL, x);
}

struct sc_value *sc_add(struct sc_builder *b, struct sc_value *x, struct sc_value *y)
{
    return sc_build(b, SIMCLR_OP_add, NULL, x, y);
}

struct sc_value *sc_sub(struct sc_builder *b, struct sc_value *x, struct sc_value *y)
{
    return sc_build(b, SIMCLR_OP_sub, NULL, x, y);
}

struct sc_value *sc_mul(struct sc_builder *b, struct sc_value *x, struct sc_value *y)
{
    return sc_build(b, SIMCLR_OP_mul, NULL, x, y);
}

struct sc_value *sc_div(struct sc_builder *b, struct sc_value *x, struct sc_value *y)
{
    return sc_build(b, SIMCLR_OP_div, NULL, x, y);
}

struct sc_value *sc_scale(struct sc_builder *b, struct sc_value *x, double factor)
{
    if (factor == 1) return x;
    const struct simclr_shape scalar = sc_shape_scalar();
    return sc_mul(b, x, fill_constant(b, factor, x->dtype, &scalar));
}

struct sc_value *sc_equal(struct sc_builder *b, struct sc_value *x, struct sc_value *y)
{
    return sc_build(b, SIMCLR_OP_equal, NULL, x, y);
}

struct sc_value *sc_less(struct sc_builder *b, struct sc_value *x, struct sc_value *y)
{
    return sc_build(b, SIMCLR_OP_less, NULL, x, y);
}

struct sc_value *sc_where(struct sc_builder *b, struct sc_value *c, struct sc_value *x,
                          struct sc_value *y)
{
    return sc_build(b, SIMCLR_OP_where, NULL, c, x, y);
}

struct sc_value *sc_cast(struct sc_builder *b, struct sc_value *x, simclr_dtype to)
{
    if (x->dtype == to) return x;
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_cast);
    attr.cast.to = to;
    return sc_build(b, SIMCLR_OP_cast, &attr, x);
}

struct sc_value *sc_matmul(struct sc_builder *b, struct sc_value *x, bool trans_x,
                           struct sc_value *y, bool trans_y)
{
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_matmul);
    attr.matmul.trans_a = trans_x;
    attr.matmul.trans_b = trans_y;
    return sc_build(b, SIMCLR_OP_matmul, &attr, x, y);
}

struct sc_value *sc_reduce_sum(struct sc_builder *b, struct sc_value *x,
                               const struct simclr_dims *axes, bool keepdims)
{
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_reduce_sum);
    attr.reduce.axes = *axes;
    attr.reduce.keepdims = keepdims;
    return sc_build(b, SIMCLR_OP_reduce_sum, &attr, x);
}

// reshape and expand have the same attribute.
static struct sc_value *to_shape(struct sc_builder *b, enum simclr_op op, struct sc_value *x,
                                 const struct simclr_shape *shape)
{
    if (simclr_shape_equal(&x->shape, shape)) return x;
    union simclr_attr attr = sc_attr_default(op);
    attr.reshape.shape.n = shape->rank;
    for (int32_t i = 0; i < shape->rank; i++)
        attr.reshape.shape.v[i] = shape->dim[i];
    return sc_build(b, op, &attr, x);
}

struct sc_value *sc_reshape(struct sc_builder *b, struct sc_value *x,
                            const struct simclr_shape *shape)
{
    return to_shape(b, SIMCLR_OP_reshape, x, shape);
}

struct sc_value *sc_expand(struct sc_builder *b, struct sc_value *x,
                           const struct simclr_shape *shape)
{
    return to_shape(b, SIMCLR_OP_expand, x, shape);
}

struct sc_value *sc_transpose(struct sc_builder *b, struct sc_value *x,
                              const struct simclr_dims *perm)
{
    bool is_identity = perm->n == x->shape.rank;
    for (int64_t i = 0; i < perm->n; i++)
        is_identity = is_identity && perm->v[i] == i;
    if (is_identity) return x;
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_transpose);
    attr.transpose.perm = *perm;
    return sc_build(b, SIMCLR_OP_transpose, &attr, x);
}

struct sc_value *sc_sum_to(struct sc_builder *b, struct sc_value *x,
                           const struct simclr_shape *shape)
{
    const int32_t n_new = x->shape.rank - shape->rank;
    assert(n_new >= 0 && "sum_to goes to fewer or equally many axes");
    struct simclr_dims axes = {0};
    bool are_all_new = true; // and every new axis is summed
    for (int32_t i = 0; i < x->shape.rank; i++) {
        const int64_t target = i < n_new ? 1 : shape->dim[i - n_new];
        const bool is_stretched = target == 1 && x->shape.dim[i] != 1;
        are_all_new = are_all_new && is_stretched == (i < n_new);
        if (is_stretched) axes.v[axes.n++] = i;
    }
    if (axes.n > 0) x = sc_reduce_sum(b, x, &axes, !are_all_new);
    return sc_reshape(b, x, shape);
}

bool sc_constant_scalar(const struct sc_value *v, double *out)
{
    if (v->kind != SC_VALUE_constant || simclr_shape_count(&v->shape) != 1) return false;
    struct sc_tensor *const t = sc_tensor_new(v->dtype, &v->shape);
    sc_tensor_load(t, v->data);
    *out = t->f ? t->f[0] : sc_int_to_real(t->dtype, t->i[0]);
    sc_tensor_free(t);
    return true;
}
