/* SPDX-License-Identifier: BSD-3-Clause */
/* Softmax of rows, the largest value subtracted first. */
#ifndef MDP_KERNEL_SOFTMAX_H
#define MDP_KERNEL_SOFTMAX_H

#include "extract/kernels/body/exponential.h"

#include <math.h>

/* Replaces x[n], n a multiple of MDP_SPAN, by exp(x - max x) and gives the sum of these. -INFINITY gives 0.
 */
MDP_INLINE float exponentials(float *x, size_t n)
{
    vec part[MDP_VECTORS] = {{0}};
    vec most = load(x);
    float top;

    for (size_t i = MDP_LANES; i < n; i += MDP_LANES)
        most = max_of(load(x + i), most);
    top = largest_of(most);
    for (size_t i = 0; i < n; i += MDP_SPAN)
        for (size_t v = 0; v < MDP_VECTORS; v++) {
            vec e = exp_of(load(x + i + v * MDP_LANES) - top);
            store(x + i + v * MDP_LANES, e);
            part[v] += e;
        }
    return sum_of(part);
}

/* scratch: columns rounded up to MDP_SPAN. */
static void softmax(float *x, size_t rows, size_t columns, size_t ldx, float *scratch)
{
    const size_t padded = (columns + MDP_SPAN - 1) / MDP_SPAN * MDP_SPAN;

    for (size_t r = 0; r < rows; r++, x += ldx) {
        memcpy(scratch, x, columns * sizeof *x);
        for (size_t i = columns; i < padded; i++)
            scratch[i] = -INFINITY;
        const float factor = 1 / exponentials(scratch, padded);
        for (size_t i = 0; i < padded; i += MDP_LANES)
            store(scratch + i, load(scratch + i) * factor);
        memcpy(x, scratch, columns * sizeof *x);
    }
}

#endif
