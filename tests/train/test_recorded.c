// SPDX-License-Identifier: Apache-2.0
//
// One training step against PyTorch: loss and all gradients of a ResNet with the
// nonlinear head and NT-Xent, compiled, run, and compared with what
// tests/train/reference/record.py recorded in float64. The format of the fixture
// is described there. Two things are compared: the training graph itself, run by
// the interpreter in double, and the program as the CPU runs it.
//
// A recording holds 64 sums of each gradient with random signs. For a difference
// d of two gradients such a sum has the mean square |d|^2, so the root of the mean
// of the 64 squares estimates |d| to within a tenth or so.
#include "compiler/compilation.h"
#include "compiler/ir/eval.h"
#include "runtime/base/rng.h"
#include "runtime/base/safetensors.h"
#include "tests/harness/scratch.h"

#include <simclr/compiler.h>
#include <simclr/runtime.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_PROJECTIONS = 64, N_IMAGES = 2, SIZE = 32 };

// |d| may be relative * |g| + absolute * (the largest |g| of any parameter).
struct tolerance {
    double loss, relative, absolute;
};

// Double against double: what is left is the order of summation.
static const struct tolerance in_double = {1e-12, 1e-8, 1e-12};
// Float32 against double. PyTorch's own float32 differs by 4e-6 |g|; where a ReLU
// sees a number within rounding of zero more is possible, and the recordings'
// seeds are chosen so that none does (record.py --search).
static const struct tolerance in_float = {2e-6, 1e-4, 1e-6};

struct gradient {
    const char *name;
    int64_t n;
    double *g;
};

struct gradients {
    double loss;
    size_t n;
    struct gradient *item;
};

static void free_gradients(struct gradients *all)
{
    for (size_t i = 0; i < all->n; i++)
        free(all->item[i].g);
    free(all->item);
}

static struct gradient *add_gradient(struct gradients *all, const char *name, int64_t n)
{
    all->item = realloc(all->item, (all->n + 1) * sizeof *all->item);
    assert_non_null(all->item);
    struct gradient *const new = &all->item[all->n++];
    *new = (struct gradient){.name = name, .n = n, .g = calloc((size_t)n, sizeof *new->g)};
    assert_non_null(new->g);
    return new;
}

// Number i of the images that go with a seed.
static void fill_images(uint64_t seed, int64_t n, float *x)
{
    struct sc_rng rng;
    sc_rng_init(&rng, seed, sc_hash_text("batch"), 0);
    for (int64_t i = 0; i < n; i++)
        x[i] = (sc_rng_uniform(&rng) - 0.5f) * 4;
}

static struct simclr_compilation *compile(const char *encoder, uint64_t seed)
{
    const struct simclr_compile_options options = {
        .encoder = encoder, .batch = N_IMAGES, .image_size = SIZE, .seed = seed};
    struct simclr_compilation *c = NULL;
    assert_int_equal(simclr_compile(&options, SIMCLR_STAGE_plan, NULL, &c), SIMCLR_OK);
    return c;
}

// What the interpreter starts from: parameters and images, by value id.
static struct sc_tensor **given_values(const struct sc_graph *g, uint64_t seed)
{
    struct sc_tensor **const given = calloc(g->n_values, sizeof(void *));
    assert_non_null(given);
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct sc_value *const v = g->values[i];
        if (v->kind != SC_VALUE_param && v->kind != SC_VALUE_input) continue;
        given[i] = sc_tensor_new(v->dtype, &v->shape);
        if (v->kind == SC_VALUE_param) {
            sc_eval_init(v->param, seed, given[i]);
            continue;
        }
        float *const x = calloc((size_t)given[i]->count, sizeof *x);
        assert_non_null(x);
        fill_images(seed, given[i]->count, x);
        sc_tensor_load(given[i], x);
        free(x);
    }
    return given;
}

static void free_values(struct sc_tensor **values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        sc_tensor_free(values[i]);
    free(values);
}

// The step as the definitions compute it. Names borrow from `c`.
static struct gradients interpret(const struct simclr_compilation *c, uint64_t seed)
{
    const struct sc_graph *const g = c->graphs[SC_ENTRY_grad][SIMCLR_STAGE_train];
    struct sc_tensor **const given = given_values(g, seed);
    struct sc_tensor **const result = calloc(g->n_values, sizeof(void *));
    assert_non_null(result);
    sc_eval_graph(g, given, result);
    struct gradients all = {0};
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const struct sc_tensor *const t = result[g->outputs[i].value->id];
        if (g->outputs[i].role == SIMCLR_PORT_loss) all.loss = t->f[0];
        if (g->outputs[i].role != SIMCLR_PORT_grad) continue;
        struct gradient *const new = add_gradient(&all, g->outputs[i].param->name, t->count);
        memcpy(new->g, t->f, (size_t)t->count * sizeof *new->g);
    }
    free_values(given, g->n_values);
    free_values(result, g->n_values);
    return all;
}

static void run_step(struct simclr_session *session, const struct simclr_entry *entry,
                     uint64_t seed)
{
    const struct simclr_program *const program = simclr_session_program(session);
    simclr_session_initialize(session);
    const struct simclr_port *const port =
        simclr_entry_port(program, entry, SIMCLR_PORT_images);
    assert_non_null(port);
    const struct simclr_tensor images = simclr_session_port(session, port);
    fill_images(seed, simclr_shape_count(&images.shape), images.data);
    assert_int_equal(simclr_session_run(session, entry), SIMCLR_OK);
}

// The step as the CPU runs the program in the file. Names borrow from `program`.
static struct gradients run(const struct simclr_program *program, uint64_t seed)
{
    const struct simclr_session_options options = {.n_threads = 2};
    const struct simclr_entry *const entry = simclr_program_entry(program, "grad");
    struct simclr_session *session;
    assert_non_null(entry);
    assert_int_equal(simclr_session_new(program, &options, NULL, &session), SIMCLR_OK);
    run_step(session, entry, seed);
    const struct simclr_sections *const s = simclr_program_sections(program);
    struct gradients all = {0};
    for (uint32_t i = 0; i < entry->n_outputs; i++) {
        const struct simclr_port *const port = &s->ports[entry->first_output + i];
        const struct simclr_tensor t = simclr_session_port(session, port);
        const float *const values = t.data;
        if (port->role == SIMCLR_PORT_loss) all.loss = (double)values[0];
        if (port->role != SIMCLR_PORT_grad) continue;
        const char *const name = simclr_program_string(program, s->params[port->param].name);
        struct gradient *const new = add_gradient(&all, name, simclr_shape_count(&t.shape));
        for (int64_t k = 0; k < new->n; k++)
            new->g[k] = (double)values[k];
    }
    simclr_session_free(session);
    return all;
}

static double norm(const struct gradient *gradient)
{
    double sum = 0;
    for (int64_t i = 0; i < gradient->n; i++)
        sum += gradient->g[i] * gradient->g[i];
    return sqrt(sum);
}

// The sum of the elements with the signs of projection k.
static double project(const struct gradient *gradient, uint64_t seed, uint32_t k)
{
    struct sc_rng rng;
    sc_rng_init(&rng, seed, sc_hash_text(gradient->name), 1 + k);
    double sum = 0;
    uint32_t bits = 0;
    for (int64_t i = 0; i < gradient->n; i++, bits >>= 1) {
        if (i % 32 == 0) bits = sc_rng_u32(&rng);
        sum += bits & 1 ? gradient->g[i] : -gradient->g[i];
    }
    return sum;
}

// The length of the difference to the recorded gradient, estimated.
static double difference(const struct gradient *gradient, const double *recorded, uint64_t seed)
{
    double sum = 0;
    for (uint32_t k = 0; k < N_PROJECTIONS; k++) {
        const double d = project(gradient, seed, k) - recorded[1 + k];
        sum += d * d;
    }
    return sqrt(sum / N_PROJECTIONS);
}

static double largest_norm(const struct sc_safetensors *fixture)
{
    double largest = 0;
    for (size_t i = 0; i < fixture->n_tensors; i++) {
        if (strcmp(fixture->tensor[i].name, "loss") != 0)
            largest = fmax(largest, *(const double *)fixture->tensor[i].data);
    }
    return largest;
}

static void compare(const struct gradients *found, const struct sc_safetensors *fixture,
                    uint64_t seed, const struct tolerance *t)
{
    const double *const loss = sc_safetensors_find(fixture, "loss")->data;
    if (!(fabs(found->loss - *loss) <= t->loss * *loss))
        fail_msg("loss is %.15g, expected %.15g", found->loss, *loss);
    assert_int_equal(found->n, fixture->n_tensors - 1);
    const double largest = largest_norm(fixture);
    for (size_t i = 0; i < found->n; i++) {
        const struct gradient *const g = &found->item[i];
        const struct simclr_tensor *const recorded = sc_safetensors_find(fixture, g->name);
        if (!recorded) fail_msg("parameter '%s' was not recorded", g->name);
        assert_int_equal(simclr_shape_count(&recorded->shape), 1 + N_PROJECTIONS);
        const double *const expected = recorded->data;
        const double allowed = t->relative * expected[0] + t->absolute * largest;
        const double d = difference(g, expected, seed);
        if (!(d <= allowed && fabs(norm(g) - expected[0]) <= allowed))
            fail_msg(
                "gradient of '%s' is off by %.3g, and by %.3g in its norm %.9g, allowed: %.3g",
                g->name, d, norm(g) - expected[0], expected[0], allowed);
    }
}

static void compare_with(struct scratch *s, const char *encoder, uint64_t seed,
                         const char *path)
{
    struct sc_safetensors fixture;
    assert_int_equal(sc_safetensors_open(NULL, path, &fixture), SIMCLR_OK);
    struct simclr_compilation *const c = compile(encoder, seed);
    struct gradients found = interpret(c, seed);
    compare(&found, &fixture, seed, &in_double);
    free_gradients(&found);

    const char *const file = scratch_path(s, "p.scp");
    struct simclr_program *program;
    assert_int_equal(simclr_compilation_write(c, file), SIMCLR_OK);
    simclr_compilation_free(c);
    assert_int_equal(simclr_program_open(file, NULL, &program), SIMCLR_OK);
    found = run(program, seed);
    compare(&found, &fixture, seed, &in_float);
    free_gradients(&found);
    simclr_program_free(program);
    sc_safetensors_close(&fixture);
}

static void resnet8_step_equals_pytorch(void **state)
{
    compare_with(*state, "resnet8", 37, "tests/train/reference/resnet8.safetensors");
}

static void resnet18_step_equals_pytorch(void **state)
{
    compare_with(*state, "resnet18-cifar", 3,
                 "tests/train/reference/resnet18-cifar.safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(resnet8_step_equals_pytorch),
        SCRATCH_TEST(resnet18_step_equals_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
