// SPDX-License-Identifier: Apache-2.0
//
// Running programs: open a .scp file, make a session on a device, set inputs,
// run an entry, read outputs. Training, evaluation and export are built on this
// and offered below it. Nothing here knows ONNX.
//
// Ownership: new/open gives, free takes; everything returned by a getter borrows
// and lives as long as its owner. One session may be used by one thread at a time.
#ifndef SIMCLR_RUNTIME_H
#define SIMCLR_RUNTIME_H

#include <simclr/program.h>

struct simclr_program;
struct simclr_session;

// Maps and checks a program file. BAD_INPUT names the first thing that is wrong.
simclr_status simclr_program_open(const char *path, struct simclr_diag *diag,
                                  struct simclr_program **out);
void simclr_program_free(struct simclr_program *program); // NULL is allowed
const struct simclr_sections *simclr_program_sections(const struct simclr_program *program);
// Text of a string offset.
const char *simclr_program_string(const struct simclr_program *program, uint32_t offset);
// The entry of that name, or NULL.
const struct simclr_entry *simclr_program_entry(const struct simclr_program *program,
                                                const char *name);

struct simclr_session_options {
    const char *device; // NULL or "cpu"
    int n_threads;      // 0: one per core
    bool wants_times;   // measure each instruction, see simclr_session_times
};

// Bytes a session holds, before and apart from any loader.
struct simclr_memory {
    uint64_t persistent, arena, constants, scratch;
};

// Allocates everything the program's entries need. NO_MEMORY says how much was asked for.
simclr_status simclr_session_new(const struct simclr_program *program,
                                 const struct simclr_session_options *options,
                                 struct simclr_diag *diag, struct simclr_session **out);
void simclr_session_free(struct simclr_session *session); // NULL is allowed
struct simclr_memory simclr_session_memory(const struct simclr_session *session);
const struct simclr_program *simclr_session_program(const struct simclr_session *session);

// Sets every parameter to its initial value (meta.seed), statistics and slots included.
void simclr_session_initialize(struct simclr_session *session);

// Tensor `index` of the persistent region, as simclr_program_sections()->params[index] describes it;
// host memory, canonical layout. Valid between runs; for reading, checkpoints, or setting.
struct simclr_tensor simclr_session_param(struct simclr_session *session, uint32_t index);

// The first port of that role of an entry, or NULL; inputs and outputs are searched by role.
const struct simclr_port *simclr_entry_port(const struct simclr_program *program,
                                            const struct simclr_entry *entry,
                                            enum simclr_port_role role);
// Host memory of a port's value. An input may be written until the entry runs;
// its contents are lost during the run. An output is valid until the next run of any entry.
struct simclr_tensor simclr_session_port(struct simclr_session *session,
                                         const struct simclr_port *port);

// Runs an entry on the inputs that were set. Fails only with DEVICE.
simclr_status simclr_session_run(struct simclr_session *session,
                                 const struct simclr_entry *entry);

// Seconds that each instruction of the program took, summed over all runs so far;
// NULL unless the session was made with wants_times.
const double *simclr_session_times(const struct simclr_session *session);

#endif
