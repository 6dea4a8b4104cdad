// SPDX-License-Identifier: Apache-2.0
//
// What --check has found out, for those who print it.
#ifndef SC_CHECK_H
#define SC_CHECK_H

#include "compiler/compilation.h"
#include "compiler/cost.h"

struct sc_check_message {
    enum simclr_severity severity;
    const char *line;
};

// Parameters of one role.
struct sc_check_role {
    const char *name;
    size_t n_tensors;
    uint64_t n_elements, n_bytes;
};

struct sc_check {
    bool would_compile;
    int n_errors, n_warnings;
    const char *parts[SC_MAX_MODELS]; // "encoder", "head", "loss" or "model"
    struct sc_onnx_facts models[SC_MAX_MODELS];
    bool is_ours[SC_MAX_MODELS]; // it comes with the compiler
    size_t n_models;             // that could be read
    struct sc_check_role roles[SIMCLR_ROLE_slot];
    const char *h;       // NULL: not known, or there is none
    int64_t h_dim;       // 0: unknown
    bool is_trained;     // false: --loss none
    int64_t batch, rows; // of a step; 0: unknown
    bool has_forward, has_encoder, has_training, has_plan;
    struct sc_cost forward, training; // of a step
    struct sc_cost encoder;           // of one image up to h
    uint64_t persistent_bytes, arena_bytes;
    struct sc_check_message *messages;
    size_t n_messages;
};

void sc_check_print_text(const struct sc_check *k, struct sc_str *out);
void sc_check_print_json(const struct sc_check *k, struct sc_str *out);
extern const char *const sc_support_words[]; // by enum sc_support

#endif
