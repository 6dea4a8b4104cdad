// SPDX-License-Identifier: Apache-2.0
//
// --train and --freeze: which parameters the optimizer moves. Running statistics
// are no parameters in this sense: --bn decides about them.
#include "compiler/compilation.h"

#include <simclr/options.h>

#include <string.h>

// `*` stands for any letters, `?` for one. The last star is tried again, one letter
// further, where what follows it does not fit.
static bool matches(const char *pattern, const char *name)
{
    const char *star = NULL, *from = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            from = name;
        } else if (*pattern == *name || *pattern == '?') {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool is_selectable(const struct sc_param *p)
{
    return p->role == SIMCLR_ROLE_trainable || p->role == SIMCLR_ROLE_frozen;
}

// The names most like the pattern, or where to find them all.
static void hint_names(struct simclr_compilation *c, const char *pattern)
{
    enum { SHOWN = 3 };
    const struct sc_module *const m = c->module;
    const size_t n = m->n_params + c->import.n_constants;
    const char **const names = SC_NEW_ARRAY(m->arena, const char *, n + 1);
    for (uint32_t i = 0; i < m->n_params; i++)
        names[i] = is_selectable(m->params[i]) ? m->params[i]->name : NULL;
    for (size_t i = 0; i < c->import.n_constants; i++)
        names[m->n_params + i] = c->import.constants[i].name;
    struct sc_str near = {0};
    for (int shown = 0; shown < SHOWN; shown++) {
        const char *const name = simclr_nearest(pattern, names, n);
        if (!name) break;
        sc_str_printf(&near, "%s'%s'", shown > 0 ? ", " : "", name);
        for (size_t i = 0; i < n; i++)
            names[i] = names[i] && strcmp(names[i], name) != 0 ? names[i] : NULL;
    }
    if (near.size > 0)
        sc_report(c->diag, SIMCLR_HINT, NULL, "the nearest: %s", sc_str_text(&near));
    else
        sc_report(c->diag, SIMCLR_HINT, NULL, "--dump=params lists the names");
    sc_str_free(&near);
}

static simclr_status fail_unmatched(struct simclr_compilation *c,
                                    const struct simclr_selection *s, bool matches_statistic)
{
    sc_report(c->diag, SIMCLR_ERROR, NULL, "--%s '%s' matches no parameter",
              s->train ? "train" : "freeze", s->pattern);
    if (matches_statistic)
        sc_report(c->diag, SIMCLR_HINT, NULL,
                  "running statistics are not trained: --bn freeze keeps them as they are");
    else
        hint_names(c, s->pattern);
    return SIMCLR_USAGE;
}

static simclr_status apply(struct simclr_compilation *c, const struct simclr_selection *s)
{
    bool any = false, any_statistic = false;
    for (uint32_t i = 0; i < c->module->n_params; i++) {
        struct sc_param *const p = c->module->params[i];
        if (!matches(s->pattern, p->name)) continue;
        any_statistic = any_statistic || p->role == SIMCLR_ROLE_statistic;
        if (!is_selectable(p)) continue;
        any = true;
        p->role = s->train ? SIMCLR_ROLE_trainable : SIMCLR_ROLE_frozen;
    }
    return any ? SIMCLR_OK : fail_unmatched(c, s, any_statistic);
}

// The import has made sure that there is something to freeze.
static simclr_status check_some_left(const struct simclr_compilation *c)
{
    for (uint32_t i = 0; i < c->module->n_params; i++) {
        if (c->module->params[i]->role == SIMCLR_ROLE_trainable) return SIMCLR_OK;
    }
    sc_report(c->diag, SIMCLR_ERROR, NULL,
              "there is nothing to train: --freeze matches every parameter");
    sc_report(c->diag, SIMCLR_HINT, NULL,
              "what is to be trained can be said by --train PATTERN behind it");
    return SIMCLR_USAGE;
}

simclr_status sc_select_params(struct simclr_compilation *c)
{
    simclr_status status = SIMCLR_OK;
    for (size_t i = 0; i < c->options.n_selections; i++) {
        const simclr_status s = apply(c, &c->options.selections[i]);
        if (status == SIMCLR_OK) status = s;
    }
    if (status == SIMCLR_OK && c->options.n_selections > 0) status = check_some_left(c);
    return status;
}
