/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/float_resize.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { TAPS = 4 };

/* What one output sees of an axis. */
struct taps {
    size_t at[TAPS];
    float weight[TAPS];
    size_t n;
};

static size_t inside(ptrdiff_t at, size_t n)
{
    return at < 0 ? 0 : (size_t)at >= n ? n - 1 : (size_t)at;
}

/* Keys's cubic (1981) with a = -0.75, at distance x below 1 and between 1 and 2. */
static float near_weight(float x)
{
    const float a = -0.75F;

    return ((a + 2) * x - (a + 3)) * x * x + 1;
}

static float far_weight(float x)
{
    const float a = -0.75F;

    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

static void bicubic_taps(size_t in, size_t out, size_t i, struct taps *t)
{
    const float scale = (float)in / (float)out, real = fmaf(scale, (float)i + 0.5F, -0.5F),
                low = floorf(real);
    const float part = real - low;
    const float weight[TAPS] = {far_weight(part + 1), near_weight(part), near_weight(1 - part),
                                far_weight(2 - part)};

    t->n = TAPS;
    for (size_t k = 0; k < TAPS; k++) {
        t->at[k] = inside((ptrdiff_t)low - 1 + (ptrdiff_t)k, in);
        t->weight[k] = weight[k];
    }
}

static void corner_taps(size_t in, size_t out, size_t i, struct taps *t)
{
    const float scale = out > 1 ? (float)(in - 1) / (float)(out - 1) : 0, real = scale * (float)i;
    const size_t low = inside((ptrdiff_t)real, in);
    const float part = real - (float)low;

    t->n = 2;
    t->at[0] = low;
    t->at[1] = inside((ptrdiff_t)low + 1, in);
    t->weight[0] = 1 - part;
    t->weight[1] = part;
}

static void fill(enum mdp_float_filter filter, size_t in, size_t out, struct taps *taps)
{
    for (size_t i = 0; i < out; i++)
        switch (filter) {
        case MDP_FLOAT_BICUBIC:
            bicubic_taps(in, out, i, &taps[i]);
            break;
        case MDP_FLOAT_BILINEAR_CORNERS:
            corner_taps(in, out, i, &taps[i]);
            break;
        }
}

static float along_row(const float *row, const struct taps *x)
{
    float sum = row[x->at[0]] * x->weight[0];

    for (size_t k = 1; k < x->n; k++)
        sum += row[x->at[k]] * x->weight[k];
    return sum;
}

mdp_status mdp_float_resize(enum mdp_float_filter filter, const float *in, size_t planes, size_t in_width,
                            size_t in_height, float *out, size_t out_width, size_t out_height,
                            struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    struct taps *x = mdp_new_array(out_width, sizeof *x, err, &st);
    struct taps *y = x ? mdp_new_array(out_height, sizeof *y, err, &st) : NULL;

    if (y) {
        fill(filter, in_width, out_width, x);
        fill(filter, in_height, out_height, y);
    }
    for (size_t p = 0; y && p < planes; p++, in += in_width * in_height)
        for (size_t r = 0; r < out_height; r++)
            for (size_t c = 0; c < out_width; c++) {
                float sum = along_row(in + y[r].at[0] * in_width, &x[c]) * y[r].weight[0];
                for (size_t k = 1; k < y[r].n; k++)
                    sum += along_row(in + y[r].at[k] * in_width, &x[c]) * y[r].weight[k];
                *out++ = sum;
            }
    free(x);
    free(y);
    return st;
}
