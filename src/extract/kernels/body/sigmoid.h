/* SPDX-License-Identifier: BSD-3-Clause */
/* 1 / (1 + e^-x), by the exponential of -|x|, which cannot overflow; relative error below 3e-7 for x > -80, 0 below. */
#ifndef MDP_EXTRACT_SIGMOID_H
#define MDP_EXTRACT_SIGMOID_H

#include "extract/kernels/body/exponential.h"

MDP_INLINE vec sigmoid_of(vec x)
{
    const vec e = exp_of(-abs_of(x));

    return choose((ivec)(x < all(0)), e, all(1)) / (1.0f + e);
}

/* GELU by tanh is x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), since 1 + tanh(u) = 2 sigmoid(2 u). */
MDP_INLINE vec gelu_tanh_argument(vec x)
{
    return 1.5957691216057308f * fma_of(0.044715f * x * x, x, x);
}

#endif
