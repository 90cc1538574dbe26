/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows a product, on outputs that are still in the cache: bias, activation, residual. */
#ifndef MDP_KERNEL_EPILOGUE_H
#define MDP_KERNEL_EPILOGUE_H

#include "extract/kernels/body/gelu.h"
#include "extract/kernels/kernels.h"

#include <math.h>

/* y = activation(y + bias) + residual for one row of n values, n a multiple of MDP_LANES. */
MDP_INLINE void finish_row(float *y, size_t n, const float *bias, enum mdp_activation activation,
                           const float *residual)
{
    for (size_t i = 0; i < n; i += MDP_LANES) {
        vec v = load(y + i);
        if (bias)
            v += load(bias + i);
        if (activation == MDP_ACTIVATION_GELU)
            v = gelu_of(v);
        else if (activation == MDP_ACTIVATION_TANH)
            for (size_t l = 0; l < MDP_LANES; l++)
                v[l] = tanhf(v[l]);
        if (residual)
            v += load(residual + i);
        store(y + i, v);
    }
}

/* As finish_row for any n. */
static void finish_part(float *y, size_t n, const float *bias, enum mdp_activation activation,
                        const float *residual)
{
    float part[3][MDP_LANES] = {{0}};
    const size_t whole = n - n % MDP_LANES, rest = n % MDP_LANES;

    finish_row(y, whole, bias, activation, residual);
    if (rest == 0)
        return;
    memcpy(part[0], y + whole, rest * sizeof *y);
    if (bias)
        memcpy(part[1], bias + whole, rest * sizeof *y);
    if (residual)
        memcpy(part[2], residual + whole, rest * sizeof *y);
    finish_row(part[0], MDP_LANES, bias ? part[1] : NULL, activation, residual ? part[2] : NULL);
    memcpy(y + whole, part[0], rest * sizeof *y);
}

#endif
