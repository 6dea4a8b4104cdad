// SPDX-License-Identifier: Apache-2.0
//
// Every operation with trait P, and `pointwise`, a chain of them: a micro-program
// of steps, each a vectorised loop over one tile of TILE elements. Operands with
// the output's elements are read in place; others are spread into a buffer of the
// thread's scratch, one per operand. Every step but the last writes a buffer of its
// own; the last one writes the output, which may be the memory of an operand. All
// of it stays in the first levels of cache. Semantics are those of compiler/ops.
//
// Operations that take integers have a second, plain form.
#include "runtime/cpu/element.h"
#include "runtime/cpu/ops/vec.h"
#include "runtime/cpu/shape.h"

#include <math.h>
#include <string.h>

enum { TILE = 1024, MAX_IN = 8, MAX_REGISTERS = MAX_IN + SIMCLR_MAX_CODE };

// ---- steps ----

typedef void step_fn(const float *a, const float *b, float *out, int64_t n);
typedef int64_t int_fn(int64_t x, int64_t y);

// STEP and STEP2 are vectorised; CALL and CALL2 call the mathematics library.
#define STEP(name, expression)  UNARY(SC_INDEPENDENT, name, expression)
#define STEP2(name, expression) BINARY(SC_INDEPENDENT, name, expression)
#define CALL(name, expression)  UNARY(, name, expression)
#define CALL2(name, expression) BINARY(, name, expression)
#define UNARY(hint, name, expression)                                                          \
    static void step_##name(const float *a, const float *b, float *out, int64_t n)             \
    {                                                                                          \
        (void)b;                                                                               \
        hint for (int64_t i = 0; i < n; i++)                                                   \
        {                                                                                      \
            const float x = a[i];                                                              \
            out[i] = (expression);                                                             \
        }                                                                                      \
    }
#define BINARY(hint, name, expression)                                                         \
    static void step_##name(const float *a, const float *b, float *out, int64_t n)             \
    {                                                                                          \
        hint for (int64_t i = 0; i < n; i++)                                                   \
        {                                                                                      \
            const float x = a[i], y = b[i];                                                    \
            out[i] = (expression);                                                             \
        }                                                                                      \
    }

static inline uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// Drops the last `n` bits, to nearest, of two to even; a carry rightly reaches the
// exponent.
static inline uint32_t drop_bits(uint32_t bits, int n)
{
    const uint32_t half = (uint32_t)1 << (n - 1);
    return (bits + (half - 1) + (bits >> n & 1)) & ~(2 * half - 1);
}

static inline float to_bf16(float x)
{
    return x != x ? x : float_of(drop_bits(bits_of(x), 16));
}

// Below 2^-14 the last bit has the weight 2^-24, as that of floats around 0.5 has.
static inline float to_f16(float x)
{
    const float size = fabsf(x), normal = float_of(drop_bits(bits_of(size), 13));
    const float small = (size + 0.5f) - 0.5f;
    const float y = size < 0x1p-14f ? small : normal >= 0x1p16f ? (float)INFINITY : normal;
    return x != x ? x : copysignf(y, x);
}

STEP(neg, -x)
STEP(abs, fabsf(x))
STEP(sign, (float)((x > 0) - (x < 0)))
CALL(exp, expf(x))
CALL(log, logf(x))
STEP(sqrt, sqrtf(x))
STEP(reciprocal, 1 / x)
CALL(expm1, expm1f(x))
CALL(sin, sinf(x))
CALL(cos, cosf(x))
CALL(tan, tanf(x))
CALL(asin, asinf(x))
CALL(acos, acosf(x))
CALL(atan, atanf(x))
CALL(sinh, sinhf(x))
CALL(cosh, coshf(x))
CALL(asinh, asinhf(x))
CALL(acosh, acoshf(x))
CALL(atanh, atanhf(x))
STEP(floor, floorf(x))
STEP(ceil, ceilf(x))
STEP(round, nearbyintf(x))
STEP(round_f16, to_f16(x))
STEP(round_bf16, to_bf16(x))
STEP(relu, x < 0 ? 0 : x)
CALL(sigmoid, 1 / (1 + expf(-x)))
CALL(tanh, tanhf(x))
CALL(erf, erff(x))
CALL(erf_grad, 1.12837917f * expf(-x * x)) // 2/sqrt(pi)
CALL(softplus, (x > 0 ? x : 0) + log1pf(expf(-fabsf(x))))
STEP2(add, x + y)
STEP2(sub, x - y)
STEP2(mul, x *y)
STEP2(div, x / y)
STEP2(max, x < y || y != y ? y : x)
STEP2(min, x > y || y != y ? y : x)
CALL2(pow, powf(x, y))
CALL2(fmod, fmodf(x, y))
STEP2(relu_grad, x > 0 ? y : 0)

#define INT_STEP(name, expression)                                                             \
    static int64_t int_##name(int64_t x, int64_t y)                                            \
    {                                                                                          \
        (void)y;                                                                               \
        return (expression);                                                                   \
    }
INT_STEP(neg, (int64_t)(0 - (uint64_t)x))
INT_STEP(abs, x < 0 ? (int64_t)(0 - (uint64_t)x) : x)
INT_STEP(sign, (x > 0) - (x < 0))
INT_STEP(add, (int64_t)((uint64_t)x + (uint64_t)y))
INT_STEP(sub, (int64_t)((uint64_t)x - (uint64_t)y))
INT_STEP(mul, (int64_t)((uint64_t)x *(uint64_t)y))
INT_STEP(div, y == 0 ? 0 : y == -1 ? int_neg(x, 0) : x / y)
INT_STEP(max, x >= y ? x : y)
INT_STEP(min, x <= y ? x : y)

// What differs of a u64, which is held by its bits.
INT_STEP(abs_u64, x)
INT_STEP(sign_u64, x != 0)
INT_STEP(div_u64, y == 0 ? 0 : (int64_t)((uint64_t)x / (uint64_t)y))
INT_STEP(max_u64, (uint64_t)x >= (uint64_t)y ? x : y)
INT_STEP(min_u64, (uint64_t)x <= (uint64_t)y ? x : y)

// Bit by bit of the exponent, from the highest.
static int64_t int_pow_u64(int64_t x, int64_t y)
{
    uint64_t z = 1;
    for (int bit = 63; bit >= 0; bit--) {
        z *= z;
        if ((uint64_t)y >> bit & 1) z *= (uint64_t)x;
    }
    return (int64_t)z;
}
INT_STEP(pow, y >= 0                              ? int_pow_u64(x, y)
              : x == 1 || (x == -1 && y % 2 == 0) ? 1
              : x == -1                           ? -1
                                                  : 0)

static const struct {
    step_fn *run;
    int_fn *run_int; // NULL: floats only
    int_fn *run_u64; // NULL: the same as run_int
} steps[SIMCLR_N_OPS] = {
    [SIMCLR_OP_neg] = {step_neg, int_neg, NULL},
    [SIMCLR_OP_abs] = {step_abs, int_abs, int_abs_u64},
    [SIMCLR_OP_sign] = {step_sign, int_sign, int_sign_u64},
    [SIMCLR_OP_exp] = {step_exp, NULL, NULL},
    [SIMCLR_OP_log] = {step_log, NULL, NULL},
    [SIMCLR_OP_sqrt] = {step_sqrt, NULL, NULL},
    [SIMCLR_OP_reciprocal] = {step_reciprocal, NULL, NULL},
    [SIMCLR_OP_expm1] = {step_expm1, NULL, NULL},
    [SIMCLR_OP_sin] = {step_sin, NULL, NULL},
    [SIMCLR_OP_cos] = {step_cos, NULL, NULL},
    [SIMCLR_OP_tan] = {step_tan, NULL, NULL},
    [SIMCLR_OP_asin] = {step_asin, NULL, NULL},
    [SIMCLR_OP_acos] = {step_acos, NULL, NULL},
    [SIMCLR_OP_atan] = {step_atan, NULL, NULL},
    [SIMCLR_OP_sinh] = {step_sinh, NULL, NULL},
    [SIMCLR_OP_cosh] = {step_cosh, NULL, NULL},
    [SIMCLR_OP_asinh] = {step_asinh, NULL, NULL},
    [SIMCLR_OP_acosh] = {step_acosh, NULL, NULL},
    [SIMCLR_OP_atanh] = {step_atanh, NULL, NULL},
    [SIMCLR_OP_floor] = {step_floor, NULL, NULL},
    [SIMCLR_OP_ceil] = {step_ceil, NULL, NULL},
    [SIMCLR_OP_round] = {step_round, NULL, NULL},
    [SIMCLR_OP_round_f16] = {step_round_f16, NULL, NULL},
    [SIMCLR_OP_round_bf16] = {step_round_bf16, NULL, NULL},
    [SIMCLR_OP_relu] = {step_relu, NULL, NULL},
    [SIMCLR_OP_sigmoid] = {step_sigmoid, NULL, NULL},
    [SIMCLR_OP_tanh] = {step_tanh, NULL, NULL},
    [SIMCLR_OP_erf] = {step_erf, NULL, NULL},
    [SIMCLR_OP_erf_grad] = {step_erf_grad, NULL, NULL},
    [SIMCLR_OP_softplus] = {step_softplus, NULL, NULL},
    [SIMCLR_OP_add] = {step_add, int_add, NULL},
    [SIMCLR_OP_sub] = {step_sub, int_sub, NULL},
    [SIMCLR_OP_mul] = {step_mul, int_mul, NULL},
    [SIMCLR_OP_div] = {step_div, int_div, int_div_u64},
    [SIMCLR_OP_max] = {step_max, int_max, int_max_u64},
    [SIMCLR_OP_min] = {step_min, int_min, int_min_u64},
    [SIMCLR_OP_pow] = {step_pow, int_pow, int_pow_u64},
    [SIMCLR_OP_fmod] = {step_fmod, NULL, NULL},
    [SIMCLR_OP_relu_grad] = {step_relu_grad, NULL, NULL},
};

// ---- floats ----

struct plan {
    const struct sc_call *call;
    struct simclr_code code;
    struct sc_rows rows;    // of the operands
    bool is_direct[MAX_IN]; // has the output's elements, in its order
    int64_t count;
};

// A single operation is a program of one step.
static struct simclr_code code_of(const struct sc_call *call)
{
    if (call->instr->op == SIMCLR_OP_pointwise) return call->attr->pointwise.code;
    return (struct simclr_code){
        .n_steps = 1,
        .step = {{.op = (uint16_t)call->instr->op, .b = (uint8_t)(call->n_in - 1)}}};
}

static void spread(const struct plan *p, int operand, int64_t begin, int64_t n, float *out)
{
    const float *const x = p->call->in[operand].data;
    const struct sc_rows *const rows = &p->rows;
    int64_t row = begin / rows->length, column = begin % rows->length;
    for (int64_t done = 0; done < n; row++, column = 0) {
        const int64_t length = sc_min_i64(rows->length - column, n - done);
        const int64_t from = sc_rows_offset(rows, operand, row);
        if (rows->row_stride[operand] == 0) {
            for (int64_t i = 0; i < length; i++)
                out[done + i] = x[from];
        } else {
            memcpy(out + done, x + from + column, (size_t)length * sizeof *x);
        }
        done += length;
    }
}

static void run_tile(const struct plan *p, int64_t begin, int64_t n, float *scratch)
{
    const struct sc_call *const call = p->call;
    const float *reg[MAX_REGISTERS];
    const int n_in = (int)call->n_in;
    for (int i = 0; i < n_in; i++) {
        float *const buffer = scratch + (ptrdiff_t)i * TILE;
        if (!p->is_direct[i]) spread(p, i, begin, n, buffer);
        reg[i] = p->is_direct[i] ? sc_f32(&call->in[i]) + begin : buffer;
    }
    for (int i = 0; i < p->code.n_steps; i++) {
        const struct simclr_code_step *const step = &p->code.step[i];
        const bool is_last = i + 1 == p->code.n_steps;
        float *const out = is_last ? (float *)call->out[0].data + begin
                                   : scratch + (ptrdiff_t)(n_in + i) * TILE;
        steps[step->op].run(reg[step->a], reg[step->b], out, n);
        reg[n_in + i] = out;
    }
}

static void run_task(void *ctx, int64_t task, int thread)
{
    const struct plan *const p = ctx;
    const int64_t end = sc_min_i64(p->count, (task + 1) * SC_CPU_GRAIN);
    for (int64_t i = task * SC_CPU_GRAIN; i < end; i += TILE)
        run_tile(p, i, sc_min_i64(TILE, end - i), sc_call_scratch(p->call, thread));
}

static void run_float(const struct sc_call *call)
{
    struct plan p = {.call = call, .code = code_of(call), .count = call->out[0].count};
    int64_t stride[MAX_IN][SIMCLR_MAX_RANK] = {{0}};
    for (uint32_t i = 0; i < call->n_in; i++) {
        (void)sc_broadcast_strides(&call->in[i].shape, &call->out[0].shape, stride[i]);
        p.is_direct[i] = call->in[i].count == p.count;
    }
    sc_rows_init(&p.rows, &call->out[0].shape, (int)call->n_in, stride);
    sc_pool_run(call->pool, sc_n_blocks(p.count, SC_CPU_GRAIN), run_task, &p);
}

// ---- integers ----

static void run_int(const struct sc_call *call)
{
    const struct sc_operand *const x = &call->in[0], *const y = &call->in[call->n_in - 1];
    const simclr_dtype dtype = call->out[0].dtype;
    int_fn *const run_u64 = dtype == SIMCLR_u64 ? steps[call->instr->op].run_u64 : NULL;
    int_fn *const fn = run_u64 ? run_u64 : steps[call->instr->op].run_int;
    int64_t stride[2][SIMCLR_MAX_RANK] = {{0}};
    struct sc_rows rows;
    (void)sc_broadcast_strides(&x->shape, &call->out[0].shape, stride[0]);
    (void)sc_broadcast_strides(&y->shape, &call->out[0].shape, stride[1]);
    sc_rows_init(&rows, &call->out[0].shape, 2, stride);
    for (int64_t i = 0; i < call->out[0].count; i++) {
        const int64_t row = i / rows.length, column = i % rows.length;
        const int64_t a = sc_rows_offset(&rows, 0, row) + column * rows.row_stride[0];
        const int64_t b = sc_rows_offset(&rows, 1, row) + column * rows.row_stride[1];
        sc_put_int(&call->out[0], i, fn(sc_get_int(x, a), sc_get_int(y, b)));
    }
}

// ---- both ----

static bool is_float(const struct sc_call *call)
{
    return call->in[0].dtype == SIMCLR_f32;
}

static const char *check(const struct sc_call *call)
{
    const struct simclr_code code = code_of(call);
    int64_t stride[SIMCLR_MAX_RANK];
    if (call->n_in > MAX_IN || code.n_steps == 0) return "it has no steps or too many operands";
    if (!sc_all_inputs(call, call->out[0].dtype)) return "operands differ in dtype";
    for (uint32_t i = 0; i < call->n_in; i++) {
        if (!sc_broadcast_strides(&call->in[i].shape, &call->out[0].shape, stride))
            return "an operand does not broadcast to the output";
    }
    const uint64_t buffers = call->n_in + (uint64_t)code.n_steps;
    if (is_float(call))
        return call->instr->scratch_bytes >= buffers * TILE * sizeof(float)
                   ? NULL
                   : "its scratch is too small";
    const bool takes_ints = call->in[0].dtype != SIMCLR_f64 &&
                            call->in[0].dtype != SIMCLR_bool && steps[call->instr->op].run_int;
    return takes_ints ? NULL : "it does not take this dtype";
}

static void run(const struct sc_call *call)
{
    if (is_float(call))
        run_float(call);
    else
        run_int(call);
}

#define POINTWISE(stem) SC_CPU_OP(stem) = {check, run};
POINTWISE(neg)
POINTWISE(abs)
POINTWISE(sign)
POINTWISE(exp)
POINTWISE(log)
POINTWISE(sqrt)
POINTWISE(reciprocal)
POINTWISE(expm1)
POINTWISE(sin)
POINTWISE(cos)
POINTWISE(tan)
POINTWISE(asin)
POINTWISE(acos)
POINTWISE(atan)
POINTWISE(sinh)
POINTWISE(cosh)
POINTWISE(asinh)
POINTWISE(acosh)
POINTWISE(atanh)
POINTWISE(floor)
POINTWISE(ceil)
POINTWISE(round)
POINTWISE(round_f16)
POINTWISE(round_bf16)
POINTWISE(relu)
POINTWISE(sigmoid)
POINTWISE(tanh)
POINTWISE(erf)
POINTWISE(erf_grad)
POINTWISE(softplus)
POINTWISE(add)
POINTWISE(sub)
POINTWISE(mul)
POINTWISE(div)
POINTWISE(max)
POINTWISE(min)
POINTWISE(pow)
POINTWISE(fmod)
POINTWISE(relu_grad)
POINTWISE(pointwise)
