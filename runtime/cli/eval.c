// SPDX-License-Identifier: Apache-2.0
//
// simclr eval and simclr embed: what the encoder has learnt.
#include "runtime/cli/commands.h"

#include <simclr/eval.h>

#include <inttypes.h>
#include <string.h>

// ---- eval ----

struct eval_arguments {
    struct simclr_texts run;
    const char *data, *test_data, *probe, *on;
    int64_t k, threads;
    double temperature;
    bool json;
};

#define AT(field) offsetof(struct eval_arguments, field)
static const struct simclr_option eval_options[] = {
    {SIMCLR_OPTION_text, .name = "data", .offset = AT(data), .is_required = true,
     .metavar = "SPEC", .help = "labelled images: cifar10:DIR, folder:DIR, synthetic:[...]"},
    {SIMCLR_OPTION_text, .name = "test-data", .offset = AT(test_data), .metavar = "SPEC",
     .help = "measure on these instead of the test images of --data"},
    {SIMCLR_OPTION_text, .name = "probe", .offset = AT(probe), .metavar = "linear,knn",
     .help = "a linear classifier, weighted nearest neighbours, or both (both)"},
    {SIMCLR_OPTION_text, .name = "on", .offset = AT(on), .metavar = "h,z",
     .help = "the encoder's output, the projection head's, or both (h)"},
    {SIMCLR_OPTION_integer, .name = "k", .offset = AT(k), .metavar = "K", .at_least = 1,
     .help = "neighbours (200)"},
    {SIMCLR_OPTION_number, .name = "temperature", .offset = AT(temperature), .metavar = "T",
     .help = "of the neighbours' votes (0.1)"},
    {SIMCLR_OPTION_integer, .name = "threads", .offset = AT(threads), .metavar = "N",
     .at_least = 1, .help = "one per core is the default"},
    {SIMCLR_OPTION_flag, .name = "json", .offset = AT(json),
     .help = "print the result as JSON"},
};
#undef AT

static const struct simclr_command eval_command = {
    .program = "simclr",
    .name = "eval",
    .usage = "RUN --data SPEC [--probe linear,knn] [options]",
    .about = "Measures how well simple classifiers do on the features of a run, beside raw\n"
             "pixels and the encoder before training, whose BN statistics are brought to the\n"
             "training images first. RUN may be one checkpoint of a run.",
    .examples = "  simclr eval runs/a --data cifar10:data\n"
                "  simclr eval runs/a --data folder:labelled --probe knn --on h,z --json\n"
                "  simclr eval runs/a/checkpoints/step-00000500 --data labelled",
    .operands = {"RUN", 1, 1, offsetof(struct eval_arguments, run)},
    .options = eval_options,
    .n_options = sizeof eval_options / sizeof *eval_options,
};

// Reads "a,b" into two flags; false if there is anything else.
static bool parse_pair(const char *text, const char *a, const char *b, bool *has_a, bool *has_b)
{
    *has_a = *has_b = false;
    for (;;) {
        const size_t n = strcspn(text, ",");
        if (n == strlen(a) && strncmp(text, a, n) == 0)
            *has_a = true;
        else if (n == strlen(b) && strncmp(text, b, n) == 0)
            *has_b = true;
        else
            return false;
        if (text[n] == '\0') return true;
        text += n + 1;
    }
}

static bool parse_choices(const struct eval_arguments *a, struct simclr_eval_options *o,
                          struct simclr_diag *diag)
{
    const char *const probe = a->probe ? a->probe : "linear,knn", *const on =
                                                                      a->on ? a->on : "h";
    const bool ok = parse_pair(probe, "linear", "knn", &o->wants_linear, &o->wants_knn);
    if (!ok)
        simclr_report(diag, SIMCLR_ERROR, NULL,
                      "option '--probe': found '%s', expected linear, knn or linear,knn",
                      probe);
    const bool on_ok = parse_pair(on, "h", "z", &o->wants_h, &o->wants_z);
    if (!on_ok)
        simclr_report(diag, SIMCLR_ERROR, NULL,
                      "option '--on': found '%s', expected h, z or h,z", on);
    return ok && on_ok;
}

static void say_line(void *user, const char *line)
{
    (void)user;
    sc_cli_say("%s\n", line);
}

static void print_json(const struct eval_arguments *a, const struct simclr_eval_result *r)
{
    sc_cli_print("{\"run\":");
    sc_cli_print_json_text(a->run.item[0]);
    sc_cli_print(",\"step\":%" PRId64 ",\"n_train\":%" PRId64 ",\"n_test\":%" PRId64
                 ",\"n_classes\":%" PRId64 ",\"k\":%" PRId64,
                 r->step, r->n_train, r->n_test, r->n_classes, r->k);
    sc_cli_print(",\"chance\":%.6g,\"largest_class\":%.6g,\"rows\":[", r->chance,
                 r->largest_class);
    for (int i = 0; i < r->n_rows; i++) {
        const struct simclr_eval_row *const row = &r->row[i];
        sc_cli_print("%s{\"features\":", i > 0 ? "," : "");
        sc_cli_print_json_text(row->features);
        sc_cli_print(",\"dim\":%" PRId64 ",\"n_train\":%" PRId64, row->dim, row->n_train);
        if (row->knn >= 0) sc_cli_print(",\"knn\":%.6g", row->knn);
        if (row->linear >= 0) sc_cli_print(",\"linear\":%.6g", row->linear);
        sc_cli_print("}");
    }
    sc_cli_print("]}\n");
}

static void print_share(double share)
{
    if (share < 0)
        sc_cli_print("  %8s", "-");
    else
        sc_cli_print("  %7.2f%%", 100.0 * share);
}

static void print_table(const struct simclr_eval_result *r)
{
    sc_cli_print("%" PRId64 " training and %" PRId64 " test images of %" PRId64
                 " classes; chance %.2f%%, largest class %.2f%%; step %" PRId64 "\n",
                 r->n_train, r->n_test, r->n_classes, 100.0 * r->chance,
                 100.0 * r->largest_class, r->step);
    sc_cli_print("%-24s %6s %10s  kNN %4" PRId64 "    linear\n", "features", "dim", "fitted on",
                 r->k);
    for (int i = 0; i < r->n_rows; i++) {
        const struct simclr_eval_row *const row = &r->row[i];
        sc_cli_print("%-24s %6" PRId64 " %10" PRId64, row->features, row->dim, row->n_train);
        print_share(row->knn);
        print_share(row->linear);
        sc_cli_print("\n");
    }
}

int sc_cli_eval(int argc, const char *const *argv, struct simclr_diag *diag)
{
    struct eval_arguments a = {0};
    int exit_code;
    if (!simclr_options_parse(&eval_command, argc, argv, &a, diag, &exit_code))
        return exit_code;
    struct simclr_eval_options o = {.run = a.run.item[0],
                                    .data = a.data,
                                    .test_data = a.test_data,
                                    .k = a.k,
                                    .temperature = a.temperature,
                                    .threads = a.threads};
    if (!parse_choices(&a, &o, diag)) return simclr_exit_code(SIMCLR_USAGE);
    struct simclr_eval_result result;
    const simclr_status status = simclr_eval(&o, say_line, NULL, diag, &result);
    if (status == SIMCLR_OK && a.json) print_json(&a, &result);
    if (status == SIMCLR_OK && !a.json) print_table(&result);
    return sc_cli_finish(diag, status);
}

// ---- embed ----

struct embed_arguments {
    struct simclr_texts run;
    const char *data, *out, *on;
    int64_t threads;
    bool json;
};

#define AT(field) offsetof(struct embed_arguments, field)
static const struct simclr_option embed_options[] = {
    {SIMCLR_OPTION_text, .name = "data", .offset = AT(data), .is_required = true,
     .metavar = "SPEC", .help = "images: cifar10:DIR, folder:DIR, synthetic:[...]"},
    {SIMCLR_OPTION_text, .letter = 'o', .name = "out", .offset = AT(out), .is_required = true,
     .metavar = "FILE", .help = "F.npy, or F.safetensors, which holds the labels too"},
    {SIMCLR_OPTION_text, .name = "on", .offset = AT(on), .choices = "h|z",
     .help = "the encoder's output or the projection head's (h)"},
    {SIMCLR_OPTION_integer, .name = "threads", .offset = AT(threads), .metavar = "N",
     .at_least = 1, .help = "one per core is the default"},
    {SIMCLR_OPTION_flag, .name = "json", .offset = AT(json),
     .help = "print the result as JSON"},
};
#undef AT

static const struct simclr_command embed_command = {
    .program = "simclr",
    .name = "embed",
    .usage = "RUN --data SPEC -o FILE [options]",
    .about = "Writes the features of all images, one row each, in the order of the data.",
    .examples = "  simclr embed runs/a --data folder:photos -o photos.npy\n"
                "  simclr embed runs/a --data cifar10:data -o cifar.safetensors --on z",
    .operands = {"RUN", 1, 1, offsetof(struct embed_arguments, run)},
    .options = embed_options,
    .n_options = sizeof embed_options / sizeof *embed_options,
};

int sc_cli_embed(int argc, const char *const *argv, struct simclr_diag *diag)
{
    struct embed_arguments a = {0};
    int exit_code;
    if (!simclr_options_parse(&embed_command, argc, argv, &a, diag, &exit_code))
        return exit_code;
    const struct simclr_embed_options o = {.run = a.run.item[0],
                                           .data = a.data,
                                           .out = a.out,
                                           .wants_z = a.on && strcmp(a.on, "z") == 0,
                                           .threads = a.threads};
    struct simclr_embed_result r;
    const simclr_status status = simclr_embed(&o, diag, &r);
    if (status == SIMCLR_OK && a.json) {
        sc_cli_print("{\"file\":");
        sc_cli_print_json_text(a.out);
        sc_cli_print(",\"step\":%" PRId64 ",\"n_images\":%" PRId64 ",\"dim\":%" PRId64 "}\n",
                     r.step, r.n_images, r.dim);
    } else if (status == SIMCLR_OK) {
        sc_cli_print("%s: %" PRId64 " images, %" PRId64 " features each, of step %" PRId64 "\n",
                     a.out, r.n_images, r.dim, r.step);
    }
    return sc_cli_finish(diag, status);
}
