// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/scratch.h"

#include "runtime/base/thread.h"

enum { N_TASKS = 1000 };

struct tally {
    int n_threads;
    int runs[N_TASKS];
};

static void count_run(void *ctx, int64_t task, int thread)
{
    struct tally *const t = ctx;
    if (thread >= 0 && thread < t->n_threads) t->runs[task]++;
}

static void each_task_runs_once(void **state)
{
    struct scratch *const s = *state;
    for (int n_threads = 1; n_threads <= 5; n_threads++) {
        struct sc_pool *pool;
        assert_int_equal(sc_pool_new(&s->diag, n_threads, &pool), SIMCLR_OK);
        struct tally t = {.n_threads = n_threads};
        sc_pool_run(pool, N_TASKS, count_run, &t);
        for (int i = 0; i < N_TASKS; i++)
            assert_int_equal(t.runs[i], 1);
        sc_pool_free(pool);
    }
}

// Short jobs in close succession find a thread that wakes late.
static void many_small_jobs_lose_no_task(void **state)
{
    struct scratch *const s = *state;
    struct sc_pool *pool;
    assert_int_equal(sc_pool_new(&s->diag, 4, &pool), SIMCLR_OK);
    struct tally t = {.n_threads = 4};
    for (int i = 0; i < 3000; i++)
        sc_pool_run(pool, 1 + i % 7, count_run, &t);
    int total = 0, expected = 0;
    for (int i = 0; i < N_TASKS; i++)
        total += t.runs[i];
    for (int i = 0; i < 3000; i++)
        expected += 1 + i % 7;
    assert_int_equal(total, expected);
    sc_pool_free(pool);
}

static void no_task_is_fine(void **state)
{
    struct scratch *const s = *state;
    struct sc_pool *pool;
    assert_int_equal(sc_pool_new(&s->diag, 0, &pool), SIMCLR_OK);
    assert_true(sc_pool_n_threads(pool) >= 1);
    sc_pool_run(pool, 0, count_run, NULL);
    sc_pool_free(pool);
    sc_pool_free(NULL);
}

static void a_negative_number_of_threads_is_refused(void **state)
{
    struct scratch *const s = *state;
    struct sc_pool *pool;
    assert_int_equal(sc_pool_new(&s->diag, -1, &pool), SIMCLR_USAGE);
    assert_string_equal(s->message, "simclr: error: -1 threads asked for, 0 to 1024 expected");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(each_task_runs_once),
        SCRATCH_TEST(many_small_jobs_lose_no_task),
        SCRATCH_TEST(no_task_is_fine),
        SCRATCH_TEST(a_negative_number_of_threads_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
