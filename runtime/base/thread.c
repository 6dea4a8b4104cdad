// SPDX-License-Identifier: Apache-2.0
//
// Threads wait for a job, a function and a count of tasks. Whoever is awake
// takes the next task number; the caller works too, and then closes the job and
// waits only for those that have entered it. A thread that wakes late finds the
// job closed and goes back to sleep, so a busy machine delays nobody. Jobs follow
// each other closely during training: both sides spin for some microseconds
// before they sleep.
#define _GNU_SOURCE // sched_getaffinity
#include "runtime/base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_THREADS = 1024, SPINS = 1000 };

struct job {
    void (*fn)(void *ctx, int64_t task, int thread);
    void *ctx;
    int64_t n_tasks;
};

struct worker {
    struct sc_pool *pool;
    int index; // 1 .. n_threads-1; the caller is 0
    pthread_t thread;
};

struct sc_pool {
    int n_threads, n_started;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    // Under the lock; the atomics are also read outside it, while spinning.
    struct job job;
    bool is_open, is_stopping;
    atomic_uint generation; // counts jobs
    atomic_int n_inside;    // workers that have entered the job and not left it
    _Alignas(64) atomic_int_least64_t next_task;
    struct worker *worker;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void work_on(struct sc_pool *pool, const struct job *job, int thread)
{
    for (;;) {
        const int64_t task =
            atomic_fetch_add_explicit(&pool->next_task, 1, memory_order_relaxed);
        if (task >= job->n_tasks) return;
        job->fn(job->ctx, task, thread);
    }
}

static void spin_for_job(struct sc_pool *pool, unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->generation, memory_order_relaxed) != seen) return;
        relax();
    }
}

static void *worker_main(void *arg)
{
    const struct worker *const self = arg;
    struct sc_pool *const pool = self->pool;
    unsigned seen = 0;
    for (;;) {
        spin_for_job(pool, seen);
        pthread_mutex_lock(&pool->lock);
        while (pool->generation == seen && !pool->is_stopping)
            pthread_cond_wait(&pool->work, &pool->lock);
        seen = pool->generation;
        const bool is_stopping = pool->is_stopping;
        const bool enters = pool->is_open && !is_stopping;
        const struct job job = pool->job;
        pool->n_inside += enters;
        pthread_mutex_unlock(&pool->lock);
        if (is_stopping) return NULL;
        if (!enters) continue;
        work_on(pool, &job, self->index);
        pthread_mutex_lock(&pool->lock);
        if (--pool->n_inside == 0) pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->lock);
    }
}

static int n_usable_cores(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
#endif
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n <= MAX_THREADS ? (int)n : 1;
}

// Signals are for the thread that the program started with.
static int start_workers(struct sc_pool *pool)
{
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = 0;
    for (int i = 1; i < pool->n_threads && !error; i++) {
        struct worker *const w = &pool->worker[i - 1];
        *w = (struct worker){.pool = pool, .index = i};
        error = pthread_create(&w->thread, NULL, worker_main, w);
        pool->n_started += !error;
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return error;
}

simclr_status sc_pool_new(struct simclr_diag *diag, int n_threads, struct sc_pool **out)
{
    if (n_threads < 0 || n_threads > MAX_THREADS)
        return sc_fail(diag, SIMCLR_USAGE, NULL, "%d threads asked for, 0 to %d expected",
                       n_threads, MAX_THREADS);
    if (n_threads == 0) n_threads = n_usable_cores();
    struct sc_pool *const pool = aligned_alloc(64, sizeof *pool);
    struct worker *const workers = calloc((size_t)n_threads, sizeof *workers);
    if (!pool || !workers) {
        free(pool);
        free(workers);
        return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory for %d threads", n_threads);
    }
    *pool = (struct sc_pool){.n_threads = n_threads, .worker = workers};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    const int error = start_workers(pool);
    if (error) {
        sc_pool_free(pool);
        errno = error;
        return sc_fail_errno(diag, SIMCLR_NO_MEMORY, NULL, "cannot start %d threads",
                             n_threads);
    }
    *out = pool;
    return SIMCLR_OK;
}

void sc_pool_free(struct sc_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->is_stopping = true;
    pool->generation++; // ends the spinning
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->n_started; i++)
        (void)pthread_join(pool->worker[i].thread, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool->worker);
    free(pool);
}

int sc_pool_n_threads(const struct sc_pool *pool)
{
    return pool->n_threads;
}

static void open_job(struct sc_pool *pool, const struct job *job)
{
    pthread_mutex_lock(&pool->lock);
    pool->job = *job;
    atomic_store_explicit(&pool->next_task, 0, memory_order_relaxed);
    pool->is_open = true;
    pool->generation++;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

static void close_job(struct sc_pool *pool)
{
    for (int i = 0; i < SPINS && pool->n_inside > 0; i++)
        relax();
    pthread_mutex_lock(&pool->lock);
    pool->is_open = false;
    while (pool->n_inside > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void sc_pool_run(struct sc_pool *pool, int64_t n_tasks,
                 void (*fn)(void *ctx, int64_t task, int thread), void *ctx)
{
    if (n_tasks <= 1 || pool->n_threads == 1) {
        for (int64_t task = 0; task < n_tasks; task++)
            fn(ctx, task, 0);
        return;
    }
    const struct job job = {.fn = fn, .ctx = ctx, .n_tasks = n_tasks};
    open_job(pool, &job);
    work_on(pool, &job, 0);
    close_job(pool);
}
