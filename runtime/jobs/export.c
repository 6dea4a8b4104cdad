// SPDX-License-Identifier: Apache-2.0
//
// The exported encoder is a template, written by the compiler, whose holes are
// filled with parameters' bytes: no device and no ONNX here.
#include "runtime/base/safetensors.h"
#include "runtime/core/checkpoint.h"
#include "runtime/jobs/run.h"

#include <simclr/train.h>

#include <inttypes.h>

// The bytes that fill the hole of `segment`.
static simclr_status find_bytes(struct simclr_diag *diag, const struct sc_run *run,
                                const struct sc_safetensors *file, const char *path,
                                const struct simclr_segment *segment, const void **out)
{
    const struct simclr_sections *const s = simclr_program_sections(run->program);
    if (segment->param == SIMCLR_SEGMENT_LITERAL) {
        *out = s->bytes + segment->offset;
        return SIMCLR_OK;
    }
    const struct simclr_param *const p = &s->params[segment->param];
    const char *const name = simclr_program_string(run->program, p->name);
    const struct simclr_tensor *const t = sc_safetensors_find(file, name);
    if (!t) return sc_fail(diag, SIMCLR_BAD_INPUT, path, "tensor '%s' is missing", name);
    const uint64_t size = (uint64_t)simclr_shape_count(&t->shape) * simclr_dtype_size(t->dtype);
    if ((uint32_t)t->dtype != p->dtype || size != segment->size)
        return sc_fail(diag, SIMCLR_BAD_INPUT, path,
                       "tensor '%s' has %" PRIu64 " bytes of %s, the program has %" PRIu64
                       " of %s",
                       name, size, simclr_dtype_name(t->dtype), segment->size,
                       simclr_dtype_name((simclr_dtype)p->dtype));
    *out = t->data;
    return SIMCLR_OK;
}

static simclr_status write_segments(struct simclr_diag *diag, const struct sc_run *run,
                                    const struct sc_safetensors *file, const char *params_path,
                                    const char *path, uint64_t *n_bytes)
{
    const struct simclr_sections *const s = simclr_program_sections(run->program);
    struct sc_writer *w;
    SC_TRY(sc_writer_open(diag, path, &w));
    for (uint64_t i = 0; i < s->n_segments; i++) {
        const void *bytes = NULL;
        const simclr_status status =
            find_bytes(diag, run, file, params_path, &s->segments[i], &bytes);
        if (status != SIMCLR_OK) {
            sc_writer_abort(w);
            return status;
        }
        sc_writer_put(w, bytes, (size_t)s->segments[i].size);
    }
    *n_bytes = sc_writer_offset(w);
    return sc_writer_commit(w);
}

static simclr_status export_run(struct simclr_diag *diag, const struct sc_run *run,
                                const char *path, uint64_t *n_bytes)
{
    if (simclr_program_sections(run->program)->n_segments == 0)
        return sc_fail(diag, SIMCLR_BAD_INPUT, run->dir,
                       "the program carries no encoder to export");
    char dir[SC_PATH_SIZE], params[SC_PATH_SIZE];
    SC_TRY(sc_run_path(diag, run->dir, "checkpoints", dir));
    if (!sc_checkpoint_path(params, sizeof params, dir, run->step, "params.safetensors"))
        return sc_fail(diag, SIMCLR_USAGE, NULL, "path '%s' is too long", dir);
    struct sc_safetensors file;
    SC_TRY(sc_safetensors_open(diag, params, &file));
    const simclr_status status = write_segments(diag, run, &file, params, path, n_bytes);
    sc_safetensors_close(&file);
    return status;
}

simclr_status simclr_export(const char *run, const char *path, struct simclr_diag *diag,
                            struct simclr_export_result *out)
{
    *out = (struct simclr_export_result){0};
    struct sc_run opened;
    SC_TRY(sc_run_open(diag, run, &opened));
    out->step = (int64_t)opened.step;
    const simclr_status status = export_run(diag, &opened, path, &out->bytes);
    sc_run_close(&opened);
    return status;
}
