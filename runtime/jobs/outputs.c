// SPDX-License-Identifier: Apache-2.0
#include "runtime/jobs/outputs.h"

#include "runtime/base/file.h"
#include "runtime/base/npy.h"
#include "runtime/base/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void sc_output_describe(const struct simclr_tensor *t, struct simclr_run_output *out)
{
    const struct sc_numbers numbers = sc_numbers_of(t);
    double sum = 0;
    out->dtype = t->dtype;
    out->shape = t->shape;
    for (int64_t i = 0; i < numbers.count; i++) {
        const double x = sc_number_real(sc_numbers_get(&numbers, i));
        if (isnan(x)) continue;
        if (out->n_numbers == 0 || x < out->min) out->min = x;
        if (out->n_numbers == 0 || x > out->max) out->max = x;
        out->n_numbers++;
        sum += x;
    }
    if (out->n_numbers > 0) out->mean = sum / (double)out->n_numbers;
    if (isnan(out->mean)) out->mean = (double)NAN; // of one sign
}

// How far out a number is, in units of what is allowed: right up to 1.
static double badness(struct sc_number found, struct sc_number expected, double rtol,
                      double atol)
{
    if (!found.is_float && !expected.is_float)
        return sc_number_same(found, expected)
                   ? 0
                   : 2 + fabs(sc_number_real(found) - sc_number_real(expected));
    const double x = sc_number_real(found), y = sc_number_real(expected);
    if (x == y || (isnan(x) && isnan(y))) return 0;
    const double allowed = atol + rtol * fabs(y), difference = fabs(x - y);
    if (!isfinite(difference) || allowed == 0) return (double)INFINITY;
    return difference / allowed;
}

void sc_output_compare(const struct simclr_tensor *t, const struct sc_numbers *expected,
                       double rtol, double atol, struct simclr_run_output *out)
{
    const struct sc_numbers numbers = sc_numbers_of(t);
    double worst = 1;
    out->is_compared = true;
    for (int64_t i = 0; i < numbers.count; i++) {
        const struct sc_number x = sc_numbers_get(&numbers, i);
        const struct sc_number y = sc_numbers_get(expected, i);
        const double bad = badness(x, y, rtol, atol);
        if (bad <= 1) continue;
        out->n_wrong++;
        if (bad <= worst) continue;
        worst = bad;
        out->worst = i;
        out->found = sc_number_real(x);
        out->expected = sc_number_real(y);
    }
}

// ---- writing ----

enum { STEM = 200 };

// A name that every file system takes: what is no letter, digit, dash or dot becomes a
// line, and so does a leading dot.
static void make_stem(const char *name, char stem[STEM + 1])
{
    size_t n = 0;
    for (; name[n] && n < STEM; n++) {
        const char c = name[n];
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || (c == '.' && n > 0);
        stem[n] = is_plain ? c : '_';
    }
    stem[n] = '\0';
    if (n == 0) (void)snprintf(stem, STEM + 1, "output");
}

// Names that become equal are numbered.
static void name_file(struct simclr_run_output *outputs, size_t i)
{
    char stem[STEM + 1];
    make_stem(outputs[i].name, stem);
    char *const file = outputs[i].file;
    bool is_taken = true;
    for (unsigned number = 1; is_taken; number++) {
        if (number == 1)
            (void)snprintf(file, SIMCLR_RUN_FILE, "%s.npy", stem);
        else
            (void)snprintf(file, SIMCLR_RUN_FILE, "%s-%u.npy", stem, number);
        is_taken = false;
        for (size_t k = 0; k < i; k++)
            is_taken = is_taken || strcmp(outputs[k].file, file) == 0;
    }
}

static simclr_status write_all(struct simclr_diag *diag, const char *folder,
                               const struct simclr_tensor *tensors,
                               const struct simclr_run_output *outputs, size_t n)
{
    struct sc_str path = {0};
    simclr_status status = sc_make_dirs(diag, folder);
    for (size_t i = 0; i < n && status == SIMCLR_OK; i++) {
        sc_str_clear(&path);
        sc_str_printf(&path, "%s/%s", folder, outputs[i].file);
        status = sc_npy_write(diag, sc_str_text(&path), &tensors[i]);
    }
    sc_str_free(&path);
    return status == SIMCLR_OK ? sc_sync_dir(diag, folder) : status;
}

simclr_status sc_outputs_write(struct simclr_diag *diag, const char *folder,
                               const struct simclr_tensor *tensors,
                               struct simclr_run_output *outputs, size_t n)
{
    struct sc_str temporary = {0};
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    sc_str_append_n(&temporary, folder, length);
    sc_str_printf(&temporary, ".tmp-%ld", (long)getpid());
    for (size_t i = 0; i < n; i++)
        name_file(outputs, i);
    simclr_status status = write_all(diag, sc_str_text(&temporary), tensors, outputs, n);
    if (status == SIMCLR_OK && rename(sc_str_text(&temporary), folder) != 0)
        status = sc_fail_errno(diag, SIMCLR_IO, NULL, "cannot write folder '%s'", folder);
    if (status != SIMCLR_OK) sc_remove_tree(sc_str_text(&temporary));
    sc_str_free(&temporary);
    return status;
}
