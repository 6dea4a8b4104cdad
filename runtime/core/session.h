// SPDX-License-Identifier: Apache-2.0
//
// A session: a program on a device. See <simclr/runtime.h>.
#ifndef SC_CORE_SESSION_H
#define SC_CORE_SESSION_H

#include "runtime/core/device.h"

struct simclr_session {
    const struct simclr_program *program; // borrowed
    struct sc_device *device;             // owned
};

#endif
