// SPDX-License-Identifier: Apache-2.0
//
// The graph: SSA, pure, every shape concrete. A module holds the parameters and
// the graphs (one per stage or entry) that use them. Everything lives in the
// module's arena and dies with it.
//
// A node computes its outputs from its inputs and changes nothing. State changes
// only through a graph's updates, which take effect after the last node.
#ifndef SC_IR_GRAPH_H
#define SC_IR_GRAPH_H

#include <simclr/program.h>

#include "runtime/base/arena.h"

// Where a node came from, for messages and dumps. Derived nodes share the origin
// of the node they derive from, with `made_by` naming the pass.
struct sc_origin {
    const char *file;    // "resnet18.onnx"; NULL for what no file asked for
    const char *node;    // the ONNX node's name, or "#17" if it has none
    const char *op_type; // "Conv"
    const char *made_by; // "autodiff"; NULL for what the importer made
};

// A parameter, a statistic or an optimizer slot: one tensor of the persistent
// region. Named by the user's model ("layer1.0.conv1.weight"); slots are named
// "<parameter>.momentum" and the like. Names are unique within a module.
struct sc_param {
    const char *name;
    simclr_dtype dtype; // always f32 today
    struct simclr_shape shape;
    enum simclr_role role;
    enum simclr_part part;
    bool excluded; // BN or bias: from weight decay and from LARS adaptation
    enum simclr_init init;
    double a, b;         // of the initializer, see struct simclr_param
    const void *stored;  // SIMCLR_INIT_stored: values in dtype, borrowed from the file
    struct sc_param *of; // of a slot; NULL otherwise
    uint32_t index;      // in module->params
};

enum sc_value_kind {
    SC_VALUE_input,    // given to each run
    SC_VALUE_param,    // the value a parameter has at the start of the run
    SC_VALUE_constant, // known now
    SC_VALUE_result    // an output of a node
};

struct sc_value {
    uint32_t id; // index in graph->values, for side tables
    enum sc_value_kind kind;
    simclr_dtype dtype;
    struct simclr_shape shape;
    const char *name;           // the model's name for it, or NULL
    struct sc_param *param;     // of a param
    const void *data;           // of a constant: row-major elements in dtype
    enum simclr_port_role role; // of an input
    struct sc_node *def;        // of a result
    int out;                    // of a result: which output of def
    enum simclr_space space;    // where it lives, set by plan-memory
    uint64_t offset;
};

// How a node is to be run: set by select-kernels, printed at stage `lower`.
struct sc_kernel_choice {
    uint32_t kernel;           // number within the operation's rows of kernels.def
    int64_t tile;              // blocking, in the unit that row names; 0 if it has none
    uint64_t scratch_bytes;    // per thread
    uint64_t workspace_bytes;  // shared by all threads, alive during this node only
    uint64_t workspace_offset; // in the arena, set by plan-memory
};

struct sc_node {
    uint32_t id; // unique in its graph; order is the array's, not the id's
    enum simclr_op op;
    union simclr_attr attr;
    int n_in, n_out;
    struct sc_value **in;
    struct sc_value **out;
    struct sc_origin origin;
    struct sc_kernel_choice kernel;
};

struct sc_output {
    const char *name;
    enum simclr_port_role role;
    struct sc_value *value;
    struct sc_param *param; // of a gradient
};

struct sc_update { // %param = %value, after the last node
    struct sc_param *param;
    struct sc_value *value;
};

struct sc_graph {
    struct sc_module *module;
    const char *name; // the entry's: "train", "embed", ...
    struct sc_value **values;
    uint32_t n_values;
    struct sc_node **nodes; // topologically ordered: definitions before uses
    uint32_t n_nodes;
    uint32_t next_node_id;
    struct sc_value **inputs;
    uint32_t n_inputs;
    struct sc_output *outputs;
    uint32_t n_outputs;
    struct sc_update *updates;
    uint32_t n_updates;
    struct sc_value **param_values; // by parameter index, NULL where there is none
    uint32_t n_param_values;
    bool is_lowered; // kernels are chosen
    bool is_planned; // offsets are set
    uint64_t arena_bytes;
};

struct sc_module {
    struct sc_arena *arena;
    struct simclr_diag *diag;
    struct sc_param **params;
    uint32_t n_params;
    struct sc_names *names; // of the parameters
};

// Names given to the functions below are copied; NULL is allowed for values.
struct sc_module *sc_module_new(struct simclr_diag *diag);
void sc_module_free(struct sc_module *module);

// Adds a parameter; the caller fills the rest. NULL if the name is taken.
struct sc_param *sc_module_add_param(struct sc_module *m, const char *name,
                                     const struct simclr_shape *shape);
struct sc_param *sc_module_find_param(const struct sc_module *m, const char *name);

struct sc_graph *sc_graph_new(struct sc_module *m, const char *name);

struct sc_value *sc_graph_input(struct sc_graph *g, const char *name,
                                enum simclr_port_role role, simclr_dtype dtype,
                                const struct simclr_shape *shape);
// The one value of `param` in this graph, made at the first call.
struct sc_value *sc_graph_param(struct sc_graph *g, struct sc_param *param);
// `data` is borrowed: give it the arena's lifetime. NULL for a tensor of no elements.
struct sc_value *sc_graph_constant(struct sc_graph *g, simclr_dtype dtype,
                                   const struct simclr_shape *shape, const void *data,
                                   const char *name);
void sc_graph_output(struct sc_graph *g, const char *name, enum simclr_port_role role,
                     struct sc_value *value, struct sc_param *param);
void sc_graph_update(struct sc_graph *g, struct sc_param *param, struct sc_value *value);

// Appends a node whose outputs have the given types. Most callers want sc_build
// (builder.h), which infers them. `attr` NULL means all defaults; the origin's
// strings are borrowed.
struct sc_node *sc_graph_append(struct sc_graph *g, enum simclr_op op,
                                const union simclr_attr *attr, struct sc_value *const *in,
                                int n_in, const simclr_dtype *dtypes,
                                const struct simclr_shape *shapes, int n_out,
                                const struct sc_origin *origin);

// Rewriting. A replacement map says which value stands for which; apply changes
// every use (inputs of nodes, outputs, updates), following chains. A new map has
// room for the values there are now, by id, all NULL.
struct sc_value **sc_graph_new_map(struct sc_graph *g);
void sc_graph_apply_map(struct sc_graph *g, struct sc_value **map, uint32_t n);
// Puts nodes back into topological order, keeping the present order where it is
// one. Passes that append nodes whose results earlier nodes use call this.
void sc_graph_sort(struct sc_graph *g);
// Removes nodes without a used result, then constants and parameter values
// without a use, and renumbers value ids. What is in `inputs` stays. True if anything went.
bool sc_graph_remove_dead(struct sc_graph *g);
// Number of uses of each value (nodes, outputs, updates), by value id; in the arena.
uint32_t *sc_graph_count_uses(struct sc_graph *g);

// Shapes, briefly.
struct simclr_shape sc_shape(int rank, const int64_t *dim);
struct simclr_shape sc_shape_scalar(void);

#define SC_FOR_EACH_NODE(g, n)                                                                 \
    for (uint32_t n##_i_ = 0; n##_i_ < (g)->n_nodes; n##_i_++)                                 \
        for (struct sc_node *n = (g)->nodes[n##_i_]; n; n = NULL)

#endif
