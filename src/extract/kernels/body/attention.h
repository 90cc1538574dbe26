/* SPDX-License-Identifier: BSD-3-Clause */
/* Multi-head attention over one sequence or window. For every head: keys are transposed into panels of
   MDP_TILE_COLUMNS, then, for a tile of queries at a time, scores, softmax and weighted values are made while
   the scores are in the first-level cache. Weights stay as exp(score - largest); the sum divides the result. */
#ifndef MDP_EXTRACT_ATTENTION_H
#define MDP_EXTRACT_ATTENTION_H

#include "extract/kernels/body/softmax.h"
#include "extract/kernels/body/tile.h"
#include "extract/kernels/kernels.h"

/* 32 columns fill whole tiles in every variant. */
MDP_INLINE size_t padded_to_tiles(size_t n)
{
    return (n + MDP_SCORE_STEP - 1) / MDP_SCORE_STEP * MDP_SCORE_STEP;
}

/* k[keys, dim] of one head -> panels of [dim, MDP_TILE_COLUMNS]; keys that do not exist are 0. */
MDP_INLINE void transpose_keys(const struct mdp_attention *t, const float *k, float *panels)
{
    const size_t padded = padded_to_tiles(t->keys);

    for (size_t j = 0; j < padded; j++) {
        float *to = panels + j / MDP_TILE_COLUMNS * MDP_TILE_COLUMNS * t->dim + j % MDP_TILE_COLUMNS;
        for (size_t i = 0; i < t->dim; i++)
            to[i * MDP_TILE_COLUMNS] = j < t->keys ? k[j * t->ld + i] : 0;
    }
}

/* v[keys, dim] of one head -> [keys, dim padded]. */
MDP_INLINE void pad_values(const struct mdp_attention *t, const float *v, float *to)
{
    const size_t padded = padded_to_tiles(t->dim);

    for (size_t j = 0; j < t->keys; j++) {
        memcpy(to + j * padded, v + j * t->ld, t->dim * sizeof *v);
        memset(to + j * padded + t->dim, 0, (padded - t->dim) * sizeof *v);
    }
}

/* s[n] = scale s + bias + mask. */
MDP_INLINE void adjust(float *s, size_t n, float scale, const float *bias, const float *mask)
{
    for (size_t j = 0; j < n; j += MDP_VECTOR_LANES) {
        vec v = bias ? fma_of(load(s + j), all(scale), load(bias + j)) : load(s + j) * scale;
        store(s + j, mask ? v + load(mask + j) : v);
    }
}

/* Raw scores s of query `row` -> exp(scale s + bias + mask - largest); gives their sum. */
MDP_INLINE float weights_of(const struct mdp_attention *t, size_t head, size_t row, float *s)
{
    const size_t keys = (t->keys + MDP_SPAN - 1) / MDP_SPAN * MDP_SPAN;
    const float *bias = t->bias ? t->bias + (head * t->queries + row) * t->ld_bias : NULL;
    const float *mask = t->mask ? t->mask + row * t->ld_bias : NULL;

    if (bias && mask)
        adjust(s, keys, t->scale, bias, mask);
    else if (bias)
        adjust(s, keys, t->scale, bias, NULL);
    else
        adjust(s, keys, t->scale, NULL, mask);
    for (size_t j = t->keys; j < keys; j++)
        s[j] = -INFINITY;
    return exponentials(s, keys);
}

/* One tile of queries of one head. */
MDP_INLINE void attend(const struct mdp_attention *t, size_t head, size_t row, size_t rows,
                       const float *panels, const float *v, size_t ldv, float *scores)
{
    const size_t lds = padded_to_tiles(t->keys), width = padded_to_tiles(t->dim);
    float *result = scores + MDP_TILE_ROWS * lds; /* [rows, width] */
    float sum[MDP_TILE_ROWS];

    for (size_t j = 0; j < lds; j += MDP_TILE_COLUMNS)
        tile(rows, t->dim, t->q + row * t->ld + head * t->dim, t->ld, panels + j * t->dim, MDP_TILE_COLUMNS,
             scores + j, lds, false);
    for (size_t r = 0; r < rows; r++)
        sum[r] = weights_of(t, head, row + r, scores + r * lds);
    for (size_t j = 0; j < width; j += MDP_TILE_COLUMNS)
        tile(rows, t->keys, scores, lds, v + j, ldv, result + j, width, false);
    for (size_t r = 0; r < rows; r++) {
        float *out = t->out + (row + r) * t->ld_out + head * t->dim;
        const float factor = 1 / sum[r];
        size_t i = 0;
        for (; i + MDP_VECTOR_LANES <= t->dim; i += MDP_VECTOR_LANES)
            store(out + i, load(result + r * width + i) * factor);
        for (; i < t->dim; i++)
            out[i] = result[r * width + i] * factor;
    }
}

static size_t attention_scratch(size_t keys, size_t dim)
{
    const size_t lds = padded_to_tiles(keys), width = padded_to_tiles(dim);

    return lds * dim + keys * width + MDP_TILE_ROWS * (lds + width);
}

static void attention(const struct mdp_attention *t, float *scratch)
{
    const size_t tiles = tile_count(t->queries), width = padded_to_tiles(t->dim);
    float *values = scratch + padded_to_tiles(t->keys) * t->dim, *scores = values + t->keys * width;

    for (size_t head = 0; head < t->heads; head++) {
        const float *v = t->v + head * t->dim;
        size_t ldv = t->ld;

        transpose_keys(t, t->k + head * t->dim, scratch);
        if (width != t->dim) {
            pad_values(t, v, values);
            v = values;
            ldv = width;
        }
        for (size_t i = 0; i < tiles; i++) {
            const size_t from = tile_begin(i, tiles, t->queries);
            attend(t, head, from, tile_begin(i + 1, tiles, t->queries) - from, scratch, v, ldv, scores);
        }
    }
}

#endif
