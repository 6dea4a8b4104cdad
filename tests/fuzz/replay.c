// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target over files and folders of files, without libFuzzer: what was
// found once stays found.
#include "tests/fuzz/input.h"

#include "runtime/base/file.h"

#include <dirent.h>
#include <stdio.h>

static int run_file(const char *path)
{
    struct simclr_diag diag = {.program = "fuzz"};
    struct sc_map map;
    if (sc_map_open(&diag, path, &map) != SIMCLR_OK) return 1;
    printf("%s\n", path);
    (void)fflush(stdout); // before it can crash
    (void)LLVMFuzzerTestOneInput(map.data, map.size);
    sc_map_close(&map);
    return 0;
}

static int run_folder(const char *path)
{
    int n_failed = 0;
    DIR *const dir = opendir(path);
    if (!dir) return 1;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        char name[512];
        (void)snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.') n_failed += run_file(name);
    }
    (void)closedir(dir);
    return n_failed;
}

int main(int argc, char **argv)
{
    int n_failed = argc < 2;
    for (int i = 1; i < argc; i++)
        n_failed += sc_path_is_dir(argv[i]) ? run_folder(argv[i]) : run_file(argv[i]);
    return n_failed > 0;
}
