// SPDX-License-Identifier: Apache-2.0
#include "runtime/core/recipe.h"

#include "runtime/base/file.h"
#include "runtime/base/str.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RECIPE_VERSION = 1 };

enum kind { TEXT, INTEGER, NUMBER };

// The fields of the file, in its order.
struct field {
    enum kind kind;
    const char *name;
    size_t offset;
};

#define AT(field) offsetof(struct sc_recipe, field)
static const struct field fields[] = {
    {TEXT, "program", AT(program)},
    {TEXT, "data", AT(data)},
    {INTEGER, "n_images", AT(n_images)},
    {INTEGER, "batch", AT(batch)},
    {TEXT, "augment", AT(augment)},
    {INTEGER, "seed", AT(seed)},
    {INTEGER, "epochs", AT(epochs)},
    {INTEGER, "steps", AT(steps)},
    {INTEGER, "total_steps", AT(total_steps)},
    {INTEGER, "steps_per_epoch", AT(steps_per_epoch)},
    {NUMBER, "lr", AT(lr)},
    {TEXT, "lr_scaling", AT(lr_scaling)},
    {NUMBER, "peak_lr", AT(peak_lr)},
    {TEXT, "warmup", AT(warmup)},
    {INTEGER, "warmup_steps", AT(warmup_steps)},
    {TEXT, "checkpoint_every", AT(checkpoint_every)},
    {INTEGER, "keep", AT(keep)},
    {INTEGER, "threads", AT(threads)},
};
enum { N_FIELDS = sizeof fields / sizeof fields[0] };

static void *at(const struct sc_recipe *recipe, const struct field *f)
{
    return (char *)(uintptr_t)recipe + f->offset;
}

void sc_recipe_deinit(struct sc_recipe *recipe)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (fields[i].kind == TEXT) free(*(char **)at(recipe, &fields[i]));
    }
    *recipe = (struct sc_recipe){0};
}

simclr_status sc_recipe_set(struct simclr_diag *diag, char **text, const char *value)
{
    char *const copy = strdup(value);
    if (!copy) return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory");
    free(*text);
    *text = copy;
    return SIMCLR_OK;
}

simclr_status sc_recipe_write(struct simclr_diag *diag, const char *path,
                              const struct sc_recipe *recipe)
{
    struct sc_str s = {0};
    sc_str_printf(&s, "{\n  \"version\": %d", RECIPE_VERSION);
    for (size_t i = 0; i < N_FIELDS; i++) {
        const void *const value = at(recipe, &fields[i]);
        sc_str_printf(&s, ",\n  \"%s\": ", fields[i].name);
        switch (fields[i].kind) {
        case TEXT: sc_str_append_json(&s, *(char *const *)value); break;
        case INTEGER: sc_str_printf(&s, "%" PRId64, *(const int64_t *)value); break;
        case NUMBER: sc_str_append_f64(&s, *(const double *)value); break;
        }
    }
    sc_str_append(&s, "\n}\n");
    struct sc_writer *w;
    simclr_status status = sc_writer_open(diag, path, &w);
    if (status == SIMCLR_OK) {
        sc_writer_put(w, s.data, s.size);
        status = sc_writer_commit(w);
    }
    sc_str_free(&s);
    return status;
}

// A JSON number holds every whole number up to 2^53.
static bool is_whole(double value)
{
    return value == floor(value) && fabs(value) <= 9007199254740992.0;
}

static simclr_status read_field(struct simclr_diag *diag, const char *path, const cJSON *json,
                                const struct field *f, struct sc_recipe *out)
{
    static const char *const expected[] = {
        [TEXT] = "a text", [INTEGER] = "a whole number", [NUMBER] = "a number"};
    const cJSON *const item = cJSON_GetObjectItemCaseSensitive(json, f->name);
    const bool is_number = cJSON_IsNumber(item) && isfinite(item->valuedouble);
    if (f->kind == TEXT && cJSON_IsString(item))
        return sc_recipe_set(diag, at(out, f), item->valuestring);
    if (f->kind == NUMBER && is_number) {
        *(double *)at(out, f) = item->valuedouble;
        return SIMCLR_OK;
    }
    if (f->kind == INTEGER && is_number && is_whole(item->valuedouble)) {
        *(int64_t *)at(out, f) = (int64_t)item->valuedouble;
        return SIMCLR_OK;
    }
    return sc_fail(diag, SIMCLR_BAD_INPUT, path, "'%s' is %s, expected %s", f->name,
                   item ? "something else" : "missing", expected[f->kind]);
}

// What later computes with these may rely on.
static simclr_status check(struct simclr_diag *diag, const char *path,
                           const struct sc_recipe *r)
{
    const bool ok = r->batch > 0 && r->steps_per_epoch > 0 && r->total_steps > 0 &&
                    r->warmup_steps >= 0 && r->warmup_steps <= r->total_steps && r->seed >= 0 &&
                    r->keep >= 1 && r->threads >= 0;
    if (ok) return SIMCLR_OK;
    return sc_fail(diag, SIMCLR_BAD_INPUT, path, "its numbers are no recipe of a training");
}

static simclr_status read_fields(struct simclr_diag *diag, const char *path, const cJSON *json,
                                 struct sc_recipe *out)
{
    if (!cJSON_IsObject(json))
        return sc_fail(diag, SIMCLR_BAD_INPUT, path, "is no recipe of a training");
    const cJSON *const version = cJSON_GetObjectItemCaseSensitive(json, "version");
    if (!cJSON_IsNumber(version) || version->valueint != RECIPE_VERSION)
        return sc_fail(diag, SIMCLR_BAD_INPUT, path, "version is %d, expected %d",
                       cJSON_IsNumber(version) ? version->valueint : 0, RECIPE_VERSION);
    for (size_t i = 0; i < N_FIELDS; i++)
        SC_TRY(read_field(diag, path, json, &fields[i], out));
    return check(diag, path, out);
}

simclr_status sc_recipe_read(struct simclr_diag *diag, const char *path, struct sc_recipe *out)
{
    *out = (struct sc_recipe){0};
    struct sc_map map;
    SC_TRY(sc_map_open(diag, path, &map));
    cJSON *const json = cJSON_ParseWithLength((const char *)map.data, map.size);
    sc_map_close(&map);
    const simclr_status status = read_fields(diag, path, json, out);
    cJSON_Delete(json);
    if (status != SIMCLR_OK) sc_recipe_deinit(out);
    return status;
}
