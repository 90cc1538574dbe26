/* SPDX-License-Identifier: BSD-3-Clause */
/* Layer norm of rows. Two passes over a row that stays in the first-level cache: mean, then squared
   differences from it, so that a large mean costs no digits. */
#ifndef MDP_EXTRACT_LAYER_NORM_H
#define MDP_EXTRACT_LAYER_NORM_H

#include "extract/kernels/body/lanes.h"

#include <math.h>

/* The sum of x[n], or of (x - mean)^2. */
MDP_INLINE float row_sum(const float *x, size_t n, float mean, int squared)
{
    vec part[MDP_VECTORS] = {{0}};
    float last[MDP_SPAN] = {0};
    const size_t whole = n - n % MDP_SPAN;

    for (size_t i = 0; i < whole; i += MDP_SPAN)
        for (size_t v = 0; v < MDP_VECTORS; v++) {
            vec d = load(x + i + v * MDP_VECTOR_LANES) - mean;
            part[v] = squared ? fma_of(d, d, part[v]) : part[v] + d;
        }
    for (size_t i = whole; i < n; i++)
        last[i - whole] = x[i] - mean;
    for (size_t v = 0; v < MDP_VECTORS; v++) {
        vec d = load(last + v * MDP_VECTOR_LANES);
        part[v] = squared ? fma_of(d, d, part[v]) : part[v] + d;
    }
    return sum_of(part);
}

/* y[n] = (x - mean) scale gain + bias, n at most MDP_VECTOR_LANES: the end of a row, by the same operations. */
MDP_INLINE void scale_rest(const float *x, size_t n, float mean, float scale, const float *gain,
                           const float *bias, float *y)
{
    float part[3][MDP_VECTOR_LANES] = {{0}};

    memcpy(part[0], x, n * sizeof *x);
    memcpy(part[1], gain, n * sizeof *x);
    memcpy(part[2], bias, n * sizeof *x);
    store(part[0], fma_of((load(part[0]) - mean) * scale, load(part[1]), load(part[2])));
    memcpy(y, part[0], n * sizeof *y);
}

static void layer_norm(const float *x, size_t rows, size_t columns, size_t ldx, const float *gain,
                       const float *bias, float eps, float *y, size_t ldy)
{
    for (size_t r = 0; r < rows; r++, x += ldx, y += ldy) {
        const float mean = row_sum(x, columns, 0, 0) / (float)columns;
        const float variance = row_sum(x, columns, mean, 1) / (float)columns;
        const float scale = (float)(1 / sqrt((double)variance + (double)eps));
        size_t i = 0;

        for (; i + MDP_VECTOR_LANES <= columns; i += MDP_VECTOR_LANES)
            store(y + i, fma_of((load(x + i) - mean) * scale, load(gain + i), load(bias + i)));
        if (i < columns)
            scale_rest(x + i, columns - i, mean, scale, gain + i, bias + i, y + i);
    }
}

#endif
