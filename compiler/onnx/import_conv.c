// SPDX-License-Identifier: Apache-2.0
//
// Convolution and pooling over images: two spatial axes.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

#include <inttypes.h>
#include <string.h>

// The window's attributes as ONNX gives them, for both axes.
struct window {
    int64_t kernel[2], strides[2], dilations[2], pads[4];
    bool ceil_mode;
};

static void read_list(struct sc_scope *s, const char *name, int64_t *out, int64_t n,
                      int64_t least)
{
    struct sc_ints list;
    if (!sc_attr_ints(s, name, &list)) return;
    if (list.n != n) {
        (void)sc_bad_node(s, "attribute '%s' has %" PRId64 " values, expected %" PRId64, name,
                          list.n, n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        if (list.v[i] < least || list.v[i] > INT32_MAX) {
            (void)sc_bad_node(
                s, "attribute '%s' has the value %" PRId64 ", expected at least %" PRId64, name,
                list.v[i], least);
            return;
        }
        out[i] = list.v[i];
    }
}

// SAME: as many outputs as inputs over the stride, an odd pad at the end (UPPER)
// or at the beginning (LOWER).
static void pad_same(struct window *w, const struct sc_value *x, bool lower)
{
    for (int axis = 0; axis < 2; axis++) {
        const int64_t in = x->shape.dim[2 + axis];
        const int64_t out = (in + w->strides[axis] - 1) / w->strides[axis];
        const int64_t reach = w->dilations[axis] * (w->kernel[axis] - 1) + 1;
        const int64_t need = (out - 1) * w->strides[axis] + reach - in;
        const int64_t pad = need > 0 ? need : 0;
        w->pads[axis] = lower ? pad - pad / 2 : pad / 2;
        w->pads[axis + 2] = pad - w->pads[axis];
    }
}

// Fills all but the kernel, which has its place in `w` already.
static void read_window(struct sc_scope *s, const struct sc_value *x, struct window *w)
{
    for (int i = 0; i < 2; i++)
        w->strides[i] = w->dilations[i] = 1;
    read_list(s, "strides", w->strides, 2, 1);
    read_list(s, "dilations", w->dilations, 2, 1);
    read_list(s, "pads", w->pads, 4, 0);
    w->ceil_mode = sc_attr_i(s, "ceil_mode", 0) != 0;
    const char *const how = sc_attr_s(s, "auto_pad", "NOTSET");
    if (!strcmp(how, "SAME_UPPER") || !strcmp(how, "SAME_LOWER"))
        pad_same(w, x, !strcmp(how, "SAME_LOWER"));
    else if (!strcmp(how, "VALID"))
        memset(w->pads, 0, sizeof w->pads);
    else if (strcmp(how, "NOTSET") != 0 && *how)
        (void)sc_bad_node(s,
                          "attribute 'auto_pad' is '%s', expected NOTSET, VALID, SAME_UPPER "
                          "or SAME_LOWER",
                          how);
}

static bool is_image(struct sc_scope *s, const struct sc_value *x)
{
    if (x && x->shape.rank == 4) return true;
    if (x)
        (void)sc_bad_node(s, "input '%s' has rank %d, expected 4 (two spatial axes)",
                          sc_in_name(s, 0), (int)x->shape.rank);
    return false;
}

static void check_kernel(struct sc_scope *s, const struct sc_value *weight)
{
    int64_t kernel[2] = {weight->shape.dim[2], weight->shape.dim[3]};
    read_list(s, "kernel_shape", kernel, 2, 1);
    if (kernel[0] != weight->shape.dim[2] || kernel[1] != weight->shape.dim[3])
        (void)sc_bad_node(s,
                          "attribute 'kernel_shape' is %" PRId64 "x%" PRId64
                          ", the weight '%s' is %" PRId64 "x%" PRId64,
                          kernel[0], kernel[1], sc_in_name(s, 1), weight->shape.dim[2],
                          weight->shape.dim[3]);
}

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
    const struct simclr_shape shape = {4, {1, y->shape.dim[1], 1, 1}};
    return sc_make(s, SIMCLR_OP_add, NULL, y, sc_make_reshape(s, bias, &shape));
}

struct sc_value *sc_import_conv(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0), *const weight = sc_in(s, 1);
    if (!is_image(s, x) || !weight) return NULL;
    if (weight->shape.rank != 4)
        return sc_bad_node(s, "weight '%s' has rank %d, expected 4", sc_in_name(s, 1),
                           (int)weight->shape.rank);
    check_kernel(s, weight);
    struct window w = {.kernel = {weight->shape.dim[2], weight->shape.dim[3]}};
    read_window(s, x, &w);
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_conv2d);
    memcpy(attr.conv2d.strides, w.strides, sizeof w.strides);
    memcpy(attr.conv2d.dilations, w.dilations, sizeof w.dilations);
    memcpy(attr.conv2d.pads, w.pads, sizeof w.pads);
    attr.conv2d.group = sc_attr_i(s, "group", 1);
    return add_bias(s, sc_make(s, SIMCLR_OP_conv2d, &attr, x, weight), sc_in(s, 2));
}

static struct sc_value *pool(struct sc_scope *s, enum simclr_op op, bool count_include_pad)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!is_image(s, x)) return NULL;
    if (!sc_has_attr(s, "kernel_shape"))
        return sc_bad_node(s, "attribute 'kernel_shape' is missing");
    struct window w = {0};
    read_list(s, "kernel_shape", w.kernel, 2, 1);
    if (s->failed) return NULL;
    read_window(s, x, &w);
    union simclr_attr attr = sc_attr_default(op);
    memcpy(attr.pool2d.kernel, w.kernel, sizeof w.kernel);
    memcpy(attr.pool2d.strides, w.strides, sizeof w.strides);
    memcpy(attr.pool2d.dilations, w.dilations, sizeof w.dilations);
    memcpy(attr.pool2d.pads, w.pads, sizeof w.pads);
    attr.pool2d.ceil_mode = w.ceil_mode;
    attr.pool2d.count_include_pad = count_include_pad;
    return sc_make(s, op, &attr, x);
}

struct sc_value *sc_import_max_pool(struct sc_scope *s)
{
    return pool(s, SIMCLR_OP_max_pool2d, false);
}

struct sc_value *sc_import_average_pool(struct sc_scope *s)
{
    return pool(s, SIMCLR_OP_avg_pool2d, sc_attr_i(s, "count_include_pad", 0) != 0);
}

// Over all axes from the second on, which stay as ones.
static struct sc_value *global_pool(struct sc_scope *s, enum simclr_op op)
{
    struct sc_value *const x = sc_in(s, 0);
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
    return global_pool(s, SIMCLR_OP_reduce_mean);
}

struct sc_value *sc_import_global_max_pool(struct sc_scope *s)
{
    return global_pool(s, SIMCLR_OP_reduce_max);
}
