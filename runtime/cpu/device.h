// SPDX-License-Identifier: Apache-2.0
//
// The CPU as a device: host memory, a pool of threads, and kernels built once
// per instruction set, of which the best that the machine has is used. The
// environment variable SIMCLR_CPU_ISA (portable, avx2 or avx512) forces one.
#ifndef SC_CPU_DEVICE_H
#define SC_CPU_DEVICE_H

#include "runtime/core/device.h"

extern const struct sc_device_ops sc_cpu_device;

#endif
