// SPDX-License-Identifier: Apache-2.0
//
// A device runs the entries of one program: the interface each backend
// implements. The session trusts it with everything about memory; it hands out
// host memory to the session in turn. runtime/devices.c lists the backends.
#ifndef SC_CORE_DEVICE_H
#define SC_CORE_DEVICE_H

#include "runtime/core/program.h"

// A backend's own state; its struct begins with this.
struct sc_device {
    const struct sc_device_ops *ops;
};

struct sc_device_request {
    const struct simclr_program *program; // outlives the device
    int n_threads;                        // 0: one per core
    bool wants_times;                     // measure each instruction
    struct simclr_diag *diag;
};

struct sc_device_ops {
    const char *name; // "cpu"
    // Checks that the device can run every instruction of the program, with these
    // shapes, and allocates all it will ever need. Reports and returns UNSUPPORTED,
    // BAD_INPUT, NO_MEMORY or DEVICE. The persistent region starts as zeros.
    simclr_status (*open)(const struct sc_device_request *request, struct sc_device **out);
    void (*close)(struct sc_device *device);
    struct simclr_memory (*memory)(const struct sc_device *device);
    // Host memory of `size` bytes of the persistent region or the arena, to be read
    // and written between runs: a device with memory of its own brings them in, and
    // takes them back before it runs. Constants are read-only.
    void *(*host)(struct sc_device *device, enum simclr_space space, uint64_t offset,
                  uint64_t size);
    // Runs the instructions of an entry. Reports and returns DEVICE if it fails.
    simclr_status (*run)(struct sc_device *device, const struct simclr_entry *entry);
    // Seconds each instruction took so far; NULL if they are not measured.
    const double *(*times)(const struct sc_device *device);
};

// The backends of this build, the default first, NULL at the end.
extern const struct sc_device_ops *const sc_devices[];

#endif
