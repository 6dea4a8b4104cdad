// SPDX-License-Identifier: Apache-2.0
//
// One rule per operation. What is counted is what the definition computes, not what a
// kernel makes of it, so that networks and machines can be compared by it.
#include "compiler/cost.h"

#include "compiler/ir/op.h"

typedef struct sc_cost rule_fn(const struct sc_node *n);

static double count(const struct sc_value *v)
{
    return (double)simclr_shape_count(&v->shape);
}

static struct sc_cost flops(double n)
{
    return (struct sc_cost){.flops = n};
}

static struct sc_cost products(double n)
{
    return (struct sc_cost){.macs = n, .flops = 2 * n};
}

// Data is moved or compared, indices and bits are.
static struct sc_cost nothing(const struct sc_node *n)
{
    (void)n;
    return flops(0);
}

// One operation for each element that is made, or two, ...
static struct sc_cost each_1(const struct sc_node *n)
{
    return flops(simclr_dtype_is_float(n->out[0]->dtype) ? count(n->out[0]) : 0);
}

static struct sc_cost each_2(const struct sc_node *n)
{
    return flops(2 * count(n->out[0]));
}

// ... or for each element of the first operand that goes in, or the second.
static struct sc_cost each_in_1(const struct sc_node *n)
{
    return flops(count(n->in[0]));
}

static struct sc_cost each_in_2(const struct sc_node *n)
{
    return flops(count(n->in[1]));
}

static struct sc_cost pointwise(const struct sc_node *n)
{
    return flops((double)n->attr.pointwise.code.n_steps * count(n->out[0]));
}

static struct sc_cost matmul(const struct sc_node *n)
{
    const struct simclr_shape *const a = &n->in[0]->shape;
    const int64_t k = a->dim[a->rank - (n->attr.matmul.trans_a ? 2 : 1)];
    return products((double)k * count(n->out[0]));
}

// Each element of y is the sum over a window and the channels of a group, which are
// the extents of w but for its first. The gradients are the same sum in other order.
static struct sc_cost convolution(const struct sc_value *y, const struct sc_value *w)
{
    const double n_out = (double)w->shape.dim[0];
    return products(n_out > 0 ? count(y) * (count(w) / n_out) : 0);
}

static struct sc_cost conv2d(const struct sc_node *n)
{
    return convolution(n->out[0], n->in[1]);
}

static struct sc_cost conv2d_grad_input(const struct sc_node *n)
{
    return convolution(n->in[0], n->in[1]);
}

static struct sc_cost conv2d_grad_weight(const struct sc_node *n)
{
    return convolution(n->in[1], n->out[0]);
}

// A window for each element of y.
static struct sc_cost pool(const struct sc_node *n)
{
    const int64_t *const kernel = n->attr.pool2d.kernel;
    return flops((double)kernel[0] * (double)kernel[1] * count(n->out[0]));
}

static struct sc_cost avg_pool2d_grad(const struct sc_node *n)
{
    const int64_t *const kernel = n->attr.pool2d_grad.kernel;
    return flops((double)kernel[0] * (double)kernel[1] * count(n->in[0]));
}

// A product for each tap of the tables, which lie along one axis.
static struct sc_cost resample(const struct sc_node *n)
{
    return products((double)n->in[1]->shape.dim[1] * count(n->out[0]));
}

// Updates are combined with what is there.
static struct sc_cost scatter(const struct sc_node *n)
{
    return flops(count(n->in[2]));
}

// x - max, exp, sum, division or logarithm.
static struct sc_cost softmax(const struct sc_node *n)
{
    return flops(5 * count(n->in[0]));
}

// Scale and offset per channel; the training form also sums x and its squares, and its
// gradient sums dy and dy x before it combines three terms.
static struct sc_cost batch_norm_train(const struct sc_node *n)
{
    return flops(6 * count(n->in[0]));
}

static struct sc_cost batch_norm_train_grad(const struct sc_node *n)
{
    return flops(8 * count(n->in[0]));
}

// All rows of u with each other, and softmax over them; the gradient multiplies once
// more.
static struct sc_cost similarities(const struct sc_node *n, double n_products)
{
    const double rows = (double)n->in[0]->shape.dim[0];
    struct sc_cost c = products(n_products * rows * count(n->in[0]));
    c.flops += 5 * rows * rows;
    return c;
}

static struct sc_cost nt_xent(const struct sc_node *n)
{
    return similarities(n, 1);
}

static struct sc_cost nt_xent_grad(const struct sc_node *n)
{
    return similarities(n, 2);
}

// Per element of the parameter: decay, momentum, step; Adam's moments, root and
// quotient; LARS adds two norms to the first.
static struct sc_cost sgd(const struct sc_node *n)
{
    return flops(6 * count(n->out[0]));
}

static struct sc_cost adam(const struct sc_node *n)
{
    return flops(15 * count(n->out[0]));
}

static struct sc_cost lars(const struct sc_node *n)
{
    return flops(10 * count(n->out[0]));
}

static rule_fn *const rules[SIMCLR_N_OPS] = {
    [SIMCLR_OP_neg] = each_1,
    [SIMCLR_OP_abs] = each_1,
    [SIMCLR_OP_sign] = each_1,
    [SIMCLR_OP_exp] = each_1,
    [SIMCLR_OP_log] = each_1,
    [SIMCLR_OP_sqrt] = each_1,
    [SIMCLR_OP_reciprocal] = each_1,
    [SIMCLR_OP_expm1] = each_1,
    [SIMCLR_OP_sin] = each_1,
    [SIMCLR_OP_cos] = each_1,
    [SIMCLR_OP_tan] = each_1,
    [SIMCLR_OP_asin] = each_1,
    [SIMCLR_OP_acos] = each_1,
    [SIMCLR_OP_atan] = each_1,
    [SIMCLR_OP_sinh] = each_1,
    [SIMCLR_OP_cosh] = each_1,
    [SIMCLR_OP_asinh] = each_1,
    [SIMCLR_OP_acosh] = each_1,
    [SIMCLR_OP_atanh] = each_1,
    [SIMCLR_OP_floor] = each_1,
    [SIMCLR_OP_ceil] = each_1,
    [SIMCLR_OP_round] = each_1,
    [SIMCLR_OP_round_f16] = each_1,
    [SIMCLR_OP_round_bf16] = each_1,
    [SIMCLR_OP_relu] = each_1,
    [SIMCLR_OP_sigmoid] = each_1,
    [SIMCLR_OP_tanh] = each_1,
    [SIMCLR_OP_erf] = each_1,
    [SIMCLR_OP_erf_grad] = each_1,
    [SIMCLR_OP_softplus] = each_1,
    [SIMCLR_OP_not] = nothing,
    [SIMCLR_OP_cast] = nothing,
    [SIMCLR_OP_add] = each_1,
    [SIMCLR_OP_sub] = each_1,
    [SIMCLR_OP_mul] = each_1,
    [SIMCLR_OP_div] = each_1,
    [SIMCLR_OP_max] = each_1,
    [SIMCLR_OP_min] = each_1,
    [SIMCLR_OP_pow] = each_1,
    [SIMCLR_OP_fmod] = each_1,
    [SIMCLR_OP_mod] = each_1,
    [SIMCLR_OP_relu_grad] = each_1,
    [SIMCLR_OP_equal] = nothing,
    [SIMCLR_OP_less] = nothing,
    [SIMCLR_OP_and] = nothing,
    [SIMCLR_OP_or] = nothing,
    [SIMCLR_OP_where] = nothing,
    [SIMCLR_OP_pointwise] = pointwise,
    [SIMCLR_OP_matmul] = matmul,
    [SIMCLR_OP_conv2d] = conv2d,
    [SIMCLR_OP_conv2d_grad_input] = conv2d_grad_input,
    [SIMCLR_OP_conv2d_grad_weight] = conv2d_grad_weight,
    [SIMCLR_OP_max_pool2d] = pool,
    [SIMCLR_OP_max_pool2d_index] = pool,
    [SIMCLR_OP_max_pool2d_grad] = each_in_2,
    [SIMCLR_OP_avg_pool2d] = pool,
    [SIMCLR_OP_avg_pool2d_grad] = avg_pool2d_grad,
    [SIMCLR_OP_reduce_sum] = each_in_1,
    [SIMCLR_OP_reduce_mean] = each_in_1,
    [SIMCLR_OP_reduce_max] = each_in_1,
    [SIMCLR_OP_reduce_min] = each_in_1,
    [SIMCLR_OP_reduce_prod] = each_in_1,
    [SIMCLR_OP_cumsum] = each_1,
    [SIMCLR_OP_copy] = nothing,
    [SIMCLR_OP_reshape] = nothing,
    [SIMCLR_OP_transpose] = nothing,
    [SIMCLR_OP_expand] = nothing,
    [SIMCLR_OP_concat] = nothing,
    [SIMCLR_OP_slice] = nothing,
    [SIMCLR_OP_slice_grad] = nothing,
    [SIMCLR_OP_gather] = nothing,
    [SIMCLR_OP_gather_grad] = each_in_1,
    [SIMCLR_OP_gather_elements] = nothing,
    [SIMCLR_OP_gather_elements_grad] = each_in_1,
    [SIMCLR_OP_resample] = resample,
    [SIMCLR_OP_top_k] = nothing,
    [SIMCLR_OP_scatter] = scatter,
    [SIMCLR_OP_softmax] = softmax,
    [SIMCLR_OP_log_softmax] = softmax,
    [SIMCLR_OP_batch_norm] = each_2,
    [SIMCLR_OP_batch_norm_train] = batch_norm_train,
    [SIMCLR_OP_batch_norm_train_grad] = batch_norm_train_grad,
    [SIMCLR_OP_nt_xent] = nt_xent,
    [SIMCLR_OP_nt_xent_grad] = nt_xent_grad,
    [SIMCLR_OP_nt_xent_metrics] = nt_xent,
    [SIMCLR_OP_sgd] = sgd,
    [SIMCLR_OP_adam] = adam,
    [SIMCLR_OP_lars] = lars,
};

bool sc_cost_is_known(enum simclr_op op)
{
    return rules[op] != NULL;
}

struct sc_cost sc_cost_of(const struct sc_graph *g)
{
    struct sc_cost sum = {0};
    SC_FOR_EACH_NODE(g, n)
    {
        const struct sc_cost c = rules[n->op](n);
        sum.macs += c.macs;
        sum.flops += c.flops;
    }
    return sum;
}
