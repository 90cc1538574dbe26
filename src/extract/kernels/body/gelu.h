/* SPDX-License-Identifier: BSD-3-Clause */
/* The exact GELU, x Phi(x) with Phi the normal distribution, as

       (x + |x|) / 2 - |x| Phi(-|x|),      Phi(-a) = 2^q(a)

   so that no digits cancel: log2 Phi(-a) is smooth, a polynomial of degree 10 meets it on [0, 7] (weighted
   fit as in exponential.h, error of a Phi(-a) below 2e-10); beyond 7 the second term is below 1e-11. Error
   against x Phi(x) in double, over all floats: at most 1.2e-7 |x| + 1e-11 (2.6e-7 |x| where 1 + erf is
   computed in float, as PyTorch does). */
#ifndef MDP_EXTRACT_GELU_H
#define MDP_EXTRACT_GELU_H

#include "extract/kernels/body/exponential.h"

MDP_INLINE vec gelu_of(vec x)
{
    vec magnitude = abs_of(x);
    vec a = min_of(magnitude, all(7.0f));
    vec q = all(-0x1.7920c2p-25f);

    q = fma_of(q, a, all(0x1.3cd3bep-20f));
    q = fma_of(q, a, all(-0x1.cc08d8p-17f));
    q = fma_of(q, a, all(0x1.739ed4p-14f));
    q = fma_of(q, a, all(-0x1.44c360p-12f));
    q = fma_of(q, a, all(0x1.5b591cp-15f));
    q = fma_of(q, a, all(0x1.c55ab2p-8f));
    q = fma_of(q, a, all(-0x1.ad88eap-5f));
    q = fma_of(q, a, all(-0x1.d63dc4p-2f));
    q = fma_of(q, a, all(-0x1.26aeccp+0f));
    q = fma_of(q, a, all(-0x1.fffffep-1f));
    return fma_of(-a, exp2_of(q), 0.5f * (x + magnitude));
}

#endif
