/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows a product, on outputs that are still in the cache: y = activation(y + bias) + residual. */
#ifndef MDP_EXTRACT_EPILOGUE_H
#define MDP_EXTRACT_EPILOGUE_H

#include "extract/kernels/body/gelu.h"
#include "extract/kernels/body/sigmoid.h"
#include "extract/kernels/kernels.h"

#include <math.h>
#include <stdbool.h>

MDP_INLINE vec activated(vec v, enum mdp_activation activation)
{
    switch (activation) { /* no default: the compiler asks for the case of a new one */
    case MDP_ACTIVATION_GELU:
        return gelu_of(v);
    case MDP_ACTIVATION_QUICK_GELU:
        return v * sigmoid_of(1.702f * v);
    case MDP_ACTIVATION_GELU_TANH:
        return v * sigmoid_of(gelu_tanh_argument(v));
    case MDP_ACTIVATION_RELU:
        return max_of(all(0), v); /* what is not a number stays so */
    case MDP_ACTIVATION_SILU:
        return v * sigmoid_of(v);
    case MDP_ACTIVATION_SIGMOID:
        return sigmoid_of(v);
    case MDP_ACTIVATION_TANH:
        for (size_t l = 0; l < MDP_VECTOR_LANES; l++)
            v[l] = tanhf(v[l]);
        return v;
    case MDP_ACTIVATION_NONE:
    case MDP_ACTIVATION_COUNT:
        break;
    }
    return v;
}

/* y[rows, n], n a multiple of MDP_VECTOR_LANES. The residual has y's stride; activation and adds are constants of
   each place this is put into, so that the loops have no branches. */
MDP_INLINE void finish_vectors(float *y, size_t ldy, size_t rows, size_t n, const float *bias,
                               enum mdp_activation activation, const float *residual, bool adds)
{
    for (size_t i = 0; i < n; i += MDP_VECTOR_LANES) {
        const vec b = bias ? load(bias + i) : (vec){0};
        for (size_t r = 0; r < rows; r++) {
            vec v = activated(load(y + r * ldy + i) + b, activation);
            store(y + r * ldy + i, adds ? v + load(residual + r * ldy + i) : v);
        }
    }
}

/* The activations that whole layers have are constants here, the others are looked at for every vector. */
static void finish_whole(float *y, size_t ldy, size_t rows, size_t n, const float *bias,
                         enum mdp_activation activation, const float *residual)
{
    if (activation == MDP_ACTIVATION_NONE && residual)
        finish_vectors(y, ldy, rows, n, bias, MDP_ACTIVATION_NONE, residual, true);
    else if (activation == MDP_ACTIVATION_NONE)
        finish_vectors(y, ldy, rows, n, bias, MDP_ACTIVATION_NONE, NULL, false);
    else if (activation == MDP_ACTIVATION_GELU && !residual)
        finish_vectors(y, ldy, rows, n, bias, MDP_ACTIVATION_GELU, NULL, false);
    else if (activation == MDP_ACTIVATION_QUICK_GELU && !residual)
        finish_vectors(y, ldy, rows, n, bias, MDP_ACTIVATION_QUICK_GELU, NULL, false);
    else if (activation == MDP_ACTIVATION_GELU_TANH && !residual)
        finish_vectors(y, ldy, rows, n, bias, MDP_ACTIVATION_GELU_TANH, NULL, false);
    else if (activation == MDP_ACTIVATION_RELU && !residual)
        finish_vectors(y, ldy, rows, n, bias, MDP_ACTIVATION_RELU, NULL, false);
    else if (activation == MDP_ACTIVATION_SILU && !residual)
        finish_vectors(y, ldy, rows, n, bias, MDP_ACTIVATION_SILU, NULL, false);
    else
        finish_vectors(y, ldy, rows, n, bias, activation, residual, residual != NULL);
}

/* Any number of columns: the last few pass through vectors of their own. */
static void finish(float *y, size_t ldy, size_t rows, size_t columns, const float *bias,
                   enum mdp_activation activation, const float *residual)
{
    const size_t rest = columns % MDP_VECTOR_LANES, whole = columns - rest;

    finish_whole(y, ldy, rows, whole, bias, activation, residual);
    for (size_t r = 0; rest && r < rows; r++) {
        float part[3][MDP_VECTOR_LANES] = {{0}};
        memcpy(part[0], y + r * ldy + whole, rest * sizeof *y);
        if (bias)
            memcpy(part[1], bias + whole, rest * sizeof *y);
        if (residual)
            memcpy(part[2], residual + r * ldy + whole, rest * sizeof *y);
        finish_whole(part[0], MDP_VECTOR_LANES, 1, MDP_VECTOR_LANES, part[1], activation,
                     residual ? part[2] : NULL);
        memcpy(y + r * ldy + whole, part[0], rest * sizeof *y);
    }
}

#endif
