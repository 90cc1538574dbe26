/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernels of src/extract/kernels as plain loops over their definitions, in double. */
#ifndef MDP_TWIN_KERNELS_H
#define MDP_TWIN_KERNELS_H

#include "extract/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>

static inline double twin_gelu(double x)
{
    return x * 0.5 * erfc(-x / sqrt(2.0));
}

static inline void twin_layer_norm(const float *x, size_t n, const float *gain, const float *bias, double eps,
                                   double *y)
{
    double mean = 0, variance = 0;

    for (size_t i = 0; i < n; i++)
        mean += (double)x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++)
        y[i] = ((double)x[i] - mean) / sqrt(variance + eps) * (double)gain[i] + (double)bias[i];
}

static inline void twin_softmax(const double *x, size_t n, double *y)
{
    double most = -INFINITY, sum = 0;

    for (size_t i = 0; i < n; i++)
        most = fmax(most, x[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp(x[i] - most);
    for (size_t i = 0; i < n; i++)
        y[i] = exp(x[i] - most) / sum;
}

/* One output element of x W^T, and in *size the sum of absolute products, which scales its error. */
static inline double twin_dot(const float *x, const float *w, size_t n, double *size)
{
    double sum = 0;

    *size = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i] * (double)w[i];
        *size += fabs((double)x[i] * (double)w[i]);
    }
    return sum;
}

/* The weights of one query of one head over keys: out[keys]. */
static inline void twin_attention_weights(const struct mdp_attention *t, size_t head, size_t query,
                                          double *out)
{
    double *score = calloc(t->keys, sizeof *score);

    for (size_t j = 0; j < t->keys; j++) {
        double size;
        score[j] = (double)t->scale * twin_dot(t->q + query * t->ld + head * t->dim,
                                               t->k + j * t->ld + head * t->dim, t->dim, &size);
        if (t->bias)
            score[j] += (double)t->bias[(head * t->queries + query) * t->ld_bias + j];
        if (t->mask)
            score[j] += (double)t->mask[query * t->ld_bias + j];
    }
    twin_softmax(score, t->keys, out);
    free(score);
}

#endif
