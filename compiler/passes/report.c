// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/report.h"

#include "runtime/base/str.h"

// `m.onnx: node 'fc' (Gemm, made by autodiff)`: what is not known is left out;
// empty if nothing is.
static void append_locus(struct sc_str *s, const struct sc_origin *o)
{
    if (o->file) sc_str_append(s, o->file);
    if (!o->node && !o->op_type) return;
    sc_str_append(s, o->file ? ": node" : "node");
    const char *const quote = o->node && o->node[0] == '#' ? "" : "'"; // "#17" has no name
    if (o->node) sc_str_printf(s, " %s%s%s", quote, o->node, quote);
    if (o->op_type && o->made_by)
        sc_str_printf(s, " (%s, made by %s)", o->op_type, o->made_by);
    else if (o->op_type)
        sc_str_printf(s, " (%s)", o->op_type);
}

void sc_report_node(const struct sc_graph *g, const struct sc_node *n,
                    enum simclr_severity severity, const char *fmt, ...)
{
    struct sc_str locus = {0};
    append_locus(&locus, &n->origin);
    va_list args;
    va_start(args, fmt);
    sc_vreport(g->module->diag, severity, locus.size > 0 ? sc_str_text(&locus) : NULL, fmt,
               args);
    va_end(args);
    sc_str_free(&locus);
}
