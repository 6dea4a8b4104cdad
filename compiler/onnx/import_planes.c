// SPDX-License-Identifier: Apache-2.0
//
// One axis is an image of one row. Of three, two neighbours that are taken element by
// element are one. What remains has a window along the depth and one along height or
// width: then positions of the depth become images of the batch, and its taps become
// channels, group by group:
//     images[n OD + p, g, k, c, h, w] = x[n, g, c, p stride - pad + k dilation, h, w].
// That is x with the depth brought forward, of which a list of constant indices gathers
// planes; padding is one more plane, of zeros. The images are `kernel` times x over
// `stride`, and are kept for the weight's gradient.
#include "compiler/onnx/import_planes.h"

#include "compiler/ir/attr.h"
#include "runtime/base/checked.h"

#include <inttypes.h>

enum { MOST_TAPS = 1 << 24 };

// The indices of what the taps of the depth read, for p, g and k in this order, on an
// axis of (depth, group) and one more element for padding.
static struct sc_value *depth_taps(struct sc_scope *s, struct sc_planes *p)
{
    const struct sc_spatial_axis *const d = &p->w.axis[0];
    if (d->out > MOST_TAPS / d->kernel || d->out * d->kernel > MOST_TAPS / p->group)
        return sc_bad_node(s,
                           "windows along the %s have %" PRId64 " times %" PRId64
                           " taps in %" PRId64 " groups, expected at most %d together",
                           d->name, d->out, d->kernel, p->group, (int)MOST_TAPS);
    const int64_t n = d->out * p->group * d->kernel;
    int64_t *const at = SC_NEW_ARRAY(s->m->arena, int64_t, (size_t)n);
    bool is_identity = n == d->in * p->group;
    for (int64_t i = 0; i < n; i++) {
        const int64_t k = i % d->kernel, g = i / d->kernel % p->group;
        const int64_t from =
            i / d->kernel / p->group * d->stride - d->pad_begin + k * d->dilation;
        const bool is_inside = from >= 0 && from < d->in;
        at[i] = is_inside ? from * p->group + g : d->in * p->group;
        p->has_padding = p->has_padding || !is_inside;
        is_identity = is_identity && at[i] == i;
    }
    return is_identity ? NULL : sc_ints(&s->b, at, n);
}

void sc_planes_init(struct sc_scope *s, struct sc_planes *p)
{
    if (s->failed) return;
    p->folds_depth = !sc_spatial_to_plane(&p->w, p->axis);
    if (!p->folds_depth) return;
    int64_t n_images;
    if (!sc_checked_mul_i64(p->n, p->w.axis[0].out, &n_images))
        (void)sc_bad_node(
            s, "batch of %" PRId64 " times %" PRId64 " positions of the %s is not possible",
            p->n, p->w.axis[0].out, p->w.axis[0].name);
    else
        p->taps = depth_taps(s, p);
}

struct simclr_shape sc_planes_shape(const struct sc_planes *p)
{
    const struct sc_spatial_axis *const d = &p->w.axis[0];
    const int64_t n = p->folds_depth ? d->out : 1, c = p->folds_depth ? d->kernel : 1;
    return (struct simclr_shape){4, {p->n * n, p->c * c, p->axis[0].in, p->axis[1].in}};
}

// [a, b, c, d] to [a, c, b, d]
static struct sc_value *swap_inner(struct sc_scope *s, struct sc_value *x, int64_t a, int64_t b,
                                   int64_t c, int64_t d)
{
    const struct simclr_shape shape = {4, {a, b, c, d}};
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_transpose);
    attr.transpose.perm = (struct simclr_dims){4, {0, 2, 1, 3}};
    x = sc_make_reshape(s, x, &shape);
    return b == 1 || c == 1 ? x : sc_make(s, SIMCLR_OP_transpose, &attr, x);
}

// Of images that the depth was folded into.
static int64_t plane_size(const struct sc_planes *p)
{
    return p->axis[0].in * p->axis[1].in;
}

struct sc_value *sc_planes_of_x(struct sc_scope *s, const struct sc_planes *p,
                                struct sc_value *x)
{
    const struct simclr_shape images = sc_planes_shape(p);
    if (!p->folds_depth) return sc_make_reshape(s, x, &images);
    const int64_t depth = p->w.axis[0].in, size = p->c / p->group * plane_size(p);
    x = swap_inner(s, x, p->n, p->c, depth, plane_size(p));
    if (p->taps) {
        const struct simclr_shape shape = {3, {p->n, depth * p->group, size}};
        const struct simclr_shape padding = {3, {p->n, 1, size}};
        const union simclr_attr attr = {.axis = {.axis = 1}};
        x = sc_make_reshape(s, x, &shape);
        if (p->has_padding)
            x = sc_make(s, SIMCLR_OP_concat, &attr, x, sc_fill(&s->b, 0, SIMCLR_f32, &padding));
        x = sc_make(s, SIMCLR_OP_gather, &attr, x, p->taps);
    }
    return sc_make_reshape(s, x, &images);
}

struct sc_value *sc_planes_to_x(struct sc_scope *s, const struct sc_planes *p,
                                struct sc_value *images)
{
    const struct simclr_shape x_shape = sc_spatial_shape(p->n, p->c, &p->w, false);
    if (!p->folds_depth) return sc_make_reshape(s, images, &x_shape);
    const int64_t depth = p->w.axis[0].in, size = p->c / p->group * plane_size(p);
    const int64_t rows = depth * p->group;
    struct sc_value *x = images;
    if (p->taps) {
        const struct simclr_shape taps = {3, {p->n, p->taps->shape.dim[0], size}};
        const union simclr_attr attr = {
            .gather_grad = {.axis = 1, .shape = {3, {p->n, rows + p->has_padding, size}}}};
        const union simclr_attr part = {.slice = {.starts = {3, {0}},
                                                  .sizes = {3, {p->n, rows, size}},
                                                  .steps = {3, {1, 1, 1}}}};
        x = sc_make(s, SIMCLR_OP_gather_grad, &attr, sc_make_reshape(s, x, &taps), p->taps);
        if (p->has_padding) x = sc_make(s, SIMCLR_OP_slice, &part, x);
    }
    x = swap_inner(s, x, p->n, depth, p->c, plane_size(p));
    return sc_make_reshape(s, x, &x_shape);
}

struct sc_value *sc_planes_of_y(struct sc_scope *s, const struct sc_planes *p,
                                struct sc_value *y)
{
    const int64_t h = p->axis[0].out, w = p->axis[1].out;
    const int64_t depth = p->folds_depth ? p->w.axis[0].out : 1;
    const struct simclr_shape shape = {4, {p->n * depth, p->m, h, w}};
    if (p->folds_depth) y = swap_inner(s, y, p->n, p->m, depth, h * w);
    return sc_make_reshape(s, y, &shape);
}

struct sc_value *sc_planes_to_y(struct sc_scope *s, const struct sc_planes *p,
                                struct sc_value *images)
{
    const struct simclr_shape shape = sc_spatial_shape(p->n, p->m, &p->w, true);
    if (p->folds_depth)
        images = swap_inner(s, images, p->n, p->w.axis[0].out, p->m,
                            p->axis[0].out * p->axis[1].out);
    return sc_make_reshape(s, images, &shape);
}

struct sc_value *sc_planes_of_weight(struct sc_scope *s, const struct sc_planes *p,
                                     struct sc_value *weight)
{
    const int64_t c = p->c / p->group, h = p->axis[0].kernel, w = p->axis[1].kernel;
    const int64_t depth = p->folds_depth ? p->w.axis[0].kernel : 1;
    const struct simclr_shape shape = {4, {p->m, depth * c, h, w}};
    if (p->folds_depth) weight = swap_inner(s, weight, p->m, c, depth, h * w);
    return sc_make_reshape(s, weight, &shape);
}
