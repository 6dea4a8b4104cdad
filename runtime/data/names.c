// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/names.h"

#include <stdlib.h>
#include <string.h>

void sc_names_deinit(struct sc_names *names)
{
    free(names->start);
    free(names->text);
    *names = (struct sc_names){0};
}

const char *sc_names_get(const struct sc_names *names, size_t i)
{
    return names->text + names->start[i];
}

// Memory for `need` elements, at least doubling what there is.
static bool reserve(void **data, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity) return true;
    size_t grown = *capacity < 64 ? 64 : 2 * *capacity;
    if (grown < need) grown = need;
    void *const p = grown > SIZE_MAX / size ? NULL : realloc(*data, grown * size);
    if (!p) return false;
    *data = p;
    *capacity = grown;
    return true;
}

static bool add(struct sc_names *names, const char *dir, const char *name)
{
    const size_t n_dir = strlen(dir), n_name = strlen(name);
    const bool needs_slash = n_dir > 0 && dir[n_dir - 1] != '/';
    const size_t size = n_dir + needs_slash + n_name + 1;
    void *start = names->start, *text = names->text;
    const bool ok =
        reserve(&start, &names->capacity, names->n + 1, sizeof *names->start) &&
        reserve(&text, &names->text_capacity, names->n_text + size, sizeof *names->text);
    names->start = start;
    names->text = text;
    if (!ok) return false;
    char *const p = names->text + names->n_text;
    memcpy(p, dir, n_dir);
    if (needs_slash) p[n_dir] = '/';
    memcpy(p + n_dir + needs_slash, name, n_name + 1);
    names->start[names->n++] = names->n_text;
    names->n_text += size;
    return true;
}

bool sc_names_add(struct sc_names *names, const char *text)
{
    return add(names, "", text);
}

bool sc_names_add_path(struct sc_names *names, const char *dir, const char *name)
{
    return add(names, dir, name);
}

// A heap sort: qsort cannot be told where the text is.
static void sift_down(size_t *start, const char *text, size_t root, size_t n)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && strcmp(text + start[child], text + start[child + 1]) < 0) child++;
        if (strcmp(text + start[root], text + start[child]) >= 0) return;
        const size_t swapped = start[root];
        start[root] = start[child];
        start[child] = swapped;
    }
}

void sc_names_sort(struct sc_names *names)
{
    size_t *const start = names->start;
    for (size_t i = names->n / 2; i-- > 0;)
        sift_down(start, names->text, i, names->n);
    for (size_t n = names->n; n > 1; n--) {
        const size_t swapped = start[0];
        start[0] = start[n - 1];
        start[n - 1] = swapped;
        sift_down(start, names->text, 0, n - 1);
    }
}
