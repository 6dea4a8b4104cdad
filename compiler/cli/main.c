// SPDX-License-Identifier: Apache-2.0
//
// simclrc: compiles ONNX descriptions of an encoder, a projection head and a
// loss into a program, or shows a stage on the way.
#include <simclr/compiler.h>
#include <simclr/options.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct arguments {
    struct simclr_texts models; // operands: at most one
    const char *encoder, *head, *loss;
    const char *h;
    const char *output;
    int64_t batch, image_size, seed;
    struct simclr_texts bind, set, input, skip_pass;
    struct simclr_texts select; // of --train and --freeze, in their order
    const char *normalize, *optimizer, *bn, *bn_var, *conv, *init;
    const char *dump, *dump_format, *dump_dir, *entry;
    bool insert_bn, check, json, list_models, list_stages, time_passes, verify_each;
};

#define AT(field) offsetof(struct arguments, field)
static const struct simclr_option options[] = {
    {SIMCLR_OPTION_heading, .help = "What to compile"},
    {SIMCLR_OPTION_text, .name = "encoder", .offset = AT(encoder), .metavar = "E",
     .help = "the encoder f: a file (.onnx, .onnxtxt) or a name from --list-models"},
    {SIMCLR_OPTION_text, .name = "head", .offset = AT(head), .metavar = "H",
     .help = "the projection head g (nonlinear)"},
    {SIMCLR_OPTION_text, .name = "loss", .offset = AT(loss), .metavar = "L",
     .help = "the loss (nt_xent); none compiles the one model as it is, without\n"
             "training, for 'simclr run'"},
    {SIMCLR_OPTION_text, .name = "h", .offset = AT(h), .metavar = "TENSOR",
     .help = "where the encoder ends, for a model that still has its classifier"},
    {SIMCLR_OPTION_integer, .name = "batch", .offset = AT(batch), .metavar = "N", .at_least = 1,
     .help = "images per step (256); with --loss none, the symbolic batch of inputs"},
    {SIMCLR_OPTION_integer, .name = "image-size", .offset = AT(image_size), .metavar = "S",
     .at_least = 1, .help = "height and width, where the encoder leaves them open"},
    {SIMCLR_OPTION_list, .name = "bind", .offset = AT(bind), .metavar = "DIM=N",
     .help = "the value of any other symbolic dimension; x.1 is dimension 1 of input x\n"
             "where that has no name"},
    {SIMCLR_OPTION_list, .name = "input", .offset = AT(input), .metavar = "NAME=FILE.npy",
     .help = "with --loss none: an input that is known at compile time, such as a shape"},
    {SIMCLR_OPTION_list, .name = "set", .offset = AT(set), .metavar = "temperature=T",
     .help = "the temperature of NT-Xent (as the loss says)"},

    {SIMCLR_OPTION_heading, .help = "How it is trained"},
    {SIMCLR_OPTION_text, .name = "optimizer", .offset = AT(optimizer),
     .metavar = "O[:KEY=V,...]", .help = "lars, sgd, adam or adamw (sgd)"},
    {SIMCLR_OPTION_text, .name = "bn", .offset = AT(bn), .choices = "train|freeze",
     .help = "whether BatchNormalization uses the batch's statistics (train)"},
    {SIMCLR_OPTION_text, .name = "bn-var", .offset = AT(bn_var),
     .choices = "population|unbiased",
     .help = "running variances as ONNX defines them or as PyTorch does (population)"},
    {SIMCLR_OPTION_flag, .name = "insert-bn", .offset = AT(insert_bn),
     .help = "put a BatchNormalization behind each convolution whose own the\n"
             "export has merged into it"},
    {SIMCLR_OPTION_list, .name = "train", .offset = AT(select), .metavar = "PATTERN",
     .help = "train these parameters; * and ? match any letters and one. By its\n"
             "whole name a constant becomes a parameter (temperature)"},
    {SIMCLR_OPTION_list, .name = "freeze", .offset = AT(select), .metavar = "PATTERN",
     .help = "keep these as they are; of --train and --freeze the last one that\n"
             "matches a name decides"},
    {SIMCLR_OPTION_text, .name = "conv", .offset = AT(conv), .choices = "fast|strict",
     .help = "3x3 convolutions by Winograd's tiles or as plain, slower sums (fast)"},
    {SIMCLR_OPTION_text, .name = "normalize", .offset = AT(normalize), .metavar = "N",
     .help = "pixels: none, imagenet, cifar10 or MEANS/DEVIATIONS (none)"},
    {SIMCLR_OPTION_text, .name = "init", .offset = AT(init), .metavar = "FILE",
     .help = "safetensors with initial values, by parameter name"},
    {SIMCLR_OPTION_integer, .name = "seed", .offset = AT(seed), .metavar = "S", .at_least = 0,
     .help = "of the initial weights (0)"},

    {SIMCLR_OPTION_heading, .help = "What to make of it"},
    {SIMCLR_OPTION_text, .letter = 'o', .name = "output", .offset = AT(output),
     .metavar = "P.scp", .help = "the program to write"},
    {SIMCLR_OPTION_flag, .name = "check", .offset = AT(check),
     .help = "explain the models instead: what is in the files, what is supported,\n"
             "what would be trained, what a step would cost"},
    {SIMCLR_OPTION_flag, .name = "json", .offset = AT(json), .help = "with --check: as JSON"},
    {SIMCLR_OPTION_optional, .name = "dump", .offset = AT(dump), .metavar = "STAGE",
     .implied = "lower",
     .help = "print a stage and stop (lower; --list-stages lists them); or\n"
             "all, with --dump-dir; or params, the table of parameters"},
    {SIMCLR_OPTION_text, .name = "dump-format", .offset = AT(dump_format),
     .choices = "text|dot|json", .help = "how (text)"},
    {SIMCLR_OPTION_text, .name = "dump-dir", .offset = AT(dump_dir), .metavar = "D",
     .help = "write stages to files in D instead, and go on"},
    {SIMCLR_OPTION_text, .name = "entry", .offset = AT(entry),
     .choices = "train|grad|embed|project|recalibrate|run",
     .help = "whose graph to dump (train, or run with --loss none)"},
    {SIMCLR_OPTION_flag, .name = "list-models", .offset = AT(list_models),
     .help = "the models that come with simclrc"},
    {SIMCLR_OPTION_flag, .name = "list-stages", .offset = AT(list_stages),
     .help = "the stages, and the passes that make them"},

    {SIMCLR_OPTION_heading, .help = "For work on the compiler"},
    {SIMCLR_OPTION_flag, .name = "time-passes", .offset = AT(time_passes),
     .help = "say how long each pass took"},
    {SIMCLR_OPTION_list, .name = "skip-pass", .offset = AT(skip_pass), .metavar = "PASS",
     .help = "leave out an optional pass"},
    {SIMCLR_OPTION_flag, .name = "verify-each", .offset = AT(verify_each),
     .help = "verify the graph after each pass"},
};

static const struct simclr_command command = {
    .program = "simclrc",
    .usage = "[--encoder E [--head H] [--loss L] | MODEL] -o P.scp",
    .about = "Compiles an ONNX model into a SimCLR training program. A MODEL without a loss\n"
             "is an encoder. Files and the models that come with us may be mixed.\n"
             "With --loss none, a MODEL becomes a program that computes its outputs.",
    .examples =
        "  simclrc --encoder resnet18-cifar --batch 256 -o r18.scp\n"
        "  simclrc --encoder mine.onnx --h /avgpool/Flatten_output_0 -o mine.scp\n"
        "  simclrc --encoder mine.onnx --freeze '*' --train 'layer4.*' --train 'head.*' ...\n"
        "  simclrc mine.onnx --loss none --batch 1 -o mine.scp\n"
        "  simclrc --check mine.onnx\n"
        "  simclrc --dump=params resnet8\n"
        "  simclrc --dump=plan resnet8\n"
        "  simclrc --dump=graph --dump-format=dot resnet8 | dot -Tsvg > resnet8.svg\n",
    .operands = {.metavar = "MODEL", .min = 0, .max = 1, .offset = AT(models)},
    .options = options,
    .n_options = sizeof options / sizeof *options,
};

__attribute__((format(printf, 2, 3))) static simclr_status usage_error(struct simclr_diag *diag,
                                                                       const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    simclr_report(diag, SIMCLR_ERROR, NULL, "%s", text);
    return SIMCLR_USAGE;
}

// "height=224" into a binding; the name is cut out of `storage`.
static simclr_status read_binding(struct simclr_diag *diag, const char *text, char *storage,
                                  size_t size, struct simclr_binding *out)
{
    const char *const equals = strchr(text, '=');
    char *end;
    const long long value = equals ? strtoll(equals + 1, &end, 10) : 0;
    if (!equals || equals == text || equals[1] == '\0' || *end || value < 1 ||
        (size_t)(equals - text) >= size)
        return usage_error(diag, "--bind '%s' is not DIM=N with N at least 1", text);
    memcpy(storage, text, (size_t)(equals - text));
    storage[equals - text] = '\0';
    *out = (struct simclr_binding){.name = storage, .value = value};
    return SIMCLR_OK;
}

// "shape=s.npy" into its parts; the name is cut out of `storage`.
static simclr_status read_fixed(struct simclr_diag *diag, const char *text, char *storage,
                                size_t size, struct simclr_fixed_input *out)
{
    const char *const equals = strchr(text, '=');
    if (!equals || equals == text || equals[1] == '\0' || (size_t)(equals - text) >= size)
        return usage_error(diag, "--input '%s' is not NAME=FILE.npy", text);
    memcpy(storage, text, (size_t)(equals - text));
    storage[equals - text] = '\0';
    *out = (struct simclr_fixed_input){.name = storage, .file = equals + 1};
    return SIMCLR_OK;
}

static simclr_status read_set(struct simclr_diag *diag, const struct simclr_texts *set,
                              double *temperature)
{
    static const char key[] = "temperature=";
    for (size_t i = 0; i < set->n; i++) {
        char *end = NULL;
        if (strncmp(set->item[i], key, sizeof key - 1) == 0)
            *temperature = strtod(set->item[i] + sizeof key - 1, &end);
        if (!end || *end || !(*temperature > 0 && *temperature < 1e6))
            return usage_error(diag, "--set '%s' is not temperature=T with T more than 0",
                               set->item[i]);
    }
    return SIMCLR_OK;
}

static int find_stage(const char *name)
{
    for (size_t i = 0; simclr_stage_name(i); i++) {
        if (!strcmp(simclr_stage_name(i), name)) return (int)i;
    }
    return -1;
}

static simclr_status unknown_stage(struct simclr_diag *diag, const char *name)
{
    char known[256] = "";
    for (size_t i = 0; simclr_stage_name(i); i++) {
        const size_t n = strlen(known);
        (void)snprintf(known + n, sizeof known - n, "%s%s", i > 0 ? ", " : "",
                       simclr_stage_name(i));
    }
    return usage_error(diag, "there is no stage '%s', expected %s, params or all", name, known);
}

static int list_models(void)
{
    for (size_t i = 0; simclr_model_name(i); i++)
        printf("%-20s %s\n", simclr_model_name(i), simclr_model_about(i));
    return fflush(stdout) ? simclr_exit_code(SIMCLR_IO) : 0;
}

static int list_stages(void)
{
    for (size_t i = 0; simclr_stage_name(i); i++)
        printf("%-8s %s\n", simclr_stage_name(i), simclr_stage_about(i));
    printf("\nPasses, in order:\n");
    for (size_t i = 0; simclr_pass_name(i); i++)
        printf("  %-18s %s%s\n", simclr_pass_name(i), simclr_pass_about(i),
               simclr_pass_is_required(i) ? " (required)" : "");
    return fflush(stdout) ? simclr_exit_code(SIMCLR_IO) : 0;
}

static simclr_status write_text(struct simclr_diag *diag, const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    const bool written = f && fputs(text, f) >= 0;
    if ((f && fclose(f) != 0) || !written) {
        simclr_report(diag, SIMCLR_ERROR, NULL, "cannot write '%s': %s", path, strerror(errno));
        return SIMCLR_IO;
    }
    return SIMCLR_OK;
}

static simclr_status print(struct simclr_diag *diag, const char *text)
{
    if (fputs(text, stdout) >= 0 && fflush(stdout) == 0) return SIMCLR_OK;
    simclr_report(diag, SIMCLR_ERROR, NULL, "cannot write the output: %s", strerror(errno));
    return SIMCLR_IO;
}

// One stage into its numbered file.
static simclr_status dump_file(struct simclr_diag *diag, struct simclr_compilation *c,
                               const struct arguments *a, int stage)
{
    const char *text;
    simclr_status status =
        simclr_compilation_dump(c, (enum simclr_stage)stage, a->entry, a->dump_format, &text);
    if (status != SIMCLR_OK) return status;
    const size_t size = strlen(a->dump_dir) + 64;
    char *const path = malloc(size);
    if (!path) return SIMCLR_NO_MEMORY;
    (void)snprintf(path, size, "%s/%d-%s.%s", a->dump_dir, stage,
                   simclr_stage_name((size_t)stage),
                   strcmp(a->dump_format, "text") == 0 ? "txt" : a->dump_format);
    status = write_text(diag, path, text);
    free(path);
    return status;
}

// Stages first..last into a directory, made if need be.
static simclr_status dump_files(struct simclr_diag *diag, struct simclr_compilation *c,
                                const struct arguments *a, int first, int last)
{
    (void)mkdir(a->dump_dir, 0777); // what is wrong with it shows at the first file
    simclr_status status = SIMCLR_OK;
    for (int stage = first; stage <= last && status == SIMCLR_OK; stage++)
        status = dump_file(diag, c, a, stage);
    return status;
}

static simclr_status dump(struct simclr_diag *diag, struct simclr_compilation *c,
                          const struct arguments *a, int stage)
{
    if (a->dump_dir)
        return stage < 0 ? dump_files(diag, c, a, 0, SIMCLR_N_STAGES - 1)
                         : dump_files(diag, c, a, stage, stage);
    const char *text;
    const simclr_status status =
        simclr_compilation_dump(c, (enum simclr_stage)stage, a->entry, a->dump_format, &text);
    return status == SIMCLR_OK ? print(diag, text) : status;
}

static simclr_status dump_params(struct simclr_diag *diag, struct simclr_compilation *c,
                                 const struct arguments *a)
{
    const char *text;
    const simclr_status status = simclr_compilation_dump_params(c, a->dump_format, &text);
    return status == SIMCLR_OK ? print(diag, text) : status;
}

static bool wants_params(const struct arguments *a)
{
    return a->dump && strcmp(a->dump, "params") == 0;
}

// Checks what the table of options cannot; *stage is -1 for all of them.
static simclr_status check_arguments(struct simclr_diag *diag, const struct arguments *a,
                                     int *stage)
{
    *stage = SIMCLR_STAGE_plan;
    if (a->dump && strcmp(a->dump, "all") == 0) {
        *stage = -1;
        if (!a->dump_dir) return usage_error(diag, "%s", "--dump=all needs --dump-dir");
    } else if (wants_params(a)) {
        *stage = SIMCLR_STAGE_graph;
        if (a->dump_dir)
            return usage_error(diag, "%s", "--dump=params is printed: it takes no --dump-dir");
    } else if (a->dump) {
        *stage = find_stage(a->dump);
        if (*stage < 0) return unknown_stage(diag, a->dump);
    }
    if (!a->models.n == !a->encoder)
        return usage_error(diag, "%s",
                           a->encoder ? "both --encoder and MODEL are given"
                                      : "there is no model: give MODEL or --encoder");
    if (a->check && (a->dump || a->output))
        return usage_error(diag, "--check prints a report alone: it takes no %s",
                           a->dump ? "--dump" : "-o");
    if (a->json && !a->check) return usage_error(diag, "%s", "--json is given without --check");
    if (!a->dump && !a->output && !a->check)
        return usage_error(diag, "%s", "nothing to do: give -o P.scp, --dump or --check");
    return SIMCLR_OK;
}

static simclr_status report(struct simclr_diag *diag, const struct simclr_compile_options *o,
                            bool is_json)
{
    enum { ALL = 10000 }; // who asks what is wrong wants to know it
    diag->max_errors = ALL;
    char *text;
    const simclr_status status = simclr_check(o, is_json ? "json" : "text", diag, &text);
    const bool is_lost = text && (fputs(text, stdout) < 0 || fflush(stdout) != 0);
    free(text);
    return is_lost ? SIMCLR_IO : status;
}

// Compiles, and dumps or writes what comes out.
static simclr_status compile(struct simclr_diag *diag, const struct arguments *a,
                             const struct simclr_compile_options *o, int stage)
{
    const bool stops = a->dump && !a->output;
    const int last = stops && stage >= 0 ? stage : SIMCLR_STAGE_plan;
    struct simclr_compilation *c = NULL;
    simclr_status status = simclr_compile(o, (enum simclr_stage)last, diag, &c);
    if (status == SIMCLR_OK && a->dump)
        status = wants_params(a) ? dump_params(diag, c, a) : dump(diag, c, a, stage);
    if (status == SIMCLR_OK && a->output) status = simclr_compilation_write(c, a->output);
    if (status == SIMCLR_OK && a->output && !a->dump)
        printf("%s\n%s", a->output, simclr_compilation_plan_summary(c));
    simclr_compilation_free(c);
    return status;
}

static simclr_status run(struct simclr_diag *diag, const struct arguments *a)
{
    struct simclr_compile_options o = {
        .model = a->models.n ? a->models.item[0] : NULL,
        .encoder = a->encoder,
        .head = a->head,
        .loss = a->loss,
        .h = a->h,
        .batch = a->batch,
        .image_size = a->image_size,
        .seed = (uint64_t)a->seed,
        .normalize = a->normalize,
        .optimizer = a->optimizer,
        .bn = a->bn,
        .bn_var = a->bn_var,
        .insert_bn = a->insert_bn,
        .conv = a->conv,
        .init_file = a->init,
        .skip_passes = a->skip_pass.item,
        .n_skip_passes = a->skip_pass.n,
        .verify_each = a->verify_each,
        .time_passes = a->time_passes,
    };
    struct simclr_binding bindings[SIMCLR_MAX_TEXTS];
    struct simclr_selection selections[SIMCLR_MAX_TEXTS];
    for (size_t i = 0; i < a->select.n; i++)
        selections[i] = (struct simclr_selection){
            .pattern = a->select.item[i], .train = !strcmp(a->select.option[i], "train")};
    o.selections = selections;
    o.n_selections = a->select.n;
    struct simclr_fixed_input fixed[SIMCLR_MAX_TEXTS];
    static char names[SIMCLR_MAX_TEXTS][128], inputs[SIMCLR_MAX_TEXTS][256];
    int stage;
    simclr_status status = check_arguments(diag, a, &stage);
    for (size_t i = 0; status == SIMCLR_OK && i < a->bind.n; i++)
        status = read_binding(diag, a->bind.item[i], names[i], sizeof names[i], &bindings[i]);
    o.bindings = bindings;
    o.n_bindings = a->bind.n;
    for (size_t i = 0; status == SIMCLR_OK && i < a->input.n; i++)
        status = read_fixed(diag, a->input.item[i], inputs[i], sizeof inputs[i], &fixed[i]);
    o.fixed = fixed;
    o.n_fixed = a->input.n;
    if (status == SIMCLR_OK) status = read_set(diag, &a->set, &o.temperature);
    if (status != SIMCLR_OK) return status;
    return a->check ? report(diag, &o, a->json) : compile(diag, a, &o, stage);
}

int main(int argc, char **argv)
{
    struct simclr_diag diag = {.program = "simclrc"};
    struct arguments a = {.dump_format = "text"};
    int exit_code;
    const char *const *const words = (const char *const *)argv;
    if (!simclr_options_parse(&command, argc, words, &a, &diag, &exit_code)) return exit_code;
    if (a.list_models) return list_models();
    if (a.list_stages) return list_stages();
    return simclr_exit_code(run(&diag, &a));
}
