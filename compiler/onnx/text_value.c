// SPDX-License-Identifier: Apache-2.0
//
// The values of ONNX's textual syntax (docs/Syntax.md of ONNX): types, tensors
// and attributes. The type of an attribute without one is that of its value; a
// list that holds a float is a list of floats.
#include "compiler/onnx/text_lex.h"
#include "runtime/base/integer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NEW(p, type, init, name)                                                               \
    type *const name = SC_NEW((p)->m->arena, type);                                            \
    init(name)

bool sc_text_is_type(const struct sc_text_parser *p)
{
    static const char *const others[] = {"seq", "map", "optional", "sparse_tensor", "opaque"};
    if (p->next.kind != SC_TOKEN_name) return false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (!strcmp(p->next.text, others[i])) return true;
    }
    return sc_onnx_dtype_named(p->next.text) != NULL;
}

static bool parse_dim(struct sc_text_parser *p, Onnx__TensorShapeProto__Dimension *dim)
{
    if (sc_text_accept(p, '?')) return true;
    if (p->next.kind == SC_TOKEN_int) {
        dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        return sc_text_int(p, &dim->dim_value);
    }
    dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    dim->dim_param = sc_text_name(p, "an extent");
    return dim->dim_param != NULL;
}

static bool parse_dims(struct sc_text_parser *p, Onnx__TensorShapeProto *shape)
{
    do {
        NEW(p, Onnx__TensorShapeProto__Dimension, onnx__tensor_shape_proto__dimension__init,
            dim);
        SC_PUSH(p->m->arena, shape->dim, shape->n_dim) = dim;
        if (!parse_dim(p, dim)) return false;
    } while (sc_text_accept(p, ','));
    return sc_text_expect(p, ']');
}

// "float" is a scalar, "float[]" a tensor of unknown rank.
Onnx__TypeProto *sc_text_type(struct sc_text_parser *p)
{
    const struct sc_onnx_dtype *const dtype = sc_onnx_dtype_named(p->next.text);
    if (!dtype) {
        (void)sc_text_fail(p, "type '%s' is not supported, expected a tensor", p->next.text);
        return NULL;
    }
    sc_text_advance(p);
    NEW(p, Onnx__TypeProto, onnx__type_proto__init, type);
    NEW(p, Onnx__TypeProto__Tensor, onnx__type_proto__tensor__init, tensor);
    NEW(p, Onnx__TensorShapeProto, onnx__tensor_shape_proto__init, shape);
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = dtype->number;
    tensor->shape = shape;
    if (sc_text_accept(p, '[')) {
        if (sc_text_accept(p, ']'))
            tensor->shape = NULL;
        else if (!parse_dims(p, shape))
            return NULL;
    }
    return type;
}

bool sc_text_entries(struct sc_text_parser *p, Onnx__StringStringEntryProto ***entries,
                     size_t *n)
{
    if (!sc_text_expect(p, '[')) return false;
    if (sc_text_accept(p, ']')) return true;
    do {
        NEW(p, Onnx__StringStringEntryProto, onnx__string_string_entry_proto__init, entry);
        SC_PUSH(p->m->arena, *entries, *n) = entry;
        entry->key = sc_text_string(p, "a key in quotes");
        if (!entry->key || !sc_text_expect(p, ':')) return false;
        entry->value = sc_text_string(p, "a value in quotes");
        if (!entry->value) return false;
    } while (sc_text_accept(p, ','));
    return sc_text_expect(p, ']');
}

// inf and nan are names to the lexer.
static bool name_is_float(const struct sc_text_parser *p, double *out)
{
    if (p->next.kind != SC_TOKEN_name) return false;
    const char *const text = p->next.text;
    if (!strcasecmp(text, "inf") || !strcasecmp(text, "infinity"))
        *out = (double)INFINITY;
    else if (!strcasecmp(text, "nan"))
        *out = (double)NAN;
    else
        return false;
    return true;
}

static bool parse_number(struct sc_text_parser *p, double *f, int64_t *i, bool want_int)
{
    if (!name_is_float(p, f)) {
        const bool is_int = p->next.kind == SC_TOKEN_int;
        if (!is_int && (want_int || p->next.kind != SC_TOKEN_float))
            return sc_text_fail(p, "found %s, expected %s", sc_text_found(p),
                                want_int ? "an integer" : "a number");
        *f = p->next.f;
        *i = p->next.i;
    } else if (want_int) {
        return sc_text_fail(p, "found %s, expected an integer", sc_text_found(p));
    }
    sc_text_advance(p);
    return !p->failed;
}

// Half precision is written as the integer that its bits are.
static bool fits(int type, int64_t i)
{
    const struct sc_onnx_dtype *const dtype = sc_onnx_dtype(type);
    if (!dtype || !dtype->supported || dtype->dtype == SIMCLR_u64) return true;
    const simclr_dtype own = simclr_dtype_is_float(dtype->dtype) ? SIMCLR_u16 : dtype->dtype;
    return i >= sc_int_range(own).low && i <= sc_int_range(own).high;
}

static bool parse_element(struct sc_text_parser *p, Onnx__TensorProto *t)
{
    struct sc_arena *const arena = p->m->arena;
    const int type = t->data_type;
    if (type == ONNX__TENSOR_PROTO__DATA_TYPE__STRING) {
        char *const text = sc_text_string(p, "a string");
        if (!text) return false;
        SC_PUSH(arena, t->string_data, t->n_string_data) =
            (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
        return true;
    }
    const bool is_float = type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    const bool is_double = type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    double f = 0;
    int64_t i = 0;
    if (!parse_number(p, &f, &i, !is_float && !is_double)) return false;
    if (is_float) {
        SC_PUSH(arena, t->float_data, t->n_float_data) = (float)f;
    } else if (is_double) {
        SC_PUSH(arena, t->double_data, t->n_double_data) = f;
    } else if (!fits(type, i)) {
        return sc_text_fail(p, "%" PRId64 " does not fit the element type", i);
    } else if (type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64) {
        SC_PUSH(arena, t->int64_data, t->n_int64_data) = i;
    } else if (type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT64 ||
               type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT32) {
        SC_PUSH(arena, t->uint64_data, t->n_uint64_data) = (uint64_t)i;
    } else {
        SC_PUSH(arena, t->int32_data, t->n_int32_data) = (int32_t)i;
    }
    return true;
}

static bool parse_elements(struct sc_text_parser *p, Onnx__TensorProto *t)
{
    if (sc_text_accept(p, '}')) return true;
    if (sc_text_accept(p, SC_MARK_ELLIPSIS)) {
        NEW(p, Onnx__StringStringEntryProto, onnx__string_string_entry_proto__init, entry);
        entry->key = sc_arena_strdup(p->m->arena, sc_onnx_elided);
        SC_PUSH(p->m->arena, t->external_data, t->n_external_data) = entry;
        return sc_text_expect(p, '}');
    }
    do {
        if (!parse_element(p, t)) return false;
    } while (sc_text_accept(p, ','));
    return sc_text_expect(p, '}');
}

Onnx__TensorProto *sc_text_tensor(struct sc_text_parser *p, const Onnx__TypeProto *type,
                                  char *name)
{
    const Onnx__TypeProto__Tensor *const tensor = type->tensor_type;
    if (!tensor->shape) {
        (void)sc_text_fail(p, "a tensor with values needs its shape");
        return NULL;
    }
    NEW(p, Onnx__TensorProto, onnx__tensor_proto__init, t);
    t->name = name;
    t->has_data_type = 1;
    t->data_type = tensor->elem_type;
    for (size_t i = 0; i < tensor->shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *const dim = tensor->shape->dim[i];
        if (dim->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) {
            (void)sc_text_fail(p, "a tensor with values needs extents that are numbers");
            return NULL;
        }
        SC_PUSH(p->m->arena, t->dims, t->n_dims) = dim->dim_value;
    }
    if (sc_text_is(p, '[')) {
        t->has_data_location = 1;
        t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
        return sc_text_entries(p, &t->external_data, &t->n_external_data) ? t : NULL;
    }
    p->takes_u64 = t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT64;
    const bool ok = sc_text_expect(p, '{') && parse_elements(p, t);
    p->takes_u64 = false;
    return ok ? t : NULL;
}

// Appends one value to an attribute's lists; its kind is the value's type.
static bool parse_value(struct sc_text_parser *p, Onnx__AttributeProto *a, int *kind)
{
    struct sc_arena *const arena = p->m->arena;
    double f = 0;
    int64_t i = 0;
    if (p->next.kind == SC_TOKEN_int || p->next.kind == SC_TOKEN_float ||
        name_is_float(p, &f)) {
        const bool is_int = p->next.kind == SC_TOKEN_int;
        if (!parse_number(p, &f, &i, false)) return false;
        *kind = is_int ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT
                       : ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
        SC_PUSH(arena, a->ints, a->n_ints) = i;
        SC_PUSH(arena, a->floats, a->n_floats) = (float)f;
        return true;
    }
    if (sc_text_is_type(p)) {
        const Onnx__TypeProto *const type = sc_text_type(p);
        char *name = NULL;
        if (type && (p->next.kind == SC_TOKEN_name || p->next.kind == SC_TOKEN_string))
            name = sc_text_name(p, "a name");
        (void)sc_text_accept(p, '=');
        Onnx__TensorProto *const t = type ? sc_text_tensor(p, type, name) : NULL;
        *kind = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
        if (t) SC_PUSH(arena, a->tensors, a->n_tensors) = t;
        return t != NULL;
    }
    const bool quoted = p->next.kind == SC_TOKEN_string;
    char *const text = sc_text_name(p, "a value");
    if (!text) return false;
    if (sc_text_is(p, '(')) {
        Onnx__GraphProto *const g = sc_text_graph(p, text);
        *kind = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
        if (g) SC_PUSH(arena, a->graphs, a->n_graphs) = g;
        return g != NULL;
    }
    if (!quoted)
        return sc_text_fail(p, "found %s, expected '(' after the graph's name '%s'",
                            sc_text_found(p), text);
    *kind = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    SC_PUSH(arena, a->strings, a->n_strings) =
        (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
    return true;
}

static const struct {
    const char *name;
    int one, many;
} kinds[] = {
    {"float", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT,
     ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS},
    {"int", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT,
     ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS},
    {"string", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING,
     ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS},
    {"tensor", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR,
     ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSORS},
    {"graph", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH,
     ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPHS},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

// The declared type, of which "ints" is the plural of "int"; 0 after failing.
static int parse_kind(struct sc_text_parser *p)
{
    const char *const text = sc_text_name(p, "the attribute's type");
    if (!text) return 0;
    for (size_t i = 0; i < N_KINDS; i++) {
        const size_t n = strlen(kinds[i].name);
        if (!strncmp(text, kinds[i].name, n) && (!text[n] || !strcmp(text + n, "s")))
            return text[n] ? kinds[i].many : kinds[i].one;
    }
    (void)sc_text_fail(p, "'%s' is no type of an attribute", text);
    return 0;
}

// Values were collected in the lists; a single one moves to its own field, and
// what belongs to another type goes.
static void settle(Onnx__AttributeProto *a, int kind)
{
    a->has_type = 1;
    a->type = (Onnx__AttributeProto__AttributeType)kind;
    if (kind == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT) {
        a->has_f = 1;
        a->f = a->floats[0];
    } else if (kind == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT) {
        a->has_i = 1;
        a->i = a->ints[0];
    } else if (kind == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING) {
        a->has_s = 1;
        a->s = a->strings[0];
    } else if (kind == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR) {
        a->t = a->tensors[0];
    } else if (kind == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH) {
        a->g = a->graphs[0];
    }
    if (kind != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS) a->n_floats = 0;
    if (kind != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS) a->n_ints = 0;
    if (kind != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS) a->n_strings = 0;
    if (kind != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSORS) a->n_tensors = 0;
    if (kind != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPHS) a->n_graphs = 0;
}

static int plural(int kind)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (kinds[i].one == kind) return kinds[i].many;
    }
    return kind;
}

// [v, v, ...]; *kind is the plural of the elements' kind, ints widened to floats.
static bool parse_list(struct sc_text_parser *p, Onnx__AttributeProto *a, int *kind)
{
    int all = 0;
    if (sc_text_accept(p, ']')) return true;
    do {
        int one;
        if (!parse_value(p, a, &one)) return false;
        const bool numbers = (one == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT ||
                              one == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT) &&
                             (all == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT ||
                              all == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
        if (all && one != all && !numbers)
            return sc_text_fail(p, "values of one list have different types");
        all = all && one != all ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT : one;
    } while (sc_text_accept(p, ','));
    *kind = plural(all);
    return sc_text_expect(p, ']');
}

// The type that counts: the declared one if the values fit it; 0 after failing.
static int reconcile(struct sc_text_parser *p, const Onnx__AttributeProto *a, int declared,
                     int found)
{
    const bool widens = (declared == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT &&
                         found == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT) ||
                        (declared == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS &&
                         found == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    const bool is_empty_list = !found && declared && plural(declared) == declared;
    if (!declared && !found) {
        (void)sc_text_fail(p, "attribute '%s' is an empty list without a type", a->name);
        return 0;
    }
    if (!declared) return found;
    if (declared == found || widens || is_empty_list) return declared;
    (void)sc_text_fail(p, "attribute '%s' has a value of another type than declared", a->name);
    return 0;
}

Onnx__AttributeProto *sc_text_attribute(struct sc_text_parser *p)
{
    NEW(p, Onnx__AttributeProto, onnx__attribute_proto__init, a);
    a->name = sc_text_name(p, "an attribute");
    int declared = 0, found = 0;
    if (!a->name) return NULL;
    if (sc_text_accept(p, ':')) {
        declared = parse_kind(p);
        if (!declared) return NULL;
    }
    if (!sc_text_expect(p, '=')) return NULL;
    if (sc_text_accept(p, '@')) {
        a->ref_attr_name = sc_text_name(p, "the attribute referred to");
        a->has_type = declared != 0;
        a->type = (Onnx__AttributeProto__AttributeType)declared;
        return a->ref_attr_name ? a : NULL;
    }
    const bool ok =
        sc_text_accept(p, '[') ? parse_list(p, a, &found) : parse_value(p, a, &found);
    const int kind = ok ? reconcile(p, a, declared, found) : 0;
    if (!kind) return NULL;
    settle(a, kind);
    return a;
}
