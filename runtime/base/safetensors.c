// SPDX-License-Identifier: Apache-2.0
//
// The header is a JSON object: name → {dtype, shape, data_offsets}, offsets
// counted from the end of the header; the key __metadata__ is passed over.
#include "runtime/base/safetensors.h"

#include "runtime/base/checked.h"
#include "runtime/base/str.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_SIZE = 8, ALIGNMENT = 8 };

static const size_t max_header_size = (size_t)64 << 20;

static const char *const dtype_text[] = {
#define DTYPE(name, size, is_float, npy, safetensors) [SIMCLR_##name] = safetensors,
#include <simclr/dtypes.def>
#undef DTYPE
};

static int compare_names(const void *a, const void *b)
{
    const struct simclr_tensor *const x = a, *const y = b;
    return strcmp(x->name, y->name);
}

// What an entry is read with: the file's bytes behind the header.
struct payload {
    struct simclr_diag *diag;
    const char *path;
    const uint8_t *data;
    size_t size;
};

// An exact integer >= 0; JSON numbers are doubles.
static bool read_count(const cJSON *item, int64_t *out)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 0x1p53))
        return false;
    *out = (int64_t)item->valuedouble;
    return (double)*out == item->valuedouble;
}

static bool read_shape(const cJSON *list, struct simclr_shape *out)
{
    if (!cJSON_IsArray(list)) return false;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (out->rank == SIMCLR_MAX_RANK || !read_count(item, &out->dim[out->rank]))
            return false;
        out->rank++;
    }
    return true;
}

static bool read_offsets(const cJSON *list, size_t total, size_t *start, size_t *size)
{
    int64_t from, to;
    if (cJSON_GetArraySize(list) != 2 || !read_count(cJSON_GetArrayItem(list, 0), &from) ||
        !read_count(cJSON_GetArrayItem(list, 1), &to))
        return false;
    if (to < from || (uint64_t)to > total) return false;
    *start = (size_t)from;
    *size = (size_t)(to - from);
    return true;
}

static bool find_dtype(const char *text, simclr_dtype *out)
{
    for (int i = 0; i < SIMCLR_N_DTYPES; i++) {
        if (strcmp(dtype_text[i], text) == 0) {
            *out = (simclr_dtype)i;
            return true;
        }
    }
    return false;
}

static simclr_status read_entry(const struct payload *file, const cJSON *entry,
                                struct simclr_tensor *out)
{
    const char *const name = entry->string;
    const cJSON *const dtype = cJSON_GetObjectItemCaseSensitive(entry, "dtype");
    *out = (struct simclr_tensor){.name = name};
    if (!cJSON_IsString(dtype))
        return sc_fail(file->diag, SIMCLR_BAD_INPUT, file->path, "tensor '%s' has no dtype",
                       name);
    if (!find_dtype(dtype->valuestring, &out->dtype))
        return sc_fail(file->diag, SIMCLR_UNSUPPORTED, file->path,
                       "tensor '%s' has dtype '%s', which is not supported", name,
                       dtype->valuestring);
    size_t expected, start, size;
    if (!read_shape(cJSON_GetObjectItemCaseSensitive(entry, "shape"), &out->shape) ||
        !sc_checked_nbytes(out->dtype, &out->shape, &expected))
        return sc_fail(file->diag, SIMCLR_BAD_INPUT, file->path,
                       "tensor '%s' has no valid shape", name);
    if (!read_offsets(cJSON_GetObjectItemCaseSensitive(entry, "data_offsets"), file->size,
                      &start, &size))
        return sc_fail(file->diag, SIMCLR_BAD_INPUT, file->path,
                       "tensor '%s' does not lie within the file's %zu bytes of data", name,
                       file->size);
    if (size != expected)
        return sc_fail(file->diag, SIMCLR_BAD_INPUT, file->path,
                       "tensor '%s' has %zu bytes, expected %zu for its shape", name, size,
                       expected);
    const uint8_t *const data = file->data + start;
    if ((uintptr_t)data % simclr_dtype_size(out->dtype) != 0)
        return sc_fail(file->diag, SIMCLR_BAD_INPUT, file->path, "tensor '%s' is not aligned",
                       name);
    out->data = (void *)(uintptr_t)data;
    return SIMCLR_OK;
}

static simclr_status read_entries(const struct payload *file, const cJSON *header,
                                  struct sc_safetensors *out)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, header)
    {
        if (strcmp(entry->string, "__metadata__") == 0) continue;
        SC_TRY(read_entry(file, entry, &out->tensor[out->n_tensors]));
        out->n_tensors++;
    }
    if (out->n_tensors > 1)
        qsort(out->tensor, out->n_tensors, sizeof *out->tensor, compare_names);
    for (size_t i = 1; i < out->n_tensors; i++) {
        if (strcmp(out->tensor[i - 1].name, out->tensor[i].name) == 0)
            return sc_fail(file->diag, SIMCLR_BAD_INPUT, file->path,
                           "two tensors are called '%s'", out->tensor[i].name);
    }
    return SIMCLR_OK;
}

// One block for the array and the names, which until now are those of the JSON.
static simclr_status own_names(const struct payload *file, struct sc_safetensors *out)
{
    size_t size = out->n_tensors * sizeof *out->tensor;
    for (size_t i = 0; i < out->n_tensors; i++)
        size += strlen(out->tensor[i].name) + 1;
    char *const storage = malloc(size > 0 ? size : 1);
    if (!storage)
        return sc_fail(file->diag, SIMCLR_NO_MEMORY, file->path, "out of memory for the names");
    struct simclr_tensor *const tensor = (struct simclr_tensor *)(void *)storage;
    char *name = storage + out->n_tensors * sizeof *tensor;
    for (size_t i = 0; i < out->n_tensors; i++) {
        const size_t n = strlen(out->tensor[i].name) + 1;
        tensor[i] = out->tensor[i];
        tensor[i].name = memcpy(name, out->tensor[i].name, n);
        name += n;
    }
    out->tensor = tensor;
    out->storage = storage;
    return SIMCLR_OK;
}

static simclr_status read_header(const struct payload *file, const cJSON *header,
                                 struct sc_safetensors *out)
{
    if (!cJSON_IsObject(header))
        return sc_fail(file->diag, SIMCLR_BAD_INPUT, file->path,
                       "the header is not a JSON object");
    struct simclr_tensor *const scratch =
        calloc((size_t)cJSON_GetArraySize(header) + 1, sizeof *scratch);
    if (!scratch)
        return sc_fail(file->diag, SIMCLR_NO_MEMORY, file->path, "out of memory for the names");
    out->tensor = scratch;
    simclr_status status = read_entries(file, header, out);
    if (status == SIMCLR_OK) status = own_names(file, out);
    free(scratch);
    return status;
}

static simclr_status read_file(struct simclr_diag *diag, const char *path,
                               struct sc_safetensors *out)
{
    const struct sc_map *const map = &out->map;
    uint64_t length = 0;
    for (size_t i = 0; map->size >= LENGTH_SIZE && i < LENGTH_SIZE; i++)
        length |= (uint64_t)map->data[i] << (8 * i);
    if (map->size < LENGTH_SIZE || !sc_range_within(LENGTH_SIZE, length, map->size))
        return sc_fail(diag, SIMCLR_BAD_INPUT, path,
                       "not a safetensors file: %zu bytes, its header is said to have %" PRIu64,
                       map->size, length);
    if (length > max_header_size)
        return sc_fail(diag, SIMCLR_BAD_INPUT, path,
                       "the header has %" PRIu64 " bytes, at most %zu expected", length,
                       max_header_size);
    const size_t start = LENGTH_SIZE + (size_t)length;
    const struct payload file = {
        .diag = diag, .path = path, .data = map->data + start, .size = map->size - start};
    cJSON *const header =
        cJSON_ParseWithLength((const char *)map->data + LENGTH_SIZE, (size_t)length);
    const simclr_status status = read_header(&file, header, out);
    cJSON_Delete(header);
    return status;
}

simclr_status sc_safetensors_open(struct simclr_diag *diag, const char *path,
                                  struct sc_safetensors *out)
{
    *out = (struct sc_safetensors){0};
    SC_TRY(sc_map_open(diag, path, &out->map));
    const simclr_status status = read_file(diag, path, out);
    if (status != SIMCLR_OK) sc_safetensors_close(out);
    return status;
}

void sc_safetensors_close(struct sc_safetensors *file)
{
    free(file->storage);
    sc_map_close(&file->map);
    *file = (struct sc_safetensors){0};
}

const struct simclr_tensor *sc_safetensors_find(const struct sc_safetensors *file,
                                                const char *name)
{
    const struct simclr_tensor key = {.name = name};
    if (file->n_tensors == 0) return NULL;
    return bsearch(&key, file->tensor, file->n_tensors, sizeof key, compare_names);
}

// What is written of one tensor.
struct slot {
    const struct simclr_tensor *tensor;
    size_t size, offset;
};

static int by_name(const void *a, const void *b)
{
    const struct slot *const x = a, *const y = b;
    return strcmp(x->tensor->name, y->tensor->name);
}

// Large elements first, so that without a gap each tensor is aligned to its own.
static int by_place(const void *a, const void *b)
{
    const struct slot *const x = a, *const y = b;
    const size_t x_size = simclr_dtype_size(x->tensor->dtype);
    const size_t y_size = simclr_dtype_size(y->tensor->dtype);
    if (x_size != y_size) return x_size > y_size ? -1 : 1;
    return by_name(a, b);
}

// Orders the slots by their place in the file and gives each its offset.
static simclr_status place(struct simclr_diag *diag, const char *path,
                           const struct simclr_tensor *tensors, size_t n, struct slot *slot)
{
    for (size_t i = 0; i < n; i++) {
        slot[i] = (struct slot){.tensor = &tensors[i]};
        if (!sc_checked_nbytes(tensors[i].dtype, &tensors[i].shape, &slot[i].size))
            return sc_fail(diag, SIMCLR_BAD_INPUT, path, "tensor '%s' has no valid shape",
                           tensors[i].name);
    }
    if (n > 1) qsort(slot, n, sizeof *slot, by_place);
    size_t offset = 0;
    for (size_t i = 0; i < n; i++) {
        slot[i].offset = offset;
        if (!sc_checked_add(offset, slot[i].size, &offset))
            return sc_fail(diag, SIMCLR_BAD_INPUT, path, "the tensors are too large");
    }
    return SIMCLR_OK;
}

static void append_entry(struct sc_str *s, const struct slot *slot)
{
    sc_str_append_json(s, slot->tensor->name);
    sc_str_printf(s, ":{\"dtype\":\"%s\",\"shape\":", dtype_text[slot->tensor->dtype]);
    sc_str_append_shape(s, &slot->tensor->shape);
    sc_str_printf(s, ",\"data_offsets\":[%zu,%zu]}", slot->offset, slot->offset + slot->size);
}

static void build_header(struct sc_str *s, const struct slot *slot, size_t n)
{
    sc_str_append(s, "{");
    for (size_t i = 0; i < n; i++) {
        if (i > 0) sc_str_append(s, ",");
        append_entry(s, &slot[i]);
    }
    sc_str_append(s, "}");
    while ((LENGTH_SIZE + s->size) % ALIGNMENT != 0)
        sc_str_append(s, " ");
}

static simclr_status write_slots(struct simclr_diag *diag, const char *path,
                                 const struct slot *slot, size_t n)
{
    struct sc_writer *w;
    SC_TRY(sc_writer_open(diag, path, &w));
    struct sc_str header = {0};
    build_header(&header, slot, n);
    uint8_t length[LENGTH_SIZE];
    for (size_t i = 0; i < LENGTH_SIZE; i++)
        length[i] = (uint8_t)((uint64_t)header.size >> (8 * i));
    sc_writer_put(w, length, sizeof length);
    sc_writer_put(w, header.data, header.size);
    for (size_t i = 0; i < n; i++)
        sc_writer_put(w, slot[i].tensor->data, slot[i].size);
    sc_str_free(&header);
    return sc_writer_commit(w);
}

simclr_status sc_safetensors_write(struct simclr_diag *diag, const char *path,
                                   const struct simclr_tensor *tensors, size_t n)
{
    struct slot *const slot = calloc(n + 1, sizeof *slot);
    if (!slot) return sc_fail(diag, SIMCLR_NO_MEMORY, path, "out of memory for %zu tensors", n);
    simclr_status status = place(diag, path, tensors, n, slot);
    if (status == SIMCLR_OK) status = write_slots(diag, path, slot, n);
    free(slot);
    return status;
}
