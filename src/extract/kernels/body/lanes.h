/* SPDX-License-Identifier: BSD-3-Clause */
/* Vectors of MDP_VECTOR_LANES floats. The files of this folder are compiled once a variant: variant_portable.c,
   variant_avx2.c and variant_avx512.c include them with 4, 8 and 16 lanes. Element by element the variants
   with a fused multiply-add do the same operations, and sums run over MDP_SPAN lanes whatever the width, so
   that avx2 and avx512 give the same bytes. */
#ifndef MDP_EXTRACT_LANES_H
#define MDP_EXTRACT_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef MDP_VECTOR_LANES
#define MDP_VECTOR_LANES 4
#endif
#if MDP_VECTOR_LANES == 8 && defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#elif MDP_VECTOR_LANES == 16 && defined(__AVX512F__)
#include <immintrin.h>
#endif

#define MDP_SPAN 16                               /* lanes of a sum */
#define MDP_VECTORS (MDP_SPAN / MDP_VECTOR_LANES) /* vectors of a sum */

typedef float vec __attribute__((vector_size(MDP_VECTOR_LANES * 4)));
typedef int32_t ivec __attribute__((vector_size(MDP_VECTOR_LANES * 4)));

#define MDP_INLINE static inline __attribute__((always_inline))

MDP_INLINE vec load(const float *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

MDP_INLINE void store(float *p, vec v)
{
    memcpy(p, &v, sizeof v);
}

MDP_INLINE vec all(float x)
{
    return x - (vec){0}; /* x in every lane: a difference from 0 is no operation, a sum with 0 would be */
}

/* a * b + c. */
MDP_INLINE vec fma_of(vec a, vec b, vec c)
{
#if MDP_VECTOR_LANES == 8 && defined(__AVX2__) && defined(__FMA__)
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif MDP_VECTOR_LANES == 16 && defined(__AVX512F__)
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#else
    return a * b + c;
#endif
}

MDP_INLINE vec choose(ivec where, vec yes, vec no)
{
    return (vec)((where & (ivec)yes) | (~where & (ivec)no));
}

/* The smaller and the larger; b where one is not a number. */
MDP_INLINE vec min_of(vec a, vec b)
{
#if MDP_VECTOR_LANES == 8 && defined(__AVX2__) && defined(__FMA__)
    return (vec)_mm256_min_ps((__m256)a, (__m256)b);
#elif MDP_VECTOR_LANES == 16 && defined(__AVX512F__)
    return (vec)_mm512_min_ps((__m512)a, (__m512)b);
#else
    return choose((ivec)(a < b), a, b);
#endif
}

MDP_INLINE vec max_of(vec a, vec b)
{
#if MDP_VECTOR_LANES == 8 && defined(__AVX2__) && defined(__FMA__)
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#elif MDP_VECTOR_LANES == 16 && defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#else
    return choose((ivec)(a > b), a, b);
#endif
}

MDP_INLINE vec abs_of(vec x)
{
    return (vec)((ivec)x & 0x7fffffff);
}

/* The sum of MDP_SPAN lanes: halves are added to halves, in the same tree for every width. */
MDP_INLINE float sum_of(vec part[MDP_VECTORS])
{
    float s[MDP_VECTOR_LANES];

    for (size_t half = MDP_VECTORS / 2; half > 0; half /= 2)
        for (size_t v = 0; v < half; v++)
            part[v] += part[v + half];
    memcpy(s, part, sizeof s);
    for (size_t half = MDP_VECTOR_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            s[i] += s[i + half];
    return s[0];
}

MDP_INLINE float largest_of(vec part)
{
    float s[MDP_VECTOR_LANES];

    memcpy(s, &part, sizeof s);
    for (size_t half = MDP_VECTOR_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            s[i] = s[i] > s[i + half] ? s[i] : s[i + half];
    return s[0];
}

#endif
