// SPDX-License-Identifier: Apache-2.0
//
// A task of the product is a block of columns times a block of rows of A. It goes
// through the depth in steps of SC_CONV_DEPTH: the patches of the block's columns
// are written to scratch as panels, which stay in the second-level cache while all
// rows of A pass over them. Sums over one step stay in registers, steps are added
// in order.
#include "runtime/cpu/ops/conv.h"

#include "runtime/cpu/ops/panel.h"
#include "runtime/cpu/shape.h"

#include <string.h>

static bool fits_window(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
                        int64_t pad_begin, int64_t pad_end, int64_t out)
{
    const int64_t limit = INT64_C(1) << 30;
    if (in < 1 || kernel < 1 || stride < 1 || dilation < 1 || pad_begin < 0 || pad_end < 0)
        return false;
    if (in > limit || kernel > limit || stride > limit || dilation > limit ||
        pad_begin > limit || pad_end > limit)
        return false;
    const int64_t room = in + pad_begin + pad_end - (kernel - 1) * dilation - 1;
    return room >= 0 && out == room / stride + 1;
}

const char *SC_CPU_NAME(sc_conv_init)(struct sc_conv *conv, const struct sc_operand *x,
                                      const struct sc_operand *w, const struct sc_operand *y,
                                      const struct sc_attr_conv2d *attr)
{
    const int64_t *const xd = x->shape.dim, *const wd = w->shape.dim, *const yd = y->shape.dim;
    if (x->shape.rank != 4 || w->shape.rank != 4 || y->shape.rank != 4)
        return "an operand's rank is not 4";
    if (x->dtype != SIMCLR_f32 || w->dtype != SIMCLR_f32 || y->dtype != SIMCLR_f32)
        return "an operand is not f32";
    if (attr->group < 1 || xd[1] % attr->group != 0 || wd[0] % attr->group != 0 ||
        wd[1] != xd[1] / attr->group || wd[1] < 1)
        return "channels and groups do not match";
    if (yd[0] != xd[0] || yd[1] != wd[0] ||
        !fits_window(xd[2], wd[2], attr->strides[0], attr->dilations[0], attr->pads[0],
                     attr->pads[2], yd[2]) ||
        !fits_window(xd[3], wd[3], attr->strides[1], attr->dilations[1], attr->pads[1],
                     attr->pads[3], yd[3]))
        return "shapes do not match";
    *conv = (struct sc_conv){.n = xd[0],
                             .c = xd[1],
                             .h = xd[2],
                             .w = xd[3],
                             .m = wd[0],
                             .kh = wd[2],
                             .kw = wd[3],
                             .oh = yd[2],
                             .ow = yd[3],
                             .group = attr->group,
                             .cg = wd[1],
                             .mg = wd[0] / attr->group,
                             .stride_h = attr->strides[0],
                             .stride_w = attr->strides[1],
                             .top = attr->pads[0],
                             .left = attr->pads[1],
                             .dilation_h = attr->dilations[0],
                             .dilation_w = attr->dilations[1]};
    return NULL;
}

// ---- one panel of results ----

// Moves the first n columns of a buffer of `rows` rows to their places in y, or
// back, run by run of columns that lie in one row of one plane.
static void exchange(const struct sc_product *p, int64_t m, int rows, struct sc_block columns,
                     float *buffer, bool to_y)
{
    const int64_t grid_h = p->patches.grid_h, grid_w = p->patches.grid_w;
    const int64_t step = p->y_column;
    int64_t s = columns.first / (grid_h * grid_w), u = columns.first / grid_w % grid_h,
            v = columns.first % grid_w;
    for (int64_t j = 0; j < columns.n; v = 0) {
        const int64_t n = sc_min_i64(grid_w - v, columns.n - j);
        float *y = p->y + s * p->y_sample + m * p->y_plane + u * p->y_row + v * step;
        for (int r = 0; r < rows; r++, y += p->y_plane) {
            float *const row = buffer + r * SC_PANEL_WIDTH + j;
            for (int64_t i = 0; i < n && to_y; i++)
                y[i * step] = row[i];
            for (int64_t i = 0; i < n && !to_y; i++)
                row[i] = y[i * step];
        }
        j += n;
        if (++u < grid_h) continue;
        u = 0;
        s++;
    }
}

// Do these columns lie one after the other in y, so that a panel may be written
// in place?
static bool is_contiguous(const struct sc_product *p, struct sc_block columns)
{
    const int64_t grid = p->patches.grid_h * p->patches.grid_w;
    return columns.n == SC_PANEL_WIDTH && p->y_column == 1 && p->y_row == p->patches.grid_w &&
           columns.first % grid + columns.n <= grid;
}

// Rows [m, m + rows) of A, depth [k, k + depth), times one panel.
static void multiply(const struct sc_product *p, int64_t m, int rows, struct sc_block depth,
                     struct sc_block columns, const float *panel)
{
    const float *const a = p->a + m * p->k + depth.first;
    const bool adds = depth.first > 0;
    if (is_contiguous(p, columns)) {
        const int64_t grid = p->patches.grid_h * p->patches.grid_w;
        float *const y =
            p->y + columns.first / grid * p->y_sample + m * p->y_plane + columns.first % grid;
        sc_panel_product(rows, depth.n, a, p->k, panel, y, p->y_plane, adds);
        return;
    }
    float buffer[SC_PANEL_ROWS * SC_PANEL_WIDTH] = {0};
    if (adds) exchange(p, m, rows, columns, buffer, false);
    sc_panel_product(rows, depth.n, a, p->k, panel, buffer, SC_PANEL_WIDTH, adds);
    exchange(p, m, rows, columns, buffer, true);
}

// ---- tasks ----

struct job {
    const struct sc_call *call;
    const struct sc_product *product;
    int64_t tile; // columns of a block
    int64_t n_columns;
    int64_t row_tile; // rows of A of a block
    int64_t n_row_blocks;
};

static void multiply_block(const struct job *job, struct sc_block rows, struct sc_block columns,
                           struct sc_block depth, float *panels)
{
    const int64_t panel_size = SC_CONV_DEPTH * SC_PANEL_WIDTH;
    for (int64_t j = 0; j < columns.n; j += SC_PANEL_WIDTH) {
        const struct sc_block part = {columns.first + j,
                                      sc_min_i64(SC_PANEL_WIDTH, columns.n - j)};
        SC_CPU_NAME(sc_patches_fill)
        (&job->product->patches, depth, part, SC_PANEL_WIDTH, SC_PANEL_WIDTH,
         panels + j / SC_PANEL_WIDTH * panel_size);
    }
    for (int64_t m = rows.first; m < rows.first + rows.n; m += SC_PANEL_ROWS) {
        const int n = (int)sc_min_i64(SC_PANEL_ROWS, rows.first + rows.n - m);
        for (int64_t j = 0; j < columns.n; j += SC_PANEL_WIDTH) {
            const struct sc_block part = {columns.first + j,
                                          sc_min_i64(SC_PANEL_WIDTH, columns.n - j)};
            multiply(job->product, m, n, depth, part, panels + j / SC_PANEL_WIDTH * panel_size);
        }
    }
}

static void run_task(void *ctx, int64_t task, int thread)
{
    const struct job *const job = ctx;
    const struct sc_product *const p = job->product;
    const int64_t m = task % job->n_row_blocks * job->row_tile;
    const int64_t column = task / job->n_row_blocks * job->tile;
    const struct sc_block rows = {m, sc_min_i64(job->row_tile, p->m - m)};
    const struct sc_block columns = {column, sc_min_i64(job->tile, job->n_columns - column)};
    float *const panels = sc_call_scratch(job->call, thread);
    for (int64_t k = 0; k < p->k; k += SC_CONV_DEPTH) {
        const struct sc_block depth = {k, sc_min_i64(SC_CONV_DEPTH, p->k - k)};
        multiply_block(job, rows, columns, depth, panels);
    }
}

uint64_t SC_CPU_NAME(sc_product_scratch)(int64_t tile)
{
    return (uint64_t)tile * SC_CONV_DEPTH * sizeof(float);
}

// Enough tasks for a good many threads; but each makes its patches anew, so that
// the rows of a block are many.
static int64_t row_tile_of(const struct sc_product *p, int64_t n_column_blocks)
{
    enum { ENOUGH_TASKS = 32, LEAST_ROWS = 96 };
    const int64_t n_wanted = sc_n_blocks(ENOUGH_TASKS, sc_max_i64(1, n_column_blocks));
    const int64_t rows = sc_max_i64(LEAST_ROWS, sc_n_blocks(p->m, n_wanted));
    return sc_n_blocks(rows, SC_PANEL_ROWS) * SC_PANEL_ROWS;
}

void SC_CPU_NAME(sc_product_run)(const struct sc_call *call, const struct sc_product *product)
{
    struct job job = {.call = call,
                      .product = product,
                      .tile = call->instr->tile,
                      .n_columns = product->n_samples * product->patches.grid_h *
                                   product->patches.grid_w};
    const int64_t n_column_blocks = sc_n_blocks(job.n_columns, job.tile);
    job.row_tile = row_tile_of(product, n_column_blocks);
    job.n_row_blocks = sc_n_blocks(product->m, job.row_tile);
    sc_pool_run(call->pool, n_column_blocks * job.n_row_blocks, run_task, &job);
}
