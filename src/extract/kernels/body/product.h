/* SPDX-License-Identifier: BSD-3-Clause */
/* y = epilogue(x W^T + b) over weights that were packed as they are read: for every block of at most
   MDP_DEPTH inputs, for every MDP_TILE_COLUMNS outputs, the weights [inputs of the block, outputs]. While a
   block's panel (16 KiB) stays in the first-level cache, all rows pass over it. */
#ifndef MDP_EXTRACT_PRODUCT_H
#define MDP_EXTRACT_PRODUCT_H

#include "extract/kernels/body/epilogue.h"
#include "extract/kernels/body/tile.h"
#include "extract/kernels/kernels.h"

#include <stdbool.h>

#define MDP_DEPTH 256        /* inputs of a block */
#define MDP_ROWS_AT_ONCE 192 /* rows whose block of inputs stays in the second-level cache: 192 KiB */

MDP_INLINE size_t panels_of(size_t out)
{
    return (out + MDP_TILE_COLUMNS - 1) / MDP_TILE_COLUMNS;
}

static size_t packed_size(size_t out, size_t in)
{
    return panels_of(out) * MDP_TILE_COLUMNS * in;
}

static void pack(const float *weight, size_t out, size_t in, float *packed)
{
    for (size_t begin = 0; begin < in; begin += MDP_DEPTH) {
        const size_t end = begin + MDP_DEPTH < in ? begin + MDP_DEPTH : in;
        for (size_t p = 0; p < panels_of(out); p++)
            for (size_t i = begin; i < end; i++)
                for (size_t c = 0; c < MDP_TILE_COLUMNS; c++) {
                    const size_t o = p * MDP_TILE_COLUMNS + c;
                    *packed++ = o < out ? weight[o * in + i] : 0;
                }
    }
}

/* One tile: rows x MDP_TILE_COLUMNS outputs from `column` on, over one block of `depth` inputs. A panel that
   is only partly there is made in `edge`. */
MDP_INLINE void run_tile(const struct mdp_product *t, const float *x, size_t rows, size_t depth,
                         const float *panel, size_t column, float *y, bool first, bool last)
{
    float edge[MDP_TILE_ROWS * MDP_TILE_COLUMNS];
    const size_t columns = t->out - column < MDP_TILE_COLUMNS ? t->out - column : MDP_TILE_COLUMNS;
    const bool whole = columns == MDP_TILE_COLUMNS;
    float *c = whole ? y : edge;
    const size_t ldc = whole ? t->ldy : MDP_TILE_COLUMNS;

    if (!whole && !first)
        for (size_t r = 0; r < rows; r++)
            memcpy(edge + r * MDP_TILE_COLUMNS, y + r * t->ldy, columns * sizeof *y);
    tile(rows, depth, x, t->ldx, panel, MDP_TILE_COLUMNS, c, ldc, !first);
    if (!whole)
        for (size_t r = 0; r < rows; r++)
            memcpy(y + r * t->ldy, edge + r * MDP_TILE_COLUMNS, columns * sizeof *y);
    if (last)
        finish(y, t->ldy, rows, columns, t->bias ? t->bias + column : NULL, t->activation,
               t->residual ? t->residual + (y - t->y) : NULL);
}

static void product_rows(const struct mdp_product *t, size_t row, size_t rows)
{
    const size_t tiles = tile_count(rows);
    const float *panel = t->packed;

    for (size_t begin = 0; begin < t->in; begin += MDP_DEPTH) {
        const size_t depth = t->in - begin < MDP_DEPTH ? t->in - begin : MDP_DEPTH;
        for (size_t p = 0; p < panels_of(t->out); p++, panel += depth * MDP_TILE_COLUMNS)
            for (size_t i = 0; i < tiles; i++) {
                const size_t from = tile_begin(i, tiles, rows), to = tile_begin(i + 1, tiles, rows);
                run_tile(t, t->x + (row + from) * t->ldx + begin, to - from, depth, panel,
                         p * MDP_TILE_COLUMNS, t->y + (row + from) * t->ldy + p * MDP_TILE_COLUMNS,
                         begin == 0, begin + depth == t->in);
            }
    }
}

static void product(const struct mdp_product *t)
{
    for (size_t row = 0; row < t->rows; row += MDP_ROWS_AT_ONCE)
        product_rows(t, row, t->rows - row < MDP_ROWS_AT_ONCE ? t->rows - row : MDP_ROWS_AT_ONCE);
}

#endif
