// SPDX-License-Identifier: Apache-2.0
//
// Elements in other places: DepthToSpace, SpaceToDepth, Trilu, ReverseSequence.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

#include <inttypes.h>
#include <string.h>

// x seen with the extents of `view`, transposed, seen with those of `shape`.
static struct sc_value *rearrange(struct sc_scope *s, struct sc_value *x,
                                  const struct simclr_shape *view, const int64_t *perm,
                                  const struct simclr_shape *shape)
{
    struct simclr_dims order = {.n = view->rank};
    memcpy(order.v, perm, (size_t)view->rank * sizeof *perm);
    x = sc_make_transpose(s, sc_make_reshape(s, x, view), &order);
    return sc_make_reshape(s, x, shape);
}

static int64_t read_block_size(struct sc_scope *s, const struct sc_value *x)
{
    const int64_t size = sc_attr_i(s, "blocksize", 0);
    if (x->shape.rank != 4)
        (void)sc_bad_node(s, "input '%s' has rank %d, expected 4", sc_in_name(s, 0),
                          (int)x->shape.rank);
    else if (size < 1 || size > INT32_MAX)
        (void)sc_bad_node(s, "attribute 'blocksize' is %" PRId64 ", expected at least 1", size);
    return size;
}

// DCR: channels are [block row, block column, c]; CRD: [c, block row, block column].
static bool is_crd(struct sc_scope *s, int since)
{
    const char *const mode = s->opset >= since ? sc_attr_s(s, "mode", "DCR") : "DCR";
    if (!strcmp(mode, "CRD")) return true;
    if (strcmp(mode, "DCR") != 0)
        (void)sc_bad_node(s, "attribute 'mode' is '%s', expected 'DCR' or 'CRD'", mode);
    return false;
}

struct sc_value *sc_import_depth_to_space(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    const int64_t b = read_block_size(s, x);
    const bool crd = is_crd(s, 11);
    if (s->failed) return NULL;
    const int64_t n = x->shape.dim[0], c = x->shape.dim[1], h = x->shape.dim[2],
                  w = x->shape.dim[3];
    if (c % (b * b) != 0)
        return sc_bad_node(
            s, "input '%s' has %" PRId64 " channels, expected a multiple of %" PRId64,
            sc_in_name(s, 0), c, b * b);
    const int64_t depth = c / (b * b);
    const struct simclr_shape y = {4, {n, depth, h * b, w * b}};
    if (!crd)
        return rearrange(s, x, &(struct simclr_shape){6, {n, b, b, depth, h, w}},
                         (const int64_t[]){0, 3, 4, 1, 5, 2}, &y);
    return rearrange(s, x, &(struct simclr_shape){6, {n, depth, b, b, h, w}},
                     (const int64_t[]){0, 1, 4, 2, 5, 3}, &y);
}

struct sc_value *sc_import_space_to_depth(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    if (!x) return NULL;
    const int64_t b = read_block_size(s, x);
    const bool crd = is_crd(s, 28);
    if (s->failed) return NULL;
    const int64_t n = x->shape.dim[0], c = x->shape.dim[1], h = x->shape.dim[2] / b,
                  w = x->shape.dim[3] / b;
    if (h * b != x->shape.dim[2] || w * b != x->shape.dim[3])
        return sc_bad_node(s,
                           "input '%s' has %" PRId64 " x %" PRId64
                           " positions, expected multiples of %" PRId64,
                           sc_in_name(s, 0), x->shape.dim[2], x->shape.dim[3], b);
    const struct simclr_shape y = {4, {n, c * b * b, h, w}};
    return rearrange(
        s, x, &(struct simclr_shape){6, {n, c, h, b, w, b}},
        crd ? (const int64_t[]){0, 1, 3, 5, 2, 4} : (const int64_t[]){0, 3, 5, 1, 2, 4}, &y);
}

// x where column - row is at least k (upper) or at most k, else 0. The mask is a
// comparison of two short constants, so that no square one is stored.
struct sc_value *sc_import_trilu(struct sc_scope *s)
{
    struct sc_value *const x = sc_in(s, 0);
    int64_t k = sc_has_in(s, 1) ? sc_in_int(s, 1, "k") : 0;
    if (!x || s->failed) return NULL;
    if (x->shape.rank < 2)
        return sc_bad_node(s, "input '%s' has rank %d, expected at least 2", sc_in_name(s, 0),
                           (int)x->shape.rank);
    const int64_t n = x->shape.dim[x->shape.rank - 2], m = x->shape.dim[x->shape.rank - 1];
    k = k < -n ? -n : k > m ? m : k; // beyond the corners all are the same
    struct sc_value *const row = sc_make_counting(s, k, n, 2, 0);
    struct sc_value *const column = sc_make_counting(s, 0, m, 2, 1);
    struct sc_value *const is_off = sc_attr_i(s, "upper", 1)
                                        ? sc_make(s, SIMCLR_OP_less, NULL, column, row)
                                        : sc_make(s, SIMCLR_OP_less, NULL, row, column);
    return sc_make(s, SIMCLR_OP_where, NULL, is_off, sc_make_scalar(s, 0, x->dtype), x);
}

// Where row t of sequence b, [batch, time], takes its elements from: length - 1 - t
// within the length, else t. What that leaves outside the sequence is outside all.
static struct sc_value *reversed_rows(struct sc_scope *s, struct sc_value *lengths,
                                      int64_t batch, int64_t time)
{
    const struct simclr_shape column = {2, {batch, 1}}, flat = {1, {batch * time}};
    struct sc_value *const n = sc_make_reshape(s, lengths, &column);
    struct sc_value *const t = sc_make_counting(s, 0, time, 2, 1);
    struct sc_value *const mirrored =
        sc_make(s, SIMCLR_OP_sub, NULL,
                sc_make(s, SIMCLR_OP_sub, NULL, n, sc_make_scalar(s, 1, SIMCLR_i64)), t);
    struct sc_value *const at =
        sc_make(s, SIMCLR_OP_where, NULL, sc_make(s, SIMCLR_OP_less, NULL, t, n), mirrored, t);
    struct sc_value *const end = sc_make_scalar(s, (double)time, SIMCLR_i64);
    struct sc_value *const outside = sc_make_scalar(s, (double)(batch * time), SIMCLR_i64);
    struct sc_value *const is_in = sc_make(s, SIMCLR_OP_less, NULL, at, end);
    struct sc_value *row = sc_make_counting(s, 0, batch, 2, 0);
    row = sc_make(s, SIMCLR_OP_mul, NULL, row, end);
    row = sc_make(s, SIMCLR_OP_add, NULL, row, at);
    row = sc_make(s, SIMCLR_OP_where, NULL, is_in, row, outside);
    return sc_make_reshape(s, row, &flat);
}

// Lengths known at compile time are 0 to `time`.
static bool check_lengths(struct sc_scope *s, int64_t time)
{
    struct sc_ints list;
    if (sc_in(s, 1)->kind != SC_VALUE_constant) return true;
    if (!sc_in_ints(s, 1, "sequence_lens", &list)) return false;
    for (int64_t i = 0; i < list.n; i++) {
        if (list.v[i] >= 0 && list.v[i] <= time) continue;
        (void)sc_bad_node(
            s, "sequence %" PRId64 " has the length %" PRId64 ", expected 0 to %" PRId64, i,
            list.v[i], time);
        return false;
    }
    return true;
}

// Batch and time are axes 0 and 1, in either order.
struct sc_value *sc_import_reverse_sequence(struct sc_scope *s)
{
    struct sc_value *x = sc_in(s, 0), *const lengths = sc_in_indices(s, 1, "sequence_lens");
    const int64_t batch_axis = sc_attr_i(s, "batch_axis", 1);
    const int64_t time_axis = sc_attr_i(s, "time_axis", 0);
    if (!x || !lengths) return NULL;
    if (x->shape.rank < 2 || batch_axis < 0 || batch_axis > 1 || time_axis != 1 - batch_axis)
        return sc_bad_node(s,
                           "axes %" PRId64 " and %" PRId64
                           " of rank %d are given, expected 0 and 1 of rank 2 or more",
                           batch_axis, time_axis, (int)x->shape.rank);
    const int64_t batch = x->shape.dim[batch_axis], time = x->shape.dim[time_axis];
    if (lengths->shape.rank != 1 || lengths->shape.dim[0] != batch)
        return sc_bad_node(s, "'sequence_lens' has %" PRId64 " values, expected %" PRId64,
                           simclr_shape_count(&lengths->shape), batch);
    if (!check_lengths(s, time)) return NULL;
    struct simclr_dims swap = {.n = x->shape.rank, .v = {batch_axis, time_axis}};
    for (int32_t i = 2; i < x->shape.rank; i++)
        swap.v[i] = i;
    x = sc_make_transpose(s, x, &swap);
    if (!x) return NULL;
    const struct simclr_shape shape = x->shape;
    struct simclr_shape rows = {.rank = shape.rank - 1, .dim = {batch * time}};
    for (int32_t i = 2; i < shape.rank; i++)
        rows.dim[i - 1] = shape.dim[i];
    struct sc_value *y = sc_make_gather(s, SIMCLR_OP_gather, sc_make_reshape(s, x, &rows),
                                        reversed_rows(s, lengths, batch, time), 0);
    return sc_make_transpose(s, sc_make_reshape(s, y, &shape), &swap);
}
