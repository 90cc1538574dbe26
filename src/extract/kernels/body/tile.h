/* SPDX-License-Identifier: BSD-3-Clause */
/* The innermost product: C = A B, or C += A B, for at most MDP_TILE_ROWS rows of A and MDP_TILE_COLUMNS
   columns of B, held in registers while k runs. Every element is one chain of multiply-adds from 0 in the
   order of k: its bytes depend neither on the tile's height nor on the place in the tile. */
#ifndef MDP_EXTRACT_TILE_H
#define MDP_EXTRACT_TILE_H

#include "extract/kernels/body/lanes.h"

#include <stdbool.h>

#define MDP_TILE_COLUMNS (2 * MDP_VECTOR_LANES)
#if MDP_VECTOR_LANES == 16
#define MDP_TILE_ROWS 12 /* 24 sums of 32 registers */
#else
#define MDP_TILE_ROWS 6 /* 12 sums of 16 registers */
#endif

/* Strides in floats. */
MDP_INLINE void tile_of(const size_t rows, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                        float *c, size_t ldc, bool add)
{
    vec sum[MDP_TILE_ROWS][2];

#pragma GCC unroll 16
    for (size_t r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = (vec){0};
    for (size_t i = 0; i < k; i++, b += ldb) {
        const vec left = load(b), right = load(b + MDP_VECTOR_LANES);
#pragma GCC unroll 16
        for (size_t r = 0; r < rows; r++) {
            const vec x = all(a[r * lda + i]);
            sum[r][0] = fma_of(x, left, sum[r][0]);
            sum[r][1] = fma_of(x, right, sum[r][1]);
        }
    }
#pragma GCC unroll 16
    for (size_t r = 0; r < rows; r++) {
        store(c + r * ldc, add ? load(c + r * ldc) + sum[r][0] : sum[r][0]);
        store(c + r * ldc + MDP_VECTOR_LANES,
              add ? load(c + r * ldc + MDP_VECTOR_LANES) + sum[r][1] : sum[r][1]);
    }
}

static void tile(size_t rows, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c,
                 size_t ldc, bool add)
{
#define MDP_TILE(n)                                                                                          \
    case n:                                                                                                  \
        tile_of(n, k, a, lda, b, ldb, c, ldc, add);                                                          \
        break;
    switch (rows) {
        MDP_TILE(1)
        MDP_TILE(2)
        MDP_TILE(3)
        MDP_TILE(4)
        MDP_TILE(5)
        MDP_TILE(6)
#if MDP_TILE_ROWS > 6
        MDP_TILE(7)
        MDP_TILE(8)
        MDP_TILE(9)
        MDP_TILE(10)
        MDP_TILE(11)
        MDP_TILE(12)
#endif
    }
#undef MDP_TILE
}

/* Rows are shared among as few tiles as possible, as evenly as possible: a tile of one row would wait for its
   own sums. The rows of tile i of n over `rows` rows begin here. */
MDP_INLINE size_t tile_begin(size_t i, size_t n, size_t rows)
{
    return i * (rows / n) + (i < rows % n ? i : rows % n);
}

MDP_INLINE size_t tile_count(size_t rows)
{
    return (rows + MDP_TILE_ROWS - 1) / MDP_TILE_ROWS;
}

#endif
