/* SPDX-License-Identifier: BSD-3-Clause */
/* A convolution of every channel by itself. Channels lie beside each other, so a vector is a few of them; their sums
   stay in registers while the window's taps run. Every element is one chain of multiply-adds from its bias, rows of the
   window before columns. */
#ifndef MDP_EXTRACT_DEPTHWISE_H
#define MDP_EXTRACT_DEPTHWISE_H

#include "extract/kernels/body/epilogue.h"
#include "extract/kernels/kernels.h"

#define MDP_CHANNEL_VECTORS 4 /* vectors of channels at a time: as many chains as hide an addition's delay */

/* v[n] for n <= MDP_VECTOR_LANES, 0 beyond. */
MDP_INLINE vec load_part(const float *p, size_t n)
{
    vec v = {0};
    memcpy(&v, p, n * sizeof *p);
    return v;
}

/* One place, `vectors` vectors of channels from `channel` on; `last` lanes of the last one exist. */
MDP_INLINE void depthwise_at(const struct mdp_depthwise_call *t, const struct mdp_overlap *rows,
                             const struct mdp_overlap *columns, size_t channel, const size_t vectors,
                             const size_t last, float *y)
{
    vec sum[MDP_CHANNEL_VECTORS];

#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; v++)
        sum[v] = load(t->bias + channel + v * MDP_VECTOR_LANES);
    for (size_t ky = rows->from; ky < rows->to; ky++) {
        const size_t row = (rows->first + ky - rows->from) * t->window->in_width + columns->first;
        const float *x = t->x + row * t->channels + channel;
        const float *w = t->weight + (ky * t->window->side + columns->from) * t->ldw + channel;
        for (size_t kx = columns->from; kx < columns->to; kx++, x += t->channels, w += t->ldw)
#pragma GCC unroll 4
            for (size_t v = 0; v < vectors; v++) {
                const float *at = x + v * MDP_VECTOR_LANES;
                const vec value = last == MDP_VECTOR_LANES ? load(at) : load_part(at, last);
                sum[v] = fma_of(value, load(w + v * MDP_VECTOR_LANES), sum[v]);
            }
    }
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; v++) {
        sum[v] = activated(sum[v], t->activation);
        memcpy(y + channel + v * MDP_VECTOR_LANES, &sum[v], last * sizeof *y);
    }
}

static void depthwise(const struct mdp_depthwise_call *t)
{
    const size_t lanes = MDP_VECTOR_LANES, block = MDP_CHANNEL_VECTORS * lanes;

    for (size_t p = 0; p < mdp_window_places(t->window); p++) {
        const struct mdp_overlap rows =
            mdp_window_overlap(t->window, p / t->window->out_width, t->window->in_height);
        const struct mdp_overlap columns =
            mdp_window_overlap(t->window, p % t->window->out_width, t->window->in_width);
        float *y = t->y + p * t->channels;
        size_t c = 0;
        for (; c + block <= t->channels; c += block)
            depthwise_at(t, &rows, &columns, c, MDP_CHANNEL_VECTORS, MDP_VECTOR_LANES, y);
        for (; c + lanes <= t->channels; c += lanes)
            depthwise_at(t, &rows, &columns, c, 1, MDP_VECTOR_LANES, y);
        if (c < t->channels)
            depthwise_at(t, &rows, &columns, c, 1, t->channels - c, y);
    }
}

#endif
