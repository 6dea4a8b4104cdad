// SPDX-License-Identifier: Apache-2.0
//
// Models with what becomes of them. Each file of tests/onnx/golden is a model in
// ONNX's textual syntax, to which everything but the model is a comment:
//     # RUN: open                 read it
//     # RUN: print                read it and print it; the print must read back
//     # RUN: import               import it alone, every input given at run time
//     # RUN: eval [constant|given|interpreted]  run it on `# x = 1 2 3`, one line per input
//     # RUN: link KEY=VALUE...    link it (head, loss, batch, image_size, h, insert_bn, bind=NAME:N)
//     # RUN: template KEY=VALUE...  the same, then the encoder to export, parameters all 0
//     # RUN: run KEY=VALUE...     import it as it is, without training (batch, bind)
//     the model
//     # ----
//     # what comes out: messages behind `! `, then the text or the values
// and must match to the last character. `eval` runs twice, with floats given at run
// time and with everything known at compile time, and then as a program on the CPU; all
// must agree. `constant` leaves out the first, `given` the second, `interpreted` the last.
// SIMCLR_UPDATE_GOLDEN=1 in the environment rewrites what differs.
#include "tests/onnx/program.h"
#include "tests/onnx/run.h"

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "runtime/base/file.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char folder[] = "tests/onnx/golden";
static const char rule[] = "# ----\n";
static const char model_name[] = "m.onnxtxt";

static void append_values(struct sc_str *out, const char *name, const struct sc_tensor *t)
{
    sc_str_printf(out, "%s = ", name);
    sc_str_append_type(out, t->dtype, &t->shape);
    for (int64_t i = 0; i < t->count; i++) {
        if (t->f)
            sc_str_printf(out, " %.5g", t->f[i] == 0 ? 0.0 : t->f[i]);
        else if (t->dtype == SIMCLR_u64)
            sc_str_printf(out, " %llu", (unsigned long long)t->i[i]);
        else
            sc_str_printf(out, " %lld", (long long)t->i[i]);
    }
    sc_str_append(out, "\n");
}

static void append_messages(struct sc_str *out, const struct run *r)
{
    for (const char *line = sc_str_text(&r->messages); *line;) {
        const size_t n = strcspn(line, "\n");
        sc_str_append(out, "! ");
        sc_str_append_n(out, line, n + 1);
        line += n + 1;
    }
}

static void open_model(struct run *r, const char *text, size_t size)
{
    run_init(r);
    if (sc_onnx_open_bytes(r->m, model_name, text, size, &r->model) != SIMCLR_OK)
        r->model = NULL;
}

static void do_print(struct run *r, struct sc_str *out)
{
    struct run again;
    struct sc_str second = {0};
    sc_onnx_print(r->model, out);
    open_model(&again, sc_str_text(out), out->size);
    assert_string_equal(sc_str_text(&again.messages), "");
    sc_onnx_print(again.model, &second);
    assert_string_equal(sc_str_text(&second), sc_str_text(out));
    sc_str_free(&second);
    run_deinit(&again);
}

static void do_import(struct run *r, const char *text, struct sc_str *out)
{
    run_make_inputs(r, text);
    run_import(r, true);
    append_messages(out, r);
    if (r->scope.any_failed) return;
    (void)sc_graph_remove_dead(r->graph);
    sc_verify_thoroughly(r->graph, "import");
    sc_print_text(r->graph, out);
}

static void eval_once(struct run *r, const char *text, bool floats_are_given,
                      struct sc_str *out)
{
    run_make_inputs(r, text);
    run_import(r, floats_are_given);
    append_messages(out, r);
    if (r->scope.any_failed) return;
    run_eval(r);
    for (int i = 0; i < r->n_out; i++)
        append_values(out, r->model->proto->graph->output[i]->name, r->out[i]);
}

// Single precision against double, in numbers of moderate size.
static bool is_close(double x, double y)
{
    if (isnan(x) || isnan(y)) return isnan(x) && isnan(y);
    return x == y || fabs(x - y) <= 1e-5 * fmax(1, fabs(y));
}

static void compare_program(const struct run *r, const struct program_case *p,
                            struct sc_str *out)
{
    for (int i = 0; i < p->n_out; i++) {
        const struct sc_tensor *const got = p->out[i], *const want = r->out[i];
        bool same = got->dtype == want->dtype && simclr_shape_equal(&got->shape, &want->shape);
        for (int64_t k = 0; same && k < got->count; k++)
            same = got->f ? is_close(got->f[k], want->f[k]) : got->i[k] == want->i[k];
        if (!same) append_values(out, "! as a program", got);
    }
}

// The symbolic extents of the inputs, which are 2 here.
static size_t bind_symbols(const struct run *r, struct simclr_binding *bindings, size_t room)
{
    size_t n = 0;
    const Onnx__ValueInfoProto *infos[RUN_MAX_TENSORS];
    for (int i = 0; i < run_inputs(r->model, infos); i++) {
        const Onnx__TensorShapeProto *const shape = infos[i]->type->tensor_type->shape;
        for (size_t k = 0; k < shape->n_dim && n < room; k++) {
            const Onnx__TensorShapeProto__Dimension *const dim = shape->dim[k];
            if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM)
                bindings[n++] = (struct simclr_binding){dim->dim_param, 2};
        }
    }
    return n;
}

// The same as a program: inputs at run time or, where their values must be known when it
// is compiled, as constants.
static void eval_program(const struct run *r, const char *text, struct sc_str *out)
{
    char path[64];
    struct simclr_binding bindings[8];
    const Onnx__ValueInfoProto *infos[RUN_MAX_TENSORS];
    program_temporary(path, sizeof path, ".onnxtxt");
    FILE *const f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
    struct program_case p = {.model = path, .bindings = bindings, .n_in = r->n_in};
    p.n_bindings = bind_symbols(r, bindings, sizeof bindings / sizeof *bindings);
    (void)run_inputs(r->model, infos);
    for (int i = 0; i < r->n_in; i++) {
        p.names[i] = infos[i]->name;
        p.in[i] = r->in[i];
    }
    enum program_outcome outcome = program_run(&p);
    const bool may_be_fixed = strstr(sc_str_text(&p.messages), "must be known at compile time");
    for (int i = 0; i < r->n_in; i++)
        p.is_fixed[i] = outcome == PROGRAM_REFUSED && may_be_fixed;
    if (outcome == PROGRAM_REFUSED && may_be_fixed) outcome = program_run(&p);
    if (outcome == PROGRAM_RAN)
        compare_program(r, &p, out);
    else
        sc_str_printf(out, "! as a program: %s", sc_str_text(&p.messages));
    program_free(&p);
    (void)unlink(path);
}

static void do_eval(struct run *r, const char *text, const char *how, struct sc_str *out)
{
    const bool is_given = strstr(how, "given") != NULL;
    eval_once(r, text, is_given, out);
    if (!strstr(how, "interpreted") && !r->scope.any_failed) eval_program(r, text, out);
    if (strstr(how, "constant") || is_given) return;
    struct run again;
    struct sc_str second = {0};
    open_model(&again, text, strlen(text));
    eval_once(&again, text, true, &second);
    assert_memory_equal(sc_str_text(&second), sc_str_text(out), second.size);
    sc_str_free(&second);
    run_deinit(&again);
}

enum { MAX_BINDINGS = 4 };
struct linking {
    struct simclr_compile_options options;
    struct simclr_binding bindings[MAX_BINDINGS];
    const char *head, *loss;
};

// One KEY=VALUE word, which it takes apart.
static bool read_setting(struct linking *l, char *word)
{
    char *const value = strchr(word, '=');
    if (!value) return false;
    *value = '\0';
    if (!strcmp(word, "head"))
        l->head = value + 1;
    else if (!strcmp(word, "loss"))
        l->loss = value + 1;
    else if (!strcmp(word, "h"))
        l->options.h = value + 1;
    else if (!strcmp(word, "batch"))
        l->options.batch = atoll(value + 1);
    else if (!strcmp(word, "image_size"))
        l->options.image_size = atoll(value + 1);
    else if (!strcmp(word, "insert_bn"))
        l->options.insert_bn = atoll(value + 1) != 0;
    else if (!strcmp(word, "bind")) {
        char *const colon = strchr(value + 1, ':');
        *colon = '\0';
        l->bindings[l->options.n_bindings++] =
            (struct simclr_binding){value + 1, atoll(colon + 1)};
        l->options.bindings = l->bindings;
    } else {
        return false;
    }
    return true;
}

// The exported model, read back and printed.
static void print_template(struct run *r, const struct sc_import *import, struct sc_str *out)
{
    struct sc_template t;
    struct sc_str bytes = {0};
    if (sc_onnx_template(r->m, r->model, import, &t) != SIMCLR_OK) {
        append_messages(out, r);
        return;
    }
    for (uint32_t i = 0; i < t.n_segments; i++) {
        const struct simclr_segment *const s = &t.segments[i];
        if (s->param == SIMCLR_SEGMENT_LITERAL) {
            sc_str_append_n(&bytes, (const char *)t.bytes + s->offset, s->size);
        } else {
            assert_int_equal(s->size, 4 * simclr_shape_count(&r->m->params[s->param]->shape));
            for (uint64_t k = 0; k < s->size; k++)
                sc_str_append_n(&bytes, "", 1);
        }
    }
    struct sc_onnx_model *exported;
    assert_int_equal(sc_onnx_open_bytes(r->m, "exported", bytes.data, bytes.size, &exported),
                     SIMCLR_OK);
    sc_onnx_print(exported, out);
    sc_onnx_close(exported);
    sc_str_free(&bytes);
}

static void do_run(struct run *r, char *settings, struct sc_str *out)
{
    struct linking l = {.options = {.loss = "none"}};
    char *rest = settings;
    for (char *word; (word = strtok_r(rest, " ", &rest));)
        assert_true(read_setting(&l, word));
    const struct sc_import_options options = {.compile = &l.options, .encoder = r->model};
    struct sc_import import;
    const simclr_status status = sc_onnx_import_run(r->m, &options, &import);
    append_messages(out, r);
    if (status != SIMCLR_OK) return;
    sc_verify_thoroughly(import.graph, "run");
    sc_print_text(import.graph, out);
}

static void do_link(struct run *r, char *settings, bool wants_template, struct sc_str *out)
{
    struct linking l = {.options.batch = 2};
    char *rest = settings;
    for (char *word; (word = strtok_r(rest, " ", &rest));)
        assert_true(read_setting(&l, word));
    struct sc_onnx_model *head = NULL, *loss = NULL;
    if (l.head) assert_int_equal(sc_onnx_open(r->m, l.head, &head), SIMCLR_OK);
    if (l.loss) assert_int_equal(sc_onnx_open(r->m, l.loss, &loss), SIMCLR_OK);
    const struct sc_import_options options = {&l.options, r->model, head, loss};
    struct sc_import import;
    const simclr_status status = sc_onnx_import(r->m, &options, &import);
    append_messages(out, r);
    if (status == SIMCLR_OK && wants_template) {
        print_template(r, &import, out);
    } else if (status == SIMCLR_OK) {
        sc_verify_thoroughly(import.graph, "link");
        sc_print_text(import.graph, out);
    }
    sc_onnx_close(head);
    sc_onnx_close(loss);
}

// What comes out of the model in `text`, according to its first line.
static void run_text(const char *text, struct sc_str *out)
{
    char first[256];
    const size_t n = strcspn(text, "\n");
    assert_true(n < sizeof first && !strncmp(text, "# RUN: ", 7));
    (void)snprintf(first, sizeof first, "%.*s", (int)(n - 7), text + 7);
    char *rest = first;
    const char *const mode = strtok_r(rest, " ", &rest);
    struct run r;
    open_model(&r, text, strlen(text));
    if (!r.model)
        append_messages(out, &r);
    else if (!strcmp(mode, "print"))
        do_print(&r, out);
    else if (!strcmp(mode, "import"))
        do_import(&r, text, out);
    else if (!strcmp(mode, "eval"))
        do_eval(&r, text, rest, out);
    else if (!strcmp(mode, "run"))
        do_run(&r, rest, out);
    else if (!strcmp(mode, "link") || !strcmp(mode, "template"))
        do_link(&r, rest, !strcmp(mode, "template"), out);
    else
        assert_string_equal(mode, "open");
    run_deinit(&r);
}

static void as_comments(const struct sc_str *lines, struct sc_str *out)
{
    for (const char *line = sc_str_text(lines); *line;) {
        const size_t n = strcspn(line, "\n");
        sc_str_append(out, n > 0 ? "# " : "#");
        sc_str_append_n(out, line, n);
        sc_str_append(out, "\n");
        line += n + (line[n] == '\n');
    }
}

static bool check_file(const char *path)
{
    struct sc_map map;
    assert_int_equal(sc_map_open(NULL, path, &map), SIMCLR_OK);
    struct sc_str input = {0}, result = {0}, whole = {0};
    char *const text = calloc(map.size + 1, 1);
    assert_non_null(text);
    memcpy(text, map.data, map.size);
    const char *const end = strstr(text, rule);
    sc_str_append_n(&input, text, end ? (size_t)(end - text) : map.size);
    run_text(sc_str_text(&input), &result);
    sc_str_append(&whole, sc_str_text(&input));
    sc_str_append(&whole, rule);
    as_comments(&result, &whole);
    bool is_equal = !strcmp(sc_str_text(&whole), text);
    sc_map_close(&map);
    if (!is_equal && getenv("SIMCLR_UPDATE_GOLDEN")) {
        FILE *const f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(whole.data, 1, whole.size, f), whole.size);
        assert_int_equal(fclose(f), 0);
        is_equal = true;
    } else if (!is_equal) {
        print_error("%s differs; now it is\n%s", path, sc_str_text(&whole));
    }
    sc_str_free(&input);
    sc_str_free(&result);
    sc_str_free(&whole);
    free(text);
    return is_equal;
}

static int is_case(const struct dirent *entry)
{
    return strstr(entry->d_name, ".onnxtxt") != NULL;
}

static void models_become_what_the_files_say(void **state)
{
    (void)state;
    struct dirent **entries = NULL;
    const int n = scandir(folder, &entries, is_case, alphasort);
    assert_true(n > 0);
    int n_different = 0;
    for (int i = 0; i < n; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        n_different += !check_file(path);
        free(entries[i]);
    }
    free(entries);
    assert_int_equal(n_different, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_become_what_the_files_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
