// SPDX-License-Identifier: Apache-2.0
//
// All passes on a graph of real size: a ResNet-50 with a projection head and
// NT-Xent spelled out, for every entry. What is checked is that every pass leaves
// a valid graph and that the plan is right and close to the least possible.
#include "compiler/ir/builder.h"
#include "compiler/ir/verify.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/plan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { ROWS = 32, SIZE = 64, Z_DIM = 32 };

struct net {
    struct sc_builder b;
    int n_layers;
};

static struct sc_value *param(struct net *net, const char *what, enum simclr_role role,
                              int rank, const int64_t *dim)
{
    struct sc_module *const m = net->b.graph->module;
    const struct simclr_shape shape = sc_shape(rank, dim);
    struct sc_param *const p = sc_module_add_param(
        m, sc_arena_printf(m->arena, "layer%d.%s", net->n_layers, what), &shape);
    p->role = role;
    p->excluded = rank == 1;
    p->init = SIMCLR_INIT_normal;
    p->b = 0.1;
    return sc_graph_param(net->b.graph, p);
}

static struct sc_value *conv_bn(struct net *net, struct sc_value *x, int64_t channels,
                                int64_t kernel, int64_t stride)
{
    const int64_t pad = kernel / 2;
    union simclr_attr conv = sc_attr_default(SIMCLR_OP_conv2d);
    conv.conv2d.strides[0] = conv.conv2d.strides[1] = stride;
    for (int i = 0; i < 4; i++)
        conv.conv2d.pads[i] = pad;
    net->n_layers++;
    struct sc_value *const w = param(net, "weight", SIMCLR_ROLE_trainable, 4,
                                     (int64_t[]){channels, x->shape.dim[1], kernel, kernel});
    struct sc_value *const y = sc_build(&net->b, SIMCLR_OP_conv2d, &conv, x, w);
    struct sc_value *const scale = param(net, "scale", SIMCLR_ROLE_trainable, 1, &channels);
    struct sc_value *const bias = param(net, "bias", SIMCLR_ROLE_trainable, 1, &channels);
    struct sc_value *const mean = param(net, "mean", SIMCLR_ROLE_statistic, 1, &channels);
    struct sc_value *const var = param(net, "var", SIMCLR_ROLE_statistic, 1, &channels);
    return sc_build(&net->b, SIMCLR_OP_batch_norm, NULL, y, scale, bias, mean, var);
}

static struct sc_value *relu(struct net *net, struct sc_value *x)
{
    return sc_build(&net->b, SIMCLR_OP_relu, NULL, x);
}

static struct sc_value *bottleneck(struct net *net, struct sc_value *x, int64_t width,
                                   int64_t stride)
{
    struct sc_value *y = relu(net, conv_bn(net, x, width, 1, 1));
    y = relu(net, conv_bn(net, y, width, 3, stride));
    y = conv_bn(net, y, 4 * width, 1, 1);
    const bool fits = stride == 1 && x->shape.dim[1] == 4 * width;
    struct sc_value *const shortcut = fits ? x : conv_bn(net, x, 4 * width, 1, stride);
    return relu(net, sc_add(&net->b, y, shortcut));
}

static struct sc_value *encoder(struct net *net, struct sc_value *x)
{
    static const int depth[] = {3, 4, 6, 3};
    union simclr_attr pool = sc_attr_default(SIMCLR_OP_max_pool2d);
    for (int i = 0; i < 2; i++) {
        pool.pool2d.kernel[i] = 3;
        pool.pool2d.strides[i] = 2;
    }
    for (int i = 0; i < 4; i++)
        pool.pool2d.pads[i] = 1;
    x = sc_build(&net->b, SIMCLR_OP_max_pool2d, &pool, relu(net, conv_bn(net, x, 64, 7, 2)));
    for (int stage = 0; stage < 4; stage++) {
        for (int i = 0; i < depth[stage]; i++)
            x = bottleneck(net, x, 64 << stage, i == 0 && stage > 0 ? 2 : 1);
    }
    union simclr_attr mean = sc_attr_default(SIMCLR_OP_reduce_mean);
    mean.reduce = (struct sc_attr_reduce){.axes = {.n = 2, .v = {2, 3}}};
    return sc_build(&net->b, SIMCLR_OP_reduce_mean, &mean, x);
}

static struct sc_value *linear(struct net *net, struct sc_value *x, int64_t n)
{
    net->n_layers++;
    struct sc_value *const w =
        param(net, "weight", SIMCLR_ROLE_trainable, 2, (int64_t[]){n, x->shape.dim[1]});
    struct sc_value *const bias = param(net, "bias", SIMCLR_ROLE_trainable, 1, &n);
    return sc_add(&net->b, sc_matmul(&net->b, x, false, w, true), bias);
}

static struct sc_value *loss_of(struct net *net, struct sc_value *z)
{
    struct sc_builder *const b = &net->b;
    const struct simclr_dims columns = {.n = 1, .v = {1}};
    struct sc_value *const norm = sc_sqrt(b, sc_reduce_sum(b, sc_mul(b, z, z), &columns, true));
    struct sc_value *const u = sc_div(b, z, norm);
    struct sc_value *const sim = sc_scale(b, sc_matmul(b, u, false, u, true), 2);
    int64_t ramp[ROWS];
    int64_t positive[ROWS];
    for (int i = 0; i < ROWS; i++) {
        ramp[i] = i;
        positive[i] = i ^ 1;
    }
    const struct simclr_shape column = sc_shape(2, (int64_t[]){ROWS, 1});
    struct sc_value *const rows = sc_reshape(b, sc_ints(b, ramp, ROWS), &column);
    struct sc_value *const is_self = sc_equal(b, rows, sc_ints(b, ramp, ROWS));
    struct sc_value *const masked = sc_where(b, is_self, sc_scalar(b, -1e9), sim);
    union simclr_attr axis = sc_attr_default(SIMCLR_OP_log_softmax);
    axis.axis.axis = 1;
    struct sc_value *const p = sc_build(b, SIMCLR_OP_log_softmax, &axis, masked);
    struct sc_value *const labels = sc_reshape(b, sc_ints(b, positive, ROWS), &column);
    struct sc_value *const picked = sc_build(b, SIMCLR_OP_gather_elements, &axis, p, labels);
    const struct simclr_dims all = {.n = 2, .v = {0, 1}};
    return sc_scale(b, sc_reduce_sum(b, picked, &all, false), -1.0 / ROWS);
}

static struct sc_graph *make_model(struct sc_module *m)
{
    struct net net = {.b = {.graph = sc_graph_new(m, "model")}};
    const struct simclr_shape shape = sc_shape(4, (int64_t[]){ROWS, 3, SIZE, SIZE});
    struct sc_value *const x =
        sc_graph_input(net.b.graph, "images", SIMCLR_PORT_images, SIMCLR_f32, &shape);
    struct sc_value *const h = encoder(&net, x);
    struct sc_value *const z = linear(&net, relu(&net, linear(&net, h, 2048)), Z_DIM);
    sc_graph_output(net.b.graph, "h", SIMCLR_PORT_embedding, h, NULL);
    sc_graph_output(net.b.graph, "z", SIMCLR_PORT_projection, z, NULL);
    sc_graph_output(net.b.graph, "loss", SIMCLR_PORT_loss, loss_of(&net, z), NULL);
    return net.b.graph;
}

typedef bool pass_fn(struct sc_graph *g, const struct sc_pass_context *ctx);

static void compile(const struct sc_graph *model, const struct sc_pass_context *ctx)
{
    static pass_fn *const passes[] = {
        sc_pass_select_entry,     sc_pass_lower_batch_norm, sc_pass_differentiate,
        sc_pass_insert_optimizer, sc_pass_fold_constants,   sc_pass_eliminate_common,
        sc_pass_eliminate_dead,   sc_pass_fuse_pointwise,   sc_pass_schedule,
        sc_pass_plan_memory,
    };
    static const char *const names[] = {"train",   "grad",        "embed",
                                        "project", "recalibrate", "run"};
    struct sc_graph *const g = sc_clone(model, names[ctx->entry]);
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        const clock_t start = clock();
        (void)passes[i](g, ctx);
        const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        sc_verify(g, sc_arena_printf(g->module->arena, "pass %d", (int)i));
        if (getenv("SIMCLR_TEST_TIMES"))
            (void)fprintf(stderr, "%s pass %d: %.1f ms, %u nodes\n", g->name, (int)i,
                          1e3 * seconds, (unsigned)g->n_nodes);
    }
    struct sc_str complaint = {0};
    if (!sc_plan_check(g, &complaint)) fail_msg("%s", sc_str_text(&complaint));
    const double excess = (double)g->arena_bytes / (double)sc_plan_peak(g) - 1;
    if (getenv("SIMCLR_TEST_TIMES"))
        (void)fprintf(stderr, "%s: %u nodes, arena %.1f MiB, %.2f %% above the least\n",
                      g->name, (unsigned)g->n_nodes, (double)g->arena_bytes / 1048576,
                      100 * excess);
    assert_true(excess <= 0.05);
    assert_int_equal(g->module->diag->n_errors, 0);
    assert_int_equal(g->module->diag->n_warnings, 0);
}

static void resnet50_compiles_for_every_entry(void **state)
{
    (void)state;
    struct simclr_diag diag = {0};
    struct sc_module *const m = sc_module_new(&diag);
    struct sc_graph *const model = make_model(m);
    assert_true(sc_pass_fuse_nt_xent(model, NULL));
    struct sc_pass_context ctx = {.entry = SC_ENTRY_train};
    assert_int_equal(sc_optimizer_parse(NULL, "lars", &ctx.optimizer), SIMCLR_OK);
    for (int entry = 0; entry < SC_N_ENTRIES; entry++) {
        ctx.entry = (enum sc_entry_kind)entry;
        compile(model, &ctx);
    }
    sc_module_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(resnet50_compiles_for_every_entry)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
