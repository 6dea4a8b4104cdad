// SPDX-License-Identifier: Apache-2.0
//
// TensorProto: values live in raw_data (little-endian), in one of the typed
// fields, or in a file beside the model (onnx.proto, "TensorProto"). External
// files are opened component by component, so that neither "..", an absolute
// path nor a symbolic link leads out of the model's folder
// (docs/ExternalDataSecurity.md of ONNX).
#include "compiler/onnx/model.h"

#include "compiler/onnx/wire.h"
#include "runtime/base/checked.h"
#include "runtime/base/integer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct sc_onnx_dtype dtypes[] = {
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, "float", true, SIMCLR_f32, 4},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, "uint8", true, SIMCLR_u8, 1},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT8, "int8", true, SIMCLR_i8, 1},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT16, "uint16", true, SIMCLR_u16, 2},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT16, "int16", true, SIMCLR_i16, 2},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT32, "int32", true, SIMCLR_i32, 4},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT64, "int64", true, SIMCLR_i64, 8},
    {ONNX__TENSOR_PROTO__DATA_TYPE__STRING, "string", false, SIMCLR_u8, 0},
    {ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, "bool", true, SIMCLR_bool, 1},
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, "float16", true, SIMCLR_f32, 2},
    {ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, "double", true, SIMCLR_f64, 8},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT32, "uint32", true, SIMCLR_u32, 4},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT64, "uint64", true, SIMCLR_u64, 8},
    {ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX64, "complex64", false, SIMCLR_u8, 8},
    {ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX128, "complex128", false, SIMCLR_u8, 16},
    {ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16, "bfloat16", true, SIMCLR_f32, 2},
};

const struct sc_onnx_dtype *sc_onnx_dtype(int number)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (dtypes[i].number == number) return &dtypes[i];
    }
    return NULL;
}

const struct sc_onnx_dtype *sc_onnx_dtype_named(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (!strcmp(dtypes[i].name, name)) return &dtypes[i];
    }
    return NULL;
}

static bool fail(char *error, const char *fmt, ...) SC_PRINTF(2, 3);
static bool fail(char *error, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(error, SC_ONNX_ERROR, fmt, args);
    va_end(args);
    return false;
}

bool sc_onnx_tensor_type(const Onnx__TensorProto *t, struct sc_onnx_tensor *out, char *error)
{
    const struct sc_onnx_dtype *const type = sc_onnx_dtype(t->data_type);
    if (!type) return fail(error, "elements of type %d are unknown", (int)t->data_type);
    if (!type->supported)
        return fail(error, "elements of type %s are not supported", type->name);
    if (t->n_dims > SIMCLR_MAX_RANK)
        return fail(error, "rank is %zu, at most %d is supported", t->n_dims, SIMCLR_MAX_RANK);
    *out = (struct sc_onnx_tensor){.dtype = type->dtype, .shape.rank = (int32_t)t->n_dims};
    for (size_t i = 0; i < t->n_dims; i++)
        out->shape.dim[i] = t->dims[i];
    size_t n_bytes;
    if (!sc_checked_nbytes(SIMCLR_i64, &out->shape, &n_bytes))
        return fail(error, "an extent is negative or the tensor is too large");
    out->count = n_bytes / 8;
    return true;
}

const char sc_onnx_elided[] = "elided";

bool sc_onnx_tensor_is_elided(const Onnx__TensorProto *t)
{
    return t->n_external_data == 1 &&
           !strcmp(sc_onnx_text(t->external_data[0]->key), sc_onnx_elided);
}

// Opens `path` below `folder` without following symbolic links; -1 with errno.
static int open_below(const char *folder, const char *path)
{
    int fd = open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0) {
        const size_t n = strcspn(path, "/");
        const bool is_last = path[n] == '\0';
        char part[256];
        if (n >= sizeof part || n == 0 || (n == 2 && path[0] == '.' && path[1] == '.')) {
            (void)close(fd);
            errno = EINVAL;
            return -1;
        }
        memcpy(part, path, n);
        part[n] = '\0';
        const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
        const int next = openat(fd, part, is_last ? flags : flags | O_DIRECTORY);
        const int reason = errno;
        (void)close(fd);
        errno = reason;
        fd = next;
        if (is_last) break;
        path += n + 1;
    }
    return fd;
}

static bool map_external(struct sc_onnx_model *model, const char *location, struct sc_map *out,
                         char *error)
{
    errno = ENOENT; // what a model in memory has of files
    const int fd = model->folder ? open_below(model->folder, location) : -1;
    if (fd < 0 && errno == EINVAL)
        return fail(error, "external data '%s' is not a path within the model's folder",
                    location);
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
        return fail(error, "external data '%s' is behind a symbolic link, expected a file",
                    location);
    if (fd < 0)
        return fail(error, "cannot open external data '%s': %s", location, strerror(errno));
    struct stat st;
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (ok && st.st_nlink > 1) { // an archive may link to what it could not copy
        (void)close(fd);
        return fail(error, "external data '%s' has %ju hard links, expected a file of its own",
                    location, (uintmax_t)st.st_nlink);
    }
    if (ok && st.st_size > 0) {
        void *const data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        ok = data != MAP_FAILED;
        if (ok) *out = (struct sc_map){.data = data, .size = (size_t)st.st_size};
    }
    (void)close(fd);
    return ok || fail(error, "cannot read external data '%s'", location);
}

static const struct sc_map *find_external(struct sc_onnx_model *model, const char *location,
                                          char *error)
{
    for (size_t i = 0; i < model->n_externals; i++) {
        if (!strcmp(model->externals[i].location, location)) return &model->externals[i].map;
    }
    struct sc_map map = {0};
    if (!map_external(model, location, &map, error)) return NULL;
    struct sc_external *const e =
        &SC_PUSH(model->module->arena, model->externals, model->n_externals);
    *e = (struct sc_external){.location = location, .map = map};
    return &e->map;
}

const char *sc_onnx_tensor_location(const Onnx__TensorProto *t)
{
    if (t->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL ||
        sc_onnx_tensor_is_elided(t))
        return NULL;
    for (size_t i = 0; i < t->n_external_data; i++) {
        if (!strcmp(sc_onnx_text(t->external_data[i]->key), "location"))
            return sc_onnx_text(t->external_data[i]->value);
    }
    return NULL;
}

bool sc_onnx_open_external(struct sc_onnx_model *model, const char *location, char *error)
{
    return find_external(model, location, error) != NULL;
}

static bool parse_size(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static bool external_bytes(struct sc_onnx_model *model, const Onnx__TensorProto *t,
                           const uint8_t **data, size_t *size, char *error)
{
    const char *location = NULL;
    uint64_t offset = 0, length = 0;
    bool has_length = false, ok = true;
    for (size_t i = 0; i < t->n_external_data; i++) {
        const char *const key = sc_onnx_text(t->external_data[i]->key);
        const char *const value = sc_onnx_text(t->external_data[i]->value);
        if (!strcmp(key, "location")) location = value;
        if (!strcmp(key, "offset")) ok = ok && parse_size(value, &offset);
        if (!strcmp(key, "length")) ok = ok && (has_length = parse_size(value, &length));
    }
    if (!location || !ok) return fail(error, "external data has no location, offset or length");
    const struct sc_map *const map = find_external(model, location, error);
    if (!map) return false;
    if (!has_length) length = offset <= map->size ? map->size - offset : 0;
    if (!sc_range_within(offset, length, map->size))
        return fail(error,
                    "external data '%s' has %zu bytes, expected %" PRIu64 " at offset %" PRIu64,
                    location, map->size, length, offset);
    *data = length > 0 ? map->data + offset : NULL;
    *size = (size_t)length;
    return true;
}

bool sc_onnx_tensor_raw(struct sc_onnx_model *model, const Onnx__TensorProto *t,
                        const uint8_t **data, size_t *size, char *error)
{
    if (sc_onnx_tensor_is_elided(t))
        return fail(error, "the text leaves the values out ('...')");
    if (t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return external_bytes(model, t, data, size, error);
    struct sc_wire_ref ref;
    if (t->raw_data.len != sizeof ref) return fail(error, "it has no values");
    memcpy(&ref, t->raw_data.data, sizeof ref);
    assert(sc_range_within(ref.offset, ref.size, model->size) && "the walk made it");
    *data = ref.size > 0 ? model->data + ref.offset : NULL;
    *size = (size_t)ref.size;
    return true;
}

// IEEE 754 binary16 to binary32, exactly.
static float from_f16(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    float value;
    if (exponent == 31)
        value = mantissa ? NAN : INFINITY;
    else if (exponent == 0)
        value = ldexpf((float)mantissa, -24);
    else
        value = ldexpf((float)(mantissa + 1024), exponent - 25);
    return bits >> 15 ? -value : value;
}

static float from_bf16(uint16_t bits)
{
    const uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

// One element of raw_data, as number: floats in *f, integers in *i.
static void read_raw(const uint8_t *p, int type, double *f, int64_t *i)
{
    union {
        float f;
        double d;
        int8_t i8;
        uint8_t u8;
        int16_t i16;
        uint16_t u16;
        int32_t i32;
        uint32_t u32;
        int64_t i64;
    } u = {.i64 = 0};
    // Complex numbers, the only wider ones, are refused before.
    const size_t size = sc_onnx_dtype(type)->raw_size;
    memcpy(&u, p, size < sizeof u ? size : sizeof u);
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT: *f = (double)u.f; break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE: *f = u.d; break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16: *f = (double)from_f16(u.u16); break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16: *f = (double)from_bf16(u.u16); break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8: *i = u.i8; break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8: *i = u.u8; break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL: *i = u.u8 != 0; break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT16: *i = u.i16; break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT16: *i = u.u16; break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32: *i = u.i32; break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32: *i = u.u32; break;
    default: *i = u.i64; break;
    }
}

// The same from the typed field the element type uses.
static void read_typed(const Onnx__TensorProto *t, size_t at, double *f, int64_t *i)
{
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT: *f = (double)t->float_data[at]; break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE: *f = t->double_data[at]; break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
        *f = (double)from_f16((uint16_t)t->int32_data[at]);
        break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
        *f = (double)from_bf16((uint16_t)t->int32_data[at]);
        break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: *i = t->int64_data[at]; break;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64: *i = (int64_t)t->uint64_data[at]; break;
    default: *i = t->int32_data[at]; break;
    }
}

// The typed fields are wider than some integers that they carry. Half precision is
// there by its bits, and any number other than 0 is true.
static bool check_typed(const Onnx__TensorProto *t, simclr_dtype own, int64_t i, char *error)
{
    if (simclr_dtype_is_float(own) || own == SIMCLR_bool || sc_int_wrap(own, i) == i)
        return true;
    return fail(error, "it has the value %" PRId64 ", which is no %s", i,
                sc_onnx_dtype(t->data_type)->name);
}

static size_t typed_count(const Onnx__TensorProto *t)
{
    switch (t->data_type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT: return t->n_float_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE: return t->n_double_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64: return t->n_int64_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64: return t->n_uint64_data;
    default: return t->n_int32_data;
    }
}

static void store(simclr_dtype dtype, void *out, size_t at, double f, int64_t i)
{
    if (dtype == SIMCLR_f32)
        ((float *)out)[at] = (float)f;
    else if (dtype == SIMCLR_f64)
        ((double *)out)[at] = f;
    else
        sc_int_store(dtype, out, at, i);
}

// Can values of ONNX type `type` be used as `dtype` where they lie?
static bool is_same_layout(const struct sc_onnx_dtype *type, simclr_dtype dtype)
{
    return type->dtype == dtype && type->raw_size == simclr_dtype_size(dtype) &&
           dtype != SIMCLR_bool; // a file may hold other bytes than 0 and 1
}

const void *sc_onnx_tensor_values(struct sc_onnx_model *model, const Onnx__TensorProto *t,
                                  simclr_dtype dtype, bool aligned, char *error)
{
    struct sc_onnx_tensor info;
    if (!sc_onnx_tensor_type(t, &info, error)) return NULL;
    const struct sc_onnx_dtype *const type = sc_onnx_dtype(t->data_type);
    if (info.count == 0) return sc_arena_alloc(model->module->arena, 1, 1); // no error
    const bool is_typed = typed_count(t) > 0;
    const uint8_t *raw = NULL;
    size_t n_raw = 0;
    if (!is_typed && !sc_onnx_tensor_raw(model, t, &raw, &n_raw, error)) return NULL;
    const size_t found = is_typed ? typed_count(t) : n_raw / type->raw_size;
    if (found != info.count || (!is_typed && n_raw % type->raw_size != 0)) {
        (void)fail(error, "it has %zu values, expected %zu", found, info.count);
        return NULL;
    }
    const bool is_aligned = (uintptr_t)raw % simclr_dtype_size(dtype) == 0;
    if (!is_typed && is_same_layout(type, dtype) && (is_aligned || !aligned)) return raw;
    void *const out =
        sc_arena_alloc(model->module->arena, info.count, simclr_dtype_size(dtype));
    for (size_t at = 0; at < info.count; at++) {
        double f = 0;
        int64_t i = 0;
        if (is_typed)
            read_typed(t, at, &f, &i);
        else
            read_raw(raw + at * type->raw_size, t->data_type, &f, &i);
        if (is_typed && !check_typed(t, type->dtype, i, error)) return NULL;
        store(dtype, out, at, f, i);
    }
    return out;
}
