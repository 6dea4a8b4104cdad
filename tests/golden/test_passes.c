// SPDX-License-Identifier: Apache-2.0
//
// Passes on small graphs. Each file of tests/golden/passes is
//     # RUN: PASS... [entry=train] [optimizer=lars] [freeze_bn] [unbiased_bn]
//     one graph
//     # ----
//     the messages, each behind `#! `, and the graph that comes out
// and must match to the last character. After every pass the graph is verified.
// With SIMCLR_UPDATE_GOLDEN=1 in the environment the expectation is rewritten.
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/plan.h"
#include "runtime/base/file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char folder[] = "tests/golden/passes";
static const char rule[] = "# ----\n";

static void keep_message(void *user, enum simclr_severity severity, const char *line)
{
    (void)severity;
    sc_str_printf(user, "#! %s\n", line);
}

// One word of the RUN line that is not a pass.
static bool read_setting(struct sc_pass_context *ctx, const char *word)
{
    static const char *const entries[] = {[SC_ENTRY_train] = "entry=train",
                                          [SC_ENTRY_grad] = "entry=grad",
                                          [SC_ENTRY_embed] = "entry=embed",
                                          [SC_ENTRY_project] = "entry=project",
                                          [SC_ENTRY_recalibrate] = "entry=recalibrate",
                                          [SC_ENTRY_run] = "entry=run"};
    for (int i = 0; i < SC_N_ENTRIES; i++) {
        if (strcmp(word, entries[i]) == 0) {
            ctx->entry = (enum sc_entry_kind)i;
            return true;
        }
    }
    if (strncmp(word, "optimizer=", 10) == 0)
        return sc_optimizer_parse(NULL, word + 10, &ctx->optimizer) == SIMCLR_OK;
    bool *const flag = strcmp(word, "freeze_bn") == 0     ? &ctx->freeze_bn
                       : strcmp(word, "unbiased_bn") == 0 ? &ctx->unbiased_bn
                                                          : NULL;
    if (flag) *flag = true;
    return flag != NULL;
}

enum { MAX_PASSES = 16 };

struct run {
    struct sc_pass_context ctx;
    const struct sc_pass *passes[MAX_PASSES];
    int n_passes;
};

static bool read_run_line(const char *text, struct run *r)
{
    static const char head[] = "# RUN: ";
    char line[400];
    const size_t n = strcspn(text, "\n");
    if (strncmp(text, head, strlen(head)) != 0 || n >= sizeof line) return false;
    memcpy(line, text, n);
    line[n] = '\0';
    *r = (struct run){.n_passes = 0};
    if (sc_optimizer_parse(NULL, "sgd", &r->ctx.optimizer) != SIMCLR_OK) return false;
    char *rest = NULL;
    for (char *word = strtok_r(line + strlen(head), " ", &rest); word;
         word = strtok_r(NULL, " ", &rest)) {
        if (read_setting(&r->ctx, word)) continue;
        const struct sc_pass *const pass = sc_pass_find(word);
        if (!pass || r->n_passes == MAX_PASSES) return false;
        r->passes[r->n_passes++] = pass;
    }
    return true;
}

static void run_passes(const struct run *r, struct sc_graph *g, struct sc_str *messages)
{
    for (int i = 0; i < r->n_passes; i++) {
        (void)r->passes[i]->run(g, &r->ctx);
        sc_verify_thoroughly(g, r->passes[i]->name);
        if (g->is_planned && !sc_plan_check(g, messages)) return;
    }
}

// What comes out of the input; false if it cannot be run.
static bool produce(const char *path, const char *input, size_t size, struct sc_str *out)
{
    struct run r;
    if (!read_run_line(input, &r)) return false;
    struct simclr_diag diag = {.sink = keep_message, .user = out};
    struct sc_module *const m = sc_module_new(&diag);
    struct sc_graph **graphs = NULL;
    uint32_t n_graphs = 0;
    const simclr_status status = sc_parse_text(m, path, input, size, &graphs, &n_graphs);
    if (status == SIMCLR_OK && n_graphs == 1) {
        run_passes(&r, graphs[0], out);
        if (diag.n_errors == 0) sc_print_text(graphs[0], out);
    }
    sc_module_free(m);
    return true;
}

static void rewrite(const char *path, const char *input, size_t size, const char *output)
{
    FILE *const f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "%.*s%s%s", (int)size, input, rule, output);
    assert_int_equal(fclose(f), 0);
}

static bool check_file(const char *name)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    struct sc_map map;
    assert_int_equal(sc_map_open(NULL, path, &map), SIMCLR_OK);
    char *const text = calloc(map.size + 1, 1);
    assert_non_null(text);
    memcpy(text, map.data, map.size);
    sc_map_close(&map);

    const char *const end = strstr(text, rule);
    const size_t size = end ? (size_t)(end - text) : strlen(text);
    const char *const expected = end ? end + strlen(rule) : "";
    struct sc_str output = {0};
    bool is_good = produce(path, text, size, &output);
    if (!is_good) {
        (void)fprintf(stderr, "%s: error: no valid RUN line\n", path);
    } else if (strcmp(sc_str_text(&output), expected) != 0) {
        is_good = getenv("SIMCLR_UPDATE_GOLDEN") != NULL;
        if (is_good)
            rewrite(path, text, size, sc_str_text(&output));
        else
            (void)fprintf(stderr, "%s: error: found:\n%s\nexpected:\n%s\n", path,
                          sc_str_text(&output), expected);
    }
    sc_str_free(&output);
    free(text);
    return is_good;
}

static int is_golden(const struct dirent *entry)
{
    const size_t n = strlen(entry->d_name);
    return n > 3 && strcmp(entry->d_name + n - 3, ".ir") == 0;
}

static void every_golden_file_matches(void **state)
{
    (void)state;
    struct dirent **entries = NULL;
    const int n = scandir(folder, &entries, is_golden, alphasort);
    int n_bad = 0;
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        n_bad += !check_file(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    assert_int_equal(n_bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_golden_file_matches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
