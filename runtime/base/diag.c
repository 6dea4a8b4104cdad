// SPDX-License-Identifier: Apache-2.0
//
// Lines are composed here and nowhere else. One lock for the whole process
// keeps calls of a sink, and lines on stderr, one at a time.
#include "runtime/base/diag.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MAX_ERRORS = 20 };

static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const severity_text[] = {
    [SIMCLR_ERROR] = "error",
    [SIMCLR_WARNING] = "warning",
    [SIMCLR_NOTE] = "note",
    [SIMCLR_HINT] = "hint",
};

static int max_errors(const struct simclr_diag *diag)
{
    return diag->max_errors > 0 ? diag->max_errors : DEFAULT_MAX_ERRORS;
}

// Counts the message; false if it is beyond the limit. Notes and hints share
// the fate of the error they belong to.
static bool admit(struct simclr_diag *diag, enum simclr_severity severity)
{
    if (severity == SIMCLR_WARNING) {
        diag->n_warnings++;
        return true;
    }
    if (severity == SIMCLR_ERROR) diag->n_errors++;
    return diag->n_errors <= max_errors(diag);
}

// Names come from the user's files and may hold anything: a message stays one line.
static void make_printable(char *line)
{
    for (; *line; line++) {
        const unsigned char c = (unsigned char)*line;
        if (c < 0x20 || c == 0x7f) *line = '?';
    }
}

static void emit(const struct simclr_diag *diag, enum simclr_severity severity, char *line)
{
    make_printable(line);
    if (diag && diag->sink)
        diag->sink(diag->user, severity, line);
    else
        (void)fprintf(stderr, "%s\n", line);
}

// Composes into `buffer`, or into fresh memory if it is too small, or cut off
// where there is none.
static char *compose(char *buffer, size_t capacity, const char *locus,
                     enum simclr_severity severity, const char *fmt, va_list args)
    SC_PRINTF(5, 0);

static char *compose(char *buffer, size_t capacity, const char *locus,
                     enum simclr_severity severity, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int head = snprintf(buffer, capacity, "%s: %s: ", locus, severity_text[severity]);
    const size_t at = head < 0 ? 0 : (size_t)head;
    const bool fits = at < capacity;
    const int tail = vsnprintf(fits ? buffer + at : NULL, fits ? capacity - at : 0, fmt, args);
    const size_t size = at + (tail < 0 ? 0 : (size_t)tail) + 1;
    if (size > capacity) {
        char *const line = malloc(size);
        if (line) {
            (void)snprintf(line, size, "%s: %s: ", locus, severity_text[severity]);
            (void)vsnprintf(line + at, size - at, fmt, again);
            buffer = line;
        }
    }
    va_end(again);
    return buffer;
}

void sc_vreport(struct simclr_diag *diag, enum simclr_severity severity, const char *locus,
                const char *fmt, va_list args)
{
    char buffer[512];
    if (!locus) locus = diag && diag->program ? diag->program : "simclr";
    char *const line = compose(buffer, sizeof buffer, locus, severity, fmt, args);
    pthread_mutex_lock(&report_lock);
    if (!diag || admit(diag, severity)) emit(diag, severity, line);
    pthread_mutex_unlock(&report_lock);
    if (line != buffer) free(line);
}

void sc_report(struct simclr_diag *diag, enum simclr_severity severity, const char *locus,
               const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sc_vreport(diag, severity, locus, fmt, args);
    va_end(args);
}

simclr_status sc_fail(struct simclr_diag *diag, simclr_status status, const char *locus,
                      const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sc_vreport(diag, SIMCLR_ERROR, locus, fmt, args);
    va_end(args);
    return status;
}

simclr_status sc_fail_errno(struct simclr_diag *diag, simclr_status status, const char *locus,
                            const char *fmt, ...)
{
    const int error = errno;
    char reason[128] = "unknown error";
    (void)strerror_r(error, reason, sizeof reason);
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    sc_report(diag, SIMCLR_ERROR, locus, "%s: %s", text, reason);
    return status;
}

void sc_report_suppressed(struct simclr_diag *diag)
{
    if (!diag || diag->n_errors <= max_errors(diag)) return;
    char line[256];
    const int n_hidden = diag->n_errors - max_errors(diag);
    (void)snprintf(line, sizeof line, "%s: note: %d more error%s not shown",
                   diag->program ? diag->program : "simclr", n_hidden,
                   n_hidden == 1 ? "" : "s");
    pthread_mutex_lock(&report_lock);
    emit(diag, SIMCLR_NOTE, line);
    pthread_mutex_unlock(&report_lock);
}
