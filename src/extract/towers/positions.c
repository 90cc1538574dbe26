/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/towers/positions.h"

#include "base/memory.h"
#include "base/try.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

const char *const mdp_position_resize_names[MDP_POSITIONS_COUNT] = {
    [MDP_POSITIONS_FIXED] = "fixed",
    [MDP_POSITIONS_BICUBIC] = "bicubic",
    [MDP_POSITIONS_BICUBIC_ANTIALIAS] = "bicubic-antialias",
};

/* Keys's cubic (1981), support 2. */
static double cubic(double x, double a)
{
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/* weights[in] of output `i` of `out` along one axis, by the rule; outside taps count for the edge (bicubic) or not at all
   (antialias), as in torch. */
static void axis_weights(enum mdp_position_resize how, size_t in, size_t out, size_t i, double weights[])
{
    const double scale = (double)in / (double)out, center = scale * ((double)i + 0.5);

    for (size_t k = 0; k < in; k++)
        weights[k] = 0;
    if (how == MDP_POSITIONS_BICUBIC) {
        const double at = center - 0.5, floor_at = floor(at);
        for (int tap = -1; tap <= 2; tap++) {
            const double k = floor_at + tap, last = (double)in - 1;
            weights[(size_t)(k < 0 ? 0 : k > last ? last : k)] += cubic(at - k, -0.75);
        }
        return;
    }
    const double wide = scale > 1 ? scale : 1, support = 2 * wide;
    double sum = 0;
    for (size_t k = 0; k < in; k++) {
        const double distance = (double)k + 0.5 - center;
        if (distance > -support && distance < support)
            sum += weights[k] = cubic(distance / wide, -0.5);
    }
    for (size_t k = 0; k < in; k++)
        weights[k] /= sum;
}

/* One axis: from[before, in, after] -> to[before, out, after]. */
static mdp_status resize_axis(enum mdp_position_resize how, const double *from, size_t before, size_t in,
                              size_t after, double *to, size_t out, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double *weights = mdp_new_array(in, sizeof *weights, err, &st);

    for (size_t i = 0; weights && i < out; i++) {
        axis_weights(how, in, out, i, weights);
        for (size_t b = 0; b < before; b++)
            for (size_t c = 0; c < after; c++) {
                double sum = 0;
                for (size_t k = 0; k < in; k++)
                    sum += weights[k] * from[(b * in + k) * after + c];
                to[(b * out + i) * after + c] = sum;
            }
    }
    free(weights);
    return st;
}

mdp_status mdp_positions_resize(enum mdp_position_resize how, const float *from, size_t h, size_t w,
                                size_t columns, float *to, size_t H, size_t W, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double *whole = mdp_new_array(h * w * columns, sizeof *whole, err, &st);
    double *wide = whole ? mdp_new_array(h * W * columns, sizeof *wide, err, &st) : NULL;
    double *result = wide ? mdp_new_array(H * W * columns, sizeof *result, err, &st) : NULL;

    assert(how != MDP_POSITIONS_FIXED && from != to);
    for (size_t i = 0; result && i < h * w * columns; i++)
        whole[i] = (double)from[i];
    if (result)
        st = resize_axis(how, whole, h, w, columns, wide, W, err);
    if (st == MDP_OK)
        st = resize_axis(how, wide, 1, h, W * columns, result, H, err);
    for (size_t i = 0; st == MDP_OK && i < H * W * columns; i++)
        to[i] = (float)result[i];
    free(whole);
    free(wide);
    free(result);
    return st;
}
