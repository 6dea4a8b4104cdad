// SPDX-License-Identifier: Apache-2.0
//
// Einsum: a letter for each axis of each operand; axes of one letter go together, and
// are summed unless the output has the letter. "..." stands for axes without letters,
// aligned from the last.
//
// Each operand is first reduced to distinct labels: of a repeated one the diagonal is
// taken, an axis of one element that others stretch is dropped, and what nobody else
// has is summed. Then the operands are joined from left to right, two at a time: the
// labels they share and later ones want are a batch, those they share alone are
// contracted by a matrix product, the rest stay rows and columns. All of it is
// transposes, reshapes and products, whose gradients are known.
#include "compiler/onnx/importer.h"

#include "compiler/ir/attr.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Labels: 'A' to 'Z', 'a' to 'z', then the axes of the ellipsis, the last of which is
// the last label.
enum { N_LETTERS = 52, N_LABELS = N_LETTERS + SIMCLR_MAX_RANK };

struct labels {
    int32_t n;
    int v[SIMCLR_MAX_RANK];
};

struct einsum {
    struct sc_scope *s;
    const char *equation;     // without spaces
    int64_t extent[N_LABELS]; // -1: not seen
    int n_seen[N_LABELS];     // in the terms of the inputs
    int n_wanting[N_LABELS];  // operands yet to be joined, and the output
    int32_t n_ellipsis;
    struct labels output;
};

// An operand whose axes have these labels, each once.
struct operand {
    struct sc_value *value;
    struct labels labels;
};

static int label_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    return c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1;
}

// "'j'", or the ellipsis.
static const char *label_text(const struct einsum *e, int label)
{
    if (label >= N_LETTERS) return "'...'";
    return sc_arena_printf(e->s->m->arena, "'%c'", label < 26 ? 'A' + label : 'a' + label - 26);
}

static int index_of(const struct labels *l, int label)
{
    for (int32_t i = 0; i < l->n; i++) {
        if (l->v[i] == label) return i;
    }
    return -1;
}

static bool append(struct einsum *e, struct labels *l, int label)
{
    if (!sc_fits_rank(e->s, l->n + 1)) return false;
    l->v[l->n++] = label;
    return true;
}

// The labels of the term of `n` characters; its ellipsis stands for n_ellipsis axes.
static bool read_labels(struct einsum *e, const char *term, size_t n, int32_t n_ellipsis,
                        struct labels *out)
{
    *out = (struct labels){0};
    for (size_t i = 0; i < n; i++) {
        const int label = label_of(term[i]);
        if (label >= 0 && !append(e, out, label)) return false;
        if (label >= 0) continue;
        const bool is_ellipsis = n - i >= 3 && !strncmp(term + i, "...", 3);
        if (!is_ellipsis || index_of(out, N_LABELS - 1) >= 0) {
            (void)sc_bad_node(e->s, "equation '%s' has '%c' out of place", e->equation,
                              term[i]);
            return false;
        }
        for (int32_t k = 0; k < n_ellipsis; k++) {
            if (!append(e, out, N_LABELS - n_ellipsis + k)) return false;
        }
        i += 2;
    }
    return true;
}

// The term of input i: as many labels as axes, and equal extents for equal labels.
static bool read_input(struct einsum *e, int i, const char *term, size_t n, struct labels *out)
{
    const struct sc_value *const x = sc_in(e->s, i);
    int32_t n_letters = 0;
    bool has_ellipsis = false;
    for (size_t k = 0; k < n; k++) {
        n_letters += label_of(term[k]) >= 0;
        has_ellipsis = has_ellipsis || term[k] == '.';
    }
    const int32_t n_ellipsis = has_ellipsis ? x->shape.rank - n_letters : 0;
    if (n_ellipsis < 0 || (!has_ellipsis && n_letters != x->shape.rank)) {
        (void)sc_bad_node(e->s, "term '%.*s' has %d letters, input '%s' has rank %d", (int)n,
                          term, (int)n_letters, sc_in_name(e->s, i), (int)x->shape.rank);
        return false;
    }
    if (n_ellipsis > e->n_ellipsis) e->n_ellipsis = n_ellipsis;
    if (!read_labels(e, term, n, n_ellipsis, out)) return false;
    for (int32_t k = 0; k < out->n; k++) {
        int64_t *const extent = &e->extent[out->v[k]];
        const int64_t own = x->shape.dim[k];
        const int64_t first = x->shape.dim[index_of(out, out->v[k])]; // of a diagonal
        if (own != first || (own != 1 && *extent >= 0 && *extent != 1 && own != *extent)) {
            (void)sc_bad_node(
                e->s, "label %s has %" PRId64 " elements in input '%s', expected %" PRId64,
                label_text(e, out->v[k]), own, sc_in_name(e->s, i),
                own != first ? first : *extent);
            return false;
        }
        if (*extent < 0 || *extent == 1) *extent = own;
        e->n_seen[out->v[k]]++;
    }
    return true;
}

// Without "->" the output has the ellipsis, then the letters seen once, in order.
static bool read_output(struct einsum *e, const char *arrow)
{
    if (arrow) {
        if (!read_labels(e, arrow + 2, strlen(arrow + 2), e->n_ellipsis, &e->output))
            return false;
    } else {
        for (int32_t k = 0; k < e->n_ellipsis; k++)
            (void)append(e, &e->output, N_LABELS - e->n_ellipsis + k);
        for (int label = 0; label < N_LETTERS; label++) {
            if (e->n_seen[label] == 1 && !append(e, &e->output, label)) return false;
        }
    }
    for (int32_t k = 0; k < e->output.n; k++) {
        const int label = e->output.v[k];
        if (e->n_seen[label] == 0 || index_of(&e->output, label) < k) {
            (void)sc_bad_node(e->s, "label %s of the output is %s", label_text(e, label),
                              e->n_seen[label] ? "there twice" : "that of no input");
            return false;
        }
    }
    return true;
}

static const char *without_spaces(struct sc_scope *s, const char *text)
{
    char *const copy = SC_NEW_ARRAY(s->m->arena, char, strlen(text) + 1);
    size_t n = 0;
    for (; *text; text++) {
        if (*text != ' ') copy[n++] = *text;
    }
    return copy;
}

static bool read_equation(struct einsum *e, struct labels *terms)
{
    const char *const arrow = strstr(e->equation, "->");
    const char *const end = arrow ? arrow : e->equation + strlen(e->equation);
    const int n_in = sc_n_in(e->s);
    int n_terms = 1;
    for (const char *at = e->equation; at < end; at++)
        n_terms += *at == ',';
    if (n_terms != n_in) {
        (void)sc_bad_node(e->s, "equation '%s' has %d terms, expected %d", e->equation, n_terms,
                          n_in);
        return false;
    }
    const char *at = e->equation;
    for (int i = 0; i < n_in; i++) {
        const char *const comma = memchr(at, ',', (size_t)(end - at));
        const char *const stop = comma ? comma : end;
        if (!read_input(e, i, at, (size_t)(stop - at), &terms[i])) return false;
        at = stop + 1;
    }
    return read_output(e, arrow);
}

// ---- one operand ----

static struct sc_value *with_labels(struct einsum *e, const struct operand *x,
                                    const struct labels *order)
{
    struct simclr_dims perm = {.n = order->n};
    for (int32_t i = 0; i < order->n; i++)
        perm.v[i] = index_of(&x->labels, order->v[i]);
    return sc_make_transpose(e->s, x->value, &perm);
}

// Axes a and b have the same label: they go to the end, are seen as one, of which each
// (n + 1)th element is on the diagonal.
static void take_diagonal(struct einsum *e, struct operand *x, int32_t a, int32_t b)
{
    const int64_t n = x->value->shape.dim[a];
    const int label = x->labels.v[a];
    struct simclr_dims perm = {0};
    struct simclr_shape joined = {0};
    struct labels left = {0};
    for (int32_t i = 0; i < x->labels.n; i++) {
        if (i == a || i == b) continue;
        perm.v[perm.n++] = i;
        joined.dim[joined.rank++] = x->value->shape.dim[i];
        left.v[left.n++] = x->labels.v[i];
    }
    perm.v[perm.n++] = a;
    perm.v[perm.n++] = b;
    joined.dim[joined.rank++] = n * n;
    left.v[left.n++] = label;
    struct sc_value *v = sc_make_transpose(e->s, x->value, &perm);
    v = sc_make_reshape(e->s, v, &joined);
    *x = (struct operand){sc_make_part(e->s, v, left.n - 1, 0, n, n > 1 ? n + 1 : 1), left};
}

static void take_diagonals(struct einsum *e, struct operand *x)
{
    for (int32_t b = 0; x->value && b < x->labels.n; b++) {
        const int a = index_of(&x->labels, x->labels.v[b]);
        if (a == b) continue;
        take_diagonal(e, x, a, b);
        b = -1;
    }
}

// Drops the axes of one element whose label has more elsewhere.
static void drop_stretched(struct einsum *e, struct operand *x)
{
    struct simclr_shape shape = {0};
    struct labels left = {0};
    for (int32_t i = 0; x->value && i < x->labels.n; i++) {
        const int64_t extent = x->value->shape.dim[i];
        if (extent != e->extent[x->labels.v[i]]) continue;
        shape.dim[shape.rank++] = extent;
        left.v[left.n++] = x->labels.v[i];
    }
    *x = (struct operand){sc_make_reshape(e->s, x->value, &shape), left};
}

// Sums over the labels that nobody else wants.
static void sum_own(struct einsum *e, struct operand *x)
{
    struct simclr_dims axes = {0};
    struct labels left = {0};
    for (int32_t i = 0; i < x->labels.n; i++) {
        if (e->n_wanting[x->labels.v[i]] == 1)
            axes.v[axes.n++] = i;
        else
            left.v[left.n++] = x->labels.v[i];
    }
    if (axes.n > 0 && x->value)
        *x = (struct operand){
            sc_make_reduce(e->s, SIMCLR_OP_reduce_sum, x->value, &axes, false), left};
}

// ---- two operands ----

// The labels of two operands by what becomes of them.
struct roles {
    struct labels batch, contracted, rows, columns;
};

static struct roles find_roles(const struct einsum *e, const struct labels *a,
                               const struct labels *b)
{
    struct roles r = {0};
    for (int32_t i = 0; i < a->n; i++) {
        const int label = a->v[i];
        struct labels *const role = index_of(b, label) < 0     ? &r.rows
                                    : e->n_wanting[label] == 2 ? &r.contracted
                                                               : &r.batch;
        role->v[role->n++] = label;
    }
    for (int32_t i = 0; i < b->n; i++) {
        if (index_of(a, b->v[i]) < 0) r.columns.v[r.columns.n++] = b->v[i];
    }
    return r;
}

static int64_t product(const struct einsum *e, const struct labels *l)
{
    int64_t p = 1;
    for (int32_t i = 0; i < l->n; i++)
        p *= e->extent[l->v[i]];
    return p;
}

static struct labels three(const struct labels *a, const struct labels *b,
                           const struct labels *c)
{
    const struct labels *const parts[] = {a, b, c};
    struct labels all = {0};
    for (int k = 0; k < 3; k++) {
        for (int32_t i = 0; i < parts[k]->n && all.n < SIMCLR_MAX_RANK; i++)
            all.v[all.n++] = parts[k]->v[i];
    }
    return all;
}

// The operand as matrices [batch, first, second]; transposed, which *is_transposed
// tells, if it lies in memory so.
static struct sc_value *as_matrices(struct einsum *e, const struct operand *x,
                                    const struct roles *r, const struct labels *first,
                                    const struct labels *second, int64_t *is_transposed)
{
    const struct labels order = three(&r->batch, first, second);
    const struct labels turned = three(&r->batch, second, first);
    const size_t size = (size_t)x->labels.n * sizeof *order.v;
    *is_transposed =
        memcmp(order.v, x->labels.v, size) != 0 && !memcmp(turned.v, x->labels.v, size);
    const int64_t m = product(e, first), n = product(e, second);
    const struct simclr_shape shape = {
        3, {product(e, &r->batch), *is_transposed ? n : m, *is_transposed ? m : n}};
    return sc_make_reshape(e->s, with_labels(e, x, *is_transposed ? &turned : &order), &shape);
}

// Products of floats, [batch, rows, columns].
static struct sc_value *multiply_matrices(struct einsum *e, const struct operand *a,
                                          const struct operand *b, const struct roles *r)
{
    union simclr_attr attr = sc_attr_default(SIMCLR_OP_matmul);
    struct sc_value *const x =
        as_matrices(e, a, r, &r->rows, &r->contracted, &attr.matmul.trans_a);
    struct sc_value *const y =
        as_matrices(e, b, r, &r->contracted, &r->columns, &attr.matmul.trans_b);
    return sc_make(e->s, SIMCLR_OP_matmul, &attr, x, y);
}

// The same for integers, and where nothing is contracted: [batch, rows, 1, contracted]
// times [batch, 1, columns, contracted], summed over the last.
static struct sc_value *multiply_elements(struct einsum *e, const struct operand *a,
                                          const struct operand *b, const struct roles *r)
{
    const struct labels a_order = three(&r->batch, &r->rows, &r->contracted);
    const struct labels b_order = three(&r->batch, &r->columns, &r->contracted);
    const int64_t batch = product(e, &r->batch), depth = product(e, &r->contracted);
    const struct simclr_shape a_shape = {4, {batch, product(e, &r->rows), 1, depth}};
    const struct simclr_shape b_shape = {4, {batch, 1, product(e, &r->columns), depth}};
    struct sc_value *const x = sc_make_reshape(e->s, with_labels(e, a, &a_order), &a_shape);
    struct sc_value *const y = sc_make_reshape(e->s, with_labels(e, b, &b_order), &b_shape);
    struct sc_value *const z = sc_make(e->s, SIMCLR_OP_mul, NULL, x, y);
    const struct simclr_dims last = {1, {3}};
    if (r->contracted.n == 0 || !z) return z;
    return sc_make_reduce(e->s, SIMCLR_OP_reduce_sum, z, &last, false);
}

static struct operand join(struct einsum *e, const struct operand *a, const struct operand *b)
{
    const struct roles r = find_roles(e, &a->labels, &b->labels);
    const struct labels all = three(&r.batch, &r.rows, &r.columns);
    struct simclr_shape shape = {.rank = all.n};
    if (!sc_fits_rank(e->s, r.batch.n + r.rows.n + r.columns.n)) return (struct operand){0};
    for (int32_t i = 0; i < all.n; i++)
        shape.dim[i] = e->extent[all.v[i]];
    for (int32_t i = 0; i < r.batch.n; i++)
        e->n_wanting[r.batch.v[i]]--; // two operands have become one
    const bool is_matrix = r.contracted.n > 0 && a->value->dtype == SIMCLR_f32;
    struct sc_value *const z =
        is_matrix ? multiply_matrices(e, a, b, &r) : multiply_elements(e, a, b, &r);
    return (struct operand){sc_make_reshape(e->s, z, &shape), all};
}

static struct sc_value *evaluate(struct einsum *e, const struct labels *terms)
{
    const int n = sc_n_in(e->s);
    struct operand *const x = SC_NEW_ARRAY(e->s->m->arena, struct operand, (size_t)n);
    for (int i = 0; i < n; i++) {
        x[i] = (struct operand){sc_in(e->s, i), terms[i]};
        take_diagonals(e, &x[i]);
        drop_stretched(e, &x[i]);
        for (int32_t k = 0; k < x[i].labels.n; k++)
            e->n_wanting[x[i].labels.v[k]]++;
    }
    for (int32_t k = 0; k < e->output.n; k++)
        e->n_wanting[e->output.v[k]]++;
    for (int i = 0; i < n; i++)
        sum_own(e, &x[i]);
    struct operand all = x[0];
    for (int i = 1; i < n && all.value && x[i].value; i++)
        all = join(e, &all, &x[i]);
    return all.value ? with_labels(e, &all, &e->output) : NULL;
}

struct sc_value *sc_import_einsum(struct sc_scope *s)
{
    const char *const equation = sc_attr_s(s, "equation", NULL);
    if (!equation) return sc_bad_node(s, "attribute 'equation' is missing");
    struct einsum e = {.s = s, .equation = without_spaces(s, equation)};
    for (int i = 0; i < N_LABELS; i++)
        e.extent[i] = -1;
    const int n = sc_n_in(s);
    for (int i = 0; i < n; i++) {
        if (!sc_in(s, i)) return NULL;
        if (sc_in(s, i)->dtype != sc_in(s, 0)->dtype)
            return sc_bad_node(s, "input '%s' is %s, expected %s", sc_in_name(s, i),
                               simclr_dtype_name(sc_in(s, i)->dtype),
                               simclr_dtype_name(sc_in(s, 0)->dtype));
    }
    struct labels *const terms = SC_NEW_ARRAY(s->m->arena, struct labels, (size_t)n);
    return read_equation(&e, terms) ? evaluate(&e, terms) : NULL;
}
