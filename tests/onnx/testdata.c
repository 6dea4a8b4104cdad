// SPDX-License-Identifier: Apache-2.0
#include "tests/onnx/testdata.h"

#include "runtime/base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char root[] = "/usr/share/libonnx-testdata/data";
static const char *const folders[] = {"node", "simple", "pytorch-operator",
                                      "pytorch-converted"};

static void visit(const char *folder, testdata_fn *fn, void *user)
{
    struct dirent **entries = NULL;
    const int n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char dir[512];
        (void)snprintf(dir, sizeof dir, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') fn(user, dir, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

bool testdata_each(const char *only, testdata_fn *fn, void *user)
{
    if (!sc_path_is_dir(root)) return false;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char folder[256];
        (void)snprintf(folder, sizeof folder, "%s/%s", root, folders[i]);
        if (!only || strcmp(only, folders[i]) == 0) visit(folder, fn, user);
    }
    return true;
}

struct sc_tensor *testdata_load(struct sc_module *m, const char *path)
{
    struct sc_map map;
    char error[SC_ONNX_ERROR];
    if (!sc_path_exists(path) || sc_map_open(NULL, path, &map) != SIMCLR_OK) return NULL;
    Onnx__TensorProto *const t = onnx__tensor_proto__unpack(NULL, map.size, map.data);
    struct sc_tensor *out = NULL;
    struct sc_onnx_tensor info;
    if (t && sc_onnx_tensor_type(t, &info, error)) {
        // Raw data here is the bytes themselves: give it the form the reader makes.
        struct sc_onnx_model holder = {.module = m, .name = path};
        struct sc_wire_ref {
            uint64_t offset, size;
        } ref = {0, t->raw_data.len};
        uint8_t *const raw = t->raw_data.data;
        holder.data = raw;
        holder.size = t->raw_data.len;
        const bool has_raw = t->has_raw_data;
        if (has_raw) t->raw_data = (ProtobufCBinaryData){sizeof ref, (uint8_t *)&ref};
        const simclr_dtype dtype = info.dtype == SIMCLR_f64 ? SIMCLR_f32 : info.dtype;
        const void *const data = sc_onnx_tensor_values(&holder, t, dtype, true, error);
        if (data) {
            out = sc_tensor_new(dtype, &info.shape);
            sc_tensor_load(out, data);
        }
        if (has_raw) t->raw_data.data = raw;
    }
    if (t) onnx__tensor_proto__free_unpacked(t, NULL);
    sc_map_close(&map);
    return out;
}
