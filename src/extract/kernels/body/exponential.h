/* SPDX-License-Identifier: BSD-3-Clause */
/* 2^x and e^x. Polynomials: weighted least squares on Chebyshev nodes, re-weighted until the largest relative
   error is least (1.9e-9 before coefficients were rounded to float). */
#ifndef MDP_EXTRACT_EXPONENTIAL_H
#define MDP_EXTRACT_EXPONENTIAL_H

#include "extract/kernels/body/lanes.h"

#define MDP_ROUND_MAGIC 0x1.8p23f /* x + magic has round(x) in its lowest bits, for |x| < 2^22 */

/* v * 2^n where t = n + magic; v in [0.5, 2], n in [-125, 126]. */
MDP_INLINE vec scale_by_power(vec v, vec t)
{
    return (vec)((ivec)v + ((ivec)t << 23));
}

/* 2^x for x in [-125, 126]; relative error below 1e-7. */
MDP_INLINE vec exp2_of(vec x)
{
    vec t = x + MDP_ROUND_MAGIC;
    vec r = x - (t - MDP_ROUND_MAGIC);
    vec p = all(0x1.41d334p-13f);

    p = fma_of(p, r, all(0x1.5f456ap-10f));
    p = fma_of(p, r, all(0x1.3b2dbcp-7f));
    p = fma_of(p, r, all(0x1.c6aed4p-5f));
    p = fma_of(p, r, all(0x1.ebfbdap-3f));
    p = fma_of(p, r, all(0x1.62e430p-1f));
    p = fma_of(p, r, all(1.0f));
    return scale_by_power(p, t);
}

/* e^x for x <= 0, relative error below 1.2e-7 down to x = -80, 0 below: no result is a denormal number, so
   that masked attention scores cost no more than others. Not a number stays so. */
MDP_INLINE vec exp_of(vec x)
{
    const ivec vanishes = (ivec)(x < all(-80.0f));
    vec t = fma_of(x, all(0x1.715476p+0f), all(MDP_ROUND_MAGIC));
    vec n = t - MDP_ROUND_MAGIC;
    vec r = fma_of(n, all(-0x1.62e400p-1f), x); /* ln 2 in two parts, the first exact in few bits */
    vec p = all(0x1.6ab980p-10f);

    r = fma_of(n, all(-0x1.7f7d1cp-20f), r);
    p = fma_of(p, r, all(0x1.126d0cp-7f));
    p = fma_of(p, r, all(0x1.55589ap-5f));
    p = fma_of(p, r, all(0x1.55540ap-3f));
    p = fma_of(p, r, all(0x1.fffffap-2f));
    p = fma_of(p, r, all(1.0f));
    p = fma_of(p, r, all(1.0f));
    return (vec)(~vanishes & (ivec)(scale_by_power(p, t) + (x - x)));
}

#endif
