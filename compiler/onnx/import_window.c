// SPDX-License-Identifier: Apache-2.0
#include "compiler/onnx/import_window.h"

#include <inttypes.h>
#include <string.h>

static const char *const names[SC_MAX_SPATIAL][SC_MAX_SPATIAL] = {
    {"length"}, {"height", "width"}, {"depth", "height", "width"}};

struct sc_spatial_axis sc_spatial_unit(int64_t n)
{
    return (struct sc_spatial_axis){.in = n, .out = n, .kernel = 1, .stride = 1, .dilation = 1};
}

static bool check_extent(struct sc_scope *s, const struct sc_spatial_axis *a, const char *what,
                         int64_t value, int64_t least)
{
    if (value >= least && value <= SC_MAX_WINDOW) return true;
    (void)sc_bad_node(s, "%s along the %s is %" PRId64 ", expected %" PRId64 " to %d", what,
                      a->name, value, least, (int)SC_MAX_WINDOW);
    return false;
}

bool sc_spatial_begin(struct sc_scope *s, const struct sc_value *x, struct sc_spatial *w)
{
    if (!x) return false;
    const int32_t n = x->shape.rank - 2;
    if (n < 1 || n > SC_MAX_SPATIAL) {
        (void)sc_bad_node(s,
                          "input '%s' has rank %d, expected 3 to 5 (one to three spatial axes)",
                          sc_in_name(s, 0), (int)x->shape.rank);
        return false;
    }
    *w = (struct sc_spatial){.n = n};
    for (int i = 0; i < n; i++) {
        w->axis[i] = sc_spatial_unit(x->shape.dim[2 + i]);
        w->axis[i].name = names[n - 1][i];
        if (!check_extent(s, &w->axis[i], "input", w->axis[i].in, 1)) return false;
    }
    return true;
}

// `n` values from `least`; false if there are none, or wrong ones.
static bool read_list(struct sc_scope *s, const char *name, int64_t n, int64_t least,
                      int64_t *out)
{
    struct sc_ints list;
    if (!sc_attr_ints(s, name, &list)) return false;
    if (list.n != n) {
        (void)sc_bad_node(s, "attribute '%s' has %" PRId64 " values, expected %" PRId64, name,
                          list.n, n);
        return false;
    }
    for (int64_t i = 0; i < n; i++) {
        out[i] = list.v[i];
        if (out[i] >= least && out[i] <= SC_MAX_WINDOW) continue;
        (void)sc_bad_node(
            s, "attribute '%s' has the value %" PRId64 ", expected at %s %" PRId64, name,
            out[i], out[i] < least ? "least" : "most", out[i] < least ? least : SC_MAX_WINDOW);
        return false;
    }
    return true;
}

bool sc_spatial_list(struct sc_scope *s, const struct sc_spatial *w, const char *name,
                     int64_t least, int64_t *out)
{
    return read_list(s, name, w->n, least, out);
}

void sc_attr_since(struct sc_scope *s, const char *name, int64_t since)
{
    if (s->opset < since && sc_has_attr(s, name))
        (void)sc_bad_node(
            s, "attribute '%s' came with opset %" PRId64 ", the model has opset %" PRId64, name,
            since, s->opset);
}

void sc_spatial_kernel_of_weight(struct sc_scope *s, const struct sc_value *weight,
                                 struct sc_spatial *w)
{
    if (weight->shape.rank != w->n + 2) {
        (void)sc_bad_node(s, "weight '%s' has rank %d, expected %d", sc_in_name(s, 1),
                          (int)weight->shape.rank, w->n + 2);
        return;
    }
    int64_t given[SC_MAX_SPATIAL];
    const bool is_given = sc_spatial_list(s, w, "kernel_shape", 1, given);
    struct sc_str found = {0}, expected = {0};
    bool is_same = true;
    for (int i = 0; i < w->n; i++) {
        w->axis[i].kernel = weight->shape.dim[2 + i];
        (void)check_extent(s, &w->axis[i], "kernel", w->axis[i].kernel, 1);
        is_same = is_same && (!is_given || given[i] == w->axis[i].kernel);
        if (is_given) sc_str_printf(&found, "%s%" PRId64, i > 0 ? "x" : "", given[i]);
        sc_str_printf(&expected, "%s%" PRId64, i > 0 ? "x" : "", w->axis[i].kernel);
    }
    if (!is_same)
        (void)sc_bad_node(s, "attribute 'kernel_shape' is %s, the weight '%s' is %s",
                          sc_str_text(&found), sc_in_name(s, 1), sc_str_text(&expected));
    sc_str_free(&found);
    sc_str_free(&expected);
}

void sc_spatial_kernel(struct sc_scope *s, struct sc_spatial *w)
{
    if (!sc_has_attr(s, "kernel_shape")) {
        (void)sc_bad_node(s, "attribute 'kernel_shape' is missing");
        return;
    }
    int64_t kernel[SC_MAX_SPATIAL];
    if (!sc_spatial_list(s, w, "kernel_shape", 1, kernel)) return;
    for (int i = 0; i < w->n; i++)
        w->axis[i].kernel = kernel[i];
}

static enum sc_auto_pad read_auto_pad(struct sc_scope *s)
{
    static const char *const words[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};
    const char *const how = sc_attr_s(s, "auto_pad", "");
    if (!*how) return SC_PAD_NOTSET;
    for (int i = 0; i < 4; i++) {
        if (!strcmp(how, words[i])) return (enum sc_auto_pad)i;
    }
    (void)sc_bad_node(
        s, "attribute 'auto_pad' is '%s', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER",
        how);
    return SC_PAD_NOTSET;
}

enum sc_auto_pad sc_spatial_read(struct sc_scope *s, struct sc_spatial *w)
{
    int64_t strides[SC_MAX_SPATIAL], dilations[SC_MAX_SPATIAL], pads[2 * SC_MAX_SPATIAL];
    const bool has_strides = sc_spatial_list(s, w, "strides", 1, strides);
    const bool has_dilations = sc_spatial_list(s, w, "dilations", 1, dilations);
    const bool has_pads = read_list(s, "pads", 2 * (int64_t)w->n, 0, pads);
    const enum sc_auto_pad how = read_auto_pad(s);
    for (int i = 0; i < w->n; i++) {
        if (has_strides) w->axis[i].stride = strides[i];
        if (has_dilations) w->axis[i].dilation = dilations[i];
        if (!has_pads || how != SC_PAD_NOTSET) continue;
        w->axis[i].pad_begin = pads[i];
        w->axis[i].pad_end = pads[w->n + i];
    }
    return how;
}

static int64_t extent_of(const struct sc_spatial_axis *a)
{
    return (a->kernel - 1) * a->dilation + 1;
}

void sc_spatial_pad(struct sc_spatial *w, enum sc_auto_pad how)
{
    for (int i = 0; i < w->n && how >= SC_PAD_SAME_UPPER; i++) {
        struct sc_spatial_axis *const a = &w->axis[i];
        const int64_t out = (a->in + a->stride - 1) / a->stride;
        const int64_t need = (out - 1) * a->stride + extent_of(a) - a->in;
        const int64_t pad = need > 0 ? need : 0;
        a->pad_begin = how == SC_PAD_SAME_LOWER ? pad - pad / 2 : pad / 2;
        a->pad_end = pad - a->pad_begin;
    }
}

void sc_spatial_outputs(struct sc_scope *s, struct sc_spatial *w, bool ceil_mode)
{
    for (int i = 0; i < w->n && !s->failed; i++) {
        struct sc_spatial_axis *const a = &w->axis[i];
        if (!check_extent(s, a, "padding", a->pad_begin, 0) ||
            !check_extent(s, a, "padding", a->pad_end, 0))
            return;
        const int64_t padded = a->in + a->pad_begin + a->pad_end;
        const int64_t room = padded - extent_of(a);
        if (room < 0) {
            (void)sc_bad_node(s,
                              "kernel covers %" PRId64 " along the %s, the padded input has "
                              "%" PRId64,
                              extent_of(a), a->name, padded);
            return;
        }
        a->out = (ceil_mode ? room + a->stride - 1 : room) / a->stride + 1;
        // A window that starts in the padding behind the input is none.
        if (ceil_mode && (a->out - 1) * a->stride >= a->in + a->pad_begin) a->out--;
    }
}

bool sc_spatial_is_unit(const struct sc_spatial_axis *a)
{
    return a->kernel == 1 && a->stride == 1 && a->pad_begin == 0 && a->pad_end == 0;
}

// Whether the two are one axis, taken element by element.
static bool joins(const struct sc_spatial_axis *a, const struct sc_spatial_axis *b)
{
    return sc_spatial_is_unit(a) && sc_spatial_is_unit(b) && b->in > 0 &&
           a->in <= SC_MAX_WINDOW / b->in;
}

bool sc_spatial_to_plane(const struct sc_spatial *w, struct sc_spatial_axis two[2])
{
    const struct sc_spatial_axis *const a = w->axis;
    two[0] = w->n == 1 ? sc_spatial_unit(1) : a[w->n - 2];
    two[1] = a[w->n - 1];
    if (w->n < 3) return true;
    if (joins(&a[1], &a[2])) {
        two[0] = a[0];
        two[1] = sc_spatial_unit(a[1].in * a[2].in);
        return true;
    }
    if (joins(&a[0], &a[1])) {
        two[0] = sc_spatial_unit(a[0].in * a[1].in);
        return true;
    }
    return false;
}

struct simclr_shape sc_spatial_shape(int64_t n, int64_t c, const struct sc_spatial *w,
                                     bool is_output)
{
    struct simclr_shape shape = {.rank = 2 + w->n, .dim = {n, c}};
    for (int i = 0; i < w->n; i++)
        shape.dim[2 + i] = is_output ? w->axis[i].out : w->axis[i].in;
    return shape;
}
