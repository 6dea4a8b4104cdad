// SPDX-License-Identifier: Apache-2.0
//
// Every operator that moves, compares or reduces elements, on tensors of every element
// type and of ranks 0 to 8, empty ones among them: what the importer takes, the compiled
// program must run, and its outputs must be those of the interpreter. What the importer
// refuses, by type or by shape, is counted. SIMCLR_VERBOSE=1 prints it.
#include "tests/onnx/program.h"
#include "tests/onnx/run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const types[] = {"float", "int64",  "int32",  "int16",  "int8",
                                    "bool",  "uint64", "uint32", "uint16", "uint8"};

// Of x and z; y has the elements of x in the order of its axes turned around.
static const char *const shapes[] = {"",         "[0]",     "[1]",
                                     "[5]",      "[0,3]",   "[3,0,2]",
                                     "[2,3]",    "[2,1,3]", "[2,1,2,1,2,1,2,3]",
                                     "[300,130]"};

// Of x and z, which have the same type and shape, and s, which is one element of it.
static const char *const bodies[] = {
    "y = Identity (x)",
    "y = Neg (x)",
    "y = Abs (x)",
    "y = Sign (x)",
    "y = Relu (x)",
    "y = Not (x)",
    "y = Add (x, z)",
    "y = Sub (x, s)",
    "y = Mul (s, x)",
    "y = Div (x, z)",
    "y = Mod (x, z)",
    "y = Pow (x, z)",
    "y = Max (x, z, s)",
    "y = Min (x, s)",
    "y = Mean (x, z)",
    "y = Sum (x, z, s)",
    "y = Clip (x, s)",
    "y = BitShift <direction = \"LEFT\"> (x, z)",
    "y = BitwiseAnd (x, z)",
    "y = And (x, z)",
    "y = Or (x, s)",
    "y = Xor (x, z)",
    "y = Equal (x, z)",
    "y = Less (x, s)",
    "y = GreaterOrEqual (x, z)",
    "c = Equal (x, z)\n y = Where (c, x, s)",
    "y = Cast <to = 1> (x)",
    "y = Cast <to = 2> (x)",
    "y = Cast <to = 3> (x)",
    "y = Cast <to = 4> (x)",
    "y = Cast <to = 5> (x)",
    "y = Cast <to = 6> (x)",
    "y = Cast <to = 7> (x)",
    "y = Cast <to = 9> (x)",
    "y = Cast <to = 10> (x)",
    "y = Cast <to = 12> (x)",
    "y = Cast <to = 13> (x)",
    "y = Transpose (x)",
    "y = Flatten (x)",
    "y = Reshape (x, flat)",
    "y = Expand (s, wide)",
    "i = Shape (x)\n j = Shape (i)\n k = ConstantOfShape <value = int64[1] {2}> (j)\n y = Tile (x, k)",
    "y = Unsqueeze (x, zero)",
    "y = Concat <axis = 0> (x, z, x)",
    "y = Concat <axis = -1> (x, z)",
    "y, w = Split <axis = 0, num_outputs = 2> (x)",
    "y = Slice (x, one, many)",
    "y = Slice (x, last, first, zero, last)",
    "y = Gather (x, index)",
    "y = Gather <axis = -1> (x, index)",
    "y = Gather (x, last)",
    "y = Shape (x)",
    "y = Size (x)",
    "y = ReduceSum (x)",
    "y = ReduceSum <keepdims = 0> (x, zero)",
    "y = ReduceSum <keepdims = 0> (x, last)",
    "y = ReduceMean (x)",
    "y = ReduceMax <keepdims = 0> (x)",
    "y = ReduceMax (x, last)",
    "y = ReduceMin (x)",
    "y = ReduceMin (x, zero)",
    "y = ReduceProd (x)",
    "y = ReduceL1 (x)",
    "y = ReduceSumSquare (x, last)",
    "y = ArgMax (x)",
    "y = ArgMin <axis = -1, keepdims = 0> (x)",
    "y = CumSum (x, none)",
    "y = Softmax (x)",
    "y = LogSoftmax <axis = 0> (x)",
    "t = Transpose (z)\n y = MatMul (x, t)",
    "y = MatMul (x, x)",
    "y = Dropout (x)",
    "y, w = TopK (x, one)",
    "y = Trilu (x)",
    "y = Hardmax (x)",
    "y = CastLike (x, s)",
    "i = Shape (x)\n j = ConstantOfShape <value = int64[1] {0}> (i)\n y = ScatterElements <reduction = \"add\"> (x, j, z)",
    "i = Shape (x)\n j = ConstantOfShape <value = int64[1] {-1}> (i)\n y = GatherElements (x, j)",
    "y = EyeLike (x)",
};

static const char constants[] =
    "<int64[1] zero = {0}, int64[1] one = {1}, int64[1] last = {-1}, int64[1] first = {-9223372036854775807}, "
    "int64[1] many = {9223372036854775807}, int64[1] flat = {-1}, int64[3] wide = {2, 0, 3}, "
    "int64[2,2] index = {0, -1, -1, 0}, int64 none = {0}>";

struct tally {
    int n_equal, n_refused, n_failed;
};

// Small numbers, few of them equal to their neighbours; what is unsigned wraps to it.
static double number(simclr_dtype dtype, int64_t i, int which)
{
    const int64_t v = (i * 7 + 3 * which + i / 5) % 11 - 4;
    if (dtype == SIMCLR_bool) return v > 0;
    if (dtype == SIMCLR_f32) return 0.75 * (double)v;
    const char kind = simclr_dtype_name(dtype)[0];
    return (double)(kind == 'u' && v < 0 ? -v : v);
}

static void make_inputs(struct run *r)
{
    const Onnx__ValueInfoProto *infos[RUN_MAX_TENSORS];
    r->n_in = run_inputs(r->model, infos);
    for (int i = 0; i < r->n_in; i++) {
        const Onnx__TypeProto__Tensor *const type = infos[i]->type->tensor_type;
        struct simclr_shape shape = {.rank = (int32_t)type->shape->n_dim};
        for (int32_t k = 0; k < shape.rank; k++)
            shape.dim[k] = type->shape->dim[k]->dim_value;
        struct sc_tensor *const x =
            sc_tensor_new(sc_onnx_dtype(type->elem_type)->dtype, &shape);
        for (int64_t k = 0; k < x->count; k++) {
            if (x->f) x->f[k] = number(x->dtype, k, i);
            if (x->i) x->i[k] = (int64_t)number(x->dtype, k, i);
        }
        r->in[i] = x;
    }
}

static bool is_close(double x, double y)
{
    if (isnan(x) || isnan(y)) return isnan(x) && isnan(y);
    return x == y || fabs(x - y) <= 1e-5 * fmax(1, fabs(y));
}

static bool is_equal(const struct run *r, struct program_case *p)
{
    bool same = p->n_out == r->n_out;
    for (int i = 0; i < p->n_out && same; i++) {
        const struct sc_tensor *const x = p->out[i], *const y = r->out[i];
        same = x->dtype == y->dtype && simclr_shape_equal(&x->shape, &y->shape);
        for (int64_t k = 0; same && k < x->count; k++) {
            same = x->f ? is_close(x->f[k], y->f[k]) : x->i[k] == y->i[k];
            if (!same)
                sc_str_printf(&p->messages, "output %d, element %lld is %.9g, expected %.9g", i,
                              (long long)k, x->f ? x->f[k] : (double)x->i[k],
                              y->f ? y->f[k] : (double)y->i[k]);
        }
    }
    return same;
}

static void run_program(struct run *r, const char *text, struct program_case *p,
                        struct tally *all)
{
    char path[64];
    const Onnx__ValueInfoProto *infos[RUN_MAX_TENSORS];
    program_temporary(path, sizeof path, ".onnxtxt");
    FILE *const f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
    p->model = path;
    p->n_in = run_inputs(r->model, infos);
    for (int i = 0; i < p->n_in; i++) {
        p->names[i] = infos[i]->name;
        p->in[i] = r->in[i];
    }
    const enum program_outcome outcome = program_run(p);
    (void)unlink(path);
    const bool is_good = outcome == PROGRAM_RAN && is_equal(r, p);
    all->n_equal += is_good;
    all->n_failed += outcome == PROGRAM_FAILED || (outcome == PROGRAM_RAN && !is_good);
    all->n_refused += outcome == PROGRAM_REFUSED;
    if ((!is_good && outcome != PROGRAM_REFUSED) || getenv("SIMCLR_VERBOSE"))
        print_message("%s%s\n", text, sc_str_text(&p->messages));
}

static void run_text(const char *text, struct tally *all)
{
    struct run r;
    struct program_case p = {.n_in = 0};
    run_init(&r);
    if (sc_onnx_open_bytes(r.m, "m.onnxtxt", text, strlen(text), &r.model) != SIMCLR_OK)
        fail_msg("%s", sc_str_text(&r.messages));
    make_inputs(&r);
    run_import(&r, true);
    if (r.scope.any_failed) {
        all->n_refused++;
        if (getenv("SIMCLR_VERBOSE")) print_message("%s%s\n", text, sc_str_text(&r.messages));
    } else {
        run_eval(&r);
        run_program(&r, text, &p, all);
    }
    program_free(&p);
    run_deinit(&r);
}

static void all_of(const char *type, struct tally *all)
{
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (size_t b = 0; b < sizeof bodies / sizeof *bodies; b++) {
            char text[2000];
            const bool has_two = strncmp(bodies[b], "y, w", 4) == 0;
            (void)snprintf(text, sizeof text,
                           "<ir_version: 9, opset_import: [\"\": 18]>\n"
                           "m (%s%s x, %s%s z, %s s) => (float y%s)\n%s {\n %s\n}\n",
                           type, shapes[s], type, shapes[s], type, has_two ? ", float w" : "",
                           constants, bodies[b]);
            run_text(text, all);
        }
    }
}

static void programs_take_every_type_and_shape(void **state)
{
    (void)state;
    struct tally all = {0};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct tally one = {0};
        all_of(types[i], &one);
        print_message("%-7s %d equal, %d refused, %d not equal\n", types[i], one.n_equal,
                      one.n_refused, one.n_failed);
        all.n_failed += one.n_failed;
    }
    assert_int_equal(all.n_failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs_take_every_type_and_shape)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
