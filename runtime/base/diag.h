// SPDX-License-Identifier: Apache-2.0
//
// Reporting. The function that finds a mistake reports it, once, and returns a
// status; callers pass the status up with SC_TRY and add nothing. Form of a
// message (docs/errors.md): `locus: severity: text`, lower case, no full stop,
// names from the user's files in single quotes, found before expected.
#ifndef SC_BASE_DIAG_H
#define SC_BASE_DIAG_H

#include <simclr/types.h>

#include <stdarg.h>

#define SC_MUST_USE          __attribute__((warn_unused_result))
#define SC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

// Returns from the enclosing function with the status of `call` unless it is OK.
#define SC_TRY(call)                                                                           \
    do {                                                                                       \
        const simclr_status sc_try_status_ = (call);                                           \
        if (sc_try_status_ != SIMCLR_OK) return sc_try_status_;                                \
    } while (0)

// Reports one message. `locus` is a file, or a file and a node ("m.onnx: node
// 'conv1' (Conv)"); NULL means the program's own name. `diag` NULL means stderr.
void sc_report(struct simclr_diag *diag, enum simclr_severity severity, const char *locus,
               const char *fmt, ...) SC_PRINTF(4, 5);
void sc_vreport(struct simclr_diag *diag, enum simclr_severity severity, const char *locus,
                const char *fmt, va_list args) SC_PRINTF(4, 0);

// Reports an error and returns `status`, so that a failing function ends with
// `return sc_fail(...)`.
simclr_status sc_fail(struct simclr_diag *diag, simclr_status status, const char *locus,
                      const char *fmt, ...) SC_PRINTF(4, 5);

// The same for a failed system call: appends ": " and strerror(errno).
simclr_status sc_fail_errno(struct simclr_diag *diag, simclr_status status, const char *locus,
                            const char *fmt, ...) SC_PRINTF(4, 5);

// After a run with errors: says how many were not shown, if any.
void sc_report_suppressed(struct simclr_diag *diag);

#endif
