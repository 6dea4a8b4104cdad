// SPDX-License-Identifier: Apache-2.0
//
// select-kernels: gives every node its algorithm, its blocking, and the memory that
// the kernel needs beside its operands. All of it follows from shapes alone, so that
// a program computes the same on any number of threads. What the fields mean:
//
// scratch_bytes    private to each thread, contents undefined
// workspace_bytes  shared by the node's tasks, alive during the node only
//
// pointwise, P     scratch: one tile of 1024 floats per operand and step
// conv2d, conv2d_grad_input
//   implicit       tile: columns (output positions) of a task, a multiple of 64;
//                  scratch: its patches, 512 rows at a time; workspace of the
//                  gradient: the weights, gathered
// conv2d_grad_weight
//   implicit       tile: input channels of a task; scratch: 256 positions of patches
//                  and gradient, and the sums; workspace: one copy of the weight's
//                  gradient for each part the samples are cut into, none for one part
//   winograd       the same, with 32 tiles of both factors in scratch
//   winograd       tile 0: tasks are panels of 64 tiles; scratch: the transformed
//                  inputs of one, and 24 rows of products; workspace: the transformed
//                  weights; tile 24: tasks are 24 channels of the result; scratch:
//                  their weights and products; workspace: the inputs of all panels
//   direct         neither, in all three
// nt_xent ...      scratch: 16 rows of similarities; workspace: one double per row,
//                  two for the metrics
// all others       nothing
//
// The kernels (runtime/cpu/ops) check these sizes when a session is made.
#include "compiler/passes/passes.h"

#include "compiler/ir/op.h"

enum { IMPLICIT, DIRECT, WINOGRAD }; // rows of kernels.def

enum {
    POINTWISE_TILE = 1024,
    PANEL = 64,         // columns of a packed panel
    CONV_DEPTH = 512,   // rows of the patch matrix at a time
    CONV_COLUMNS = 256, // preferred columns of a task
    GRAD_DEPTH = 256,   // positions at a time
    GRAD_PITCH = 272,   // floats from row to row of its patches
    GRAD_PANELS = 4,    // panels of output channels of a task
    GRAD_ROWS = 288,    // preferred patch rows of a task
    ENOUGH_TASKS = 16,
    MOST_PART_BYTES = 16 << 20,
    NT_XENT_ROWS = 16,
    FEW_CHANNELS = 8,   // of a group, for which patches do not pay
    WINO_CHANNELS = 32, // least input and output channels for which tiles pay
    WINO_TILE = 4,      // results of a tile along each axis
    WINO_POINTS = 36,   // products per tile and channel
    WINO_PAD = 16,
    WINO_ROWS = 24, // rows of results at a time
    WINO_FEW_PANELS = 8,
    WINO_GRAD_TILES = 32,   // tiles of the gradient at a time
    WINO_GRAD_CHANNELS = 64 // preferred input channels of its tasks
};

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static struct sc_kernel_choice choose_pointwise(const struct sc_node *n,
                                                const struct sc_pass_context *ctx)
{
    (void)ctx;
    const int64_t steps = n->op == SIMCLR_OP_pointwise ? n->attr.pointwise.code.n_steps : 1;
    if (n->out[0]->dtype != SIMCLR_f32) return (struct sc_kernel_choice){0};
    return (struct sc_kernel_choice){.scratch_bytes = (uint64_t)(n->n_in + steps) *
                                                      POINTWISE_TILE * sizeof(float)};
}

// A convolution by the shapes of its input x, weight w and output y.
struct convolution {
    const struct simclr_shape *x, *w, *y;
    int64_t group;
    bool is_strict; // plain sums only
};

static bool is_direct(const struct convolution *c)
{
    return c->group > 1 && min_i64(c->w->dim[1], c->w->dim[0] / c->group) < FEW_CHANNELS;
}

// Product of weights with patches, for `positions` positions of each of n samples.
static struct sc_kernel_choice choose_product(int64_t samples, int64_t positions)
{
    const int64_t columns = max_i64(1, samples * positions);
    const int64_t fair = ceil_div(ceil_div(columns, ENOUGH_TASKS), PANEL) * PANEL;
    const int64_t tile = max_i64(PANEL, min_i64(CONV_COLUMNS, fair));
    return (struct sc_kernel_choice){.kernel = IMPLICIT,
                                     .tile = tile,
                                     .scratch_bytes =
                                         (uint64_t)tile * CONV_DEPTH * sizeof(float)};
}

// 3x3 with stride 1 and enough channels, where the edges of the last tiles do not
// waste what tiles save. `pads` are at most 2, so that the gradient's are not negative.
static bool is_winograd(const struct convolution *c, const struct sc_attr_conv2d *a)
{
    if (c->is_strict) return false;
    const int64_t oh = c->y->dim[2], ow = c->y->dim[3];
    const int64_t in_tiles =
        ceil_div(oh, WINO_TILE) * ceil_div(ow, WINO_TILE) * WINO_TILE * WINO_TILE;
    bool fits = c->w->dim[2] == 3 && c->w->dim[3] == 3 && a->group == 1;
    for (int i = 0; i < 2; i++)
        fits = fits && a->strides[i] == 1 && a->dilations[i] == 1;
    for (int i = 0; i < 4; i++)
        fits = fits && a->pads[i] <= 2;
    return fits && min_i64(c->w->dim[0], c->w->dim[1]) >= WINO_CHANNELS &&
           2 * oh * ow >= in_tiles;
}

// `rows` results per position from `depth` inputs; oh x ow results per sample. With
// few panels of tiles, tasks are blocks of rows.
static struct sc_kernel_choice choose_winograd(int64_t samples, int64_t oh, int64_t ow,
                                               int64_t rows, int64_t depth)
{
    const int64_t n_panels =
        ceil_div(samples * ceil_div(oh, WINO_TILE) * ceil_div(ow, WINO_TILE), PANEL);
    const bool by_rows = n_panels < WINO_FEW_PANELS;
    const int64_t inputs = depth * PANEL + WINO_PAD, results = WINO_ROWS * PANEL + WINO_PAD;
    const int64_t weights = (by_rows ? WINO_ROWS : rows) * depth + WINO_PAD;
    const int64_t scratch = results + (by_rows ? weights : inputs);
    const int64_t workspace = by_rows ? n_panels * inputs : weights;
    return (struct sc_kernel_choice){
        .kernel = WINOGRAD,
        .tile = by_rows ? WINO_ROWS : 0,
        .scratch_bytes = (uint64_t)(WINO_POINTS * scratch) * sizeof(float),
        .workspace_bytes = (uint64_t)(WINO_POINTS * workspace) * sizeof(float)};
}

static struct sc_kernel_choice choose_conv2d(const struct sc_node *n,
                                             const struct sc_pass_context *ctx)
{
    const struct convolution c = {&n->in[0]->shape, &n->in[1]->shape, &n->out[0]->shape,
                                  n->attr.conv2d.group, ctx->strict_conv};
    if (is_direct(&c)) return (struct sc_kernel_choice){.kernel = DIRECT};
    if (is_winograd(&c, &n->attr.conv2d))
        return choose_winograd(c.y->dim[0], c.y->dim[2], c.y->dim[3], c.w->dim[0], c.w->dim[1]);
    return choose_product(c.y->dim[0], c.y->dim[2] * c.y->dim[3]);
}

static struct sc_kernel_choice choose_grad_input(const struct sc_node *n,
                                                 const struct sc_pass_context *ctx)
{
    const struct sc_attr_conv2d_grad *a = &n->attr.conv2d_grad;
    const struct convolution c = {&n->out[0]->shape, &n->in[1]->shape, &n->in[0]->shape,
                                  a->group, ctx->strict_conv};
    if (is_direct(&c)) return (struct sc_kernel_choice){.kernel = DIRECT};
    // The attributes of the gradients begin with those of conv2d.
    if (is_winograd(&c, &n->attr.conv2d))
        return choose_winograd(c.x->dim[0], c.x->dim[2], c.x->dim[3], c.w->dim[1], c.w->dim[0]);
    const int64_t positions =
        ceil_div(c.x->dim[2], a->strides[0]) * ceil_div(c.x->dim[3], a->strides[1]);
    struct sc_kernel_choice choice = choose_product(c.x->dim[0], positions);
    choice.workspace_bytes = (uint64_t)simclr_shape_count(c.w) * sizeof(float);
    return choice;
}

// Tasks are (input channels, output channels, part of the samples): parts
// are as many as make enough tasks, and not more than their copies of the gradient
// are worth.
static uint64_t bytes_of_parts(const struct convolution *c, int64_t tile, int64_t outputs)
{
    const int64_t n_blocks = ceil_div(c->w->dim[0] / c->group, outputs);
    const int64_t n_tasks = max_i64(1, c->group * n_blocks * ceil_div(c->w->dim[1], tile));
    const int64_t bytes = simclr_shape_count(c->w) * (int64_t)sizeof(float);
    const int64_t n_parts = min_i64(min_i64(c->x->dim[0], ceil_div(ENOUGH_TASKS, n_tasks)),
                                    MOST_PART_BYTES / max_i64(1, bytes));
    return n_parts > 1 ? (uint64_t)(n_parts * bytes) : 0;
}

static struct sc_kernel_choice choose_grad_winograd(const struct convolution *c)
{
    const int64_t tile = min_i64(c->w->dim[1], WINO_GRAD_CHANNELS);
    const int64_t scratch =
        WINO_POINTS * ((tile + PANEL) * WINO_GRAD_TILES + tile * PANEL + 3 * WINO_PAD);
    return (struct sc_kernel_choice){.kernel = WINOGRAD,
                                     .tile = tile,
                                     .scratch_bytes = (uint64_t)scratch * sizeof(float),
                                     .workspace_bytes = bytes_of_parts(c, tile, PANEL)};
}

static struct sc_kernel_choice choose_grad_weight(const struct sc_node *n,
                                                  const struct sc_pass_context *ctx)
{
    const struct convolution c = {&n->in[0]->shape, &n->out[0]->shape, &n->in[1]->shape,
                                  n->attr.conv2d_grad.group, ctx->strict_conv};
    if (is_direct(&c)) return (struct sc_kernel_choice){.kernel = DIRECT};
    if (is_winograd(&c, &n->attr.conv2d)) return choose_grad_winograd(&c);
    const int64_t taps = c.w->dim[2] * c.w->dim[3], channels = c.w->dim[1];
    const int64_t tile = max_i64(1, min_i64(channels, GRAD_ROWS / taps));
    const int64_t rows = tile * taps;
    return (struct sc_kernel_choice){
        .kernel = IMPLICIT,
        .tile = tile,
        .scratch_bytes =
            (uint64_t)(rows * GRAD_PITCH + (GRAD_DEPTH + GRAD_PANELS * rows) * PANEL) *
            sizeof(float),
        .workspace_bytes = bytes_of_parts(&c, tile, GRAD_PANELS * PANEL)};
}

static struct sc_kernel_choice choose_nt_xent(const struct sc_node *n,
                                              const struct sc_pass_context *ctx)
{
    (void)ctx;
    const uint64_t rows = (uint64_t)n->in[0]->shape.dim[0];
    const uint64_t doubles = n->op == SIMCLR_OP_nt_xent           ? 1
                             : n->op == SIMCLR_OP_nt_xent_metrics ? 2
                                                                  : 0;
    return (struct sc_kernel_choice){.scratch_bytes = NT_XENT_ROWS * rows * sizeof(float),
                                     .workspace_bytes = doubles * rows * sizeof(double)};
}

typedef struct sc_kernel_choice choose_fn(const struct sc_node *n,
                                          const struct sc_pass_context *ctx);

static choose_fn *const choosers[SIMCLR_N_OPS] = {
    [SIMCLR_OP_pointwise] = choose_pointwise,
    [SIMCLR_OP_conv2d] = choose_conv2d,
    [SIMCLR_OP_conv2d_grad_input] = choose_grad_input,
    [SIMCLR_OP_conv2d_grad_weight] = choose_grad_weight,
    [SIMCLR_OP_nt_xent] = choose_nt_xent,
    [SIMCLR_OP_nt_xent_grad] = choose_nt_xent,
    [SIMCLR_OP_nt_xent_metrics] = choose_nt_xent,
};

bool sc_pass_select_kernels(struct sc_graph *g, const struct sc_pass_context *ctx)
{
    SC_FOR_EACH_NODE(g, n)
    {
        if (choosers[n->op])
            n->kernel = choosers[n->op](n, ctx);
        else if (sc_op_table[n->op].traits & SC_TRAIT_P)
            n->kernel = choose_pointwise(n, ctx);
        else
            n->kernel = (struct sc_kernel_choice){0};
    }
    g->is_lowered = true;
    return true;
}
