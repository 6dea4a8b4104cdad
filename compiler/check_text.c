// SPDX-License-Identifier: Apache-2.0
//
// --check for people.
#include "compiler/check.h"

#include <inttypes.h>
#include <string.h>

const char *const sc_support_words[] = {
    [SC_SUPPORT_supported] = "supported",
    [SC_SUPPORT_body] = "body",
    [SC_SUPPORT_function] = "function",
    [SC_SUPPORT_refused] = "refused",
};

// "4.09 G".
static void append_number(struct sc_str *out, double x)
{
    static const char *const units[] = {"", " k", " M", " G", " T", " P", " E"};
    size_t i = 0;
    while (x >= 1000 && i + 1 < sizeof units / sizeof *units) {
        x /= 1000;
        i++;
    }
    sc_str_printf(out, "%.*f%s", i == 0 ? 0 : 2, x, units[i]);
}

static void append_bytes(struct sc_str *out, uint64_t bytes)
{
    if (bytes < 10240)
        sc_str_printf(out, "%" PRIu64 " bytes", bytes);
    else
        sc_str_printf(out, "%.2f MiB", (double)bytes / 1048576.0);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void print_file(const struct sc_onnx_facts *f, struct sc_str *out)
{
    sc_str_printf(out, "  file        IR version %" PRId64 ", opset %s%s%s\n", f->ir_version,
                  *f->opsets ? f->opsets : "none", *f->producer ? ", made by " : "",
                  f->producer);
    sc_str_printf(out, "  graph       '%s': %zu node%s, %zu initializer%s of ", f->graph,
                  f->n_nodes, plural(f->n_nodes), f->n_initializers, plural(f->n_initializers));
    append_bytes(out, f->initializer_bytes);
    sc_str_append(out, "\n");
    if (f->n_functions > 0)
        sc_str_printf(out, "  functions   %zu, whose nodes count once\n", f->n_functions);
    for (size_t i = 0; i < f->n_sidecars; i++) {
        const struct sc_onnx_sidecar *const s = &f->sidecars[i];
        sc_str_printf(out, "  external    '%s', ", s->location);
        if (s->is_there)
            append_bytes(out, s->size);
        else
            sc_str_append(out, "missing");
        sc_str_append(out, "\n");
    }
}

static void print_ports(const struct sc_onnx_facts *f, struct sc_str *out)
{
    for (size_t i = 0; i < f->n_ports; i++) {
        const struct sc_onnx_port *const p = &f->ports[i];
        sc_str_printf(out, "  %-10s  '%s' %s", p->is_input ? "input" : "output", p->name,
                      p->declared);
        if (p->here) sc_str_printf(out, ", here %s", p->here);
        if (*p->bindings) sc_str_printf(out, " with %s", p->bindings);
        sc_str_append(out, "\n");
    }
}

static void print_operator(const struct sc_onnx_operator *o, int width, struct sc_str *out)
{
    const char *const gradient = o->n_made == 0 ? "-" : o->why_no_grad ? "no" : "yes";
    const char *const why = o->support == SC_SUPPORT_refused ? o->why
                            : o->why_no_grad                 ? o->why_no_grad
                                                             : "";
    sc_str_printf(out, "    %-*s  %6zu  %-9s  ", width, o->name, o->n_nodes,
                  sc_support_words[o->support]);
    if (*why)
        sc_str_printf(out, "%-8s  %s\n", gradient, why);
    else
        sc_str_printf(out, "%s\n", gradient);
}

static void print_operators(const struct sc_onnx_facts *f, struct sc_str *out)
{
    int width = (int)strlen("operator");
    for (size_t i = 0; i < f->n_operators; i++) {
        const int n = (int)strlen(f->operators[i].name);
        if (n > width) width = n;
    }
    if (f->n_operators > 0)
        sc_str_printf(out, "    %-*s  %6s  %-9s  %s\n", width, "operator", "nodes", "support",
                      "gradient");
    for (size_t i = 0; i < f->n_operators; i++)
        print_operator(&f->operators[i], width, out);
}

static void print_params(const struct sc_check *k, struct sc_str *out)
{
    sc_str_append(out, "parameters\n");
    for (size_t i = 0; i < sizeof k->roles / sizeof *k->roles; i++) {
        const struct sc_check_role *const r = &k->roles[i];
        if (r->n_tensors == 0) continue;
        sc_str_printf(out, "  %-10s  %" PRIu64 " element%s in %zu tensor%s, ", r->name,
                      r->n_elements, plural(r->n_elements), r->n_tensors, plural(r->n_tensors));
        append_bytes(out, r->n_bytes);
        sc_str_append(out, "\n");
    }
    if (k->roles[SIMCLR_ROLE_trainable].n_tensors + k->roles[SIMCLR_ROLE_frozen].n_tensors == 0)
        sc_str_append(out, "  none that the import has come to\n");
}

static void print_h(const struct sc_check *k, struct sc_str *out)
{
    if (!k->is_trained) return;
    sc_str_append(out, "features\n");
    if (!k->h)
        sc_str_append(out, "  h           unknown\n");
    else if (k->h_dim > 0)
        sc_str_printf(out, "  h           '%s', %" PRId64 " wide\n", k->h, k->h_dim);
    else
        sc_str_printf(out, "  h           '%s', which the import has not reached\n", k->h);
}

static void print_cost_row(const char *what, const struct sc_cost *c, struct sc_str *out)
{
    sc_str_printf(out, "  %-10s  ", what);
    append_number(out, c->flops);
    sc_str_append(out, "FLOP, ");
    append_number(out, c->macs);
    sc_str_append(out, "MAC among them\n");
}

static void print_cost(const struct sc_check *k, struct sc_str *out)
{
    if (!k->has_forward) return;
    if (k->is_trained)
        sc_str_printf(out, "a step of %" PRId64 " images (%" PRId64 " rows)\n", k->batch,
                      k->rows);
    else
        sc_str_append(out, "a run\n");
    if (k->has_encoder) print_cost_row("h of one", &k->encoder, out);
    print_cost_row("forward", &k->forward, out);
    if (k->has_training) print_cost_row("training", &k->training, out);
    if (!k->has_plan) return;
    sc_str_append(out, "  memory      ");
    append_bytes(out, k->persistent_bytes);
    sc_str_append(out, " for parameters and their state, at most ");
    append_bytes(out, k->arena_bytes);
    sc_str_append(out, " beside them\n");
}

static void print_verdict(const struct sc_check *k, struct sc_str *out)
{
    sc_str_append(out, "verdict\n");
    if (k->would_compile)
        sc_str_printf(out, "  compiles%s",
                      k->is_trained ? " and can be trained" : ", to be run");
    else
        sc_str_printf(out, "  does not compile%s: %d error%s",
                      k->is_trained ? " and cannot be trained" : "", k->n_errors,
                      plural((size_t)k->n_errors));
    if (k->n_warnings > 0)
        sc_str_printf(out, ", %d warning%s", k->n_warnings, plural((size_t)k->n_warnings));
    sc_str_append(out, "\n");
}

void sc_check_print_text(const struct sc_check *k, struct sc_str *out)
{
    for (size_t i = 0; i < k->n_models; i++) {
        const struct sc_onnx_facts *const f = &k->models[i];
        const bool is_brief = i > 0 && k->is_ours[i]; // nobody's own: what goes in and out
        sc_str_printf(out, "%s %s%s\n", k->parts[i], f->file,
                      is_brief ? " (comes with simclrc)" : "");
        if (!is_brief) print_file(f, out);
        print_ports(f, out);
        if (!is_brief) print_operators(f, out);
    }
    if (k->n_models > 0) {
        print_params(k, out);
        print_h(k, out);
        print_cost(k, out);
    }
    print_verdict(k, out);
}
