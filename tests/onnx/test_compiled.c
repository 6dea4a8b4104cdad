// SPDX-License-Identifier: Apache-2.0
//
// ONNX's own tests along the way that users take: each model is compiled with --loss
// none and run by a session on the CPU, with the inputs that its test gives, and its
// outputs are compared at ONNX's own tolerance. Where a value must be known at compile
// time, first the inputs of integers and bools are fixed, then all but the first, then all.
//
// What is refused is counted by reason, and listed with its node in refusals.txt in the
// build's folder: a refusal that names neither node nor input, and is not of the whole
// model's opset, fails the test, as does any wrong number. SIMCLR_VERBOSE=1 in the
// environment prints every name.
#include "tests/onnx/program.h"
#include "tests/onnx/run.h"
#include "tests/onnx/testdata.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// Raise it when more passes, never lower it.
enum { LEAST_PASSED = 910 };

static const double relative = 1e-3, absolute = 1e-7; // of onnx.backend.test

// Tests whose operators we know and whose outcome we mean to differ from.
static const char *const exceptions[][2] = {
    {"test_cast_BFLOAT16", "the input is declared as another type than it has"},
    {"test_cast_FLOAT_to_BFLOAT16", "we compute in single precision"},
    {"test_castlike_BFLOAT16", "the input is declared as another type than it has"},
    {"test_castlike_FLOAT_to_BFLOAT16", "we compute in single precision"},
};

// Which inputs are constants.
enum level { NONE_FIXED, INTS_FIXED, REST_FIXED, ALL_FIXED, N_LEVELS };
static const char *const level_names[N_LEVELS] = {"every input at run time", "integers fixed",
                                                  "all but the first fixed", "all fixed"};

enum outcome { PASSED, REFUSED, WRONG };

struct reason {
    struct sc_str text;
    int n;
};

struct tally {
    FILE *list;
    int n[3], n_passed_at[N_LEVELS];
    struct reason *reasons;
    size_t n_reasons;
};

// One case: its data, and what becomes of it.
struct trial {
    const char *dir;
    struct run data; // for reading
    struct program_case program;
};

// ---- reading ----

static void open_data(struct trial *t, char *model, size_t size)
{
    char path[600];
    struct run *const r = &t->data;
    struct program_case *const p = &t->program;
    const Onnx__ValueInfoProto *infos[RUN_MAX_TENSORS];
    run_init(r);
    (void)snprintf(model, size, "%s/model.onnx", t->dir);
    p->model = model;
    if (sc_onnx_open(r->m, model, &r->model) != SIMCLR_OK) return;
    r->n_in = p->n_in = run_inputs(r->model, infos);
    for (int i = 0; i < r->n_in; i++) {
        (void)snprintf(path, sizeof path, "%s/test_data_set_0/input_%d.pb", t->dir, i);
        p->in[i] = r->in[i] = testdata_load(r->m, path);
        p->names[i] = sc_onnx_text(infos[i]->name);
    }
}

static void fix_inputs(struct program_case *p, enum level level)
{
    for (int i = 0; i < p->n_in; i++) {
        const bool is_int = p->in[i] && !simclr_dtype_is_float(p->in[i]->dtype);
        p->is_fixed[i] = level == ALL_FIXED || (level == REST_FIXED && i > 0) ||
                         (level == INTS_FIXED && is_int);
    }
}

// ---- comparing ----

static bool is_close(double x, double y)
{
    if (isnan(x) || isnan(y)) return isnan(x) && isnan(y);
    if (isinf(x) || isinf(y)) return x == y;
    return fabs(x - y) <= absolute + relative * fabs(y);
}

static bool is_right(struct trial *t, int i)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/test_data_set_0/output_%d.pb", t->dir, i);
    const struct sc_tensor *const got = t->program.out[i];
    struct sc_tensor *const want = testdata_load(t->data.m, path);
    bool right =
        want && want->dtype == got->dtype && simclr_shape_equal(&want->shape, &got->shape);
    if (!right) {
        sc_str_printf(&t->program.messages, "output %d is ", i);
        sc_str_append_type(&t->program.messages, got->dtype, &got->shape);
    }
    for (int64_t k = 0; right && k < got->count; k++) {
        right = got->f ? is_close(got->f[k], want->f[k]) : got->i[k] == want->i[k];
        if (right) continue;
        const double x = got->f ? got->f[k] : (double)got->i[k];
        const double y = want->f ? want->f[k] : (double)want->i[k];
        sc_str_printf(&t->program.messages, "output %d, element %lld is %.9g, expected %.9g", i,
                      (long long)k, x, y);
    }
    sc_tensor_free(want);
    return right;
}

static enum outcome try_levels(struct trial *t, enum level *level)
{
    struct program_case *const p = &t->program;
    for (int k = 0; k < N_LEVELS; k++) {
        *level = (enum level)k;
        fix_inputs(p, *level);
        const enum program_outcome outcome = program_run(p);
        if (outcome == PROGRAM_FAILED) return WRONG;
        if (outcome == PROGRAM_RAN) {
            for (int i = 0; i < p->n_out; i++) {
                if (!is_right(t, i)) return WRONG;
            }
            return PASSED;
        }
        if (!strstr(sc_str_text(&p->messages), "must be known at compile time")) break;
    }
    return REFUSED;
}

// ---- the account ----

// "m.onnx: node 'y' (Op): error: text" into "node 'y' (Op)" and "text".
static bool split_message(const char *message, const char **where, int *where_size,
                          const char **text)
{
    const char *const error = strstr(message, ": error: ");
    const char *const node = strstr(message, ".onnx: node ");
    if (!error) return false;
    *text = error + strlen(": error: ");
    *where = node && node < error ? node + strlen(".onnx: ") : "";
    *where_size = node && node < error ? (int)(error - *where) : 0;
    return *where_size > 0 || strstr(*text, "input '") == *text ||
           strstr(*text, "opset ") == *text || strstr(*text, "the model imports no ") == *text;
}

// What is the same for many models: the operator, and the text without names and numbers.
static void generalise(struct sc_str *out, const char *where, int where_size, const char *text)
{
    const char *const open = where_size > 0 ? memchr(where, '(', (size_t)where_size) : NULL;
    bool is_quoted = false;
    if (open) sc_str_append_n(out, open, (size_t)(where + where_size - open));
    sc_str_append(out, open ? ": " : "");
    for (const char *p = text; *p && *p != '\n'; p++) {
        const bool is_digit = *p >= '0' && *p <= '9';
        const bool repeats = is_digit && p > text && p[-1] >= '0' && p[-1] <= '9';
        if (*p == '\'') {
            is_quoted = !is_quoted;
            sc_str_append(out, is_quoted ? "'..." : "'");
        } else if (is_digit && !is_quoted) {
            sc_str_append(out, repeats ? "" : "#");
        } else if (!is_quoted) {
            sc_str_append_n(out, p, 1);
        }
    }
}

static void count_reason(struct tally *all, const char *where, int where_size, const char *text)
{
    struct sc_str reason = {0};
    generalise(&reason, where, where_size, text);
    size_t i = 0;
    while (i < all->n_reasons &&
           strcmp(sc_str_text(&all->reasons[i].text), sc_str_text(&reason)) != 0)
        i++;
    if (i == all->n_reasons) {
        all->reasons = realloc(all->reasons, (i + 1) * sizeof *all->reasons);
        assert_non_null(all->reasons);
        all->reasons[all->n_reasons++] = (struct reason){.text = reason};
    } else {
        sc_str_free(&reason);
    }
    all->reasons[i].n++;
}

static bool note_refusal(struct tally *all, const char *name, const char *message)
{
    const char *where = "", *text = "";
    int where_size = 0;
    const bool is_named = split_message(message, &where, &where_size, &text);
    (void)fprintf(all->list, "%s\t%.*s\t%.*s\n", name, where_size, where,
                  (int)strcspn(text, "\n"), text);
    count_reason(all, where, where_size, text);
    return is_named;
}

static void run_case(void *user, const char *dir, const char *name)
{
    static const char *const words[] = {"passed", "refused", "WRONG"};
    struct tally *const all = user;
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++) {
        if (!strncmp(name, exceptions[i][0], strlen(exceptions[i][0]))) return;
    }
    struct trial t = {.dir = dir};
    enum level level;
    char model[600];
    open_data(&t, model, sizeof model);
    enum outcome outcome = try_levels(&t, &level);
    if (outcome == REFUSED && !note_refusal(all, name, sc_str_text(&t.program.messages)))
        outcome = WRONG;
    all->n[outcome]++;
    all->n_passed_at[level] += outcome == PASSED;
    if (outcome == WRONG || getenv("SIMCLR_VERBOSE"))
        print_message("%s %s: %s\n", words[outcome], name, sc_str_text(&t.program.messages));
    run_deinit(&t.data);
    program_free(&t.program);
}

static int more_first(const void *left, const void *right)
{
    const struct reason *const a = left, *const b = right;
    if (a->n != b->n) return b->n - a->n;
    return strcmp(sc_str_text(&a->text), sc_str_text(&b->text));
}

static void print_account(struct tally *all)
{
    print_message("%d passed, %d refused, %d wrong\n", all->n[PASSED], all->n[REFUSED],
                  all->n[WRONG]);
    for (int i = 0; i < N_LEVELS; i++)
        print_message("%6d passed with %s\n", all->n_passed_at[i], level_names[i]);
    qsort(all->reasons, all->n_reasons, sizeof *all->reasons, more_first);
    (void)fprintf(all->list, "\n%d passed, %d refused: how many, and why\n", all->n[PASSED],
                  all->n[REFUSED]);
    for (size_t i = 0; i < all->n_reasons; i++) {
        const char *const text = sc_str_text(&all->reasons[i].text);
        (void)fprintf(all->list, "%6d %s\n", all->reasons[i].n, text);
        if (i < 12) print_message("%6d refused: %s\n", all->reasons[i].n, text);
        sc_str_free(&all->reasons[i].text);
    }
    free(all->reasons);
}

static void programs_compute_what_onnx_says(void **state)
{
    (void)state;
    struct tally all = {.list = fopen(SC_TEST_OUTPUT "/refusals.txt", "w")};
    assert_non_null(all.list);
    const bool is_here = testdata_each(NULL, run_case, &all);
    print_account(&all);
    assert_int_equal(fclose(all.list), 0);
    if (!is_here) skip();
    assert_int_equal(all.n[WRONG], 0);
    assert_true(all.n[PASSED] >= LEAST_PASSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs_compute_what_onnx_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
