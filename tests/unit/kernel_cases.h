/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel tests share: the variants that this CPU can run, and random numbers by seed. */
#ifndef MDP_KERNEL_CASES_H
#define MDP_KERNEL_CASES_H

#include "extract/kernels/kernels.h"

#include "unit/unit.h"

#include <math.h>

/* Numbers from a 64-bit linear congruential generator; the same on every machine. */
struct numbers {
    uint64_t state;
};

static inline double uniform(struct numbers *n) /* in [0, 1) */
{
    n->state = n->state * 6364136223846793005u + 1442695040888963407u;
    return (double)(n->state >> 11) * 0x1p-53;
}

static inline size_t below(struct numbers *n, size_t limit)
{
    return (size_t)(uniform(n) * (double)limit);
}

static inline float *random_floats(struct numbers *n, size_t count, double scale)
{
    float *x = malloc((count ? count : 1) * sizeof *x);

    assert_non_null(x);
    for (size_t i = 0; i < count; i++) /* nearly normal: the sum of four */
        x[i] = (float)(scale * (uniform(n) + uniform(n) + uniform(n) + uniform(n) - 2));
    return x;
}

enum { MOST_VARIANTS = 16 };

/* Those that this CPU can run, the best first. */
static inline size_t usable_variants(const struct mdp_kernels *variants[MOST_VARIANTS])
{
    size_t n = 0;
    bool runs = false;

    assert_true(mdp_kernels_count() <= MOST_VARIANTS);
    for (size_t i = 0; i < mdp_kernels_count(); i++) {
        variants[n] = mdp_kernels_at(i, &runs);
        n += runs;
    }
    return n;
}

/* y[n] = GELU(x), as towers get it: behind a product, here with 1. */
static inline void gelu_by(const struct mdp_kernels *k, const float *x, size_t n, float *y)
{
    const float one = 1;
    float *packed = malloc((k->packed_size(n, 1) + 1) * sizeof *packed);

    assert_non_null(packed);
    k->pack(x, n, 1, packed);
    const struct mdp_product product = {.packed = packed,
                                        .out = n,
                                        .in = 1,
                                        .activation = MDP_ACTIVATION_GELU,
                                        .x = &one,
                                        .rows = 1,
                                        .ldx = 1,
                                        .y = y,
                                        .ldy = n};
    k->product(&product);
    free(packed);
}

/* x[n] = softmax(x), as towers get it: attention whose scores are a bias and whose values are the unit matrix. */
static inline void softmax_by(const struct mdp_kernels *k, float *x, size_t n)
{
    const size_t ld_bias = (n + MDP_SCORE_STEP - 1) / MDP_SCORE_STEP * MDP_SCORE_STEP;
    float *zero = calloc(n * n, sizeof *zero), *unit = calloc(n * n, sizeof *unit);
    float *bias = calloc(ld_bias, sizeof *bias);
    float *scratch = malloc(k->attention_scratch(n, n) * sizeof *scratch);

    assert_true(zero && unit && bias && scratch);
    memcpy(bias, x, n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        unit[i * n + i] = 1;
    const struct mdp_attention attention = {.q = zero,
                                            .k = zero,
                                            .v = unit,
                                            .queries = 1,
                                            .keys = n,
                                            .ld = n,
                                            .heads = 1,
                                            .dim = n,
                                            .scale = 1,
                                            .bias = bias,
                                            .ld_bias = ld_bias,
                                            .out = x,
                                            .ld_out = n};
    k->attention(&attention, scratch);
    free(zero), free(unit), free(bias), free(scratch);
}

#endif
