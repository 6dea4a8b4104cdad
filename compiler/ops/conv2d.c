// SPDX-License-Identifier: Apache-2.0
//
// conv2d(x, w): ONNX Conv with two spatial axes and without bias. With g groups of
// c = C/g input and M/g output channels, and zero outside the image,
//     y[n,m,p,q] = sum over c,i,j of x[n, c + (C/g) group(m), p s_h - t + i d_h, q s_w - l + j d_w] w[m,c,i,j].
// It is bilinear, so its two gradients are two more readings of the same sum:
// conv2d_grad_input(dy, w; shape of x) and conv2d_grad_weight(x, dy; shape of w),
// and the gradients of each of the three are the other two.
#include "compiler/ops/rules.h"

// What the three have in common: all extents, and the windows along both axes.
struct geometry {
    int64_t n, c, m, group;
    int64_t c_per_group, m_per_group;
    struct sc_window h, w;
    int64_t out_h, out_w;
};

static struct sc_window window_of(const struct simclr_shape *x, const struct simclr_shape *w,
                                  const struct sc_attr_conv2d *a, int axis)
{
    return (struct sc_window){.in = x->dim[2 + axis],
                              .kernel = w->dim[2 + axis],
                              .stride = a->strides[axis],
                              .dilation = a->dilations[axis],
                              .pad_begin = a->pads[axis],
                              .pad_end = a->pads[axis + 2]};
}

static struct geometry geometry_of(const struct simclr_shape *x, const struct simclr_shape *w,
                                   const struct simclr_shape *y, const struct sc_attr_conv2d *a)
{
    return (struct geometry){.n = x->dim[0],
                             .c = x->dim[1],
                             .m = w->dim[0],
                             .group = a->group,
                             .c_per_group = w->dim[1],
                             .m_per_group = w->dim[0] / a->group,
                             .h = window_of(x, w, a, 0),
                             .w = window_of(x, w, a, 1),
                             .out_h = y->dim[2],
                             .out_w = y->dim[3]};
}

// One tap of the kernel on one pair of channel planes: output rows [rows.begin,
// rows.end), columns [cols.begin, cols.end) read the input at the strides given.
struct tap {
    struct sc_range rows, cols;
    int64_t x_first;             // offset in x's plane of what (rows.begin, cols.begin) reads
    int64_t x_row, x_col, y_row; // steps per output row and column
    int64_t x_plane, y_plane;    // offsets of the planes
    int64_t w;                   // offset of the weight
};

// Adds to `out` what the tap makes of `a` and `b`: y of x and w, dx of dy and w, or dw
// of x and dy.
typedef void (*tap_fn)(const struct tap *t, const double *a, const double *b, double *out);

static struct tap tap_of(const struct geometry *g, int64_t i, int64_t j)
{
    struct tap t = {.rows = sc_window_inside(&g->h, i, g->out_h),
                    .cols = sc_window_inside(&g->w, j, g->out_w),
                    .x_row = g->h.stride * g->w.in,
                    .x_col = g->w.stride,
                    .y_row = g->out_w};
    t.x_first = (t.rows.begin * g->h.stride - g->h.pad_begin + i * g->h.dilation) * g->w.in +
                t.cols.begin * g->w.stride - g->w.pad_begin + j * g->w.dilation;
    return t;
}

// Calls fn for tap (i, j), given as `t`, of every pair of planes.
static void for_each_pair(const struct geometry *g, struct tap t, int64_t i, int64_t j,
                          tap_fn fn, const double *a, const double *b, double *out)
{
    for (int64_t n = 0; n < g->n; n++) {
        for (int64_t m = 0; m < g->m; m++) {
            const int64_t first = m / g->m_per_group * g->c_per_group; // channel of x
            t.y_plane = (n * g->m + m) * g->out_h * g->out_w;
            for (int64_t c = 0; c < g->c_per_group; c++) {
                t.x_plane = (n * g->c + first + c) * g->h.in * g->w.in;
                t.w = ((m * g->c_per_group + c) * g->h.kernel + i) * g->w.kernel + j;
                fn(&t, a, b, out);
            }
        }
    }
}

// Calls fn for every tap of every pair of planes; fn loops over output positions.
static void for_each_tap(const struct geometry *g, tap_fn fn, const double *a, const double *b,
                         double *out)
{
    for (int64_t i = 0; i < g->h.kernel; i++) {
        for (int64_t j = 0; j < g->w.kernel; j++)
            for_each_pair(g, tap_of(g, i, j), i, j, fn, a, b, out);
    }
}

static void tap_forward(const struct tap *t, const double *x, const double *w, double *y)
{
    const int64_t n = t->cols.end - t->cols.begin;
    const double weight = w[t->w];
    int64_t from = t->x_plane + t->x_first;
    for (int64_t p = t->rows.begin; p < t->rows.end; p++, from += t->x_row) {
        double *to = y + t->y_plane + p * t->y_row + t->cols.begin;
        for (int64_t q = 0; q < n; q++)
            to[q] += weight * x[from + q * t->x_col];
    }
}

static void tap_grad_input(const struct tap *t, const double *dy, const double *w, double *dx)
{
    const int64_t n = t->cols.end - t->cols.begin;
    const double weight = w[t->w];
    int64_t to = t->x_plane + t->x_first;
    for (int64_t p = t->rows.begin; p < t->rows.end; p++, to += t->x_row) {
        const double *from = dy + t->y_plane + p * t->y_row + t->cols.begin;
        for (int64_t q = 0; q < n; q++)
            dx[to + q * t->x_col] += weight * from[q];
    }
}

static void tap_grad_weight(const struct tap *t, const double *x, const double *dy, double *dw)
{
    const int64_t n = t->cols.end - t->cols.begin;
    int64_t from_x = t->x_plane + t->x_first;
    double sum = 0;
    for (int64_t p = t->rows.begin; p < t->rows.end; p++, from_x += t->x_row) {
        const double *from = dy + t->y_plane + p * t->y_row + t->cols.begin;
        for (int64_t q = 0; q < n; q++)
            sum += x[from_x + q * t->x_col] * from[q];
    }
    dw[t->w] += sum;
}

// conv2d and conv2d_grad share their first four fields.
static struct sc_attr_conv2d without_shape(const struct sc_attr_conv2d_grad *a)
{
    return (struct sc_attr_conv2d){.strides = {a->strides[0], a->strides[1]},
                                   .pads = {a->pads[0], a->pads[1], a->pads[2], a->pads[3]},
                                   .dilations = {a->dilations[0], a->dilations[1]},
                                   .group = a->group};
}

static union simclr_attr with_shape(const struct sc_attr_conv2d *a,
                                    const struct simclr_shape *shape)
{
    return (union simclr_attr){
        .conv2d_grad = {.strides = {a->strides[0], a->strides[1]},
                        .pads = {a->pads[0], a->pads[1], a->pads[2], a->pads[3]},
                        .dilations = {a->dilations[0], a->dilations[1]},
                        .group = a->group,
                        .shape = sc_shape_dims(shape)}};
}

static void eval(const struct sc_node *n, const struct sc_tensor *const *in,
                 struct sc_tensor *const *out)
{
    const struct geometry g =
        geometry_of(&in[0]->shape, &in[1]->shape, &out[0]->shape, &n->attr.conv2d);
    sc_set_zero(out[0]);
    for_each_tap(&g, tap_forward, in[0]->f, in[1]->f, out[0]->f);
}

static void eval_grad_input(const struct sc_node *n, const struct sc_tensor *const *in,
                            struct sc_tensor *const *out)
{
    const struct sc_attr_conv2d a = without_shape(&n->attr.conv2d_grad);
    const struct geometry g = geometry_of(&out[0]->shape, &in[1]->shape, &in[0]->shape, &a);
    sc_set_zero(out[0]);
    for_each_tap(&g, tap_grad_input, in[0]->f, in[1]->f, out[0]->f);
}

static void eval_grad_weight(const struct sc_node *n, const struct sc_tensor *const *in,
                             struct sc_tensor *const *out)
{
    const struct sc_attr_conv2d a = without_shape(&n->attr.conv2d_grad);
    const struct geometry g = geometry_of(&in[0]->shape, &out[0]->shape, &in[1]->shape, &a);
    sc_set_zero(out[0]);
    for_each_tap(&g, tap_grad_weight, in[0]->f, in[1]->f, out[0]->f);
}

static bool check_channels(struct sc_infer *ctx, int64_t c, int64_t m, int64_t c_per_group,
                           int64_t group)
{
    if (group < 1)
        return sc_infer_fail(ctx, "group is %lld, expected at least 1", (long long)group);
    if (c % group != 0)
        return sc_infer_fail(ctx, "group %lld does not divide the input's %lld channels",
                             (long long)group, (long long)c);
    if (m % group != 0)
        return sc_infer_fail(ctx,
                             "group %lld does not divide the weight's %lld output channels",
                             (long long)group, (long long)m);
    if (c_per_group == c / group) return true;
    if (group == 1)
        return sc_infer_fail(ctx, "weight has %lld input channels, input has %lld",
                             (long long)c_per_group, (long long)c);
    return sc_infer_fail(
        ctx,
        "weight has %lld input channels per group, input has %lld (%lld channels "
        "in %lld groups)",
        (long long)c_per_group, (long long)(c / group), (long long)c, (long long)group);
}

// The output's shape for input shape x and weight shape w, both of rank 4.
static bool infer_output(struct sc_infer *ctx, const struct simclr_shape *x,
                         const struct simclr_shape *w, const struct sc_attr_conv2d *a,
                         struct simclr_shape *y)
{
    if (!check_channels(ctx, x->dim[1], w->dim[0], w->dim[1], a->group)) return false;
    const struct sc_window h = window_of(x, w, a, 0), v = window_of(x, w, a, 1);
    *y = (struct simclr_shape){.rank = 4, .dim = {x->dim[0], w->dim[0]}};
    return sc_infer_window(ctx, "height", &h, &y->dim[2]) &&
           sc_infer_window(ctx, "width", &v, &y->dim[3]);
}

static bool check_operands(struct sc_infer *ctx)
{
    return sc_infer_dtype(ctx, 0, SIMCLR_f32) && sc_infer_dtype(ctx, 1, SIMCLR_f32) &&
           sc_infer_rank(ctx, 0, 4) && sc_infer_rank(ctx, 1, 4);
}

static bool infer(struct sc_infer *ctx)
{
    struct simclr_shape y;
    if (!check_operands(ctx) ||
        !infer_output(ctx, &ctx->node->in[0]->shape, &ctx->node->in[1]->shape,
                      &ctx->node->attr.conv2d, &y))
        return false;
    return sc_infer_set(ctx, 0, SIMCLR_f32, &y);
}

// Both gradients: `x` and `w` are the shapes of input and weight, of which one is
// the attribute, and operand `dy` must have the shape that follows from them.
static bool infer_gradient(struct sc_infer *ctx, const struct simclr_shape *x,
                           const struct simclr_shape *w, int dy,
                           const struct simclr_shape *result)
{
    const struct sc_attr_conv2d a = without_shape(&ctx->node->attr.conv2d_grad);
    const struct sc_value *v = ctx->node->in[dy];
    struct simclr_shape y;
    if (!infer_output(ctx, x, w, &a, &y)) return false;
    if (!simclr_shape_equal(&y, &v->shape))
        return sc_infer_fail(ctx, "operand %d is %s, expected f32[%lld,%lld,%lld,%lld]", dy + 1,
                             sc_type_text(v).s, (long long)y.dim[0], (long long)y.dim[1],
                             (long long)y.dim[2], (long long)y.dim[3]);
    return sc_infer_set(ctx, 0, SIMCLR_f32, result);
}

static bool shape_of_gradient(struct sc_infer *ctx, struct simclr_shape *shape)
{
    const struct simclr_dims *dims = &ctx->node->attr.conv2d_grad.shape;
    if (!check_operands(ctx) || !sc_infer_dims(ctx, dims)) return false;
    if (dims->n != 4)
        return sc_infer_fail(ctx, "shape has rank %lld, expected rank 4", (long long)dims->n);
    *shape = sc_dims_shape(dims);
    return true;
}

static bool infer_grad_input(struct sc_infer *ctx)
{
    struct simclr_shape x = {0};
    if (!shape_of_gradient(ctx, &x)) return false;
    return infer_gradient(ctx, &x, &ctx->node->in[1]->shape, 0, &x);
}

static bool infer_grad_weight(struct sc_infer *ctx)
{
    struct simclr_shape w = {0};
    if (!shape_of_gradient(ctx, &w)) return false;
    return infer_gradient(ctx, &ctx->node->in[0]->shape, &w, 1, &w);
}

static void grad(struct sc_builder *b, const struct sc_node *n, struct sc_value *const *dy,
                 struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *w = n->in[1];
    const union simclr_attr like_x = with_shape(&n->attr.conv2d, &x->shape);
    const union simclr_attr like_w = with_shape(&n->attr.conv2d, &w->shape);
    dx[0] = sc_build(b, SIMCLR_OP_conv2d_grad_input, &like_x, dy[0], w);
    dx[1] = sc_build(b, SIMCLR_OP_conv2d_grad_weight, &like_w, x, dy[0]);
}

// dx = T(dy, w), where T is linear in both; g has the shape of dx.
static void grad_of_grad_input(struct sc_builder *b, const struct sc_node *n,
                               struct sc_value *const *g, struct sc_value **dx)
{
    struct sc_value *dy = n->in[0], *w = n->in[1];
    const union simclr_attr forward = {.conv2d = without_shape(&n->attr.conv2d_grad)};
    const union simclr_attr like_w = with_shape(&forward.conv2d, &w->shape);
    dx[0] = sc_build(b, SIMCLR_OP_conv2d, &forward, g[0], w);
    dx[1] = sc_build(b, SIMCLR_OP_conv2d_grad_weight, &like_w, g[0], dy);
}

// dw = T(x, dy); g has the shape of dw.
static void grad_of_grad_weight(struct sc_builder *b, const struct sc_node *n,
                                struct sc_value *const *g, struct sc_value **dx)
{
    struct sc_value *x = n->in[0], *dy = n->in[1];
    const union simclr_attr forward = {.conv2d = without_shape(&n->attr.conv2d_grad)};
    const union simclr_attr like_x = with_shape(&forward.conv2d, &x->shape);
    dx[0] = sc_build(b, SIMCLR_OP_conv2d_grad_input, &like_x, dy, g[0]);
    dx[1] = sc_build(b, SIMCLR_OP_conv2d, &forward, x, g[0]);
}

const struct sc_op_info sc_op_info_conv2d = {.eval = eval, .infer = infer, .grad = grad};

const struct sc_op_info sc_op_info_conv2d_grad_input = {
    .eval = eval_grad_input, .infer = infer_grad_input, .grad = grad_of_grad_input};

const struct sc_op_info sc_op_info_conv2d_grad_weight = {
    .eval = eval_grad_weight, .infer = infer_grad_weight, .grad = grad_of_grad_weight};
