// SPDX-License-Identifier: Apache-2.0
//
// The one place that knows every backend of this build.
#include "runtime/core/device.h"
#include "runtime/cpu/device.h"

const struct sc_device_ops *const sc_devices[] = {&sc_cpu_device, NULL};
