// SPDX-License-Identifier: Apache-2.0
//
// NT-Xent against the formulas of the paper (Chen et al., 2020). Table 2 gives, for
// one anchor u with all other embeddings fixed and before normalisation, the gradient
// of the negated loss u v+ / t - ln Z, where Z sums e^(u v / t) over v+ and all v-:
//     (1 - e^(u v+ / t) / Z) / t v+  -  sum over v- of (e^(u v- / t) / Z) / t v-.
#include "compiler/ir/builder.h"
#include "compiler/ir/eval.h"
#include "runtime/base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 8, DIM = 5 };
static const double temperature = 0.2;

struct fixture {
    struct sc_module *module;
    struct sc_node *loss, *grad;
    struct sc_tensor *u, *l, *lse, *dl, *du;
};

// Random unit vectors; views of one image in rows 2k and 2k + 1.
static void fill_units(struct sc_tensor *u)
{
    struct sc_rng rng;
    sc_rng_init(&rng, 7, 0, 0);
    for (int i = 0; i < ROWS; i++) {
        double square = 0;
        for (int j = 0; j < DIM; j++) {
            u->f[i * DIM + j] = sc_rng_normal(&rng);
            square += u->f[i * DIM + j] * u->f[i * DIM + j];
        }
        for (int j = 0; j < DIM; j++)
            u->f[i * DIM + j] /= sqrt(square);
    }
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    const struct simclr_shape rows = {1, {ROWS}}, matrix = {2, {ROWS, DIM}}, scalar = {0};
    const union simclr_attr attr = {.nt_xent = {.temperature = temperature}};
    f->module = sc_module_new(NULL);
    struct sc_builder b = {.graph = sc_graph_new(f->module, "test")};
    struct sc_value *u = sc_graph_input(b.graph, "u", SIMCLR_PORT_tensor, SIMCLR_f32, &matrix);
    f->loss = sc_build_node(&b, SIMCLR_OP_nt_xent, &attr, &u, 1);
    struct sc_value *in[] = {u, f->loss->out[1], f->loss->out[0]};
    f->grad = sc_build_node(&b, SIMCLR_OP_nt_xent_grad, &attr, in, 3);
    f->u = sc_tensor_new(SIMCLR_f32, &matrix);
    f->du = sc_tensor_new(SIMCLR_f32, &matrix);
    f->lse = sc_tensor_new(SIMCLR_f32, &rows);
    f->l = sc_tensor_new(SIMCLR_f32, &scalar);
    f->dl = sc_tensor_new(SIMCLR_f32, &scalar);
    f->dl->f[0] = 1;
    fill_units(f->u);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sc_tensor_free(f->u);
    sc_tensor_free(f->du);
    sc_tensor_free(f->lse);
    sc_tensor_free(f->l);
    sc_tensor_free(f->dl);
    sc_module_free(f->module);
    free(f);
    return 0;
}

static void eval_loss(struct fixture *f)
{
    const struct sc_tensor *const in[] = {f->u};
    struct sc_tensor *const out[] = {f->l, f->lse};
    sc_eval_node(f->loss, in, out);
}

static void eval_grad(struct fixture *f)
{
    const struct sc_tensor *const in[] = {f->u, f->lse, f->dl};
    sc_eval_node(f->grad, in, &f->du);
}

static double dot(const struct sc_tensor *u, int i, int k)
{
    double sum = 0;
    for (int j = 0; j < DIM; j++)
        sum += u->f[i * DIM + j] * u->f[k * DIM + j];
    return sum;
}

// Softmax weight of candidate k for anchor i: e^(u_i u_k / t) / Z.
static double weight(const struct sc_tensor *u, int i, int k)
{
    double z = 0;
    for (int c = 0; c < ROWS; c++) {
        if (c != i) z += exp(dot(u, i, c) / temperature);
    }
    return exp(dot(u, i, k) / temperature) / z;
}

// Table 2's gradient for anchor i, component j.
static double of_the_paper(const struct sc_tensor *u, int i, int j)
{
    const int positive = i ^ 1;
    double g = (1 - weight(u, i, positive)) / temperature * u->f[positive * DIM + j];
    for (int k = 0; k < ROWS; k++) {
        if (k != i && k != positive) g -= weight(u, i, k) / temperature * u->f[k * DIM + j];
    }
    return g;
}

// The loss of anchor i alone, of which the mean over all anchors is the loss.
static double anchor_loss(struct fixture *f, int i)
{
    eval_loss(f);
    return f->lse->f[i] - dot(f->u, i, i ^ 1) / temperature;
}

static void each_anchor_has_the_gradient_of_the_paper(void **state)
{
    struct fixture *f = *state;
    const double h = 1e-5;
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < DIM; j++) {
            double *x = &f->u->f[i * DIM + j];
            const double at = *x;
            *x = at + h;
            const double above = anchor_loss(f, i);
            *x = at - h;
            const double below = anchor_loss(f, i);
            *x = at;
            assert_true(fabs(-(above - below) / (2 * h) - of_the_paper(f->u, i, j)) < 1e-7);
        }
    }
}

// A row is anchor once and candidate of all others; as candidate j of anchor i it
// gets the derivative of the same formula by v: (weight - [j is the positive]) u_i / t.
static void the_gradient_sums_a_row_as_anchor_and_as_candidate(void **state)
{
    struct fixture *f = *state;
    eval_loss(f);
    eval_grad(f);
    for (int row = 0; row < ROWS; row++) {
        for (int j = 0; j < DIM; j++) {
            double g = -of_the_paper(f->u, row, j);
            for (int i = 0; i < ROWS; i++) {
                const double target = row == (i ^ 1) ? 1 : 0;
                if (i != row)
                    g += (weight(f->u, i, row) - target) / temperature * f->u->f[i * DIM + j];
            }
            assert_true(fabs(f->du->f[row * DIM + j] - g / ROWS) < 1e-12);
        }
    }
}

static void copy_row(struct sc_tensor *u, size_t from, size_t to)
{
    memcpy(u->f + to * DIM, u->f + from * DIM, DIM * sizeof *u->f);
}

static void views_that_agree_lower_the_loss(void **state)
{
    struct fixture *f = *state;
    eval_loss(f);
    const double apart = f->l->f[0];
    for (size_t i = 0; i < ROWS; i += 2)
        copy_row(f->u, i, i + 1);
    eval_loss(f);
    assert_true(f->l->f[0] < apart);
}

static void equal_embeddings_give_the_chance_level(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 1; i < ROWS; i++)
        copy_row(f->u, 0, i);
    eval_loss(f);
    assert_true(fabs(f->l->f[0] - log(ROWS - 1)) < 1e-12);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_anchor_has_the_gradient_of_the_paper),
        TEST(the_gradient_sums_a_row_as_anchor_and_as_candidate),
        TEST(views_that_agree_lower_the_loss),
        TEST(equal_embeddings_give_the_chance_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
