// SPDX-License-Identifier: Apache-2.0
//
// A pool of threads that runs independent tasks. How work is cut into tasks is
// the caller's business and must depend on shapes only, never on the number of
// threads: then results do not depend on it either. Which thread runs which
// task is decided at run time.
#ifndef SC_BASE_THREAD_H
#define SC_BASE_THREAD_H

#include "runtime/base/diag.h"

struct sc_pool;

// n_threads counts the calling thread; 0 means one per core the process may use.
SC_MUST_USE simclr_status sc_pool_new(struct simclr_diag *diag, int n_threads,
                                      struct sc_pool **out);
void sc_pool_free(struct sc_pool *pool);
int sc_pool_n_threads(const struct sc_pool *pool);

// Calls fn(ctx, task, thread) once for each task in [0, n_tasks), thread in
// [0, n_threads), and returns when all are done. Not re-entrant: fn must not
// call sc_pool_run on the same pool. With one task, or one thread, fn runs in
// the caller.
void sc_pool_run(struct sc_pool *pool, int64_t n_tasks,
                 void (*fn)(void *ctx, int64_t task, int thread), void *ctx);

#endif
