// SPDX-License-Identifier: Apache-2.0
//
// A case of an operation: attributes and operands, written once in
// tests/ops/<stem>.c as a designated initialiser. The harness makes these tests
// of each (op_run.c):
//   refused     only of a case with `error`: shape inference says exactly that
//   shape       the inferred types are the expected ones
//   definition  the definition gives the values computed by hand, where there are any
//   gradient    the gradient rule, interpreted in double, against central differences
//   rule        at a kink: the gradient rule against values computed by hand
//   cpu         the CPU's kernel, reached through the compiler, against the definition
// so that a wrong rule and a wrong kernel fail different tests.
#ifndef SC_HARNESS_OP_CASE_H
#define SC_HARNESS_OP_CASE_H

#include "compiler/ir/builder.h"

enum { OP_CASE_MAX_IN = 8 };

// One operand. Without `values`, floats are uniform in [low, high], by default
// [-1, 1], from a stream named by the case; integers are uniform in
// {low, ..., high}.
struct op_operand {
    simclr_dtype dtype; // f32 by default
    struct simclr_shape shape;
    double low, high;
    double gap;           // keep this far from zero: where the operation has a kink there
    bool distinct;        // a shuffled even grid instead: no two values close together
    const double *values; // given by hand
    bool is_constant;     // known at compile time
};

struct op_case {
    const char *name; // the behaviour it shows, lower_case
    enum simclr_op op;
    const union simclr_attr *attr; // NULL: all defaults
    int n_in;
    struct op_operand in[OP_CASE_MAX_IN];
    const char *error; // refused with this text; nothing below is looked at then

    struct simclr_shape shape[SC_MAX_OUT]; // of the outputs
    simclr_dtype dtype;                    // of all outputs, f32 by default
    const double *expect[SC_MAX_OUT];      // values computed by hand, or NULL
    bool skip_gradient;                    // not differentiable at these operands
    // At a kink the rule chooses: by hand, the gradient of the first operand if
    // every dy is 1.
    const double *gradient;
    // How many terms an element of the output adds up: f32 kernels may err by
    // 4 eps sqrt(sum_length) of the largest element, where eps = 2^-23. 0 means 1.
    int64_t sum_length;
};

// The cases of one file; CMake makes the list of all suites from the file names.
struct op_suite {
    const struct op_case *cases;
    size_t n_cases;
};

#define OP_SUITE(stem, cases_)                                                                 \
    extern const struct op_suite op_suite_##stem;                                              \
    const struct op_suite op_suite_##stem = {.cases = (cases_),                                \
                                             .n_cases = sizeof(cases_) / sizeof *(cases_)}

// A graph with the one node of a case. node is NULL, and error says why, if
// shape inference refuses.
struct op_graph {
    struct sc_module *module;
    struct sc_graph *graph;
    struct sc_value *in[OP_CASE_MAX_IN];
    struct sc_node *node;
    char error[400];
};
void op_graph_init(struct op_graph *g, const struct op_case *c);
void op_graph_deinit(struct op_graph *g);

// The operands' values, rounded to their types; the caller frees them.
void op_case_operands(const struct op_case *c, struct sc_tensor **in);
// The outputs by the operation's definition, from operands in double.
void op_case_define(const struct sc_node *n, struct sc_tensor *const *in,
                    struct sc_tensor **out);
// Frees n tensors and forgets them.
void op_tensors_free(struct sc_tensor **t, int n);

// The tests. Each fails with the first differing index and both values.
void op_test_refused(void **state);
void op_test_shape(void **state);
void op_test_definition(void **state);
void op_test_gradient(void **state);
void op_test_rule(void **state);
void op_test_cpu(void **state);

#endif
