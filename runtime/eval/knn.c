// SPDX-License-Identifier: Apache-2.0
//
// A task is a block of test rows; it meets the training rows a tile's width at a
// time and keeps the best k of each test row in a heap with the worst on top, so
// that most candidates are refused with one comparison.
#include "runtime/eval/knn.h"

#include <math.h>
#include <stdlib.h>

enum { BLOCK = 8 * SC_TILE_ROWS }; // test rows of a task

struct neighbour {
    float similarity;
    int64_t row; // of the training set
};

// What a thread works with.
struct scratch {
    struct neighbour *heap; // BLOCK heaps of k
    int64_t size[BLOCK];
    double *votes; // n_classes
};

struct search {
    const struct sc_labelled *train, *test;
    int64_t n_classes, k;
    double temperature;
    float *panels; // training rows, transposed by tiles: [panel][column][SC_TILE]
    struct scratch *scratch;
    int n_scratch;
    int64_t *n_right; // per task
};

static bool is_worse(const struct neighbour *a, const struct neighbour *b)
{
    if (a->similarity < b->similarity) return true;
    return !(a->similarity > b->similarity) && a->row > b->row;
}

// Lets the element at `i` sink to its place.
static void sift_down(struct neighbour *heap, int64_t n, int64_t i)
{
    const struct neighbour x = heap[i];
    for (;;) {
        int64_t child = 2 * i + 1;
        if (child >= n) break;
        if (child + 1 < n && is_worse(&heap[child + 1], &heap[child])) child++;
        if (!is_worse(&heap[child], &x)) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = x;
}

static void offer(struct neighbour *heap, int64_t *size, int64_t k, struct neighbour x)
{
    if (*size < k) {
        heap[(*size)++] = x;
        if (*size == k) {
            for (int64_t i = k / 2 - 1; i >= 0; i--)
                sift_down(heap, k, i);
        }
    } else if (is_worse(&heap[0], &x)) {
        heap[0] = x;
        sift_down(heap, k, 0);
    }
}

static int64_t vote(const struct search *s, const struct neighbour *heap, int64_t n,
                    double *votes)
{
    for (int64_t c = 0; c < s->n_classes; c++)
        votes[c] = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const double similarity = (double)heap[i].similarity;
        votes[s->train->label[heap[i].row]] += exp((similarity - 1.0) / s->temperature);
    }
    int64_t best = 0;
    for (int64_t c = 1; c < s->n_classes; c++) {
        if (votes[c] > votes[best]) best = c;
    }
    return best;
}

// Test rows [first, first + m) against one panel.
static void meet_panel(const struct search *s, struct scratch *scratch, int64_t block_first,
                       int64_t first, int64_t m, int64_t panel)
{
    const struct sc_matrix *const x = &s->test->x;
    const struct sc_tile_operand a = {sc_matrix_row(x, first), x->stride, 1};
    float c[SC_TILE_ROWS][SC_TILE];
    sc_tile_multiply(m, x->d, &a, s->panels + panel * x->d * SC_TILE, SC_TILE, c);
    const int64_t n_train = s->train->x.n;
    for (int64_t i = 0; i < m; i++) {
        const int64_t slot = first - block_first + i;
        for (int64_t j = 0; j < SC_TILE && panel * SC_TILE + j < n_train; j++)
            offer(scratch->heap + slot * s->k, &scratch->size[slot], s->k,
                  (struct neighbour){c[i][j], panel * SC_TILE + j});
    }
}

static void search_block(void *ctx, int64_t task, int thread)
{
    const struct search *const s = ctx;
    struct scratch *const scratch = &s->scratch[thread];
    const int64_t first = task * BLOCK, n_test = s->test->x.n;
    const int64_t end = first + BLOCK < n_test ? first + BLOCK : n_test;
    for (int64_t i = 0; i < BLOCK; i++)
        scratch->size[i] = 0;
    const int64_t n_panels = (s->train->x.n + SC_TILE - 1) / SC_TILE;
    for (int64_t panel = 0; panel < n_panels; panel++) {
        for (int64_t i = first; i < end; i += SC_TILE_ROWS)
            meet_panel(s, scratch, first, i, end - i < SC_TILE_ROWS ? end - i : SC_TILE_ROWS,
                       panel);
    }
    for (int64_t i = first; i < end; i++) {
        const int64_t slot = i - first;
        const int64_t found =
            vote(s, scratch->heap + slot * s->k, scratch->size[slot], scratch->votes);
        s->n_right[task] += found == s->test->label[i];
    }
}

static void fill_panels(struct search *s)
{
    const struct sc_matrix *const x = &s->train->x;
    for (int64_t i = 0; i < x->n; i++) {
        const float *const row = sc_matrix_row(x, i);
        float *const to = s->panels + i / SC_TILE * x->d * SC_TILE + i % SC_TILE;
        for (int64_t j = 0; j < x->d; j++)
            to[j * SC_TILE] = row[j];
    }
}

static bool search_init(struct search *s, int n_threads, int64_t n_tasks)
{
    const int64_t n_panels = (s->train->x.n + SC_TILE - 1) / SC_TILE;
    s->panels = calloc((size_t)(n_panels * SC_TILE), (size_t)s->train->x.d * sizeof *s->panels);
    s->n_right = calloc((size_t)n_tasks + 1, sizeof *s->n_right);
    s->scratch = calloc((size_t)n_threads, sizeof *s->scratch);
    if (!s->panels || !s->n_right || !s->scratch) return false;
    s->n_scratch = n_threads;
    for (int i = 0; i < n_threads; i++) {
        struct scratch *const t = &s->scratch[i];
        t->heap = calloc((size_t)s->k * BLOCK, sizeof *t->heap);
        t->votes = calloc((size_t)s->n_classes, sizeof *t->votes);
        if (!t->heap || !t->votes) return false;
    }
    return true;
}

static void search_deinit(struct search *s)
{
    for (int i = 0; i < s->n_scratch; i++) {
        free(s->scratch[i].heap);
        free(s->scratch[i].votes);
    }
    free(s->scratch);
    free(s->n_right);
    free(s->panels);
}

simclr_status sc_knn_accuracy(struct simclr_diag *diag, struct sc_pool *pool,
                              const struct sc_labelled *train, const struct sc_labelled *test,
                              const struct sc_knn_options *options, double *accuracy)
{
    struct search s = {.train = train,
                       .test = test,
                       .n_classes = options->n_classes,
                       .k = options->k < train->x.n ? options->k : train->x.n,
                       .temperature = options->temperature};
    const int64_t n_tasks = (test->x.n + BLOCK - 1) / BLOCK;
    simclr_status status = SIMCLR_OK;
    if (search_init(&s, sc_pool_n_threads(pool), n_tasks)) {
        fill_panels(&s);
        sc_pool_run(pool, n_tasks, search_block, &s);
        int64_t n_right = 0;
        for (int64_t i = 0; i < n_tasks; i++)
            n_right += s.n_right[i];
        *accuracy = (double)n_right / (double)test->x.n;
    } else {
        status = sc_fail(diag, SIMCLR_NO_MEMORY, NULL,
                         "out of memory for the nearest neighbours of %lld rows",
                         (long long)train->x.n);
    }
    search_deinit(&s);
    return status;
}
