// SPDX-License-Identifier: Apache-2.0
//
// Resize and Upsample. Interpolation is separable, and scales and sizes are known
// here, so each axis is a linear map of its own: of every output the taps and their
// weights, computed in double, become the tables of a resample.
//
// A scale is single precision and often stands for a fraction, 7/3 or 1/10. Extents are
// therefore the floor of the product in single precision, as in ONNX's shape inference,
// and nearest takes a position within that precision of a tie for the tie it was.
#include "compiler/onnx/importer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum mode { NEAREST, LINEAR, CUBIC };
static const char *const modes[] = {"nearest", "linear", "cubic"};

enum coordinates {
    HALF_PIXEL,
    PYTORCH_HALF_PIXEL,
    ALIGN_CORNERS,
    ASYMMETRIC,
    TF_CROP_AND_RESIZE,
    TF_HALF_PIXEL_FOR_NN, // until opset 12
    HALF_PIXEL_SYMMETRIC  // from opset 19
};
static const char *const coordinates[] = {
    "half_pixel",         "pytorch_half_pixel",   "align_corners",       "asymmetric",
    "tf_crop_and_resize", "tf_half_pixel_for_nn", "half_pixel_symmetric"};

enum rounding { ROUND_PREFER_FLOOR, ROUND_PREFER_CEIL, FLOOR, CEIL };
static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                        "ceil"};

enum policy { STRETCH, NOT_LARGER, NOT_SMALLER };
static const char *const policies[] = {"stretch", "not_larger", "not_smaller"};

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

struct resize {
    enum mode mode;
    enum coordinates coordinates;
    enum rounding rounding;
    bool is_simple; // opset 10: nearest goes down when enlarging, up when shrinking
    double cubic_coeff_a, extrapolation_value;
    bool exclude_outside, antialias;
};

// One axis. The scale, output by input, is a fraction, so that sizes give exact
// positions.
struct span {
    int64_t n_in, n_out;
    double scale_n, scale_d;
    double length;     // of the output before it was rounded down to n_out
    bool is_rounded;   // the scale is single precision
    double start, end; // of the region of interest, 0 to 1
};

// The number of a word in a list; 0, after reporting, if it is not there.
static int word(struct sc_scope *s, const char *name, const char *const *list, int n)
{
    const char *const value = sc_attr_s(s, name, list[0]);
    struct sc_str expected = {0};
    int found = -1;
    for (int i = 0; i < n; i++) {
        if (!strcmp(value, list[i])) found = i;
        const char *const before = i == 0 ? "" : i + 1 == n ? " or " : ", ";
        sc_str_printf(&expected, "%s%s", before, list[i]);
    }
    if (found < 0)
        (void)sc_bad_node(s, "attribute '%s' is '%s', expected %s", name, value,
                          sc_str_text(&expected));
    sc_str_free(&expected);
    return found < 0 ? 0 : found;
}

// ---- Positions and taps ----

static double position(const struct resize *r, const struct span *a, int64_t i)
{
    const double last = (double)a->n_in - 1, at = (double)i;
    const double half = (at + 0.5) * a->scale_d / a->scale_n - 0.5;
    switch (r->coordinates) {
    case HALF_PIXEL: return half;
    case PYTORCH_HALF_PIXEL: return a->n_out > 1 ? half : 0;
    case ALIGN_CORNERS: return a->n_out > 1 ? at * last / (a->length - 1) : 0;
    case ASYMMETRIC: return at * a->scale_d / a->scale_n;
    case TF_HALF_PIXEL_FOR_NN: return half + 0.5;
    case TF_CROP_AND_RESIZE:
        if (a->n_out <= 1) return 0.5 * (a->start + a->end) * last;
        return a->start * last + at * (a->end - a->start) * last / (a->length - 1);
    case HALF_PIXEL_SYMMETRIC:
        return (double)a->n_in / 2 * (1 - (double)a->n_out / a->length) + half;
    }
    return half;
}

static bool is_outside(const struct resize *r, const struct span *a, int64_t i)
{
    const double x = position(r, a, i);
    return r->coordinates == TF_CROP_AND_RESIZE && (x < 0 || x > (double)a->n_in - 1);
}

static int64_t clamp(double x, int64_t n)
{
    return x < 0 ? 0 : x > (double)n - 1 ? n - 1 : (int64_t)x;
}

static int64_t nearest(const struct resize *r, const struct span *a, double x)
{
    const double tie = round(2 * x) / 2;
    if (a->is_rounded && fabs(x - tie) <= (fabs(x) + 1) * 0x1p-23) x = tie;
    if (r->is_simple) return clamp(a->scale_n < a->scale_d ? ceil(x) : floor(x), a->n_in);
    switch (r->rounding) {
    case ROUND_PREFER_FLOOR: return clamp(ceil(x - 0.5), a->n_in);
    case ROUND_PREFER_CEIL: return clamp(floor(x + 0.5), a->n_in);
    case FLOOR: return clamp(floor(x), a->n_in);
    case CEIL: return clamp(ceil(x), a->n_in);
    }
    return 0;
}

// The triangle, or Keys' cubic convolution (1981), equation 4 with a = cubic_coeff_a.
static double kernel(const struct resize *r, double x)
{
    const double a = r->cubic_coeff_a;
    x = fabs(x);
    if (r->mode == LINEAR) return x < 1 ? 1 - x : 0;
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

// How much wider than its own pixel an input is seen by the kernel.
static double stretch(const struct resize *r, const struct span *a)
{
    return r->antialias && a->scale_n < a->scale_d ? a->scale_d / a->scale_n : 1;
}

// The taps of one output: the kernel around x. What lies beyond an end counts as the
// element there, unless it is excluded.
static void fill_row(const struct resize *r, const struct span *a, double x, int64_t n_taps,
                     int64_t *index, double *weight)
{
    const double wide = stretch(r, a), reach = (r->mode == LINEAR ? 1 : 2) * wide;
    const double first = ceil(x - reach), last = floor(x + reach);
    const int64_t begin = clamp(first, a->n_in);
    double total = 0;
    for (double i = first; i <= last; i++) {
        if (r->exclude_outside && (i < 0 || i >= (double)a->n_in)) continue;
        const double w = kernel(r, (i - x) / wide);
        const int64_t slot = clamp(i, a->n_in) - begin;
        if (slot >= n_taps) continue; // nothing but rounding: the kernel is 0 there
        index[slot] = begin + slot;
        weight[slot] += w;
        total += w;
    }
    const bool is_normalised = (r->exclude_outside || r->antialias) && total != 0;
    for (int64_t t = 0; is_normalised && t < n_taps; t++)
        weight[t] /= total;
}

static struct sc_value *resize_axis(struct sc_scope *s, const struct resize *r,
                                    struct sc_value *x, int64_t axis, const struct span *a)
{
    if (r->mode == NEAREST) {
        int64_t *const index = SC_NEW_ARRAY(s->m->arena, int64_t, (size_t)a->n_out);
        for (int64_t i = 0; i < a->n_out; i++)
            index[i] = nearest(r, a, position(r, a, i));
        return sc_make_select(s, x, axis, index, a->n_out);
    }
    const double width = 2 * (r->mode == LINEAR ? 1 : 2) * stretch(r, a) + 1;
    const int64_t n_taps = width < (double)a->n_in ? (int64_t)width : a->n_in;
    const struct sc_taps taps = sc_taps_new(s, a->n_out, n_taps);
    for (int64_t i = 0; i < a->n_out; i++) {
        if (is_outside(r, a, i)) continue;
        fill_row(r, a, position(r, a, i), n_taps, taps.index + i * n_taps,
                 taps.weight + i * n_taps);
    }
    return sc_make_resample(s, x, axis, &taps);
}

// Outputs of tf_crop_and_resize that lie outside along any axis have one given value.
static struct sc_value *extrapolate(struct sc_scope *s, const struct resize *r,
                                    struct sc_value *y, const struct span *spans)
{
    struct sc_value *is_inside = NULL;
    for (int32_t axis = 0; y && axis < y->shape.rank; axis++) {
        const struct span *const a = &spans[axis];
        bool *const inside = SC_NEW_ARRAY(s->m->arena, bool, (size_t)a->n_out);
        bool is_all = true;
        for (int64_t i = 0; i < a->n_out; i++) {
            inside[i] = !is_outside(r, a, i);
            is_all = is_all && inside[i];
        }
        if (is_all) continue;
        struct simclr_shape shape = {.rank = y->shape.rank};
        for (int32_t i = 0; i < shape.rank; i++)
            shape.dim[i] = i == axis ? a->n_out : 1;
        struct sc_value *const one =
            sc_graph_constant(s->b.graph, SIMCLR_bool, &shape, inside, NULL);
        is_inside = is_inside ? sc_make(s, SIMCLR_OP_and, NULL, is_inside, one) : one;
    }
    if (!is_inside || !y) return y;
    return sc_make(s, SIMCLR_OP_where, NULL, is_inside, y,
                   sc_make_scalar(s, r->extrapolation_value, y->dtype));
}

// What shrinks most goes first, for then the others have less to do; of two that shrink
// or grow alike, a shrinking one in memory order and a growing one from the last.
static bool goes_before(const struct span *a, const struct span *b, bool a_is_first)
{
    const double left = (double)a->n_out * (double)b->n_in;
    const double right = (double)b->n_out * (double)a->n_in;
    return left != right ? left < right : a_is_first == (a->n_out < a->n_in);
}

static struct sc_value *resample(struct sc_scope *s, const struct resize *r,
                                 const struct span *spans)
{
    struct sc_value *y = sc_in(s, 0);
    const int32_t rank = y->shape.rank;
    bool is_done[SIMCLR_MAX_RANK] = {false};
    for (int32_t step = 0; step < rank && y; step++) {
        int32_t next = -1;
        for (int32_t i = 0; i < rank; i++) {
            if (!is_done[i] && (next < 0 || !goes_before(&spans[next], &spans[i], true)))
                next = i;
        }
        is_done[next] = true;
        y = resize_axis(s, r, y, next, &spans[next]);
    }
    return extrapolate(s, r, y, spans);
}

// ---- Extents ----

// One axis longer than this is a mistake in a file: its table would fill the memory.
enum { MAX_EXTENT = 1 << 24 };

static bool check_extents(struct sc_scope *s, int64_t axis, const struct span *a)
{
    if (a->n_in == 0 && a->n_out > 0)
        (void)sc_bad_node(s, "axis %" PRId64 " has no elements to make %" PRId64 " of", axis,
                          a->n_out);
    else if (a->n_in > MAX_EXTENT)
        (void)sc_bad_node(s, "axis %" PRId64 " has %" PRId64 " elements, expected at most %d",
                          axis, a->n_in, MAX_EXTENT);
    return !s->failed;
}

// Reads scales into the spans of the axes listed.
static void apply_scales(struct sc_scope *s, const struct resize *r, const int64_t *axes,
                         const struct sc_floats *scales, struct span *spans)
{
    for (int64_t i = 0; i < scales->n && !s->failed; i++) {
        struct span *const a = &spans[axes[i]];
        const double scale = scales->v[i];
        if (!(scale > 0) || isinf(scale)) {
            (void)sc_bad_node(s, "the scale of axis %" PRId64 " is %g, expected more than 0",
                              axes[i], scale);
            return;
        }
        const bool is_cropped = r->coordinates == TF_CROP_AND_RESIZE;
        const float n = (float)a->n_in * (float)(is_cropped ? a->end - a->start : 1);
        const float length = n * (float)scale;
        if (length >= MAX_EXTENT || (length < 1 && a->n_in > 0)) {
            (void)sc_bad_node(s,
                              "the scale of axis %" PRId64 " is %g and makes %g of %" PRId64
                              " elements, expected 1 to %d",
                              axes[i], scale, (double)floorf(length), a->n_in, MAX_EXTENT);
            return;
        }
        a->n_out = (int64_t)length;
        a->length = (double)length;
        a->scale_n = scale;
        a->scale_d = 1;
        a->is_rounded = true;
        (void)check_extents(s, axes[i], a);
    }
}

// Reads sizes; a policy other than stretch gives all axes listed the scale of one.
static void apply_sizes(struct sc_scope *s, enum policy policy, const int64_t *axes,
                        const struct sc_ints *sizes, struct span *spans)
{
    const struct span *chosen = NULL;
    for (int64_t i = 0; i < sizes->n && !s->failed; i++) {
        struct span *const a = &spans[axes[i]];
        if (sizes->v[i] > MAX_EXTENT || sizes->v[i] < (a->n_in > 0)) {
            (void)sc_bad_node(s,
                              "the size of axis %" PRId64 " is %" PRId64 ", expected 1 to %d",
                              axes[i], sizes->v[i], MAX_EXTENT);
            return;
        }
        a->n_out = sizes->v[i];
        a->length = a->scale_n = (double)a->n_out;
        a->scale_d = (double)a->n_in;
        const bool is_less =
            chosen && a->scale_n * chosen->scale_d < chosen->scale_n * a->scale_d;
        if (!chosen || is_less == (policy == NOT_LARGER)) chosen = a;
        (void)check_extents(s, axes[i], a);
    }
    if (policy == STRETCH || !chosen || s->failed) return;
    const double scale_n = chosen->scale_n, scale_d = chosen->scale_d;
    for (int64_t i = 0; i < sizes->n; i++) {
        struct span *const a = &spans[axes[i]];
        a->scale_n = scale_n;
        a->scale_d = scale_d;
        a->length = (double)a->n_in * scale_n / scale_d;
        a->n_out = (int64_t)floor(a->length + 0.5);
        if (a->n_out < 1 || a->n_out > MAX_EXTENT) {
            (void)sc_bad_node(s,
                              "axis %" PRId64 " becomes %" PRId64
                              " elements to keep the aspect ratio, expected 1 to %d",
                              axes[i], a->n_out, MAX_EXTENT);
            return;
        }
    }
}

static bool check_count(struct sc_scope *s, const char *what, int64_t found, int64_t expected)
{
    if (found == expected) return true;
    (void)sc_bad_node(s, "'%s' has %" PRId64 " values, expected %" PRId64, what, found,
                      expected);
    return false;
}

static void init_spans(const struct sc_value *x, struct span *spans)
{
    for (int32_t i = 0; i < x->shape.rank; i++) {
        const int64_t n = x->shape.dim[i];
        spans[i] = (struct span){
            .n_in = n, .n_out = n, .scale_n = 1, .scale_d = 1, .length = (double)n, .end = 1};
    }
}

static bool is_float(struct sc_scope *s, const struct resize *r, const struct sc_value *x)
{
    if (r->mode == NEAREST || x->dtype == SIMCLR_f32) return true;
    (void)sc_bad_node(s, "mode '%s' of %s elements is not supported, expected float",
                      modes[r->mode], simclr_dtype_name(x->dtype));
    return false;
}

// ---- The operators ----

// Of the old forms all scales are given, and positions are those of asymmetric.
static struct sc_value *resize_old(struct sc_scope *s, const struct sc_floats *scales,
                                   double least)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x || s->failed) return NULL;
    const char *const mode = sc_attr_s(s, "mode", modes[NEAREST]);
    struct resize r = {.coordinates = ASYMMETRIC, .is_simple = true};
    // "bilinear" is what exporters wrote before opset 9 fixed the word.
    r.mode = strcmp(mode, "bilinear") != 0 ? (enum mode)word(s, "mode", modes, 2) : LINEAR;
    struct span spans[SIMCLR_MAX_RANK];
    int64_t axes[SIMCLR_MAX_RANK];
    init_spans(x, spans);
    for (int32_t i = 0; i < x->shape.rank; i++)
        axes[i] = i;
    if (s->failed || !check_count(s, "scales", scales->n, x->shape.rank) || !is_float(s, &r, x))
        return NULL;
    for (int64_t i = 0; i < scales->n; i++) {
        if (scales->v[i] < least)
            return sc_bad_node(s, "the scale of axis %" PRId64 " is %g, expected %g or more", i,
                               scales->v[i], least);
    }
    apply_scales(s, &r, axes, scales, spans);
    return s->failed ? NULL : resample(s, &r, spans);
}

struct sc_value *sc_import_upsample_old(struct sc_scope *s)
{
    struct sc_floats scales;
    if (!sc_attr_floats(s, "scales", &scales))
        return sc_bad_node(s, "attribute 'scales' is missing");
    return resize_old(s, &scales, 1);
}

struct sc_value *sc_import_upsample(struct sc_scope *s)
{
    struct sc_floats scales;
    return sc_in_floats(s, 1, "scales", &scales) ? resize_old(s, &scales, 1) : NULL;
}

struct sc_value *sc_import_resize_old(struct sc_scope *s)
{
    struct sc_floats scales;
    return sc_in_floats(s, 1, "scales", &scales) ? resize_old(s, &scales, 0) : NULL;
}

static struct resize read_resize(struct sc_scope *s)
{
    struct resize r = {
        .mode = (enum mode)word(s, "mode", modes, COUNT(modes)),
        .coordinates = (enum coordinates)word(s, "coordinate_transformation_mode", coordinates,
                                              COUNT(coordinates)),
        .rounding = (enum rounding)word(s, "nearest_mode", roundings, COUNT(roundings)),
        .cubic_coeff_a = sc_attr_f(s, "cubic_coeff_a", -0.75),
        .exclude_outside = sc_attr_i(s, "exclude_outside", 0) != 0,
        .extrapolation_value = sc_attr_f(s, "extrapolation_value", 0),
        .antialias = sc_attr_i(s, "antialias", 0) != 0,
    };
    const bool is_gone = r.coordinates == TF_HALF_PIXEL_FOR_NN && s->opset >= 13;
    const bool is_to_come = r.coordinates == HALF_PIXEL_SYMMETRIC && s->opset < 19;
    if (is_gone || is_to_come)
        (void)sc_bad_node(s,
                          "attribute 'coordinate_transformation_mode' is '%s', which opset "
                          "%" PRId64 " does not have",
                          coordinates[r.coordinates], s->opset);
    return r;
}

// An input that is there and has elements: an empty one stands for none.
static bool has_values(struct sc_scope *s, int i)
{
    const struct sc_value *const v = sc_has_in(s, i) ? sc_in(s, i) : NULL;
    return v && simclr_shape_count(&v->shape) > 0;
}

// The axes that sizes, scales and roi speak of: all, or those of the attribute.
static int64_t read_axes(struct sc_scope *s, int32_t rank, int64_t *axes)
{
    struct sc_ints list;
    const bool is_given = sc_attr_ints(s, "axes", &list) && list.n > 0;
    const int64_t n = is_given ? list.n : rank;
    bool is_taken[SIMCLR_MAX_RANK] = {false};
    if (n > rank) {
        (void)sc_bad_node(s, "attribute 'axes' has %" PRId64 " values, expected at most %d", n,
                          (int)rank);
        return 0;
    }
    for (int64_t i = 0; i < n; i++) {
        axes[i] = is_given ? sc_axis(s, list.v[i], rank) : i;
        if (s->failed) return 0;
        if (is_taken[axes[i]]) {
            (void)sc_bad_node(s, "axis %" PRId64 " is given twice, expected once", axes[i]);
            return 0;
        }
        is_taken[axes[i]] = true;
    }
    return n;
}

static void read_roi(struct sc_scope *s, const int64_t *axes, int64_t n, struct span *spans)
{
    struct sc_floats roi;
    if (!has_values(s, 1)) {
        (void)sc_bad_node(s, "input 'roi' is missing, which tf_crop_and_resize needs");
        return;
    }
    if (!sc_in_floats(s, 1, "roi", &roi) || !check_count(s, "roi", roi.n, 2 * n)) return;
    for (int64_t i = 0; i < n; i++) {
        spans[axes[i]].start = roi.v[i];
        spans[axes[i]].end = roi.v[n + i];
    }
}

struct sc_value *sc_import_resize(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    const struct resize r = read_resize(s);
    const enum policy policy =
        (enum policy)word(s, "keep_aspect_ratio_policy", policies, COUNT(policies));
    struct span spans[SIMCLR_MAX_RANK];
    int64_t axes[SIMCLR_MAX_RANK];
    init_spans(x, spans);
    const int64_t n = read_axes(s, x->shape.rank, axes);
    if (s->failed || !is_float(s, &r, x)) return NULL;
    if (r.coordinates == TF_CROP_AND_RESIZE) read_roi(s, axes, n, spans);
    struct sc_floats scales;
    struct sc_ints sizes;
    if (has_values(s, 2) == has_values(s, 3))
        return sc_bad_node(
            s, has_values(s, 2) ? "it has both 'scales' and 'sizes', expected one of them"
                                : "it has neither 'scales' nor 'sizes', expected one of them");
    if (s->failed) return NULL;
    if (has_values(s, 2)) {
        if (sc_in_floats(s, 2, "scales", &scales) && check_count(s, "scales", scales.n, n))
            apply_scales(s, &r, axes, &scales, spans);
    } else if (sc_in_ints(s, 3, "sizes", &sizes) && check_count(s, "sizes", sizes.n, n)) {
        apply_sizes(s, policy, axes, &sizes, spans);
    }
    return s->failed ? NULL : resample(s, &r, spans);
}
