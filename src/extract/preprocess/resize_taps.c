/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/resize_taps.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* Keys' cubic with a = -1/2, multiplied out in Pillow's order: the last bit decides a rounding now and then.
 */
static double bicubic(double x)
{
    const double a = -0.5;

    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static double sinc(double x)
{
    if (x == 0.0)
        return 1.0;
    x *= M_PI;
    return sin(x) / x;
}

static double lanczos(double x)
{
    return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
}

static double box(double x)
{
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

static double hamming(double x)
{
    x = fabs(x);
    if (x == 0.0)
        return 1.0;
    if (x >= 1.0)
        return 0.0;
    x *= M_PI;
    return sin(x) / x * (0.54F + 0.46F * cos(x)); /* the constants are single there, too */
}

static const struct {
    double (*weight)(double x);
    double support;
} filters[] = {
    [MDP_FILTER_BILINEAR] = {bilinear, 1.0}, [MDP_FILTER_BICUBIC] = {bicubic, 2.0},
    [MDP_FILTER_LANCZOS] = {lanczos, 3.0},   [MDP_FILTER_NEAREST] = {NULL, 0.5},
    [MDP_FILTER_BOX] = {box, 0.5},           [MDP_FILTER_HAMMING] = {hamming, 1.0},
};

size_t mdp_axis_widest(const struct mdp_axis *axis, enum mdp_filter filter)
{
    const double scale = (double)axis->in / (double)axis->out;

    return (size_t)ceil(filters[filter].support * (scale < 1.0 ? 1.0 : scale)) * 2 + 1;
}

size_t mdp_axis_window(const struct mdp_axis *axis, enum mdp_filter filter, size_t i, size_t *first,
                       double weight[])
{
    const double scale = (double)axis->in / (double)axis->out;
    const double stretch = scale < 1.0 ? 1.0 : scale;
    const double inverse = 1.0 / stretch;
    const double support = filters[filter].support * stretch;
    const double centre = ((double)i + 0.5) * scale;
    double low = centre - support + 0.5, high = centre + support + 0.5, sum = 0.0;

    *first = low < 0.0 ? 0 : (size_t)low;
    size_t end = high > (double)axis->in ? axis->in : (size_t)high;
    size_t n = end - *first;
    for (size_t t = 0; t < n; t++) {
        weight[t] = filters[filter].weight(((double)(t + *first) - centre + 0.5) * inverse);
        sum += weight[t];
    }
    if (sum != 0.0)
        for (size_t t = 0; t < n; t++)
            weight[t] /= sum;
    return n;
}

static int32_t to_fixed(double weight)
{
    return (int32_t)((weight < 0 ? -0.5 : 0.5) + weight * (1 << MDP_RESIZE_BITS));
}

/* The part of a window that lies on the picture; the rest of the canvas is black and adds nothing. */
static void keep_picture(const struct mdp_axis *axis, struct mdp_taps *taps, size_t i, size_t first, size_t n,
                         const double weight[])
{
    size_t begin = first < axis->left ? axis->left : first;
    size_t end = first + n < axis->left + axis->size ? first + n : axis->left + axis->size;

    if (begin >= end) { /* nothing; `first` still never decreases */
        taps->first[i] = first < axis->left ? 0 : axis->size;
        return;
    }
    taps->first[i] = begin - axis->left;
    taps->count[i] = end - begin;
    for (size_t t = begin; t < end; t++)
        taps->weights[i * taps->stride + t - begin] = to_fixed(weight[t - first]);
}

/* One pixel an output. Positions are summed up as Pillow does: the last bit decides now and then. */
static void nearest(const struct mdp_axis *axis, struct mdp_taps *taps)
{
    const double step = (double)axis->in / (double)axis->out, one = 1.0;
    double at = step * 0.5;

    for (size_t i = 0; i < axis->from + axis->n; i++, at += step)
        if (i >= axis->from && at < (double)axis->in)
            keep_picture(axis, taps, i - axis->from, (size_t)at, 1, &one);
        else if (i >= axis->from)
            taps->first[i - axis->from] = axis->size;
}

void mdp_taps_release(struct mdp_taps *taps)
{
    free(taps->first);
    free(taps->count);
    free(taps->weights);
    *taps = (struct mdp_taps){0};
}

mdp_status mdp_taps_init(struct mdp_taps *taps, const struct mdp_axis *axis, enum mdp_filter filter,
                         struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double *weight = NULL;
    size_t widest = filter == MDP_FILTER_NEAREST ? 1 : mdp_axis_widest(axis, filter);
    size_t kept = widest < axis->size ? widest : axis->size, cells = 0;

    taps->n = axis->n;
    taps->stride = (kept + MDP_RESIZE_GROUP - 1) / MDP_RESIZE_GROUP * MDP_RESIZE_GROUP;
    if (!mdp_mul_size(taps->n, taps->stride, &cells))
        cells = SIZE_MAX;
    if (!(weight = mdp_new_array(widest, sizeof *weight, err, &st)) ||
        !(taps->first = mdp_new_array(taps->n, sizeof *taps->first, err, &st)) ||
        !(taps->count = mdp_new_array(taps->n, sizeof *taps->count, err, &st)) ||
        !(taps->weights = mdp_new_array(cells, sizeof *taps->weights, err, &st)))
        goto out;
    if (filter == MDP_FILTER_NEAREST)
        nearest(axis, taps);
    for (size_t i = 0; filter != MDP_FILTER_NEAREST && i < taps->n; i++) {
        size_t first = 0, n = mdp_axis_window(axis, filter, axis->from + i, &first, weight);
        assert(n <= widest);
        keep_picture(axis, taps, i, first, n, weight);
    }

out:
    free(weight);
    return st;
}
