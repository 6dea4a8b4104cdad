// SPDX-License-Identifier: Apache-2.0
//
// Element by element, for any dtype: comparisons, mod and logic (one byte out per
// element), where, cast. They are rare in training; tasks are cut, loops plain.
#include "runtime/cpu/element.h"
#include "runtime/cpu/shape.h"

#include <string.h>

// One operation over broadcast operands: `element` computes output i from the
// operands' elements at[0], at[1], ...
typedef void element_fn(const struct sc_call *call, const int64_t *at, int64_t i);

struct walk {
    const struct sc_call *call;
    element_fn *element;
    struct sc_rows rows;
};

static void walk_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct walk *const w = ctx;
    const int64_t end = sc_min_i64(w->call->out[0].count, (task + 1) * SC_CPU_GRAIN);
    for (int64_t i = task * SC_CPU_GRAIN; i < end;) {
        const int64_t row = i / w->rows.length;
        int64_t column = i % w->rows.length, first[3] = {0}, at[3] = {0};
        for (int k = 0; k < w->rows.n; k++)
            first[k] = sc_rows_offset(&w->rows, k, row);
        for (; column < w->rows.length && i < end; column++, i++) {
            for (int k = 0; k < w->rows.n; k++)
                at[k] = first[k] + column * w->rows.row_stride[k];
            w->element(w->call, at, i);
        }
    }
}

static void walk(const struct sc_call *call, element_fn *element)
{
    struct walk w = {.call = call, .element = element};
    int64_t stride[3][SIMCLR_MAX_RANK] = {{0}};
    for (uint32_t i = 0; i < call->n_in; i++)
        (void)sc_broadcast_strides(&call->in[i].shape, &call->out[0].shape, stride[i]);
    sc_rows_init(&w.rows, &call->out[0].shape, (int)call->n_in, stride);
    sc_pool_run(call->pool, sc_n_blocks(call->out[0].count, SC_CPU_GRAIN), walk_task, &w);
}

static const char *check_broadcast(const struct sc_call *call)
{
    int64_t stride[SIMCLR_MAX_RANK];
    for (uint32_t i = 0; i < call->n_in; i++) {
        if (!sc_broadcast_strides(&call->in[i].shape, &call->out[0].shape, stride))
            return "an operand does not broadcast to the output";
    }
    return NULL;
}

// ---- equal, less ----

static const char *check_compare(const struct sc_call *call)
{
    if (!sc_all_inputs(call, call->in[0].dtype) || !sc_all_outputs(call, SIMCLR_bool))
        return "operands differ in dtype or the output is not bool";
    return check_broadcast(call);
}

static void equal_element(const struct sc_call *call, const int64_t *at, int64_t i)
{
    const struct sc_operand *const x = &call->in[0], *const y = &call->in[1];
    const bool is_equal = simclr_dtype_is_float(x->dtype)
                              ? sc_get_real(x, at[0]) == sc_get_real(y, at[1])
                              : sc_get_int(x, at[0]) == sc_get_int(y, at[1]);
    sc_put_int(&call->out[0], i, is_equal);
}

static void less_element(const struct sc_call *call, const int64_t *at, int64_t i)
{
    const struct sc_operand *const x = &call->in[0], *const y = &call->in[1];
    const bool is_less =
        simclr_dtype_is_float(x->dtype)
            ? sc_get_real(x, at[0]) < sc_get_real(y, at[1])
            : sc_int_less(x->dtype, sc_get_int(x, at[0]), sc_get_int(y, at[1]));
    sc_put_int(&call->out[0], i, is_less);
}

static void run_equal(const struct sc_call *call)
{
    walk(call, equal_element);
}

static void run_less(const struct sc_call *call)
{
    walk(call, less_element);
}

// ---- mod ----

static const char *check_mod(const struct sc_call *call)
{
    const simclr_dtype dtype = call->in[0].dtype;
    if (!sc_all_inputs(call, dtype) || !sc_all_outputs(call, dtype) ||
        simclr_dtype_is_float(dtype) || dtype == SIMCLR_bool)
        return "operands are no integers of one dtype";
    return check_broadcast(call);
}

// x % y; of the divisor's sign.
static void mod_element(const struct sc_call *call, const int64_t *at, int64_t i)
{
    const int64_t x = sc_get_int(&call->in[0], at[0]), y = sc_get_int(&call->in[1], at[1]);
    int64_t r = 0;
    if (call->out[0].dtype == SIMCLR_u64)
        r = y == 0 ? 0 : (int64_t)((uint64_t)x % (uint64_t)y);
    else if (y != 0 && y != -1) // the least integer / -1 has no int64
        r = x % y + ((x % y < 0 && y > 0) || (x % y > 0 && y < 0) ? y : 0);
    sc_put_int(&call->out[0], i, r);
}

static void run_mod(const struct sc_call *call)
{
    walk(call, mod_element);
}

// ---- not, and, or ----

static const char *check_logic(const struct sc_call *call)
{
    if (!sc_all_inputs(call, SIMCLR_bool) || !sc_all_outputs(call, SIMCLR_bool))
        return "an operand is not bool";
    return check_broadcast(call);
}

static void not_element(const struct sc_call *call, const int64_t *at, int64_t i)
{
    sc_put_int(&call->out[0], i, !sc_get_int(&call->in[0], at[0]));
}

static void and_element(const struct sc_call *call, const int64_t *at, int64_t i)
{
    sc_put_int(&call->out[0], i,
               sc_get_int(&call->in[0], at[0]) && sc_get_int(&call->in[1], at[1]));
}

static void or_element(const struct sc_call *call, const int64_t *at, int64_t i)
{
    sc_put_int(&call->out[0], i,
               sc_get_int(&call->in[0], at[0]) || sc_get_int(&call->in[1], at[1]));
}

static void run_not(const struct sc_call *call)
{
    walk(call, not_element);
}

static void run_and(const struct sc_call *call)
{
    walk(call, and_element);
}

static void run_or(const struct sc_call *call)
{
    walk(call, or_element);
}

// ---- where ----

static const char *check_where(const struct sc_call *call)
{
    if (call->in[0].dtype != SIMCLR_bool || call->in[1].dtype != call->in[2].dtype ||
        call->out[0].dtype != call->in[1].dtype)
        return "the condition is not bool or the values differ in dtype";
    return check_broadcast(call);
}

static void where_element(const struct sc_call *call, const int64_t *at, int64_t i)
{
    const int chosen = sc_get_int(&call->in[0], at[0]) ? 1 : 2;
    const size_t size = simclr_dtype_size(call->out[0].dtype);
    memcpy((char *)call->out[0].data + (size_t)i * size,
           (const char *)call->in[chosen].data + (size_t)at[chosen] * size, size);
}

static void where_f32_element(const struct sc_call *call, const int64_t *at, int64_t i)
{
    const int chosen = ((const uint8_t *)call->in[0].data)[at[0]] ? 1 : 2;
    ((float *)call->out[0].data)[i] = sc_f32(&call->in[chosen])[at[chosen]];
}

static void run_where(const struct sc_call *call)
{
    walk(call, call->out[0].dtype == SIMCLR_f32 ? where_f32_element : where_element);
}

// ---- cast ----

static const char *check_cast(const struct sc_call *call)
{
    return sc_same_shape(&call->in[0], &call->out[0]) ? NULL : "shapes differ";
}

static void cast_element(const struct sc_call *call, const int64_t *at, int64_t i)
{
    const struct sc_operand *const x = &call->in[0], *const y = &call->out[0];
    const bool from_real = simclr_dtype_is_float(x->dtype);
    if (simclr_dtype_is_float(y->dtype))
        sc_put_real(y, i,
                    from_real ? sc_get_real(x, at[0])
                              : sc_int_to_real(x->dtype, sc_get_int(x, at[0])));
    else
        sc_put_int(y, i,
                   from_real ? sc_int_from_real(y->dtype, sc_get_real(x, at[0]))
                             : sc_get_int(x, at[0]));
}

static void run_cast(const struct sc_call *call)
{
    walk(call, cast_element);
}

SC_CPU_OP(equal) = {check_compare, run_equal};
SC_CPU_OP(less) = {check_compare, run_less};
SC_CPU_OP(mod) = {check_mod, run_mod};
SC_CPU_OP(not ) = {check_logic, run_not};
SC_CPU_OP(and) = {check_logic, run_and};
SC_CPU_OP(or) = {check_logic, run_or};
SC_CPU_OP(where) = {check_where, run_where};
SC_CPU_OP(cast) = {check_cast, run_cast};
