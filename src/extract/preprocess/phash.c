/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/phash.h"

#include "extract/preprocess/pipeline.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = 32, KEPT = 8, BITS = KEPT * KEPT, SCALE = 1 << 14 };

/* cos(pi (2 x + 1) u / 64) for u = 1..8: rounded to 14 bits, which every library's cosine agrees on. */
static void fill_cosines(int32_t cosines[KEPT][SIDE])
{
    const double pi = 3.14159265358979323846;

    for (int u = 0; u < KEPT; u++)
        for (int x = 0; x < SIDE; x++)
            cosines[u][x] = (int32_t)lround(SCALE * cos(pi * (2 * x + 1) * (u + 1) / (2 * SIDE)));
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

uint64_t mdp_phash_of_grey(const uint8_t grey[SIDE * SIDE])
{
    int32_t cosines[KEPT][SIDE];
    int64_t rows[SIDE][KEPT], values[BITS], sorted[BITS]; /* below 255 * 32 * 32 * 2^28 < 2^46 */
    uint64_t hash = 0;

    fill_cosines(cosines);
    for (int y = 0; y < SIDE; y++)
        for (int u = 0; u < KEPT; u++) {
            rows[y][u] = 0;
            for (int x = 0; x < SIDE; x++)
                rows[y][u] += grey[y * SIDE + x] * cosines[u][x];
        }
    for (int v = 0; v < KEPT; v++)
        for (int u = 0; u < KEPT; u++) {
            int64_t sum = 0;
            for (int y = 0; y < SIDE; y++)
                sum += rows[y][u] * cosines[v][y];
            values[v * KEPT + u] = sorted[v * KEPT + u] = sum;
        }
    qsort(sorted, BITS, sizeof *sorted, by_value);
    int64_t median2 = sorted[BITS / 2 - 1] + sorted[BITS / 2]; /* twice the median */
    for (int i = 0; i < BITS; i++)
        hash = hash << 1 | (2 * values[i] > median2);
    return hash;
}

mdp_status mdp_phash(const struct mdp_picture *picture, uint64_t *hash, struct mdp_error *err)
{
    const struct mdp_pipeline small = {.name = "phash",
                                       .color = MDP_COLOR_L,
                                       .grey16 = MDP_GREY16_AUTO,
                                       .orientation = MDP_ORIENTATION_APPLY,
                                       .width = SIDE,
                                       .height = SIDE,
                                       .filter = MDP_FILTER_BILINEAR,
                                       .resize_order = MDP_RESIZE_HORIZONTAL_FIRST,
                                       .channels = 1};
    uint8_t grey[SIDE * SIDE];
    mdp_status st = mdp_pipeline_resize(&small, picture, grey, err);

    *hash = st == MDP_OK ? mdp_phash_of_grey(grey) : 0;
    return st;
}
