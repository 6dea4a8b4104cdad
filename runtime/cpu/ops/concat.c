// SPDX-License-Identifier: Apache-2.0
//
// concat: the operands one after the other along one axis: for each index of the
// axes before it, one run of bytes from every operand.
#include "runtime/cpu/shape.h"

#include <string.h>

static const char *check(const struct sc_call *call)
{
    const struct sc_operand *const y = &call->out[0];
    const int64_t axis = call->attr->axis.axis;
    int64_t total = 0;
    if (!sc_is_axis(axis, y->shape.rank)) return "its axis is beyond the output's rank";
    for (uint32_t i = 0; i < call->n_in; i++) {
        struct simclr_shape s = call->in[i].shape;
        if (s.rank != y->shape.rank || call->in[i].dtype != y->dtype)
            return "operands differ in rank or dtype";
        total += s.dim[axis];
        s.dim[axis] = y->shape.dim[axis];
        if (!simclr_shape_equal(&s, &y->shape)) return "operands differ in another axis";
    }
    return total == y->shape.dim[axis] ? NULL : "operands do not add up to the output";
}

static void run(const struct sc_call *call)
{
    const struct sc_operand *const y = &call->out[0];
    const size_t size = simclr_dtype_size(y->dtype);
    const struct sc_axes all = sc_axes_around(&y->shape, call->attr->axis.axis);
    const size_t pitch = (size_t)(all.n * all.inner) * size;
    size_t first = 0;
    for (uint32_t i = 0; i < call->n_in; i++) {
        const struct sc_axes one = sc_axes_around(&call->in[i].shape, call->attr->axis.axis);
        const size_t run_bytes = (size_t)(one.n * one.inner) * size;
        for (int64_t o = 0; o < all.outer; o++)
            memcpy((char *)y->data + (size_t)o * pitch + first,
                   (const char *)call->in[i].data + (size_t)o * run_bytes, run_bytes);
        first += run_bytes;
    }
}

SC_CPU_OP(concat) = {check, run};
