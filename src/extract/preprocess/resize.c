/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/resize.h"

#include "base/memory.h"
#include "extract/preprocess/resize_kernels.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------- weights */

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

static const struct {
    double (*weight)(double x);
    double support;
} filters[] = {
    [MDP_FILTER_BILINEAR] = {bilinear, 1.0},
    [MDP_FILTER_BICUBIC] = {bicubic, 2.0},
    [MDP_FILTER_LANCZOS] = {lanczos, 3.0},
};

/* One axis: a canvas of `in` pixels becomes `out`; the picture lies at [left, left + size) of it. */
struct axis {
    size_t in, out, left, size;
};

/* The window of canvas pixels that output i sees, and its weights, which sum to 1; returns their number. */
static size_t window(const struct axis *axis, enum mdp_filter filter, size_t i, size_t *first,
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
static void keep_picture(const struct axis *axis, struct mdp_taps *taps, size_t i, size_t first, size_t n,
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

static void taps_release(struct mdp_taps *taps)
{
    free(taps->first);
    free(taps->count);
    free(taps->weights);
}

static mdp_status taps_init(struct mdp_taps *taps, const struct axis *axis, enum mdp_filter filter,
                            struct mdp_error *err)
{
    mdp_status st = MDP_OK;
    double *weight = NULL;
    double scale = (double)axis->in / (double)axis->out;
    size_t widest = (size_t)ceil(filters[filter].support * (scale < 1.0 ? 1.0 : scale)) * 2 + 1;
    size_t kept = widest < axis->size ? widest : axis->size, cells = 0;

    taps->n = axis->out;
    taps->stride = (kept + MDP_RESIZE_GROUP - 1) / MDP_RESIZE_GROUP * MDP_RESIZE_GROUP;
    if (!mdp_mul_size(taps->n, taps->stride, &cells))
        cells = SIZE_MAX;
    if (!(weight = mdp_new_array(widest, sizeof *weight, err, &st)) ||
        !(taps->first = mdp_new_array(taps->n, sizeof *taps->first, err, &st)) ||
        !(taps->count = mdp_new_array(taps->n, sizeof *taps->count, err, &st)) ||
        !(taps->weights = mdp_new_array(cells, sizeof *taps->weights, err, &st)))
        goto out;
    for (size_t i = 0; i < taps->n; i++) {
        size_t first = 0, n = window(axis, filter, i, &first, weight);
        assert(n <= widest);
        keep_picture(axis, taps, i, first, n, weight);
    }

out:
    free(weight);
    return st;
}

/* -------------------------------------------------------------------------------------------- passes */

/* A pass that keeps its size is `skipped` and has no taps. Rows between the passes stand in a ring: output
   row y needs rows first[y] .. first[y] + count[y], and these windows only move down. */
struct job {
    const struct mdp_canvas *canvas;
    const struct mdp_resize_kernels *kernels;
    struct axis x, y;
    struct mdp_taps across, down;
    size_t length;        /* bytes of a ring row that matter */
    size_t padded;        /* bytes of a ring row */
    size_t ring_rows;     /* 0 when the vertical pass is skipped */
    uint8_t *ring;        /* [ring_rows, padded] */
    const uint8_t **rows; /* [ring_rows] of one output row, in order */
    uint8_t *scratch;     /* [canvas->width, C]: for the row source */
    uint8_t *plane;       /* [canvas->width + MDP_RESIZE_GROUP]: one channel of a row */
    uint8_t *sums;        /* [padded]: what the vertical pass gives */
};

static bool skipped(const struct axis *axis)
{
    return axis->in == axis->out;
}

/* in[canvas->width, C] -> out[x.out, C], where it is not skipped; else the row laid on the black canvas. */
static void across(const struct job *job, const uint8_t *in, uint8_t *out)
{
    const size_t channels = job->canvas->channels, width = job->canvas->width;

    if (skipped(&job->x)) {
        memset(out, 0, job->x.out * channels);
        memcpy(out + job->x.left * channels, in, width * channels);
        return;
    }
    for (size_t c = 0; c < channels; c++) {
        if (channels == 1)
            memcpy(job->plane, in, width);
        else
            for (size_t i = 0; i < width; i++)
                job->plane[i] = in[i * channels + c];
        job->kernels->horizontal(&job->across, job->plane, out + c, channels);
    }
}

/* Row y of the picture as it enters the ring. */
static void make_row(const struct job *job, size_t y, bool horizontal_first, uint8_t *out)
{
    const uint8_t *row = job->canvas->row(job->canvas->context, y, job->scratch);

    if (horizontal_first)
        across(job, row, out);
    else
        memcpy(out, row, job->canvas->width * job->canvas->channels);
}

/* The vertical pass: output row by output row, making the rows of the ring as they are first needed. */
static void run_down(struct job *job, bool horizontal_first, uint8_t *out)
{
    const size_t out_row = job->x.out * job->canvas->channels;
    size_t made = 0;

    for (size_t y = 0; y < job->down.n; y++) {
        size_t first = job->down.first[y], count = job->down.count[y];
        if (made < first)
            made = first;
        for (; made < first + count; made++)
            make_row(job, made, horizontal_first, job->ring + made % job->ring_rows * job->padded);
        for (size_t t = 0; t < count; t++)
            job->rows[t] = job->ring + (first + t) % job->ring_rows * job->padded;
        job->kernels->vertical(job->rows, job->down.weights + y * job->down.stride, count, job->padded,
                               job->sums);
        if (horizontal_first)
            memcpy(out + y * out_row, job->sums, out_row);
        else
            across(job, job->sums, out + y * out_row);
    }
}

/* No vertical pass: rows of the picture go straight to their place on the canvas. */
static void run_across(struct job *job, uint8_t *out)
{
    const size_t out_row = job->x.out * job->canvas->channels;

    memset(out, 0, job->y.out * out_row);
    for (size_t y = 0; y < job->canvas->height; y++)
        make_row(job, y, true, out + (job->y.left + y) * out_row);
}

static bool vertical_first(const struct job *job, enum mdp_resize_order order)
{
    double less_rows = (double)job->y.in - (double)job->y.out;
    double less_columns = (double)job->x.in - (double)job->x.out;

    return order == MDP_RESIZE_PILLOW13 && less_rows > 0 && less_rows > 2 * less_columns;
}

static mdp_status job_init(struct job *job, enum mdp_filter filter, bool horizontal_first,
                           struct mdp_error *err)
{
    const struct mdp_canvas *canvas = job->canvas;
    mdp_status st = MDP_OK;

    if (!skipped(&job->x) && (st = taps_init(&job->across, &job->x, filter, err)) != MDP_OK)
        return st;
    job->scratch = mdp_new_array(canvas->width, canvas->channels, err, &st);
    job->plane = mdp_new_array(canvas->width + MDP_RESIZE_GROUP, 1, err, &st);
    if (st != MDP_OK || skipped(&job->y))
        return st;
    if ((st = taps_init(&job->down, &job->y, filter, err)) != MDP_OK)
        return st;
    job->length = (horizontal_first ? job->x.out : canvas->width) * canvas->channels;
    job->padded = (job->length + MDP_RESIZE_COLUMNS - 1) / MDP_RESIZE_COLUMNS * MDP_RESIZE_COLUMNS;
    job->ring_rows = job->down.stride;
    job->ring = mdp_new_array(job->ring_rows, job->padded, err, &st);
    job->rows = mdp_new_array(job->ring_rows, sizeof *job->rows, err, &st);
    job->sums = mdp_new_array(job->padded, 1, err, &st);
    return st;
}

static void job_release(struct job *job)
{
    taps_release(&job->across);
    taps_release(&job->down);
    free(job->ring);
    free(job->rows);
    free(job->scratch);
    free(job->plane);
    free(job->sums);
}

mdp_status mdp_resize_canvas(const struct mdp_canvas *canvas, enum mdp_filter filter,
                             enum mdp_resize_order order, uint8_t *out, size_t out_width, size_t out_height,
                             struct mdp_error *err)
{
    struct job job = {
        .canvas = canvas,
        .kernels = mdp_resize_best(),
        .x = {canvas->canvas_width, out_width, canvas->left, canvas->width},
        .y = {canvas->canvas_height, out_height, canvas->top, canvas->height},
    };

    assert(canvas->channels >= 1 && canvas->channels <= 4 && canvas->width >= 1 && canvas->height >= 1);
    assert(canvas->left + canvas->width <= canvas->canvas_width && out_width >= 1);
    assert(canvas->top + canvas->height <= canvas->canvas_height && out_height >= 1);
    bool horizontal_first = skipped(&job.y) || !vertical_first(&job, order);
    mdp_status st = job_init(&job, filter, horizontal_first, err);
    if (st == MDP_OK && skipped(&job.y))
        run_across(&job, out);
    else if (st == MDP_OK)
        run_down(&job, horizontal_first, out);
    job_release(&job);
    return st;
}

/* A picture in memory as rows. */
struct plain {
    const uint8_t *pixels;
    size_t stride;
};

static const uint8_t *plain_row(const void *context, size_t y, uint8_t *scratch)
{
    const struct plain *plain = context;

    (void)scratch;
    return plain->pixels + y * plain->stride;
}

mdp_status mdp_resize(const uint8_t *in, size_t in_width, size_t in_height, size_t channels,
                      enum mdp_filter filter, enum mdp_resize_order order, uint8_t *out, size_t out_width,
                      size_t out_height, struct mdp_error *err)
{
    const struct plain plain = {in, in_width * channels};
    const struct mdp_canvas canvas = {.row = plain_row,
                                      .context = &plain,
                                      .width = in_width,
                                      .height = in_height,
                                      .channels = channels,
                                      .canvas_width = in_width,
                                      .canvas_height = in_height};

    return mdp_resize_canvas(&canvas, filter, order, out, out_width, out_height, err);
}
