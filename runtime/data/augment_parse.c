// SPDX-License-Identifier: Apache-2.0
//
// augment = preset | op { "," op } ;  op = name [ "(" parameters ")" ]
#include "runtime/data/augment.h"
#include "runtime/data/spec.h"

#include <stdio.h>
#include <string.h>

struct op_info {
    const char *name;
    int n_params;
    struct sc_spec_param param[SIMCLR_MAX_AUGMENT_PARAMS];
};

// Defaults are those of the paper for ImageNet.
static const struct op_info op_table[SC_N_AUGMENTS] = {
    [SC_AUGMENT_CROP] = {"crop",
                         4,
                         {{"area_min", 0.08, 1e-4, 1, false},
                          {"area_max", 1, 1e-4, 1, false},
                          {"ratio_min", 3.0 / 4, 0.05, 20, false},
                          {"ratio_max", 4.0 / 3, 0.05, 20, false}}},
    [SC_AUGMENT_FLIP] = {"flip", 1, {{"p", 0.5, 0, 1, false}}},
    [SC_AUGMENT_JITTER] = {"jitter",
                           6,
                           {{"s", 1, 0, 10, false},
                            {"p", 0.8, 0, 1, false},
                            {"brightness", 0.8, 0, 10, false},
                            {"contrast", 0.8, 0, 10, false},
                            {"saturation", 0.8, 0, 10, false},
                            {"hue", 0.2, 0, 0.5, false}}},
    [SC_AUGMENT_GRAY] = {"gray", 1, {{"p", 0.2, 0, 1, false}}},
    [SC_AUGMENT_BLUR] = {"blur",
                         4,
                         {{"p", 0.5, 0, 1, false},
                          {"size", 0.1, 0, 1, false},
                          {"sigma_min", 0.1, 1e-3, 100, false},
                          {"sigma_max", 2, 1e-3, 100, false}}},
};

struct preset {
    const char *name, *spec;
};

static const struct preset preset_table[] = {
    {"none", ""},
    {"simclr-imagenet", "crop(0.08,1),flip(0.5),jitter(s=1,p=0.8),gray(0.2),blur(p=0.5)"},
    {"simclr-cifar", "crop(0.08,1),flip(0.5),jitter(s=0.5,p=0.8),gray(0.2)"},
};

static const char *find_preset(const char *name)
{
    for (size_t i = 0; i < sizeof preset_table / sizeof *preset_table; i++) {
        if (strcmp(preset_table[i].name, name) == 0) return preset_table[i].spec;
    }
    return NULL;
}

static int find_op(const char *name, size_t size)
{
    for (int i = 0; i < SC_N_AUGMENTS; i++) {
        if (strlen(op_table[i].name) == size && memcmp(op_table[i].name, name, size) == 0)
            return i;
    }
    return -1;
}

// A lower bound above its upper bound, the only mistake in two parameters.
static simclr_status check_order(struct simclr_diag *diag, const char *subject,
                                 const struct simclr_augment_op *op)
{
    static const struct {
        enum sc_augment_kind kind;
        int low;
    } pairs[] = {{SC_AUGMENT_CROP, SC_CROP_AREA_MIN},
                 {SC_AUGMENT_CROP, SC_CROP_RATIO_MIN},
                 {SC_AUGMENT_BLUR, SC_BLUR_SIGMA_MIN}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const int low = pairs[i].low, high = low + 1;
        if (op->kind == (int)pairs[i].kind && op->param[low] > op->param[high])
            return sc_fail(diag, SIMCLR_USAGE, NULL, "%s: %s is %g, expected at most %s, %g",
                           subject, op_table[op->kind].param[low].name, (double)op->param[low],
                           op_table[op->kind].param[high].name, (double)op->param[high]);
    }
    return SIMCLR_OK;
}

static simclr_status read_op(struct simclr_diag *diag, int kind, const char *text, size_t size,
                             struct simclr_augment_op *out)
{
    char subject[64];
    (void)snprintf(subject, sizeof subject, "augmentation '%s'", op_table[kind].name);
    struct sc_spec_param param[SIMCLR_MAX_AUGMENT_PARAMS];
    memcpy(param, op_table[kind].param, sizeof param);
    SC_TRY(sc_spec_read(diag, subject, text, size, param, op_table[kind].n_params));
    *out = (struct simclr_augment_op){.kind = kind};
    for (int i = 0; i < op_table[kind].n_params; i++)
        out->param[i] = (float)param[i].value;
    return check_order(diag, subject, out);
}

static simclr_status fail_unknown(struct simclr_diag *diag, const char *name, size_t size)
{
    return sc_fail(diag, SIMCLR_USAGE, NULL,
                   "augmentation '%.*s' is not known, expected none, simclr-imagenet, "
                   "simclr-cifar or a list of crop, flip, jitter, gray, blur",
                   (int)size, name);
}

// Reads the operation at `text` and returns what follows it in `rest`.
static simclr_status read_next(struct simclr_diag *diag, const char *text,
                               struct simclr_augment *out, const char **rest)
{
    text += strspn(text, " ");
    const size_t n_name = strcspn(text, "(, ");
    const int kind = find_op(text, n_name);
    if (kind < 0) return fail_unknown(diag, text, n_name);
    if (out->n_ops == SIMCLR_MAX_AUGMENT_OPS)
        return sc_fail(diag, SIMCLR_USAGE, NULL, "more augmentations than expected, at most %d",
                       (int)SIMCLR_MAX_AUGMENT_OPS);
    if (kind == SC_AUGMENT_CROP && out->n_ops > 0)
        return sc_fail(diag, SIMCLR_USAGE, NULL,
                       "augmentation 'crop' is number %d, expected to be the first",
                       out->n_ops + 1);
    const char *p = text + n_name;
    const char *const inside = *p == '(' ? p + 1 : p;
    const char *const close = *p == '(' ? strchr(p, ')') : p;
    if (!close)
        return sc_fail(diag, SIMCLR_USAGE, NULL, "augmentation '%s' has no closing parenthesis",
                       op_table[kind].name);
    SC_TRY(read_op(diag, kind, inside, (size_t)(close - inside), &out->op[out->n_ops]));
    out->n_ops++;
    p = close + (*close == ')');
    *rest = p + strspn(p, " ");
    return SIMCLR_OK;
}

simclr_status simclr_augment_parse(struct simclr_diag *diag, const char *spec,
                                   struct simclr_augment *out)
{
    const char *const preset = find_preset(spec);
    const char *text = preset ? preset : spec;
    *out = (struct simclr_augment){0};
    if (preset && *text == '\0') return SIMCLR_OK;
    for (;;) {
        const char *rest = NULL;
        SC_TRY(read_next(diag, text, out, &rest));
        if (*rest == '\0') return SIMCLR_OK;
        if (*rest != ',')
            return sc_fail(diag, SIMCLR_USAGE, NULL,
                           "augmentation: found '%s', expected a comma or the end", rest);
        text = rest + 1;
    }
}
