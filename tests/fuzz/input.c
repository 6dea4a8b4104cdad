// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/input.h"

#include <simclr/compiler.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void ignore(void *user, enum simclr_severity severity, const char *line)
{
    (void)user;
    (void)severity;
    (void)line;
}

struct simclr_diag fuzz_quiet_diag(void)
{
    return (struct simclr_diag){.sink = ignore};
}

static char path[64]; // of the file that holds the present input

static void remove_file(void)
{
    (void)remove(path);
}

// The compiler reads files: `path` names the bytes, the same for every input.
static void as_file(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0) {
        const char *const folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        (void)snprintf(path, sizeof path, "%s/simclr-fuzz-XXXXXX", folder);
        fd = mkstemp(path);
        if (fd < 0) abort();
        (void)atexit(remove_file);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
}

static void compile(const char *loss, enum simclr_stage last, const char *const *formats)
{
    struct simclr_diag diag = fuzz_quiet_diag();
    const struct simclr_compile_options options = {
        .model = path, .batch = 2, .loss = loss, .verify_each = true};
    struct simclr_compilation *c = NULL;
    const char *text;
    if (simclr_compile(&options, last, &diag, &c) != SIMCLR_OK) return;
    for (; *formats; formats++)
        (void)simclr_compilation_dump(c, last, NULL, *formats, &text);
    if (last == SIMCLR_STAGE_plan) (void)simclr_compilation_plan_summary(c);
    simclr_compilation_free(c);
}

void fuzz_compile(const uint8_t *data, size_t size)
{
    static const char *const all[] = {"text", "dot", "json", NULL}, *const text[] = {"text",
                                                                                     NULL};
    as_file(data, size);
    compile(NULL, SIMCLR_STAGE_onnx, all);
    compile("none", SIMCLR_STAGE_plan, text); // as it is
    compile(NULL, SIMCLR_STAGE_plan, text);   // as an encoder, or whole with its loss
}
