// SPDX-License-Identifier: Apache-2.0
//
// Pooling over one to three spatial axes. Three are pooled in two passes, over height
// and width and then over the depth: a maximum of maxima is the maximum, and so is an
// average of averages the average, because the number of elements of a window is a
// product over its axes, with and without padding.
#include "compiler/onnx/import_window.h"

#include "compiler/ir/attr.h"

#include <inttypes.h>

// One pass: x seen as images [n, channels, axis[0], axis[1]].
struct pass {
    struct sc_spatial_axis axis[2];
    int64_t channels;
};

struct pooling {
    struct sc_spatial w;
    bool ceil_mode;
    bool counts_padding; // of averages
    bool wants_indices;
    int n_passes;
    struct pass pass[2];
};

static void split_passes(struct pooling *p, const struct simclr_shape *x)
{
    const struct sc_spatial_axis *const a = p->w.axis;
    const int64_t c = x->dim[1];
    if (p->w.n < 3) {
        p->pass[p->n_passes] = (struct pass){.channels = c};
        (void)sc_spatial_to_plane(&p->w, p->pass[p->n_passes++].axis);
        return;
    }
    // A pass that takes everything element by element is left out, but for one.
    const bool has_plane = !sc_spatial_is_unit(&a[1]) || !sc_spatial_is_unit(&a[2]);
    const bool has_depth = !sc_spatial_is_unit(&a[0]);
    if (has_plane || p->wants_indices)
        p->pass[p->n_passes++] = (struct pass){{a[1], a[2]}, c * a[0].in};
    if (has_depth || p->wants_indices || p->n_passes == 0)
        p->pass[p->n_passes++] = (struct pass){{a[0], sc_spatial_unit(a[1].out * a[2].out)}, c};
}

// A window that lies in the padding has no maximum and, unless padding counts, no
// average. With pads below the kernel's extent, that takes gaps wider than the input.
static bool has_empty_window(const struct sc_spatial_axis *a)
{
    for (int64_t i = 0; i < a->out && a->dilation > a->in; i++) {
        const int64_t first = i * a->stride - a->pad_begin;
        const int64_t skipped = first < 0 ? (-first + a->dilation - 1) / a->dilation : 0;
        if (skipped >= a->kernel || first + skipped * a->dilation >= a->in) return true;
    }
    return false;
}

static void check_windows(struct sc_scope *s, const struct pooling *p)
{
    for (int i = 0; i < p->w.n && !s->failed; i++) {
        const struct sc_spatial_axis *const a = &p->w.axis[i];
        const int64_t extent = (a->kernel - 1) * a->dilation + 1;
        const int64_t pad = a->pad_begin > a->pad_end ? a->pad_begin : a->pad_end;
        if (pad >= extent)
            (void)sc_bad_node(s,
                              "padding along the %s is %" PRId64 ", expected less than the "
                              "kernel's %" PRId64,
                              a->name, pad, extent);
        else if (!p->counts_padding && has_empty_window(a))
            (void)sc_bad_node(s,
                              "a window along the %s has no element of the input: dilation "
                              "%" PRId64 " steps over its %" PRId64,
                              a->name, a->dilation, a->in);
    }
}

static bool read_pooling(struct sc_scope *s, const struct sc_value *x, struct pooling *p)
{
    if (!sc_spatial_begin(s, x, &p->w)) return false;
    sc_spatial_kernel(s, &p->w);
    if (s->failed) return false;
    const enum sc_auto_pad how = sc_spatial_read(s, &p->w);
    sc_spatial_pad(&p->w, how);
    // The counts that auto_pad asks for are the same with and without ceil_mode.
    p->ceil_mode = how == SC_PAD_NOTSET && sc_attr_i(s, "ceil_mode", 0) != 0;
    sc_spatial_outputs(s, &p->w, p->ceil_mode);
    check_windows(s, p);
    return !s->failed;
}

static union simclr_attr attributes(const struct pooling *p, const struct pass *pass)
{
    const struct sc_spatial_axis *const h = &pass->axis[0], *const w = &pass->axis[1];
    return (union simclr_attr){
        .pool2d = {.kernel = {h->kernel, w->kernel},
                   .strides = {h->stride, w->stride},
                   .pads = {h->pad_begin, w->pad_begin, h->pad_end, w->pad_end},
                   .dilations = {h->dilation, w->dilation},
                   .ceil_mode = p->ceil_mode,
                   .count_include_pad = p->counts_padding}};
}

static struct sc_value *to_images(struct sc_scope *s, const struct pass *pass, int64_t n,
                                  struct sc_value *x)
{
    const struct simclr_shape images = {
        4, {n, pass->channels, pass->axis[0].in, pass->axis[1].in}};
    return sc_make_reshape(s, x, &images);
}

static struct sc_value *pool(struct sc_scope *s, enum simclr_op op, struct pooling *p,
                             struct sc_value *x)
{
    const int64_t n = x->shape.dim[0];
    const struct simclr_shape y = sc_spatial_shape(n, x->shape.dim[1], &p->w, true);
    split_passes(p, &x->shape);
    for (int i = 0; i < p->n_passes; i++) {
        const union simclr_attr attr = attributes(p, &p->pass[i]);
        x = sc_make(s, op, &attr, to_images(s, &p->pass[i], n, x));
    }
    return sc_make_reshape(s, x, &y);
}

// MaxPool.

static struct sc_value *integer(struct sc_scope *s, int64_t value)
{
    return sc_make_reshape(s, sc_ints(&s->b, &value, 1), &(struct simclr_shape){0});
}

// at / n and at % n
struct quotient {
    struct sc_value *whole, *rest;
};
static struct quotient divide(struct sc_scope *s, struct sc_value *at, int64_t n)
{
    struct sc_value *const by = integer(s, n);
    struct quotient q = {.whole = sc_make(s, SIMCLR_OP_div, NULL, at, by)};
    q.rest = sc_make(s, SIMCLR_OP_sub, NULL, at, sc_make(s, SIMCLR_OP_mul, NULL, q.whole, by));
    return q;
}

static struct sc_value *scale_add(struct sc_scope *s, struct sc_value *x, int64_t factor,
                                  struct sc_value *y)
{
    return sc_make(s, SIMCLR_OP_add, NULL,
                   sc_make(s, SIMCLR_OP_mul, NULL, x, integer(s, factor)), y);
}

// Where the maxima of both passes are, in row-major order of (depth, height, width):
// `plane` says it for the first pass, at[depth, position]; `depth` for the second, as an
// offset into that.
static struct sc_value *join_offsets(struct sc_scope *s, const struct pooling *p,
                                     const struct simclr_shape *y, struct sc_value *plane,
                                     struct sc_value *depth)
{
    const struct sc_spatial_axis *const a = p->w.axis;
    const int64_t size = a[1].out * a[2].out;
    const struct simclr_shape from = {3, {y->dim[0], y->dim[1], a[0].in * size}};
    const struct simclr_shape to = {3, {y->dim[0], y->dim[1], a[0].out * size}};
    const union simclr_attr attr = {.axis = {.axis = 2}};
    depth = sc_make_reshape(s, depth, &to);
    struct sc_value *const in_plane =
        sc_make(s, SIMCLR_OP_gather_elements, &attr, sc_make_reshape(s, plane, &from), depth);
    return scale_add(s, divide(s, depth, size).whole, a[1].in * a[2].in, in_plane);
}

// From row-major to column-major order, in which the first axis runs fastest.
static struct sc_value *column_major(struct sc_scope *s, const struct sc_spatial *w,
                                     struct sc_value *at)
{
    struct sc_value *sum = NULL;
    int64_t above = 1; // elements of the axes before this one
    for (int i = 0; i < w->n; i++)
        above *= w->axis[i].in;
    for (int i = w->n - 1; i > 0; i--) { // the innermost first, which is the rest
        const struct quotient q = divide(s, at, w->axis[i].in);
        above /= w->axis[i].in;
        sum = sum ? scale_add(s, q.rest, above, sum)
                  : sc_make(s, SIMCLR_OP_mul, NULL, q.rest, integer(s, above));
        at = q.whole;
    }
    return sum ? sc_make(s, SIMCLR_OP_add, NULL, sum, at) : at;
}

// Adds where each plane (n, c) starts.
static struct sc_value *add_planes(struct sc_scope *s, const struct pooling *p,
                                   const struct simclr_shape *y, struct sc_value *at)
{
    const struct simclr_shape x = sc_spatial_shape(1, 1, &p->w, false);
    const int64_t n = y->dim[0] * y->dim[1], size = simclr_shape_count(&x);
    int64_t *const first = SC_NEW_ARRAY(s->m->arena, int64_t, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        first[i] = i * size;
    struct simclr_shape shape = {.rank = y->rank, .dim = {y->dim[0], y->dim[1]}};
    for (int32_t i = 2; i < y->rank; i++)
        shape.dim[i] = 1;
    return sc_make(s, SIMCLR_OP_add, NULL, sc_make_reshape(s, at, y),
                   sc_make_reshape(s, sc_ints(&s->b, first, n), &shape));
}

// Output Indices: the elements chosen, of x as one list.
static struct sc_value *indices(struct sc_scope *s, const struct pooling *p, struct sc_value *x)
{
    const int64_t n = x->shape.dim[0];
    const struct simclr_shape y = sc_spatial_shape(n, x->shape.dim[1], &p->w, true);
    struct sc_value *at = NULL;
    for (int i = 0; i < p->n_passes; i++) {
        const union simclr_attr attr = attributes(p, &p->pass[i]);
        struct sc_value *const images = to_images(s, &p->pass[i], n, x);
        struct sc_value *const here = sc_make(s, SIMCLR_OP_max_pool2d_index, &attr, images);
        at = i == 0 ? here : join_offsets(s, p, &y, at, here);
        if (i + 1 < p->n_passes) x = sc_make(s, SIMCLR_OP_max_pool2d, &attr, images);
    }
    if (sc_attr_i(s, "storage_order", 0)) at = column_major(s, &p->w, at);
    return add_planes(s, p, &y, at);
}

struct sc_value *sc_import_max_pool(struct sc_scope *s)
{
    struct pooling p = {.wants_indices = s->row->max_out > 1 && sc_has_out(s, 1)};
    struct sc_value *x = sc_in(s, 0);
    sc_attr_since(s, "storage_order", 8);
    sc_attr_since(s, "ceil_mode", 10);
    sc_attr_since(s, "dilations", 10);
    const int64_t order = sc_attr_i(s, "storage_order", 0);
    if (order != 0 && order != 1)
        return sc_bad_node(s, "attribute 'storage_order' is %" PRId64 ", expected 0 or 1",
                           order);
    if (!x || s->failed) return NULL;
    // Small integers are pooled as floats, which hold them all.
    const simclr_dtype dtype = x->dtype;
    if (dtype != SIMCLR_bool && simclr_dtype_size(dtype) == 1)
        x = sc_make_cast(s, x, SIMCLR_f32);
    if (!read_pooling(s, x, &p)) return NULL;
    struct sc_value *const y = sc_make_cast(s, pool(s, SIMCLR_OP_max_pool2d, &p, x), dtype);
    if (p.wants_indices && y) s->out[1] = indices(s, &p, x);
    return y;
}

struct sc_value *sc_import_average_pool(struct sc_scope *s)
{
    struct pooling p = {.counts_padding = sc_attr_i(s, "count_include_pad", 0) != 0};
    struct sc_value *const x = sc_in(s, 0);
    sc_attr_since(s, "count_include_pad", 7);
    sc_attr_since(s, "ceil_mode", 10);
    sc_attr_since(s, "dilations", 19);
    if (!x || s->failed || !read_pooling(s, x, &p)) return NULL;
    return pool(s, SIMCLR_OP_avg_pool2d, &p, x);
}

// LpPool: the p-th root of the sum of |x|^p.

static int64_t read_p(struct sc_scope *s)
{
    const int64_t p = sc_attr_i(s, "p", 2);
    if (p < 1 || p > SC_MAX_WINDOW)
        (void)sc_bad_node(s, "attribute 'p' is %" PRId64 ", expected at least 1", p);
    return p;
}

static struct sc_value *power(struct sc_scope *s, struct sc_value *x, int64_t p)
{
    if (p == 2) return sc_make(s, SIMCLR_OP_mul, NULL, x, x);
    x = sc_make(s, SIMCLR_OP_abs, NULL, x);
    return p == 1
               ? x
               : sc_make(s, SIMCLR_OP_pow, NULL, x, sc_make_scalar(s, (double)p, SIMCLR_f32));
}

// Around zero the slope of the root has no bound; where the sum is zero, which the rule
// for it would turn into infinity times zero, the root is the constant zero.
static struct sc_value *root(struct sc_scope *s, struct sc_value *sum, int64_t p)
{
    if (p == 1) return sum;
    struct sc_value *const zero = sc_make_scalar(s, 0, SIMCLR_f32);
    struct sc_value *const is_zero = sc_make(s, SIMCLR_OP_equal, NULL, sum, zero);
    struct sc_value *const safe =
        sc_make(s, SIMCLR_OP_where, NULL, is_zero, sc_make_scalar(s, 1, SIMCLR_f32), sum);
    struct sc_value *const y = p == 2 ? sc_make(s, SIMCLR_OP_sqrt, NULL, safe)
                                      : sc_make(s, SIMCLR_OP_pow, NULL, safe,
                                                sc_make_scalar(s, 1 / (double)p, SIMCLR_f32));
    return sc_make(s, SIMCLR_OP_where, NULL, is_zero, zero, y);
}

// Every window is made to end within the padding, so that a sum is the average times
// the number of taps.
static struct sc_value *sum_pool(struct sc_scope *s, struct pooling *p, struct sc_value *x)
{
    double n_taps = 1;
    for (int i = 0; i < p->w.n; i++) {
        struct sc_spatial_axis *const a = &p->w.axis[i];
        const int64_t end = (a->out - 1) * a->stride + (a->kernel - 1) * a->dilation + 1;
        const int64_t pad = end - a->in - a->pad_begin;
        a->pad_end = pad > 0 ? pad : 0;
        n_taps *= (double)a->kernel;
    }
    p->ceil_mode = false;
    struct sc_value *const mean = pool(s, SIMCLR_OP_avg_pool2d, p, x);
    return n_taps == 1
               ? mean
               : sc_make(s, SIMCLR_OP_mul, NULL, mean, sc_make_scalar(s, n_taps, SIMCLR_f32));
}

struct sc_value *sc_import_lp_pool(struct sc_scope *s)
{
    struct pooling p = {.counts_padding = true};
    struct sc_value *const x = sc_in(s, 0);
    const int64_t order = read_p(s);
    sc_attr_since(s, "ceil_mode", 18);
    sc_attr_since(s, "dilations", 18);
    if (!x || s->failed || !read_pooling(s, x, &p)) return NULL;
    struct sc_value *const to_power = power(s, x, order);
    return to_power ? root(s, sum_pool(s, &p, to_power), order) : NULL;
}

// Over all axes from the second on, which stay as ones.
static struct sc_value *global_pool(struct sc_scope *s, enum simclr_op op, struct sc_value *x)
{
    if (!x) return NULL;
    if (x->shape.rank < 3)
        return sc_bad_node(s, "input '%s' has rank %d, expected at least 3", sc_in_name(s, 0),
                           (int)x->shape.rank);
    struct simclr_dims axes = {0};
    for (int32_t i = 2; i < x->shape.rank; i++)
        axes.v[axes.n++] = i;
    return sc_make_reduce(s, op, x, &axes, true);
}

struct sc_value *sc_import_global_average_pool(struct sc_scope *s)
{
    return global_pool(s, SIMCLR_OP_reduce_mean, sc_in(s, 0));
}

struct sc_value *sc_import_global_max_pool(struct sc_scope *s)
{
    return global_pool(s, SIMCLR_OP_reduce_max, sc_in(s, 0));
}

struct sc_value *sc_import_global_lp_pool(struct sc_scope *s)
{
    const int64_t p = read_p(s);
    return root(s, global_pool(s, SIMCLR_OP_reduce_sum, power(s, sc_in(s, 0), p)), p);
}
