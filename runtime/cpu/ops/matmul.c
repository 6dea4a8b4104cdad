// SPDX-License-Identifier: Apache-2.0
//
// matmul: C = op(A) op(B) over the last two axes, the axes before them broadcast.
// A task is one product of the BLAS: a panel of rows or, where there are fewer rows
// than columns, of columns.
#include "runtime/cpu/blas.h"
#include "runtime/cpu/shape.h"

enum { LEAST_PANEL = 64, MOST_PANELS = 16 };

struct job {
    const struct sc_call *call;
    struct sc_gemm gemm;  // of one whole matrix
    struct sc_rows batch; // of A, B and C, in elements
    bool splits_rows;
    int64_t panel, n_panels;
};

static struct simclr_shape batch_of(const struct simclr_shape *s)
{
    struct simclr_shape batch = *s;
    batch.rank -= 2;
    return batch;
}

static int64_t last(const struct sc_operand *o, int from_end)
{
    return o->shape.dim[o->shape.rank - from_end];
}

static const char *check(const struct sc_call *call)
{
    const struct sc_operand *const a = &call->in[0], *const b = &call->in[1],
                                   *const c = &call->out[0];
    const bool ta = call->attr->matmul.trans_a, tb = call->attr->matmul.trans_b;
    int64_t stride[SIMCLR_MAX_RANK];
    if (!sc_all_inputs(call, SIMCLR_f32) || c->dtype != SIMCLR_f32)
        return "an operand is not f32";
    if (a->shape.rank < 2 || b->shape.rank < 2 || c->shape.rank < 2)
        return "an operand's rank is below 2";
    const int64_t m = last(a, ta ? 1 : 2), k = last(a, ta ? 2 : 1);
    const int64_t n = last(b, tb ? 2 : 1);
    if (last(b, tb ? 1 : 2) != k || last(c, 2) != m || last(c, 1) != n)
        return "the matrices do not match";
    if (!sc_gemm_fits(m, n, k)) return "a matrix is too large for the BLAS";
    const struct simclr_shape over = batch_of(&c->shape), ba = batch_of(&a->shape),
                              bb = batch_of(&b->shape);
    return sc_broadcast_strides(&ba, &over, stride) && sc_broadcast_strides(&bb, &over, stride)
               ? NULL
               : "the batches do not broadcast to the output's";
}

// Offset of matrix `i` of operand `which`, in matrices.
static int64_t matrix_at(const struct job *job, int which, int64_t i)
{
    return sc_rows_offset(&job->batch, which, i / job->batch.length) +
           i % job->batch.length * job->batch.row_stride[which];
}

static void run_task(void *ctx, int64_t task, int thread)
{
    (void)thread;
    const struct job *const job = ctx;
    const int64_t i = task / job->n_panels, first = task % job->n_panels * job->panel;
    struct sc_gemm g = job->gemm;
    g.a += matrix_at(job, 0, i) * g.m * g.k;
    g.b += matrix_at(job, 1, i) * g.k * g.n;
    g.c += i * g.m * g.n;
    if (job->splits_rows) {
        g.a += g.trans_a ? first : first * g.lda;
        g.c += first * g.ldc;
        g.m = sc_min_i64(job->panel, g.m - first);
    } else {
        g.b += g.trans_b ? first * g.ldb : first;
        g.c += first;
        g.n = sc_min_i64(job->panel, g.n - first);
    }
    sc_gemm(&g);
}

static void run(const struct sc_call *call)
{
    const struct sc_operand *const a = &call->in[0], *const b = &call->in[1],
                                   *const c = &call->out[0];
    const bool ta = call->attr->matmul.trans_a, tb = call->attr->matmul.trans_b;
    struct job job = {.call = call,
                      .gemm = {.trans_a = ta,
                               .trans_b = tb,
                               .m = last(c, 2),
                               .n = last(c, 1),
                               .k = last(a, ta ? 2 : 1),
                               .a = a->data,
                               .lda = last(a, 1),
                               .b = b->data,
                               .ldb = last(b, 1),
                               .c = c->data,
                               .ldc = last(c, 1)}};
    const struct simclr_shape over = batch_of(&c->shape), ba = batch_of(&a->shape),
                              bb = batch_of(&b->shape);
    int64_t stride[2][SIMCLR_MAX_RANK] = {{0}};
    (void)sc_broadcast_strides(&ba, &over, stride[0]);
    (void)sc_broadcast_strides(&bb, &over, stride[1]);
    if (c->count == 0) return;
    sc_rows_init(&job.batch, &over, 2, stride);
    job.splits_rows = job.gemm.m >= job.gemm.n;
    const int64_t extent = job.splits_rows ? job.gemm.m : job.gemm.n;
    job.panel = sc_max_i64(LEAST_PANEL, sc_n_blocks(extent, MOST_PANELS));
    job.n_panels = sc_n_blocks(extent, job.panel);
    sc_pool_run(call->pool, simclr_shape_count(&over) * job.n_panels, run_task, &job);
}

SC_CPU_OP(matmul) = {check, run};
