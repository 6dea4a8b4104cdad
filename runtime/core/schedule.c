// SPDX-License-Identifier: Apache-2.0
#include "runtime/core/schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

// Steps beyond this are a slip of the finger, and would lose digits as doubles.
static const double max_steps = 1e15;

double sc_schedule_peak(double base, enum sc_lr_scaling scaling, int64_t batch)
{
    switch (scaling) {
    case SC_LR_LINEAR: return base * (double)batch / 256.0;
    case SC_LR_SQRT: return base * sqrt((double)batch);
    case SC_LR_NONE: break;
    }
    return base;
}

double sc_schedule_lr(const struct sc_schedule *s, uint64_t t)
{
    if (t >= s->total) return 0.0;
    if (t < s->warmup) return s->peak * (double)(t + 1) / (double)s->warmup;
    const double progress = (double)(t - s->warmup) / (double)(s->total - s->warmup);
    return s->peak * 0.5 * (1.0 + cos(pi * progress));
}

simclr_status sc_parse_stretch(struct simclr_diag *diag, const char *option, const char *text,
                               uint64_t steps_per_epoch, uint64_t *steps)
{
    char *end;
    const double value = strtod(text, &end);
    const bool is_epochs = strcmp(end, "ep") == 0, is_steps = strcmp(end, "it") == 0;
    const double n = is_epochs ? value * (double)steps_per_epoch : value;
    const bool is_number = end != text && value >= 0 && n <= max_steps;
    if (!is_number || !(is_epochs || (is_steps && value == floor(value))))
        return sc_fail(diag, SIMCLR_USAGE, NULL,
                       "option '--%s': found '%s', expected epochs as in '10ep' or steps as in "
                       "'500it'",
                       option, text);
    *steps = (uint64_t)llround(n);
    return SIMCLR_OK;
}
