/* SPDX-License-Identifier: BSD-3-Clause */
/* What softmax divides: exponentials, the largest value subtracted first. The caller divides by their sum. */
#ifndef MDP_EXTRACT_SOFTMAX_H
#define MDP_EXTRACT_SOFTMAX_H

#include "extract/kernels/body/exponential.h"

#include <math.h>

/* Replaces x[n], n a multiple of MDP_SPAN, by exp(x - max x) and gives the sum of these. -INFINITY gives 0. */
MDP_INLINE float exponentials(float *x, size_t n)
{
    vec part[MDP_VECTORS] = {{0}};
    vec most = load(x);
    float top;

    for (size_t i = MDP_VECTOR_LANES; i < n; i += MDP_VECTOR_LANES)
        most = max_of(load(x + i), most);
    top = largest_of(most);
    for (size_t i = 0; i < n; i += MDP_SPAN)
        for (size_t v = 0; v < MDP_VECTORS; v++) {
            vec e = exp_of(load(x + i + v * MDP_VECTOR_LANES) - top);
            store(x + i + v * MDP_VECTOR_LANES, e);
            part[v] += e;
        }
    return sum_of(part);
}

#endif
