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

static inline size_t usable_variants(const struct mdp_kernels *variants[3])
{
    static const char *const names[] = {"portable", "avx2", "avx512"};
    size_t n = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        setenv("MEDPROBE_KERNEL", names[i], 1);
        if (mdp_kernels_choose(&variants[n], NULL) == MDP_OK)
            n++;
    }
    unsetenv("MEDPROBE_KERNEL");
    return n;
}

#endif
