// SPDX-License-Identifier: Apache-2.0
//
// One run of a program without training, on arrays from files.
#include "runtime/base/file.h"
#include "runtime/base/npy.h"
#include "runtime/base/str.h"
#include "runtime/jobs/outputs.h"

#include <simclr/runtime.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// The files given for the inputs, or for the outputs.
struct files {
    const char *what; // "input"
    const struct simclr_port *ports;
    size_t n;
    const char **path;       // by port; NULL: none
    struct sc_npy_any *npy;  // of the same port; open where there is a path
    struct simclr_tensor *t; // the ports' own
};

struct job {
    struct simclr_diag *diag;
    const struct simclr_run_options *options;
    struct simclr_program *program;
    const struct simclr_entry *entry;
    struct simclr_session *session;
    struct files in, out;
};

static void keep_first(simclr_status *all, simclr_status status)
{
    if (*all == SIMCLR_OK) *all = status;
}

// ---- which file is for which port ----

static const char *name_of(const struct job *j, const struct simclr_port *port)
{
    return simclr_program_string(j->program, port->name);
}

// The port that "NAME=FILE" names, and FILE; f->n if there is none. Either may have
// further equals signs in it.
static size_t named_port(const struct job *j, const struct files *f, const char *text,
                         const char **file)
{
    for (const char *at = strchr(text, '='); at; at = strchr(at + 1, '=')) {
        for (size_t i = 0; i < f->n; i++) {
            const char *const name = name_of(j, &f->ports[i]);
            if (strlen(name) != (size_t)(at - text) || memcmp(name, text, strlen(name)) != 0)
                continue;
            *file = at + 1;
            return i;
        }
    }
    return f->n;
}

static simclr_status refuse_name(const struct job *j, const struct files *f, const char *text)
{
    enum { SHOWN = 8 };
    struct sc_str known = {0};
    for (size_t i = 0; i < f->n && i < SHOWN; i++)
        sc_str_printf(&known, "%s'%s'", i > 0 ? ", " : "", name_of(j, &f->ports[i]));
    if (f->n > SHOWN) sc_str_append(&known, ", ...");
    const simclr_status status =
        sc_fail(j->diag, SIMCLR_USAGE, NULL, "'%s' is no file and names no %s, expected %s",
                text, f->what, f->n > 0 ? sc_str_text(&known) : "none");
    sc_str_free(&known);
    return status;
}

static simclr_status assign_named(struct job *j, struct files *f, const char *const *texts,
                                  size_t n, bool *is_named)
{
    simclr_status all = SIMCLR_OK;
    for (size_t i = 0; i < n; i++) {
        const char *file = texts[i];
        const size_t port = named_port(j, f, texts[i], &file);
        is_named[i] = port < f->n || (strchr(texts[i], '=') && !sc_path_exists(texts[i]));
        if (!is_named[i]) continue;
        if (port == f->n)
            keep_first(&all, refuse_name(j, f, texts[i]));
        else if (f->path[port])
            keep_first(&all, sc_fail(j->diag, SIMCLR_USAGE, NULL,
                                     "%s '%s' is given twice: '%s' and '%s'", f->what,
                                     name_of(j, &f->ports[port]), f->path[port], file));
        else
            f->path[port] = file;
    }
    return all;
}

static simclr_status assign(struct job *j, struct files *f, const char *const *texts, size_t n)
{
    bool *const is_named = calloc(n + 1, sizeof *is_named);
    if (!is_named) return sc_fail(j->diag, SIMCLR_NO_MEMORY, NULL, "out of memory");
    simclr_status status = assign_named(j, f, texts, n, is_named);
    size_t port = 0, i = 0;
    for (; i < n; i++) {
        if (is_named[i]) continue;
        while (port < f->n && f->path[port])
            port++;
        if (port == f->n) break;
        f->path[port] = texts[i];
    }
    if (i < n)
        keep_first(&status, sc_fail(j->diag, SIMCLR_USAGE, NULL,
                                    "%zu %s files are given, the program has %zu %ss", n,
                                    f->what, f->n, f->what));
    free(is_named);
    return status;
}

static simclr_status check_all_given(const struct job *j)
{
    simclr_status all = SIMCLR_OK;
    for (size_t i = 0; i < j->in.n; i++) {
        if (j->in.path[i]) continue;
        struct sc_str type = {0};
        sc_str_append_type(&type, j->in.t[i].dtype, &j->in.t[i].shape);
        keep_first(&all, sc_fail(j->diag, SIMCLR_USAGE, NULL,
                                 "input '%s' is missing, expected --input with %s",
                                 name_of(j, &j->in.ports[i]), sc_str_text(&type)));
        sc_str_free(&type);
    }
    return all;
}

// ---- their contents ----

static simclr_status refuse_type(const struct job *j, const struct files *f, size_t i)
{
    const struct sc_numbers *const found = &f->npy[i].numbers;
    struct sc_str a = {0}, b = {0};
    sc_str_append(&a, sc_numbers_type(found).s);
    sc_str_append_shape(&a, &found->shape);
    sc_str_append_type(&b, f->t[i].dtype, &f->t[i].shape);
    const simclr_status status =
        sc_fail(j->diag, SIMCLR_BAD_INPUT, f->path[i], "is %s, %s '%s' is %s", sc_str_text(&a),
                f->what, name_of(j, &f->ports[i]), sc_str_text(&b));
    sc_str_free(&a);
    sc_str_free(&b);
    return status;
}

static simclr_status open_file(const struct job *j, struct files *f, size_t i)
{
    if (!f->path[i]) return SIMCLR_OK;
    SC_TRY(sc_npy_open_any(j->diag, f->path[i], &f->npy[i]));
    const struct sc_numbers *const found = &f->npy[i].numbers;
    if (!simclr_shape_equal(&found->shape, &f->t[i].shape) ||
        !sc_numbers_convertible(found, f->t[i].dtype))
        return refuse_type(j, f, i);
    return SIMCLR_OK;
}

static simclr_status set_input(const struct job *j, size_t i)
{
    const struct files *const f = &j->in;
    const struct sc_numbers *const found = &f->npy[i].numbers;
    int64_t bad;
    if (sc_numbers_convert(found, f->t[i].dtype, f->t[i].data, &bad)) return SIMCLR_OK;
    return sc_fail(j->diag, SIMCLR_BAD_INPUT, f->path[i],
                   "element %" PRId64 " is %.17g, which input '%s', %s, does not hold", bad,
                   sc_number_real(sc_numbers_get(found, bad)), name_of(j, &f->ports[i]),
                   simclr_dtype_name(f->t[i].dtype));
}

// Which file is for which port, and each against its port.
static simclr_status open_files(struct job *j, struct files *f, const char *const *texts,
                                size_t n)
{
    SC_TRY(assign(j, f, texts, n)); // without it, nobody knows what belongs to what
    simclr_status all = SIMCLR_OK;
    for (size_t i = 0; i < f->n; i++)
        keep_first(&all, open_file(j, f, i));
    return all;
}

// All that is wrong with any file, then with any element of an input.
static simclr_status read_files(struct job *j)
{
    const struct simclr_run_options *const o = j->options;
    simclr_status all = open_files(j, &j->in, o->inputs, o->n_inputs);
    if (all == SIMCLR_OK) all = check_all_given(j);
    keep_first(&all, open_files(j, &j->out, o->expected, o->n_expected));
    for (size_t i = 0; i < j->in.n && all == SIMCLR_OK; i++)
        keep_first(&all, set_input(j, i));
    return all;
}

// ---- the run ----

static simclr_status init_files(struct job *j, struct files *f, const char *what,
                                uint32_t first, uint32_t n)
{
    f->what = what;
    f->ports = simclr_program_sections(j->program)->ports + first;
    f->n = n;
    f->path = calloc((size_t)n + 1, sizeof *f->path);
    f->npy = calloc((size_t)n + 1, sizeof *f->npy);
    f->t = calloc((size_t)n + 1, sizeof *f->t);
    if (!f->path || !f->npy || !f->t)
        return sc_fail(j->diag, SIMCLR_NO_MEMORY, NULL, "out of memory for %" PRIu32 " ports",
                       n);
    for (size_t i = 0; i < n; i++)
        f->t[i] = simclr_session_port(j->session, &f->ports[i]);
    return SIMCLR_OK;
}

static void deinit_files(struct files *f)
{
    for (size_t i = 0; f->npy && i < f->n; i++)
        sc_npy_close_any(&f->npy[i]);
    free(f->path);
    free(f->npy);
    free(f->t);
}

static simclr_status prepare(struct job *j)
{
    const struct simclr_run_options *const o = j->options;
    if (o->out && sc_path_exists(o->out))
        return sc_fail(j->diag, SIMCLR_USAGE, NULL,
                       "'%s' is there already, expected a new folder", o->out);
    SC_TRY(simclr_program_open(o->program, j->diag, &j->program));
    j->entry = simclr_program_entry(j->program, "run");
    if (!j->entry) {
        const simclr_status status =
            sc_fail(j->diag, SIMCLR_BAD_INPUT, o->program,
                    "the program has no entry 'run': it was compiled for training");
        sc_report(j->diag, SIMCLR_HINT, o->program,
                  "compile the model with 'simclrc --loss none' to run it as it is");
        return status;
    }
    const struct simclr_session_options on = {.n_threads = (int)o->threads};
    SC_TRY(simclr_session_new(j->program, &on, j->diag, &j->session));
    simclr_session_initialize(j->session);
    SC_TRY(init_files(j, &j->in, "input", j->entry->first_input, j->entry->n_inputs));
    return init_files(j, &j->out, "output", j->entry->first_output, j->entry->n_outputs);
}

static simclr_status describe(struct job *j, struct simclr_run_result *out)
{
    out->outputs = calloc(j->out.n + 1, sizeof *out->outputs);
    if (!out->outputs) return sc_fail(j->diag, SIMCLR_NO_MEMORY, NULL, "out of memory");
    out->n_outputs = j->out.n;
    for (size_t i = 0; i < j->out.n; i++) {
        out->outputs[i].name = strdup(name_of(j, &j->out.ports[i]));
        if (!out->outputs[i].name)
            return sc_fail(j->diag, SIMCLR_NO_MEMORY, NULL, "out of memory");
        sc_output_describe(&j->out.t[i], &out->outputs[i]);
    }
    return SIMCLR_OK;
}

static simclr_status fail_wrong(const struct job *j, const struct simclr_run_output *o)
{
    int64_t rest = o->worst;
    struct simclr_shape index = o->shape;
    for (int32_t axis = o->shape.rank - 1; axis >= 0; axis--) {
        index.dim[axis] = rest % o->shape.dim[axis];
        rest /= o->shape.dim[axis];
    }
    struct sc_str at = {0};
    sc_str_append_shape(&at, &index);
    const simclr_status status =
        sc_fail(j->diag, SIMCLR_WRONG_RESULT, NULL,
                "output '%s' is wrong: element %s is %.9g, expected %.9g; %" PRId64
                " of %" PRId64 " elements are out of tolerance",
                o->name, sc_str_text(&at), o->found, o->expected, o->n_wrong,
                simclr_shape_count(&o->shape));
    sc_str_free(&at);
    return status;
}

static simclr_status compare(const struct job *j, struct simclr_run_result *out)
{
    simclr_status all = SIMCLR_OK;
    for (size_t i = 0; i < j->out.n; i++) {
        if (!j->out.path[i]) continue;
        sc_output_compare(&j->out.t[i], &j->out.npy[i].numbers, j->options->rtol,
                          j->options->atol, &out->outputs[i]);
        if (out->outputs[i].n_wrong > 0) keep_first(&all, fail_wrong(j, &out->outputs[i]));
    }
    return all;
}

static simclr_status run(struct job *j, struct simclr_run_result *out)
{
    SC_TRY(prepare(j));
    SC_TRY(read_files(j));
    SC_TRY(simclr_session_run(j->session, j->entry));
    SC_TRY(describe(j, out));
    if (j->options->out)
        SC_TRY(sc_outputs_write(j->diag, j->options->out, j->out.t, out->outputs, j->out.n));
    return compare(j, out);
}

simclr_status simclr_run(const struct simclr_run_options *options, struct simclr_diag *diag,
                         struct simclr_run_result *out)
{
    *out = (struct simclr_run_result){0};
    struct job j = {.diag = diag, .options = options};
    const simclr_status status = run(&j, out);
    deinit_files(&j.in);
    deinit_files(&j.out);
    simclr_session_free(j.session);
    simclr_program_free(j.program);
    return status;
}

void simclr_run_result_free(struct simclr_run_result *result)
{
    for (size_t i = 0; i < result->n_outputs; i++)
        free(result->outputs[i].name);
    free(result->outputs);
    *result = (struct simclr_run_result){0};
}
