/* SPDX-License-Identifier: BSD-3-Clause */
/* The inner loops of a resize with AVX2: exact, as 8 lanes of 32-bit products and sums. */
#include "extract/preprocess/resize_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

static __m256i load8(const uint8_t *p)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}

static __m256i products8(const uint8_t *p, const int32_t *w)
{
    return _mm256_mullo_epi32(load8(p), _mm256_loadu_si256((const __m256i *)(const void *)w));
}

static int32_t sum8(__m256i v)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
}

static void horizontal(const struct mdp_taps *taps, const uint8_t *in, uint8_t *out, size_t step)
{
    for (size_t i = 0; i < taps->n; i++) {
        const uint8_t *p = in + taps->first[i];
        const int32_t *w = taps->weights + i * taps->stride;
        __m256i a = _mm256_setzero_si256(), b = a;

        for (size_t t = 0; t < taps->count[i]; t += MDP_RESIZE_GROUP) {
            a = _mm256_add_epi32(a, products8(p + t, w + t));
            b = _mm256_add_epi32(b, products8(p + t + 8, w + t + 8));
        }
        int32_t level = (sum8(_mm256_add_epi32(a, b)) + (1 << (MDP_RESIZE_BITS - 1))) >> MDP_RESIZE_BITS;
        out[i * step] = (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
    }
}

/* 32 sums to 32 grey levels; the two packs saturate, which is the clipping. */
static void store32(uint8_t *out, const __m256i sum[4])
{
    __m256i low = _mm256_packs_epi32(_mm256_srai_epi32(sum[0], MDP_RESIZE_BITS),
                                     _mm256_srai_epi32(sum[1], MDP_RESIZE_BITS));
    __m256i high = _mm256_packs_epi32(_mm256_srai_epi32(sum[2], MDP_RESIZE_BITS),
                                      _mm256_srai_epi32(sum[3], MDP_RESIZE_BITS));
    __m256i all = _mm256_packus_epi16(low, high);

    /* the packs work in halves of a register: bring the groups of four bytes into order */
    all = _mm256_permutevar8x32_epi32(all, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256((__m256i *)(void *)out, all);
}

static void vertical(const uint8_t *const rows[], const int32_t weights[], size_t n, size_t length,
                     uint8_t *out)
{
    for (size_t at = 0; at < length; at += 32) {
        __m256i sum[4];

        for (int j = 0; j < 4; j++)
            sum[j] = _mm256_set1_epi32(1 << (MDP_RESIZE_BITS - 1));
        for (size_t t = 0; t < n; t++) {
            const __m256i w = _mm256_set1_epi32(weights[t]);
            for (int j = 0; j < 4; j++)
                sum[j] = _mm256_add_epi32(sum[j], _mm256_mullo_epi32(load8(rows[t] + at + 8 * j), w));
        }
        store32(out + at, sum);
    }
}

const struct mdp_resize_kernels mdp_resize_avx2 = {horizontal, vertical};

#endif
