/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/whole_resize.h"

#include "base/memory.h"
#include "base/try.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* ---------------------------------------------------------------------------------------------- torch */

/* The weights of output i, which begin at *first; returns their number. */
static size_t triangle(size_t in, size_t out, size_t i, size_t *first, float weight[])
{
    const float scale = (float)in / (float)out, support = scale >= 1 ? scale : 1;
    const float inverse = scale >= 1 ? 1 / scale : 1, centre = scale * ((float)i + 0.5F);
    const float low = centre - support + 0.5F, high = centre + support + 0.5F;
    float sum = 0;

    *first = low < 0 ? 0 : (size_t)low;
    size_t n = ((size_t)high < in ? (size_t)high : in) - *first;
    for (size_t t = 0; t < n; t++) {
        float x = fabsf(((float)(t + *first) - centre + 0.5F) * inverse);
        weight[t] = x < 1 ? 1 - x : 0;
        sum += weight[t];
    }
    for (size_t t = 0; t < n; t++)
        weight[t] /= sum;
    return n;
}

/* One axis: lines of `in` values `in_step` apart become `out` values `out_step` apart, `lines` times. */
struct pass {
    const float *from;
    float *to;
    size_t in, out, in_step, out_step, lines, in_line, out_line;
};

static mdp_status run_pass(const struct pass *p, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    float *weight = mdp_new_array(2 * (p->in / p->out + 1) + 3, sizeof *weight, err, &st);

    for (size_t i = 0; weight && i < p->out; i++) {
        size_t first = 0, n = triangle(p->in, p->out, i, &first, weight);
        for (size_t k = 0; k < p->lines; k++) {
            const float *from = p->from + k * p->in_line + first * p->in_step;
            float sum = 0;
            for (size_t t = 0; t < n; t++)
                sum += from[t * p->in_step] * weight[t];
            p->to[k * p->out_line + i * p->out_step] = sum;
        }
    }
    free(weight);
    return st;
}

mdp_status mdp_antialias_resize(const struct mdp_plane_resize *r, struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    float *half = mdp_new_array(r->height * r->out_width, sizeof *half, err, &st);

    if (!half)
        return st;
    const struct pass across = {r->in, half, r->width, r->out_width, 1, 1, r->height, r->width, r->out_width};
    const struct pass down = {half,         r->out, r->height, r->out_height, r->out_width, r->stride,
                              r->out_width, 1,      1};
    st = run_pass(&across, err);
    if (st == MDP_OK)
        st = run_pass(&down, err);
    free(half);
    return st;
}

/* -------------------------------------------------------------------------------------------- skimage */

/* scipy's gaussian_filter1d with truncate 4; radius 0 where the axis is not blurred. */
struct blur {
    size_t radius;
    double *weight; /* [radius + 1], from the middle outwards */
};

static mdp_status blur_init(struct blur *b, size_t in, size_t out, bool any, struct mdp_error *err)
{
    const double sigma = any && in > out ? ((double)in / (double)out - 1) / 2 : 0;
    mdp_status st = MDP_OK;
    double sum = 0;

    b->radius = (size_t)(4.0 * sigma + 0.5);
    b->weight = mdp_new_array(b->radius + 1, sizeof *b->weight, err, &st);
    for (size_t t = 0; b->weight && t <= b->radius; t++) {
        b->weight[t] = t == 0 ? 1 : exp(-0.5 / (sigma * sigma) * (double)(t * t));
        sum += (t == 0 ? 1 : 2) * b->weight[t];
    }
    for (size_t t = 0; b->weight && t <= b->radius; t++)
        b->weight[t] /= sum;
    return st;
}

/* The blurred value at position `at` of n values `step` apart; outside all is 0. */
static float blurred(const struct blur *b, const float *line, size_t step, size_t n, ptrdiff_t at)
{
    if (at < 0 || (size_t)at >= n)
        return 0;
    double sum = line[(size_t)at * step] * b->weight[0];
    for (size_t t = 1; t <= b->radius; t++) {
        double pair = (size_t)at + t < n ? line[((size_t)at + t) * step] : 0;
        pair += (size_t)at >= t ? line[((size_t)at - t) * step] : 0;
        sum += pair * b->weight[t];
    }
    return (float)sum;
}

/* The position left of (above) output i, and how far behind it the output lies. */
static ptrdiff_t neighbour(size_t in, size_t out, size_t i, double *part)
{
    const double at = ((double)i + 0.5) * ((double)in / (double)out) - 0.5, low = floor(at);

    *part = at - low;
    return (ptrdiff_t)low;
}

/* One row of the output; `two` are the blurred rows [2, width] above and below it. */
static void mix(const struct mdp_plane_resize *r, const struct blur *x, const float *two, double down,
                float *out)
{
    for (size_t i = 0; i < r->out_width; i++) {
        double right = 0;
        const ptrdiff_t at = neighbour(r->width, r->out_width, i, &right);
        double v[2][2];
        for (size_t a = 0; a < 2; a++)
            for (size_t b = 0; b < 2; b++)
                v[a][b] = blurred(x, two + a * r->width, 1, r->width, at + (ptrdiff_t)b);
        out[i] = (float)((1 - down) * ((1 - right) * v[0][0] + right * v[0][1]) +
                         down * ((1 - right) * v[1][0] + right * v[1][1]));
    }
}

static void widen(float v, float *least, float *most)
{
    *least = v < *least ? v : *least;
    *most = v > *most ? v : *most;
}

/* To the range of the input; 0, which stands outside, belongs to it where the output has reached it. */
static void clip(const struct mdp_plane_resize *r)
{
    float least = r->in[0], most = r->in[0], out_least = r->out[0], out_most = r->out[0];

    for (size_t i = 0; i < r->width * r->height; i++)
        widen(r->in[i], &least, &most);
    for (size_t y = 0; y < r->out_height; y++)
        for (size_t x = 0; x < r->out_width; x++)
            widen(r->out[y * r->stride + x], &out_least, &out_most);
    if (out_least <= 0 && out_most >= 0)
        widen(0, &least, &most);
    for (size_t y = 0; y < r->out_height; y++)
        for (size_t x = 0; x < r->out_width; x++) {
            float *v = &r->out[y * r->stride + x];
            *v = *v < least ? least : *v > most ? most : *v;
        }
}

mdp_status mdp_skimage_resize(const struct mdp_plane_resize *r, struct mdp_error *err)
{
    const bool shrinks = r->out_width < r->width || r->out_height < r->height;
    struct blur x = {0}, y = {0};
    float *two = NULL;
    mdp_status st = MDP_OK;

    OR_OUT(blur_init(&x, r->width, r->out_width, shrinks, err));
    OR_OUT(blur_init(&y, r->height, r->out_height, shrinks, err));
    two = mdp_new_array(2 * r->width, sizeof *two, err, &st);
    for (size_t i = 0; two && i < r->out_height; i++) {
        double down = 0;
        const ptrdiff_t at = neighbour(r->height, r->out_height, i, &down);
        for (size_t k = 0; k < 2; k++)
            for (size_t c = 0; c < r->width; c++)
                two[k * r->width + c] = blurred(&y, r->in + c, r->width, r->height, at + (ptrdiff_t)k);
        mix(r, &x, two, down, r->out + i * r->stride);
    }
    if (two)
        clip(r);

out:
    free(x.weight);
    free(y.weight);
    free(two);
    return st;
}
