/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/kernels/conv.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Gathered rows: about half a MiB, never fewer than keep the product busy, never more than it takes at once. */
enum { GATHERED = 1 << 17, LEAST_ROWS = 48, MOST_ROWS = 192 };

static bool is_product(const struct mdp_window *w)
{
    return w->side == 1 && w->stride == 1 && w->before == 0 && w->out_height == w->in_height &&
           w->out_width == w->in_width;
}

static size_t rows_at_once(const struct mdp_window *w, size_t channels)
{
    const size_t depth = w->side * w->side * channels, places = mdp_window_places(w);
    size_t rows = GATHERED / depth / LEAST_ROWS * LEAST_ROWS;

    rows = rows < LEAST_ROWS ? LEAST_ROWS : rows > MOST_ROWS ? MOST_ROWS : rows;
    return rows < places ? rows : places;
}

size_t mdp_conv_scratch_size(const struct mdp_conv *conv)
{
    const struct mdp_window *w = &conv->window;

    return is_product(w) ? 0 : rows_at_once(w, conv->channels) * w->side * w->side * conv->channels;
}

bool mdp_conv_plan(struct mdp_conv *conv, size_t out, size_t channels, size_t side, size_t stride,
                   size_t before, size_t after, size_t height, size_t width)
{
    *conv = (struct mdp_conv){.out = out, .channels = channels};
    return mdp_window_init(&conv->window, side, stride, before, after, height, width);
}

/* --- weights --- */

/* [C, k * k] of one output -> [k * k, C]: the order of gathered rows. */
static void reorder(const float *from, size_t channels, size_t taps, float *to)
{
    for (size_t t = 0; t < taps; t++)
        for (size_t c = 0; c < channels; c++)
            to[t * channels + c] = from[c * taps + t];
}

mdp_status mdp_conv_init(struct mdp_conv *conv, const float *weight, const float *bias, struct mdp_error *err)
{
    const size_t taps = conv->window.side * conv->window.side, depth = taps * conv->channels;
    mdp_status st = MDP_OK;
    float *ordered = mdp_new_array(conv->out * depth, sizeof *ordered, err, &st);

    if (!ordered)
        return st;
    for (size_t o = 0; o < conv->out; o++)
        reorder(weight + o * depth, conv->channels, taps, ordered + o * depth);
    st = mdp_linear_init(&conv->linear, ordered, bias, conv->out, depth, err);
    free(ordered);
    return st;
}

void mdp_conv_release(struct mdp_conv *conv)
{
    mdp_linear_release(&conv->linear);
    *conv = (struct mdp_conv){0};
}

/* --- running --- */

static void copy_pixels(const float *x, size_t ldx, size_t pixels, size_t channels, float *to)
{
    if (ldx == channels) {
        memcpy(to, x, pixels * channels * sizeof *x);
        return;
    }
    for (size_t i = 0; i < pixels; i++)
        memcpy(to + i * channels, x + i * ldx, channels * sizeof *x);
}

/* What stands under the window at `place`: [k * k, C], 0 beyond the map. */
static void gather(const struct mdp_window *w, size_t channels, const float *x, size_t ldx, size_t place,
                   float *out)
{
    const struct mdp_overlap rows = mdp_window_overlap(w, place / w->out_width, w->in_height);
    const struct mdp_overlap columns = mdp_window_overlap(w, place % w->out_width, w->in_width);
    const size_t inside = columns.to - columns.from;

    for (size_t ky = 0; ky < w->side; ky++, out += w->side * channels) {
        if (ky < rows.from || ky >= rows.to || inside == 0) {
            memset(out, 0, w->side * channels * sizeof *out);
            continue;
        }
        const size_t y = rows.first + ky - rows.from;
        memset(out, 0, columns.from * channels * sizeof *out);
        copy_pixels(x + (y * w->in_width + columns.first) * ldx, ldx, inside, channels,
                    out + columns.from * channels);
        memset(out + columns.to * channels, 0, (w->side - columns.to) * channels * sizeof *out);
    }
}

static void relu(float *y, size_t ldy, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < columns; i++)
            y[r * ldy + i] = y[r * ldy + i] < 0 ? 0 : y[r * ldy + i];
}

void mdp_conv_run(const struct mdp_conv *conv, const float *x, size_t ldx, enum mdp_activation activation,
                  const float *residual, float *y, size_t ldy, float *scratch)
{
    const struct mdp_window *w = &conv->window;
    const size_t places = mdp_window_places(w), depth = conv->linear.in;
    const size_t at_once = is_product(w) ? MOST_ROWS : rows_at_once(w, conv->channels);
    const bool relu_last = residual && activation == MDP_ACTIVATION_RELU;

    assert(!residual || activation == MDP_ACTIVATION_NONE || relu_last);
    for (size_t p = 0; p < places; p += at_once) {
        const size_t rows = places - p < at_once ? places - p : at_once;
        for (size_t r = 0; r < rows && !is_product(w); r++)
            gather(w, conv->channels, x, ldx, p + r, scratch + r * depth);
        mdp_linear_run(&conv->linear, is_product(w) ? x + p * ldx : scratch, rows,
                       is_product(w) ? ldx : depth, relu_last ? MDP_ACTIVATION_NONE : activation,
                       residual ? residual + p * ldy : NULL, y + p * ldy, ldy);
        if (relu_last)
            relu(y + p * ldy, ldy, rows, conv->linear.out);
    }
}

void mdp_map_from_planes(const float *planes, size_t channels, size_t pixels, float *map)
{
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++)
            map[p * channels + c] = planes[c * pixels + p];
}
