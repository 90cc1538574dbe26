/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/resize.h"

#include "base/memory.h"
#include "extract/preprocess/resize_taps.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A pass that keeps its size is `skipped` and has no taps. Rows between the passes stand in a ring: output
   row y needs rows first[y] .. first[y] + count[y], and these windows only move down. */
struct job {
    const struct mdp_canvas *canvas;
    const struct mdp_resize_kernels *kernels;
    struct mdp_axis x, y;
    struct mdp_taps across, down;
    size_t stride;        /* bytes from row to row of the output */
    size_t length;        /* bytes of a ring row that matter */
    size_t padded;        /* bytes of a ring row */
    size_t ring_rows;     /* 0 when the vertical pass is skipped */
    uint8_t *ring;        /* [ring_rows, padded] */
    const uint8_t **rows; /* [ring_rows] of one output row, in order */
    uint8_t *scratch;     /* [canvas->width, C]: for the row source */
    uint8_t *plane;       /* [canvas->width + MDP_RESIZE_GROUP]: one channel of a row */
    uint8_t *sums;        /* [padded]: what the vertical pass gives */
};

static bool skipped(const struct mdp_axis *axis)
{
    return axis->in == axis->out;
}

/* Where [from, from + n) of an axis that keeps its size meets the picture: its first pixel in the picture, its place in
   the window, its length. */
static size_t overlap(const struct mdp_axis *axis, size_t *in, size_t *at)
{
    size_t begin = axis->from > axis->left ? axis->from : axis->left;
    size_t end =
        axis->from + axis->n < axis->left + axis->size ? axis->from + axis->n : axis->left + axis->size;

    *in = begin - axis->left;
    *at = begin - axis->from;
    return begin < end ? end - begin : 0;
}

/* in[canvas->width, C] -> out[x.n, C], where it is not skipped; else the row laid on the black canvas. */
static void across(const struct job *job, const uint8_t *in, uint8_t *out)
{
    const size_t channels = job->canvas->channels, width = job->canvas->width;

    if (skipped(&job->x)) {
        size_t first = 0, at = 0, n = overlap(&job->x, &first, &at);
        if (n < job->x.n)
            memset(out, 0, job->x.n * channels);
        if (n > 0)
            memcpy(out + at * channels, in + first * channels, n * channels);
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
    const size_t out_row = job->x.n * job->canvas->channels;
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
            memcpy(out + y * job->stride, job->sums, out_row);
        else
            across(job, job->sums, out + y * job->stride);
    }
}

/* No vertical pass: rows of the picture go straight to their place on the canvas. */
static void run_across(struct job *job, uint8_t *out)
{
    size_t first = 0, at = 0, n = overlap(&job->y, &first, &at);

    for (size_t y = 0; y < job->y.n; y++)
        if (y >= at && y < at + n)
            make_row(job, first + y - at, true, out + y * job->stride);
        else
            memset(out + y * job->stride, 0, job->x.n * job->canvas->channels);
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

    if (!skipped(&job->x) && (st = mdp_taps_init(&job->across, &job->x, filter, err)) != MDP_OK)
        return st;
    job->scratch = mdp_new_array(canvas->width, canvas->channels, err, &st);
    job->plane = mdp_new_array(canvas->width + MDP_RESIZE_GROUP, 1, err, &st);
    if (st != MDP_OK || skipped(&job->y))
        return st;
    if ((st = mdp_taps_init(&job->down, &job->y, filter, err)) != MDP_OK)
        return st;
    job->length = (horizontal_first ? job->x.n : canvas->width) * canvas->channels;
    job->padded = (job->length + MDP_RESIZE_COLUMNS - 1) / MDP_RESIZE_COLUMNS * MDP_RESIZE_COLUMNS;
    job->ring_rows = job->down.stride;
    job->ring = mdp_new_array(job->ring_rows, job->padded, err, &st);
    job->rows = mdp_new_array(job->ring_rows, sizeof *job->rows, err, &st);
    job->sums = mdp_new_array(job->padded, 1, err, &st);
    return st;
}

static void job_release(struct job *job)
{
    mdp_taps_release(&job->across);
    mdp_taps_release(&job->down);
    free(job->ring);
    free(job->rows);
    free(job->scratch);
    free(job->plane);
    free(job->sums);
}

mdp_status mdp_resize_canvas(const struct mdp_canvas *canvas, enum mdp_filter filter,
                             enum mdp_resize_order order, const struct mdp_resized *to, uint8_t *out,
                             struct mdp_error *err)
{
    struct job job = {
        .canvas = canvas,
        .kernels = mdp_resize_best(),
        .x = {canvas->canvas_width, to->width, to->left, to->columns, canvas->left, canvas->width},
        .y = {canvas->canvas_height, to->height, to->top, to->rows, canvas->top, canvas->height},
        .stride = to->stride,
    };

    assert(canvas->channels >= 1 && canvas->channels <= 4 && canvas->width >= 1 && canvas->height >= 1);
    assert(canvas->left + canvas->width <= canvas->canvas_width && to->left + to->columns <= to->width);
    assert(canvas->top + canvas->height <= canvas->canvas_height && to->top + to->rows <= to->height);
    assert(to->columns >= 1 && to->rows >= 1);
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
    const struct mdp_resized to = mdp_resized_whole(out_width, out_height, channels);

    return mdp_resize_canvas(&canvas, filter, order, &to, out, err);
}
