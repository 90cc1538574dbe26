/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/resize_kernels.h"

/* A sum in fixed point to a grey level. */
static uint8_t to_level(int32_t sum)
{
    int32_t level = sum >> MDP_RESIZE_BITS;

    return (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
}

static void horizontal(const struct mdp_taps *taps, const uint8_t *in, uint8_t *out, size_t step)
{
    for (size_t i = 0; i < taps->n; i++) {
        const uint8_t *p = in + taps->first[i];
        const int32_t *w = taps->weights + i * taps->stride;
        int32_t sum = 1 << (MDP_RESIZE_BITS - 1);

        for (size_t t = 0; t < taps->count[i]; t++)
            sum += w[t] * p[t];
        out[i * step] = to_level(sum);
    }
}

static void vertical(const uint8_t *const rows[], const int32_t weights[], size_t n, size_t length,
                     uint8_t *out)
{
    int32_t sum[MDP_RESIZE_COLUMNS];

    for (size_t at = 0; at < length; at += MDP_RESIZE_COLUMNS) {
        for (size_t i = 0; i < MDP_RESIZE_COLUMNS; i++)
            sum[i] = 1 << (MDP_RESIZE_BITS - 1);
        for (size_t t = 0; t < n; t++)
            for (size_t i = 0; i < MDP_RESIZE_COLUMNS; i++)
                sum[i] += weights[t] * rows[t][at + i];
        for (size_t i = 0; i < MDP_RESIZE_COLUMNS; i++)
            out[at + i] = to_level(sum[i]);
    }
}

const struct mdp_resize_kernels mdp_resize_portable = {horizontal, vertical};

const struct mdp_resize_kernels *mdp_resize_best(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx2"))
        return &mdp_resize_avx2;
#endif
    return &mdp_resize_portable;
}
