// SPDX-License-Identifier: Apache-2.0
#include "runtime/core/checkpoint.h"

#include "runtime/base/checked.h"
#include "runtime/base/file.h"
#include "runtime/base/safetensors.h"
#include "runtime/base/str.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096, STATE_VERSION = 1 };

// Folders being written or removed begin with this; they are left-overs as soon
// as nobody works on them.
static const char unfinished[] = "unfinished-";

static simclr_status too_long(struct simclr_diag *diag, const char *dir)
{
    return sc_fail(diag, SIMCLR_USAGE, NULL, "path '%s' is too long", dir);
}

bool sc_checkpoint_path(char *text, size_t size, const char *dir, uint64_t step,
                        const char *file)
{
    const int n = snprintf(text, size, "%s/step-%08" PRIu64 "%s%s", dir, step, file ? "/" : "",
                           file ? file : "");
    return n >= 0 && (size_t)n < size;
}

static bool unfinished_path(char *text, size_t size, const char *dir, uint64_t step,
                            const char *file)
{
    const int n = snprintf(text, size, "%s/%s%08" PRIu64 "%s%s", dir, unfinished, step,
                           file ? "/" : "", file ? file : "");
    return n >= 0 && (size_t)n < size;
}

// ---- listing ----

// The step of a folder's name; 0 if it is no checkpoint.
static uint64_t parse_name(const char *name)
{
    if (strncmp(name, "step-", 5) != 0) return 0;
    char *end;
    errno = 0;
    const unsigned long long step = strtoull(name + 5, &end, 10);
    const bool is_step = name[5] >= '0' && name[5] <= '9' && *end == '\0' && errno == 0;
    return is_step ? step : 0;
}

static int compare_steps(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// The steps that have a checkpoint, ascending, in memory the caller frees.
// With `sweeps`, left-overs are removed on the way.
static simclr_status list(struct simclr_diag *diag, const char *dir, bool sweeps,
                          uint64_t **steps, size_t *n)
{
    *steps = NULL;
    *n = 0;
    DIR *const d = opendir(dir);
    if (!d && errno == ENOENT) return SIMCLR_OK;
    if (!d) return sc_fail_errno(diag, SIMCLR_IO, NULL, "cannot open folder '%s'", dir);
    simclr_status status = SIMCLR_OK;
    for (const struct dirent *e; status == SIMCLR_OK && (e = readdir(d));) {
        const uint64_t step = parse_name(e->d_name);
        if (step > 0) {
            uint64_t *const grown = realloc(*steps, (*n + 1) * sizeof **steps);
            if (grown)
                (*steps = grown)[(*n)++] = step;
            else
                status =
                    sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory listing '%s'", dir);
        } else if (sweeps && strncmp(e->d_name, unfinished, sizeof unfinished - 1) == 0) {
            char path[PATH_SIZE];
            const int size = snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
            if (size > 0 && (size_t)size < sizeof path) sc_remove_tree(path);
        }
    }
    (void)closedir(d);
    if (*n > 0) qsort(*steps, *n, sizeof **steps, compare_steps);
    return status;
}

simclr_status sc_checkpoint_newest(struct simclr_diag *diag, const char *dir, uint64_t *step)
{
    uint64_t *steps;
    size_t n;
    const simclr_status status = list(diag, dir, false, &steps, &n);
    *step = n > 0 ? steps[n - 1] : 0;
    free(steps);
    return status;
}

// ---- writing ----

static simclr_status write_state_json(struct simclr_diag *diag, const char *path, uint64_t step)
{
    struct sc_str s = {0};
    sc_str_printf(&s, "{\"version\":%d,\"step\":%" PRIu64 "}\n", STATE_VERSION, step);
    struct sc_writer *w;
    const simclr_status opened = sc_writer_open(diag, path, &w);
    if (opened == SIMCLR_OK) sc_writer_put(w, s.data, s.size);
    sc_str_free(&s);
    SC_TRY(opened);
    return sc_writer_commit(w);
}

static simclr_status write_files(struct simclr_diag *diag, const char *dir, uint64_t step,
                                 const struct sc_state *state)
{
    char path[PATH_SIZE];
    if (!unfinished_path(path, sizeof path, dir, step, "optimizer.safetensors"))
        return too_long(diag, dir);
    SC_TRY(sc_safetensors_write(diag, path, state->slots, state->n_slots));
    (void)unfinished_path(path, sizeof path, dir, step, "params.safetensors");
    SC_TRY(sc_safetensors_write(diag, path, state->params, state->n_params));
    (void)unfinished_path(path, sizeof path, dir, step, "state.json");
    SC_TRY(write_state_json(diag, path, step));
    (void)unfinished_path(path, sizeof path, dir, step, NULL);
    return sc_sync_dir(diag, path);
}

static simclr_status publish(struct simclr_diag *diag, const char *dir, const char *temporary,
                             const char *target)
{
    if (rename(temporary, target) != 0)
        return sc_fail_errno(diag, SIMCLR_IO, NULL, "cannot write '%s'", target);
    return sc_sync_dir(diag, dir);
}

// Removing what is old may fail without harm: it stays.
static simclr_status prune(struct simclr_diag *diag, const char *dir, size_t keep)
{
    uint64_t *steps;
    size_t n;
    const simclr_status status = list(diag, dir, true, &steps, &n);
    for (size_t i = 0; keep > 0 && i + keep < n; i++) {
        char from[PATH_SIZE], to[PATH_SIZE];
        if (sc_checkpoint_path(from, sizeof from, dir, steps[i], NULL) &&
            unfinished_path(to, sizeof to, dir, steps[i], NULL) && rename(from, to) == 0)
            sc_remove_tree(to);
    }
    free(steps);
    return status;
}

simclr_status sc_checkpoint_write(struct simclr_diag *diag, const char *dir, uint64_t step,
                                  const struct sc_state *state, size_t keep)
{
    char temporary[PATH_SIZE], target[PATH_SIZE];
    if (!unfinished_path(temporary, sizeof temporary, dir, step, NULL) ||
        !sc_checkpoint_path(target, sizeof target, dir, step, NULL))
        return too_long(diag, dir);
    if (sc_path_exists(target)) return SIMCLR_OK;
    sc_remove_tree(temporary);
    simclr_status status = sc_make_dirs(diag, temporary);
    if (status == SIMCLR_OK) status = write_files(diag, dir, step, state);
    if (status == SIMCLR_OK) status = publish(diag, dir, temporary, target);
    if (status != SIMCLR_OK) {
        sc_remove_tree(temporary);
        return status;
    }
    return prune(diag, dir, keep);
}

// ---- reading ----

static const char *type_text(struct sc_str *s, const struct simclr_tensor *t)
{
    sc_str_clear(s);
    sc_str_append_type(s, t->dtype, &t->shape);
    return sc_str_text(s);
}

static bool is_same_type(const struct simclr_tensor *a, const struct simclr_tensor *b)
{
    return a->dtype == b->dtype && simclr_shape_equal(&a->shape, &b->shape);
}

// Copies one tensor, or reports why it cannot be.
static bool read_tensor(struct simclr_diag *diag, const char *path,
                        const struct sc_safetensors *file, const struct simclr_tensor *want,
                        bool is_optional)
{
    const struct simclr_tensor *const found = sc_safetensors_find(file, want->name);
    if (!found) {
        if (is_optional) return true;
        sc_report(diag, SIMCLR_ERROR, path, "tensor '%s' is missing", want->name);
        return false;
    }
    if (!is_same_type(found, want)) {
        struct sc_str a = {0}, b = {0};
        sc_report(diag, SIMCLR_ERROR, path, "tensor '%s' is %s, the program has %s", want->name,
                  type_text(&a, found), type_text(&b, want));
        sc_str_free(&a);
        sc_str_free(&b);
        return false;
    }
    size_t size;
    if (!sc_checked_nbytes(want->dtype, &want->shape, &size)) return false;
    if (size > 0) memcpy(want->data, found->data, size);
    return true;
}

static bool is_known(const struct simclr_tensor *tensors, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(tensors[i].name, name) == 0) return true;
    }
    return false;
}

simclr_status sc_tensors_read(struct simclr_diag *diag, const char *path,
                              const struct simclr_tensor *tensors, size_t n,
                              const bool *is_optional)
{
    struct sc_safetensors file;
    SC_TRY(sc_safetensors_open(diag, path, &file));
    bool ok = true;
    for (size_t i = 0; i < n; i++)
        ok &= read_tensor(diag, path, &file, &tensors[i], is_optional && is_optional[i]);
    for (size_t i = 0; i < file.n_tensors; i++) {
        if (is_known(tensors, n, file.tensor[i].name)) continue;
        sc_report(diag, SIMCLR_ERROR, path, "tensor '%s' is not in the program",
                  file.tensor[i].name);
        ok = false;
    }
    sc_safetensors_close(&file);
    return ok ? SIMCLR_OK : SIMCLR_BAD_INPUT;
}

static simclr_status check_state_json(struct simclr_diag *diag, const char *path, uint64_t step)
{
    struct sc_map map;
    SC_TRY(sc_map_open(diag, path, &map));
    cJSON *const json = cJSON_ParseWithLength((const char *)map.data, map.size);
    sc_map_close(&map);
    const cJSON *const version = cJSON_GetObjectItemCaseSensitive(json, "version");
    const cJSON *const found = cJSON_GetObjectItemCaseSensitive(json, "step");
    simclr_status status = SIMCLR_OK;
    if (!cJSON_IsNumber(version) || !cJSON_IsNumber(found))
        status = sc_fail(diag, SIMCLR_BAD_INPUT, path, "is no state of a checkpoint");
    else if (version->valueint != STATE_VERSION)
        status = sc_fail(diag, SIMCLR_BAD_INPUT, path, "version is %d, expected %d",
                         version->valueint, STATE_VERSION);
    else if (found->valuedouble != (double)step)
        status = sc_fail(diag, SIMCLR_BAD_INPUT, path, "step is %.0f, expected %" PRIu64,
                         found->valuedouble, step);
    cJSON_Delete(json);
    return status;
}

simclr_status sc_checkpoint_read(struct simclr_diag *diag, const char *dir, uint64_t step,
                                 const struct sc_state *state)
{
    char path[PATH_SIZE];
    if (!sc_checkpoint_path(path, sizeof path, dir, step, "optimizer.safetensors"))
        return too_long(diag, dir);
    SC_TRY(sc_tensors_read(diag, path, state->slots, state->n_slots, NULL));
    (void)sc_checkpoint_path(path, sizeof path, dir, step, "params.safetensors");
    SC_TRY(sc_tensors_read(diag, path, state->params, state->n_params, NULL));
    (void)sc_checkpoint_path(path, sizeof path, dir, step, "state.json");
    return check_state_json(diag, path, step);
}
