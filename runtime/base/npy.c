// SPDX-License-Identifier: Apache-2.0
//
// The format is that of numpy.lib.format: magic "\x93NUMPY", two version bytes,
// the length of the header, and the header: a Python dict with the three keys
// 'descr', 'fortran_order' and 'shape', padded with blanks and ended by a newline.
#include "runtime/base/npy.h"

#include "runtime/base/checked.h"
#include "runtime/base/str.h"

#include <inttypes.h>
#include <string.h>

static const char magic[6] = {(char)0x93, 'N', 'U', 'M', 'P', 'Y'};

static const char *const npy_descr[] = {
#define DTYPE(name, size, is_float, npy, safetensors) [SIMCLR_##name] = npy,
#include <simclr/dtypes.def>
#undef DTYPE
};

// The header, read from left to right.
struct cursor {
    const char *p, *end;
};

struct header {
    char descr[16];
    bool has_descr, has_order, has_shape;
    bool is_fortran;
    struct simclr_shape shape;
};

static void skip_blanks(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n'))
        c->p++;
}

static bool accept(struct cursor *c, const char *text)
{
    skip_blanks(c);
    const size_t n = strlen(text);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, text, n) != 0) return false;
    c->p += n;
    return true;
}

static bool parse_quoted(struct cursor *c, char *out, size_t capacity)
{
    skip_blanks(c);
    if (c->p == c->end || (*c->p != '\'' && *c->p != '"')) return false;
    const char quote = *c->p++;
    const char *const close = memchr(c->p, quote, (size_t)(c->end - c->p));
    if (!close || (size_t)(close - c->p) >= capacity) return false;
    const size_t n = (size_t)(close - c->p);
    memcpy(out, c->p, n);
    out[n] = '\0';
    c->p = close + 1;
    return true;
}

static bool parse_dim(struct cursor *c, int64_t *out)
{
    skip_blanks(c);
    const char *const start = c->p;
    int64_t value = 0;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++) {
        if (!sc_checked_mul_i64(value, 10, &value) || value > INT64_MAX - 9) return false;
        value += *c->p - '0';
    }
    *out = value;
    return c->p > start;
}

static bool parse_shape(struct cursor *c, struct simclr_shape *out)
{
    if (!accept(c, "(")) return false;
    while (!accept(c, ")")) {
        if (out->rank == SIMCLR_MAX_RANK || !parse_dim(c, &out->dim[out->rank])) return false;
        out->rank++;
        if (!accept(c, ",")) return accept(c, ")");
    }
    return true;
}

static bool parse_entry(struct cursor *c, struct header *h)
{
    char key[16];
    if (!parse_quoted(c, key, sizeof key) || !accept(c, ":")) return false;
    if (strcmp(key, "descr") == 0 && !h->has_descr) {
        h->has_descr = true;
        return parse_quoted(c, h->descr, sizeof h->descr);
    }
    if (strcmp(key, "fortran_order") == 0 && !h->has_order) {
        h->has_order = true;
        h->is_fortran = accept(c, "True");
        return h->is_fortran || accept(c, "False");
    }
    if (strcmp(key, "shape") == 0 && !h->has_shape) {
        h->has_shape = true;
        return parse_shape(c, &h->shape);
    }
    return false;
}

static bool parse_header(struct cursor *c, struct header *h)
{
    if (!accept(c, "{")) return false;
    while (!accept(c, "}")) {
        if (!parse_entry(c, h)) return false;
        if (!accept(c, ",")) {
            if (!accept(c, "}")) return false;
            break;
        }
    }
    return h->has_descr && h->has_order && h->has_shape;
}

// Finds the header's text; false if the file is too short or no .npy file.
static bool find_header(const struct sc_map *map, struct cursor *out)
{
    const uint8_t *const d = map->data;
    if (map->size < 10 || memcmp(d, magic, sizeof magic) != 0 || d[6] < 1 || d[6] > 3)
        return false;
    const size_t start = d[6] == 1 ? 10 : 12;
    if (map->size < start) return false;
    size_t n = (size_t)d[8] | (size_t)d[9] << 8;
    if (d[6] > 1) n |= (size_t)d[10] << 16 | (size_t)d[11] << 24;
    if (!sc_range_within(start, n, map->size)) return false;
    const char *const text = (const char *)d + start;
    *out = (struct cursor){.p = text, .end = text + n};
    return true;
}

static bool find_dtype(const char *descr, simclr_dtype *out)
{
    for (int i = 0; i < SIMCLR_N_DTYPES; i++) {
        if (strcmp(npy_descr[i], descr) == 0) {
            *out = (simclr_dtype)i;
            return true;
        }
    }
    return false;
}

// "<f4" and the like; single bytes have no order.
static bool parse_descr(const char *text, struct sc_numbers *out)
{
    const bool has_order = text[0] == '<' || text[0] == '|' || text[0] == '=';
    if (!has_order || !text[1] || !text[2] || text[3]) return false;
    out->kind = text[1];
    out->size = (size_t)(text[2] - '0');
    const bool is_size = out->size == 1 || out->size == 2 || out->size == 4 || out->size == 8;
    if (out->kind == 'b') return out->size == 1;
    if (out->kind == 'f') return is_size && out->size > 1;
    return is_size && (out->kind == 'i' || out->kind == 'u');
}

static simclr_status read_npy(struct simclr_diag *diag, const char *path,
                              struct sc_npy_any *npy, struct header *h)
{
    struct cursor c;
    if (!find_header(&npy->map, &c))
        return sc_fail(diag, SIMCLR_BAD_INPUT, path, "not a .npy file of version 1 to 3");
    const size_t data_start = (size_t)((const uint8_t *)c.end - npy->map.data);
    if (!parse_header(&c, h))
        return sc_fail(diag, SIMCLR_BAD_INPUT, path,
                       "the .npy header is not a dict of descr, fortran_order and shape");
    struct sc_numbers *const n = &npy->numbers;
    if (!parse_descr(h->descr, n))
        return sc_fail(diag, SIMCLR_UNSUPPORTED, path, "element type '%s' is not supported",
                       h->descr);
    size_t n_bytes;
    const size_t n_there = npy->map.size - data_start;
    // Eight bytes for each, whatever they are: they may be converted.
    if (!sc_checked_nbytes(SIMCLR_f64, &h->shape, &n_bytes))
        return sc_fail(diag, SIMCLR_BAD_INPUT, path, "the shape is too large");
    n_bytes = n_bytes / 8 * n->size;
    if (n_bytes != n_there)
        return sc_fail(diag, SIMCLR_BAD_INPUT, path,
                       "%zu bytes of data, expected %zu for the shape", n_there, n_bytes);
    n->is_fortran = h->is_fortran && h->shape.rank > 1;
    n->shape = h->shape;
    n->count = simclr_shape_count(&h->shape);
    n->data = npy->map.data + data_start;
    return SIMCLR_OK;
}

static simclr_status open_any(struct simclr_diag *diag, const char *path,
                              struct sc_npy_any *out, struct header *h)
{
    *out = (struct sc_npy_any){.numbers = {.kind = 'f'}};
    *h = (struct header){.is_fortran = false};
    SC_TRY(sc_map_open(diag, path, &out->map));
    const simclr_status status = read_npy(diag, path, out, h);
    if (status != SIMCLR_OK) sc_npy_close_any(out);
    return status;
}

simclr_status sc_npy_open_any(struct simclr_diag *diag, const char *path,
                              struct sc_npy_any *out)
{
    struct header h;
    return open_any(diag, path, out, &h);
}

void sc_npy_close_any(struct sc_npy_any *npy)
{
    sc_map_close(&npy->map);
    *npy = (struct sc_npy_any){.numbers = {.kind = 'f'}};
}

static simclr_status as_ours(struct simclr_diag *diag, const char *path,
                             const struct sc_npy_any *npy, const struct header *h,
                             struct simclr_tensor *t)
{
    if (!find_dtype(h->descr, &t->dtype))
        return sc_fail(diag, SIMCLR_UNSUPPORTED, path, "element type '%s' is not supported",
                       h->descr);
    if (npy->numbers.is_fortran)
        return sc_fail(diag, SIMCLR_UNSUPPORTED, path,
                       "the array is in Fortran order, expected C order");
    if ((uintptr_t)npy->numbers.data % simclr_dtype_size(t->dtype) != 0)
        return sc_fail(diag, SIMCLR_BAD_INPUT, path, "the data is not aligned");
    t->shape = h->shape;
    t->data = (void *)(uintptr_t)npy->numbers.data;
    return SIMCLR_OK;
}

simclr_status sc_npy_open(struct simclr_diag *diag, const char *path, struct sc_npy *out)
{
    struct sc_npy_any any;
    struct header h;
    *out = (struct sc_npy){.tensor = {.dtype = SIMCLR_f32}};
    SC_TRY(open_any(diag, path, &any, &h));
    out->map = any.map;
    const simclr_status status = as_ours(diag, path, &any, &h, &out->tensor);
    if (status != SIMCLR_OK) sc_npy_close(out);
    return status;
}

void sc_npy_close(struct sc_npy *npy)
{
    sc_map_close(&npy->map);
    *npy = (struct sc_npy){.tensor = {.dtype = SIMCLR_f32}};
}

// The text of the dict, blanks included, so that the data starts at a multiple of 64.
static void build_header(struct sc_str *s, const struct simclr_tensor *tensor)
{
    enum { PREFIX = 10 };
    sc_str_printf(s, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                  npy_descr[tensor->dtype]);
    const int32_t rank = tensor->shape.rank;
    for (int32_t i = 0; i < rank; i++)
        sc_str_printf(s, i > 0 ? ", %" PRId64 : "%" PRId64, tensor->shape.dim[i]);
    sc_str_append(s, rank == 1 ? ",), }" : "), }");
    while ((PREFIX + s->size + 1) % 64 != 0)
        sc_str_append(s, " ");
    sc_str_append(s, "\n");
}

simclr_status sc_npy_write(struct simclr_diag *diag, const char *path,
                           const struct simclr_tensor *tensor)
{
    size_t n_bytes;
    if (!sc_checked_nbytes(tensor->dtype, &tensor->shape, &n_bytes))
        return sc_fail(diag, SIMCLR_BAD_INPUT, path, "the shape is too large");
    struct sc_writer *w;
    SC_TRY(sc_writer_open(diag, path, &w));
    struct sc_str header = {0};
    build_header(&header, tensor);
    const uint8_t prefix[4] = {1, 0, (uint8_t)header.size, (uint8_t)(header.size >> 8)};
    sc_writer_put(w, magic, sizeof magic);
    sc_writer_put(w, prefix, sizeof prefix);
    sc_writer_put(w, header.data, header.size);
    sc_writer_put(w, tensor->data, n_bytes);
    sc_str_free(&header);
    return sc_writer_commit(w);
}
