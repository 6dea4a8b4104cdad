// SPDX-License-Identifier: Apache-2.0
#include "runtime/jobs/run.h"

#include "runtime/base/file.h"
#include "runtime/jobs/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

simclr_status sc_run_path(struct simclr_diag *diag, const char *dir, const char *file,
                          char text[SC_PATH_SIZE])
{
    const int n = snprintf(text, SC_PATH_SIZE, "%s/%s", dir, file);
    if (n > 0 && n < SC_PATH_SIZE) return SIMCLR_OK;
    return sc_fail(diag, SIMCLR_USAGE, NULL, "path '%s' is too long", dir);
}

bool sc_run_exists(const char *dir)
{
    char path[SC_PATH_SIZE];
    const int n = snprintf(path, sizeof path, "%s/config.json", dir);
    return n > 0 && n < SC_PATH_SIZE && sc_path_exists(path);
}

// Cuts "/checkpoints/step-N" off `dir`; returns N, or 0 if it does not end so.
static uint64_t cut_checkpoint(char *dir)
{
    static const char middle[] = "/checkpoints/step-";
    char *found = NULL;
    for (char *p = dir; (p = strstr(p, middle)); p++)
        found = p;
    if (!found) return 0;
    char *end;
    const unsigned long long step = strtoull(found + sizeof middle - 1, &end, 10);
    if (end == found + sizeof middle - 1 || *end != '\0') return 0;
    *found = '\0';
    return step;
}

static simclr_status set_dir(struct simclr_diag *diag, const char *path, struct sc_run *run)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n >= sizeof run->dir)
        return sc_fail(diag, SIMCLR_USAGE, NULL, "path '%s' is too long", path);
    memcpy(run->dir, path, n);
    run->dir[n] = '\0';
    run->step = cut_checkpoint(run->dir);
    if (sc_run_exists(run->dir)) return SIMCLR_OK;
    return sc_fail(diag, SIMCLR_USAGE, NULL, "'%s' is no run: it has no config.json", path);
}

static simclr_status open_parts(struct simclr_diag *diag, struct sc_run *run)
{
    char path[SC_PATH_SIZE];
    SC_TRY(sc_run_path(diag, run->dir, "config.json", path));
    SC_TRY(sc_recipe_read(diag, path, &run->recipe));
    SC_TRY(sc_run_path(diag, run->dir, "program.scp", path));
    SC_TRY(simclr_program_open(path, diag, &run->program));
    if (run->step > 0) return SIMCLR_OK;
    SC_TRY(sc_run_path(diag, run->dir, "checkpoints", path));
    SC_TRY(sc_checkpoint_newest(diag, path, &run->step));
    if (run->step > 0) return SIMCLR_OK;
    return sc_fail(diag, SIMCLR_BAD_INPUT, run->dir, "the run has no checkpoint yet");
}

simclr_status sc_run_open(struct simclr_diag *diag, const char *path, struct sc_run *out)
{
    *out = (struct sc_run){0};
    simclr_status status = set_dir(diag, path, out);
    if (status == SIMCLR_OK) status = open_parts(diag, out);
    if (status != SIMCLR_OK) sc_run_close(out);
    return status;
}

void sc_run_close(struct sc_run *run)
{
    sc_recipe_deinit(&run->recipe);
    simclr_program_free(run->program);
    *run = (struct sc_run){0};
}

simclr_status sc_run_load(struct simclr_diag *diag, const struct sc_run *run,
                          struct simclr_session *session)
{
    char dir[SC_PATH_SIZE], path[SC_PATH_SIZE];
    SC_TRY(sc_run_path(diag, run->dir, "checkpoints", dir));
    if (!sc_checkpoint_path(path, sizeof path, dir, run->step, "params.safetensors"))
        return sc_fail(diag, SIMCLR_USAGE, NULL, "path '%s' is too long", dir);
    struct sc_session_state state;
    SC_TRY(sc_session_state_init(diag, session, &state));
    const simclr_status status =
        sc_tensors_read(diag, path, state.view.params, state.view.n_params, NULL);
    sc_session_state_deinit(&state);
    return status;
}
