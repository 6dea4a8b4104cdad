// SPDX-License-Identifier: Apache-2.0
//
// Attention (Vaswani et al., 2017): Y = softmax(scale Q K' + bias) V for each head, with
// several heads of queries for one of keys and values where they are grouped (Ainslie et
// al., 2023). What may not be seen has a bias of minus infinity; a query that may see
// nothing gives zero.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

#include <inttypes.h>
#include <math.h>

enum { IN_Q, IN_K, IN_V, IN_MASK, IN_PAST_K, IN_PAST_V, IN_KEPT };
enum { OUT_Y, OUT_K, OUT_V, OUT_SCORES };
enum { RAW, CAPPED, BIASED, SOFTMAX }; // qk_matmul_output_mode

struct attention {
    struct sc_value *q, *k, *v; // [batch, heads, sequence, size]
    int64_t past;               // the keys before those given
    bool is_flat;               // given as [batch, sequence, heads * size]
};

// ---- Heads ----

static struct sc_value *swap_middle_axes(struct sc_scope *s, struct sc_value *x)
{
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_transpose);
    attr.transpose.perm = (struct simclr_dims){4, {0, 2, 1, 3}};
    return sc_make(s, SIMCLR_OP_transpose, &attr, x);
}

// Input i as [batch, heads, sequence, size]; its number of heads is an attribute if it has
// rank 3.
static struct sc_value *read_heads(struct sc_scope *s, int i, const char *attribute)
{
    struct sc_value *const x = sc_in(s, i);
    if (!x) return NULL;
    const struct simclr_shape *const at = &x->shape;
    const int32_t rank = sc_in(s, IN_Q) ? sc_in(s, IN_Q)->shape.rank : 0;
    if (i == IN_Q && rank != 3 && rank != 4)
        return sc_bad_node(s, "input '%s' has rank %d, expected 3 or 4", sc_in_name(s, i),
                           (int)rank);
    if (at->rank != rank)
        return sc_bad_node(s, "input '%s' has rank %d, expected %d, as '%s' has",
                           sc_in_name(s, i), (int)at->rank, (int)rank, sc_in_name(s, IN_Q));
    if (rank == 3 && !sc_has_attr(s, attribute))
        return sc_bad_node(s, "attribute '%s' is missing, expected for inputs of rank 3",
                           attribute);
    const int64_t n = sc_attr_i(s, attribute, at->dim[1]);
    if (rank == 4) {
        if (n == at->dim[1]) return x;
        return sc_bad_node(
            s, "attribute '%s' is %" PRId64 ", expected %" PRId64 ", the heads of '%s'",
            attribute, n, at->dim[1], sc_in_name(s, i));
    }
    if (n < 1 || at->dim[2] % n != 0)
        return sc_bad_node(s,
                           "attribute '%s' is %" PRId64 ", expected a divisor of %" PRId64
                           ", the last extent of '%s'",
                           attribute, n, at->dim[2], sc_in_name(s, i));
    const struct simclr_shape split = {4, {at->dim[0], at->dim[1], n, at->dim[2] / n}};
    return swap_middle_axes(s, sc_make_reshape(s, x, &split));
}

// Extent `axis` of input i must be that of input j.
static void check_extent(struct sc_scope *s, int i, const struct sc_value *x, int j,
                         const struct sc_value *y, int32_t axis)
{
    static const char *const what[] = {"batch size", "number of heads", "sequence length",
                                       "head size"};
    if (s->failed || !x || !y || x->shape.dim[axis] == y->shape.dim[axis]) return;
    (void)sc_bad_node(s, "input '%s' has %s %" PRId64 ", expected %" PRId64 ", as '%s' has",
                      sc_in_name(s, i), what[axis], x->shape.dim[axis], y->shape.dim[axis],
                      sc_in_name(s, j));
}

static void check_heads(struct sc_scope *s, const struct attention *a)
{
    if (s->failed) return;
    check_extent(s, IN_K, a->k, IN_Q, a->q, 0);
    check_extent(s, IN_K, a->k, IN_Q, a->q, 3);
    check_extent(s, IN_V, a->v, IN_Q, a->q, 0);
    check_extent(s, IN_V, a->v, IN_K, a->k, 1);
    check_extent(s, IN_V, a->v, IN_K, a->k, 2);
    if (s->failed) return;
    const int64_t n_q = a->q->shape.dim[1], n_k = a->k->shape.dim[1];
    if (n_k > 0 && n_q % n_k == 0) return;
    (void)sc_bad_node(
        s, "input '%s' has %" PRId64 " heads, expected a multiple of the %" PRId64 " of '%s'",
        sc_in_name(s, IN_Q), n_q, n_k, sc_in_name(s, IN_K));
}

// Input i, of what came before, and then x.
static struct sc_value *append_to_past(struct sc_scope *s, int i, int j, struct sc_value *x)
{
    struct sc_value *const past = sc_in(s, i);
    if (!past || !x) return NULL;
    if (past->shape.rank != 4)
        return sc_bad_node(s, "input '%s' has rank %d, expected 4", sc_in_name(s, i),
                           (int)past->shape.rank);
    for (int32_t axis = 0; axis < 4; axis++) {
        if (axis != 2) check_extent(s, i, past, j, x, axis);
    }
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_concat);
    attr.axis.axis = 2;
    return sc_make(s, SIMCLR_OP_concat, &attr, past, x);
}

static void read_past(struct sc_scope *s, struct attention *a)
{
    static const char *const name[] = {"past_key", "past_value"};
    if (s->failed || (!sc_has_in(s, IN_PAST_K) && !sc_has_in(s, IN_PAST_V))) return;
    for (int i = 0; i < 2; i++) {
        if (sc_has_in(s, IN_PAST_K + i)) continue;
        (void)sc_bad_node(s, "%s '%s' is given without %s, expected both or none", name[!i],
                          sc_in_name(s, IN_PAST_K + !i), name[i]);
        return;
    }
    if (sc_has_in(s, IN_KEPT)) {
        (void)sc_bad_node(
            s, "past_key '%s' and nonpad_kv_seqlen '%s' are both given, expected one of them",
            sc_in_name(s, IN_PAST_K), sc_in_name(s, IN_KEPT));
        return;
    }
    a->k = append_to_past(s, IN_PAST_K, IN_K, a->k);
    a->v = append_to_past(s, IN_PAST_V, IN_V, a->v);
    if (!a->k || !a->v) return;
    check_extent(s, IN_PAST_V, sc_in(s, IN_PAST_V), IN_PAST_K, sc_in(s, IN_PAST_K), 2);
    a->past = sc_in(s, IN_PAST_K)->shape.dim[2];
}

static struct attention read_operands(struct sc_scope *s)
{
    struct attention a = {.q = read_heads(s, IN_Q, "q_num_heads")};
    if (a.q) a.k = read_heads(s, IN_K, "kv_num_heads");
    if (a.k) a.v = read_heads(s, IN_V, "kv_num_heads");
    if (a.v) a.is_flat = sc_in(s, IN_Q)->shape.rank == 3;
    check_heads(s, &a);
    read_past(s, &a);
    return a;
}

// ---- Who sees what ----

// A query at p sees the keys from p - left to p + right; -1: all on that side.
struct window {
    int64_t left, right;
};

static struct window read_window(struct sc_scope *s)
{
    static const char *const name[] = {"left_window_size", "right_window_size"};
    int64_t size[2] = {-1, -1};
    for (int i = 0; i < 2 && s->opset >= 25; i++) {
        size[i] = sc_attr_i(s, name[i], -1);
        if (size[i] < -1)
            (void)sc_bad_node(s, "attribute '%s' is %" PRId64 ", expected -1 or more", name[i],
                              size[i]);
    }
    if (sc_attr_i(s, "is_causal", 0)) size[1] = 0;
    return (struct window){size[0], size[1]};
}

// 0 where something is seen, else minus infinity.
static struct sc_value *bias_from(struct sc_scope *s, struct sc_value *is_seen)
{
    return sc_make(s, SIMCLR_OP_where, NULL, is_seen, sc_make_scalar(s, 0, SIMCLR_f32),
                   sc_make_scalar(s, -(double)INFINITY, SIMCLR_f32));
}

// Of a window at known places; NULL if everything is seen. *any_blind: a query sees nothing.
static struct sc_value *window_bias(struct sc_scope *s, const struct attention *a,
                                    const struct window *w, bool *any_blind)
{
    const int64_t n_q = a->q->shape.dim[2], n_k = a->k->shape.dim[2];
    const struct simclr_shape shape = {2, {n_q, n_k}};
    bool *const is_seen = SC_NEW_ARRAY(s->m->arena, bool, (size_t)(n_q * n_k));
    int64_t n_seen = 0;
    for (int64_t i = 0; i < n_q; i++) {
        const int64_t before = n_seen;
        for (int64_t j = 0; j < n_k; j++) {
            const int64_t ahead = j - i - a->past;
            is_seen[i * n_k + j] =
                (w->left < 0 || -ahead <= w->left) && (w->right < 0 || ahead <= w->right);
            n_seen += is_seen[i * n_k + j];
        }
        if (n_seen == before) *any_blind = true;
    }
    if (n_seen == n_q * n_k) return NULL;
    return bias_from(s, sc_graph_constant(s->b.graph, SIMCLR_bool, &shape, is_seen, NULL));
}

// x < y, and what was so before.
static struct sc_value *and_less(struct sc_scope *s, struct sc_value *before,
                                 struct sc_value *x, struct sc_value *y)
{
    struct sc_value *const now = sc_make(s, SIMCLR_OP_less, NULL, x, y);
    return before ? sc_make(s, SIMCLR_OP_and, NULL, before, now) : now;
}

// j + sign i + offset for each query i and key j
static struct sc_value *places(struct sc_scope *s, const struct attention *a, int64_t n_q,
                               int64_t sign, int64_t offset)
{
    const int64_t n_k = a->k->shape.dim[2];
    const struct simclr_shape shape = {2, {n_q, n_k}};
    int64_t *const at = SC_NEW_ARRAY(s->m->arena, int64_t, (size_t)(n_q * n_k));
    for (int64_t i = 0; i < n_q * n_k; i++)
        at[i] = i % n_k + sign * (i / n_k) + offset;
    return sc_graph_constant(s->b.graph, SIMCLR_i64, &shape, at, NULL);
}

// Of each sample the first keys are kept, as many as nonpad_kv_seqlen says, and its queries
// are the last of them: query i is at kept - n_q + i.
static struct sc_value *kept_bias(struct sc_scope *s, const struct attention *a,
                                  const struct window *w)
{
    const int64_t n_q = a->q->shape.dim[2], beyond = n_q + a->k->shape.dim[2];
    const struct simclr_shape vector = {1, {a->q->shape.dim[0]}};
    const struct simclr_shape column = {4, {a->q->shape.dim[0], 1, 1, 1}};
    struct sc_value *kept = sc_in(s, IN_KEPT), *seen;
    if (!kept) return NULL;
    if (kept->dtype != SIMCLR_i64 || !simclr_shape_equal(&kept->shape, &vector)) {
        struct sc_str found = {0}, expected = {0};
        sc_str_append_type(&found, kept->dtype, &kept->shape);
        sc_str_append_type(&expected, SIMCLR_i64, &vector);
        (void)sc_bad_node(s, "nonpad_kv_seqlen '%s' is %s, expected %s", sc_in_name(s, IN_KEPT),
                          sc_str_text(&found), sc_str_text(&expected));
        sc_str_free(&found);
        sc_str_free(&expected);
        return NULL;
    }
    kept = sc_make_reshape(s, kept, &column);
    seen = and_less(s, NULL, places(s, a, 1, 0, 0), kept);
    if (w->right >= 0 && w->right < beyond)
        seen = and_less(s, seen, places(s, a, n_q, -1, n_q - w->right - 1), kept);
    if (w->left >= 0 && w->left < beyond)
        seen = and_less(s, seen, kept, places(s, a, n_q, -1, n_q + w->left + 1));
    return bias_from(s, seen);
}

// The mask as what is added to the scores. Since opset 24 keys beyond its end are not seen.
static struct sc_value *mask_bias(struct sc_scope *s, const struct simclr_shape *scores)
{
    struct sc_value *mask = sc_in(s, IN_MASK);
    struct simclr_shape both;
    if (!mask) return NULL;
    if (mask->dtype != SIMCLR_bool && mask->dtype != SIMCLR_f32)
        return sc_bad_node(s, "attn_mask '%s' is %s, expected bool or f32",
                           sc_in_name(s, IN_MASK), simclr_dtype_name(mask->dtype));
    const int32_t last = mask->shape.rank - 1;
    struct simclr_shape rest = mask->shape;
    if (s->opset >= 24 && last >= 0 && rest.dim[last] < scores->dim[3]) {
        rest.dim[last] = scores->dim[3] - rest.dim[last];
        union simclr_attr attr = sc_attr_default(SIMCLR_OP_concat);
        attr.axis.axis = last;
        const double unseen = mask->dtype == SIMCLR_bool ? 0 : -(double)INFINITY;
        mask = sc_make(s, SIMCLR_OP_concat, &attr, mask,
                       sc_fill(&s->b, unseen, mask->dtype, &rest));
    }
    if (!mask) return NULL;
    if (!sc_broadcast(scores, &mask->shape, &both) || !simclr_shape_equal(&both, scores))
        return sc_bad_shape(s, "attn_mask", IN_MASK, "one that broadcasts to ", scores);
    return mask->dtype == SIMCLR_bool ? bias_from(s, mask) : mask;
}

struct bias {
    struct sc_value *value;    // NULL: everything is seen
    struct sc_value *is_blind; // the queries that see nothing; NULL: none
};

static struct bias read_bias(struct sc_scope *s, const struct attention *a)
{
    const struct window w = read_window(s);
    const struct simclr_shape scores = {
        4, {a->q->shape.dim[0], a->q->shape.dim[1], a->q->shape.dim[2], a->k->shape.dim[2]}};
    bool any_blind = sc_has_in(s, IN_KEPT) || sc_has_in(s, IN_MASK);
    struct bias b = {
        sc_has_in(s, IN_KEPT) ? kept_bias(s, a, &w) : window_bias(s, a, &w, &any_blind), NULL};
    if (sc_has_in(s, IN_MASK)) {
        struct sc_value *const mask = mask_bias(s, &scores);
        b.value = b.value ? sc_make(s, SIMCLR_OP_add, NULL, b.value, mask) : mask;
    }
    if (!b.value || !any_blind || scores.dim[3] == 0) return b;
    const struct simclr_dims last = {1, {b.value->shape.rank - 1}};
    b.is_blind = sc_make(s, SIMCLR_OP_equal, NULL,
                         sc_make_reduce(s, SIMCLR_OP_reduce_max, b.value, &last, true),
                         sc_make_scalar(s, -(double)INFINITY, SIMCLR_f32));
    return b;
}

// x, or zero for queries that see nothing.
static struct sc_value *zero_if_blind(struct sc_scope *s, const struct bias *b,
                                      struct sc_value *x)
{
    if (!b->is_blind) return x;
    return sc_make(s, SIMCLR_OP_where, NULL, b->is_blind, sc_make_scalar(s, 0, SIMCLR_f32), x);
}

// ---- The operator ----

static struct sc_value *times(struct sc_scope *s, struct sc_value *x, double factor)
{
    if (factor == 1) return x;
    return sc_make(s, SIMCLR_OP_mul, NULL, x, sc_make_scalar(s, factor, SIMCLR_f32));
}

// x, [batch, heads, sequence, size], by m, which has fewer heads: neighbours share one.
static struct sc_value *grouped_matmul(struct sc_scope *s, struct sc_value *x,
                                       struct sc_value *m, bool trans_m)
{
    if (!x || !m) return NULL;
    const int64_t n = m->shape.dim[1];
    struct simclr_shape shape = x->shape;
    shape.dim[1] = n;
    shape.dim[2] *= x->shape.dim[1] / n;
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_matmul);
    attr.matmul.trans_b = trans_m;
    struct sc_value *const y =
        sc_make(s, SIMCLR_OP_matmul, &attr, sc_make_reshape(s, x, &shape), m);
    shape = x->shape;
    shape.dim[3] = m->shape.dim[trans_m ? 2 : 3];
    return sc_make_reshape(s, y, &shape);
}

static struct sc_value *scores(struct sc_scope *s, const struct attention *a)
{
    const double scale = sc_attr_f(s, "scale", 1 / sqrt((double)a->q->shape.dim[3]));
    return grouped_matmul(s, times(s, a->q, scale), a->k, true);
}

// cap tanh(x / cap) (Gemma 2, 2024); 1 / cap may be no float where cap is one.
static struct sc_value *capped(struct sc_scope *s, struct sc_value *x)
{
    const double cap = sc_attr_f(s, "softcap", 0);
    if (cap == 0) return x;
    if (cap < 0) return sc_bad_node(s, "attribute 'softcap' is %g, expected 0 or more", cap);
    struct sc_value *const part =
        sc_make(s, SIMCLR_OP_div, NULL, x, sc_make_scalar(s, cap, SIMCLR_f32));
    return times(s, sc_make(s, SIMCLR_OP_tanh, NULL, part), cap);
}

static struct sc_value *attend(struct sc_scope *s, const struct attention *a)
{
    const int64_t mode = sc_attr_i(s, "qk_matmul_output_mode", RAW);
    if (mode < RAW || mode > SOFTMAX)
        return sc_bad_node(
            s, "attribute 'qk_matmul_output_mode' is %" PRId64 ", expected 0, 1, 2 or 3", mode);
    const struct bias bias = read_bias(s, a);
    struct sc_value *step[4] = {[RAW] = scores(s, a)};
    step[CAPPED] = capped(s, step[RAW]);
    step[BIASED] = step[CAPPED];
    struct sc_value *finite = step[CAPPED]; // where there is a number for each query
    if (bias.value) {
        step[BIASED] = sc_make(s, SIMCLR_OP_add, NULL, step[CAPPED], bias.value);
        finite =
            sc_make(s, SIMCLR_OP_add, NULL, step[CAPPED], zero_if_blind(s, &bias, bias.value));
    }
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_softmax);
    attr.axis.axis = 3;
    struct sc_value *const p = sc_make(s, SIMCLR_OP_softmax, &attr, finite);
    step[SOFTMAX] = zero_if_blind(s, &bias, p);
    if (sc_has_out(s, OUT_SCORES)) s->out[OUT_SCORES] = step[mode];
    return zero_if_blind(s, &bias, grouped_matmul(s, p, a->v, false));
}

struct sc_value *sc_import_attention(struct sc_scope *s)
{
    const struct attention a = read_operands(s);
    if (s->failed || !a.q || !a.k || !a.v || !sc_check_precision(s, "softmax_precision"))
        return NULL;
    struct sc_value *const y = attend(s, &a);
    if (sc_has_out(s, OUT_K)) s->out[OUT_K] = a.k;
    if (sc_has_out(s, OUT_V)) s->out[OUT_V] = a.v;
    if (!y || !a.is_flat) return y;
    const struct simclr_shape flat = {
        3, {y->shape.dim[0], y->shape.dim[2], y->shape.dim[1] * y->shape.dim[3]}};
    return sc_make_reshape(s, swap_middle_axes(s, y), &flat);
}
