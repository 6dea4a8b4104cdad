// SPDX-License-Identifier: Apache-2.0
//
// Convolution and its transpose, over one to three spatial axes. ConvTranspose is the
// adjoint of a convolution, from y to x: the gradient of one with respect to its
// input, whose own gradients are convolutions again.
#include "compiler/onnx/import_planes.h"

#include "compiler/ir/attr.h"

#include <inttypes.h>

// Adds a vector along axis 1.
static struct sc_value *add_bias(struct sc_scope *s, struct sc_value *y, struct sc_value *bias)
{
    if (!y || !bias) return y;
    if (bias->shape.rank != 1 || bias->shape.dim[0] != y->shape.dim[1]) {
        struct sc_str found = {0};
        sc_str_append_shape(&found, &bias->shape);
        (void)sc_bad_node(s, "bias '%s' has shape %s, expected [%" PRId64 "]", sc_in_name(s, 2),
                          sc_str_text(&found), y->shape.dim[1]);
        sc_str_free(&found);
        return NULL;
    }
    struct simclr_shape shape = {.rank = y->shape.rank};
    for (int32_t i = 0; i < shape.rank; i++)
        shape.dim[i] = i == 1 ? y->shape.dim[1] : 1;
    return sc_make(s, SIMCLR_OP_add, NULL, y, sc_make_reshape(s, bias, &shape));
}

static struct sc_attr_conv2d attributes(const struct sc_planes *p)
{
    const struct sc_spatial_axis *const h = &p->axis[0], *const w = &p->axis[1];
    return (struct sc_attr_conv2d){.strides = {h->stride, w->stride},
                                   .pads = {h->pad_begin, w->pad_begin, h->pad_end, w->pad_end},
                                   .dilations = {h->dilation, w->dilation},
                                   .group = p->group};
}

// Whether the channels of weight and input go together; in the words of conv2d.
static void check_channels(struct sc_scope *s, const struct sc_value *x,
                           const struct sc_value *weight, int64_t group)
{
    const int64_t c = x->shape.dim[1], m = weight->shape.dim[0], per = weight->shape.dim[1];
    if (c < 1 || m < 1)
        (void)sc_bad_node(s, "%s '%s' has no channels", c < 1 ? "input" : "weight",
                          sc_in_name(s, c < 1 ? 0 : 1));
    else if (group < 1)
        (void)sc_bad_node(s, "group is %" PRId64 ", expected at least 1", group);
    else if (c % group != 0)
        (void)sc_bad_node(
            s, "group %" PRId64 " does not divide the %" PRId64 " channels of input '%s'",
            group, c, sc_in_name(s, 0));
    else if (m % group != 0)
        (void)sc_bad_node(s,
                          "group %" PRId64 " does not divide the %" PRId64
                          " output channels of weight '%s'",
                          group, m, sc_in_name(s, 1));
    else if (per != c / group && group == 1)
        (void)sc_bad_node(s,
                          "weight '%s' has %" PRId64 " input channels, input '%s' has %" PRId64,
                          sc_in_name(s, 1), per, sc_in_name(s, 0), c);
    else if (per != c / group)
        (void)sc_bad_node(s,
                          "weight '%s' has %" PRId64 " input channels per group, input '%s' "
                          "has %" PRId64 " (%" PRId64 " channels in %" PRId64 " groups)",
                          sc_in_name(s, 1), per, sc_in_name(s, 0), c / group, c, group);
}

struct sc_value *sc_import_conv(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0), *const weight = sc_in(s, 1);
    struct sc_planes p = {0};
    if (!weight || !sc_spatial_begin(s, x, &p.w)) return NULL;
    sc_spatial_kernel_of_weight(s, weight, &p.w);
    sc_spatial_pad(&p.w, sc_spatial_read(s, &p.w));
    if (s->failed) return NULL;
    p.group = sc_attr_i(s, "group", 1);
    check_channels(s, x, weight, p.group);
    sc_spatial_outputs(s, &p.w, false);
    p.n = x->shape.dim[0];
    p.c = x->shape.dim[1];
    p.m = weight->shape.dim[0];
    sc_planes_init(s, &p);
    if (s->failed) return NULL;
    const union simclr_attr attr = {.conv2d = attributes(&p)};
    struct sc_value *const images = sc_planes_of_x(s, &p, x);
    struct sc_value *const y =
        sc_make(s, SIMCLR_OP_conv2d, &attr, images, sc_planes_of_weight(s, &p, weight));
    return add_bias(s, sc_planes_to_y(s, &p, y), sc_in(s, 2));
}

// ConvTranspose. Along one axis, n inputs reach
//     (n - 1) stride + (kernel - 1) dilation + 1
// outputs; output_padding adds zeros behind them, and pads cut off both ends.
struct reach {
    int64_t whole;   // the first of these, and output_padding
    int64_t padding; // output_padding
    int64_t extra;   // zeros to append after all
};

static struct reach reach_of(const struct sc_spatial_axis *a, int64_t padding)
{
    const int64_t extent = (a->kernel - 1) * a->dilation + 1;
    return (struct reach){.whole = (a->out - 1) * a->stride + extent + padding,
                          .padding = padding};
}

// Chooses pads such that `wanted` outputs remain. ONNX leaves open what happens if
// there are less than that to begin with: zeros are appended, as by output_padding.
static void pads_for(struct sc_spatial_axis *a, struct reach *r, int64_t wanted,
                     enum sc_auto_pad how)
{
    const int64_t total = r->whole > wanted ? r->whole - wanted : 0;
    a->pad_begin = how == SC_PAD_SAME_UPPER ? total / 2 : total - total / 2;
    a->pad_end = total - a->pad_begin;
    r->extra = wanted - (r->whole - total);
}

// Sets a->in, the number of outputs, for which the convolution whose adjoint this is
// has as many outputs as there are inputs: padding below the stride. The rest of it
// is cancelled by pads or appended.
static void settle(struct sc_scope *s, struct sc_spatial_axis *a, struct reach *r)
{
    const int64_t over = r->padding < a->stride ? 0 : r->padding - (a->stride - 1);
    const int64_t cancelled = over < a->pad_end ? over : a->pad_end;
    a->pad_end -= cancelled;
    a->in = r->whole - over - a->pad_begin - a->pad_end;
    r->extra += over - cancelled;
    if (a->in < 1 || a->in > SC_MAX_WINDOW - r->extra || a->pad_begin > SC_MAX_WINDOW ||
        a->pad_end > SC_MAX_WINDOW)
        (void)sc_bad_node(s,
                          "output along the %s has %" PRId64 " elements with pads of %" PRId64
                          " and %" PRId64 ", expected 1 to %d",
                          a->name, a->in, a->pad_begin, a->pad_end, (int)SC_MAX_WINDOW);
}

// output_padding, output_shape and auto_pad; the axes' outputs are x's extents.
static void read_outputs(struct sc_scope *s, struct sc_spatial *w, enum sc_auto_pad how,
                         struct reach *r)
{
    int64_t padding[SC_MAX_SPATIAL] = {0}, wanted[SC_MAX_SPATIAL];
    (void)sc_spatial_list(s, w, "output_padding", 0, padding);
    const bool is_given = sc_spatial_list(s, w, "output_shape", 1, wanted);
    for (int i = 0; i < w->n && !s->failed; i++) {
        struct sc_spatial_axis *const a = &w->axis[i];
        const int64_t limit = a->stride > a->dilation ? a->stride : a->dilation;
        if (padding[i] >= limit) {
            (void)sc_bad_node(s,
                              "output_padding along the %s is %" PRId64
                              ", expected less than stride or dilation, %" PRId64,
                              a->name, padding[i], limit);
            return;
        }
        a->out = a->in;
        r[i] = reach_of(a, padding[i]);
        if (is_given)
            pads_for(a, &r[i], wanted[i], how);
        else if (how >= SC_PAD_SAME_UPPER)
            pads_for(a, &r[i], a->out * a->stride, how);
        settle(s, a, &r[i]);
    }
}

static struct sc_value *append_zeros(struct sc_scope *s, struct sc_value *y,
                                     const struct sc_spatial *w, const struct reach *r)
{
    for (int i = 0; i < w->n; i++) {
        if (r[i].extra == 0 || !y) continue;
        struct simclr_shape zeros = y->shape;
        zeros.dim[2 + i] = r[i].extra;
        const union simclr_attr attr = {.axis = {.axis = 2 + i}};
        y = sc_make(s, SIMCLR_OP_concat, &attr, y, sc_fill(&s->b, 0, SIMCLR_f32, &zeros));
    }
    return y;
}

static void check_transposed_channels(struct sc_scope *s, const struct sc_value *x,
                                      const struct sc_value *weight, int64_t group)
{
    const int64_t m = x->shape.dim[1], c = weight->shape.dim[1];
    if (m < 1 || c < 1)
        (void)sc_bad_node(s, "%s '%s' has no channels", m < 1 ? "input" : "weight",
                          sc_in_name(s, m < 1 ? 0 : 1));
    else if (group < 1)
        (void)sc_bad_node(s, "group is %" PRId64 ", expected at least 1", group);
    else if (m % group != 0)
        (void)sc_bad_node(
            s, "group %" PRId64 " does not divide the %" PRId64 " channels of input '%s'",
            group, m, sc_in_name(s, 0));
    else if (weight->shape.dim[0] != m)
        (void)sc_bad_node(s,
                          "weight '%s' has %" PRId64 " input channels, input '%s' has %" PRId64,
                          sc_in_name(s, 1), weight->shape.dim[0], sc_in_name(s, 0), m);
}

struct sc_value *sc_import_conv_transpose(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0), *const weight = sc_in(s, 1);
    struct sc_planes p = {0};
    struct reach r[SC_MAX_SPATIAL] = {{0}};
    if (!weight || !sc_spatial_begin(s, x, &p.w)) return NULL;
    sc_spatial_kernel_of_weight(s, weight, &p.w);
    const enum sc_auto_pad how = sc_spatial_read(s, &p.w);
    if (s->failed) return NULL;
    p.group = sc_attr_i(s, "group", 1);
    check_transposed_channels(s, x, weight, p.group);
    read_outputs(s, &p.w, how, r);
    if (s->failed) return NULL;
    p.n = x->shape.dim[0];
    p.m = x->shape.dim[1];
    p.c = weight->shape.dim[1] * p.group;
    sc_planes_init(s, &p);
    const struct sc_attr_conv2d a = attributes(&p);
    const struct simclr_shape images = sc_planes_shape(&p);
    const union simclr_attr attr = {
        .conv2d_grad = {
            .strides = {a.strides[0], a.strides[1]},
            .pads = {a.pads[0], a.pads[1], a.pads[2], a.pads[3]},
            .dilations = {a.dilations[0], a.dilations[1]},
            .group = a.group,
            .shape = {4, {images.dim[0], images.dim[1], images.dim[2], images.dim[3]}}}};
    struct sc_value *const from = sc_planes_of_y(s, &p, x);
    struct sc_value *const y = sc_make(s, SIMCLR_OP_conv2d_grad_input, &attr, from,
                                       sc_planes_of_weight(s, &p, weight));
    return add_bias(s, append_zeros(s, sc_planes_to_x(s, &p, y), &p.w, r), sc_in(s, 2));
}
