/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/resize16.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/preprocess/resize_taps.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* uint16 [rows, columns]; `step` from a row to the next. */
struct plane {
    uint16_t *at;
    size_t columns, rows, step;
};

static uint16_t level(double sum)
{
    double v = floor(sum + 0.5);

    return (uint16_t)(v <= 0 ? 0 : v >= 65535 ? 65535 : v);
}

/* The nearest pixel: Pillow takes the general transform for this mode, which multiplies and does not sum up. */
static size_t nearest(const struct mdp_axis *axis, size_t i, double weight[])
{
    size_t at = (size_t)(((double)i + 0.5) * ((double)axis->in / (double)axis->out));

    weight[0] = 1.0;
    return at < axis->in ? at : axis->in - 1;
}

/* One pass along x (or y, where `down`): in -> out, which holds outputs from .. from + n of the axis. */
static mdp_status pass(const struct plane *in, const struct mdp_axis *axis, enum mdp_filter filter, bool down,
                       const struct plane *out, struct mdp_error *err)
{
    const size_t others = down ? in->columns : in->rows;
    const size_t in_step = down ? in->step : 1, in_other = down ? 1 : in->step;
    const size_t out_step = down ? out->step : 1, out_other = down ? 1 : out->step;
    const bool copies = axis->in == axis->out;
    mdp_status st = MDP_OK;
    double *weight = mdp_new_array(mdp_axis_widest(axis, filter), sizeof *weight, err, &st);

    for (size_t i = 0; weight && i < axis->n; i++) {
        size_t first = axis->from + i, n = 1;
        weight[0] = 1.0;
        if (!copies && filter == MDP_FILTER_NEAREST)
            first = nearest(axis, axis->from + i, weight);
        else if (!copies)
            n = mdp_axis_window(axis, filter, axis->from + i, &first, weight);
        for (size_t k = 0; k < others; k++) {
            const uint16_t *p = in->at + first * in_step + k * in_other;
            double sum = 0.0;
            for (size_t t = 0; t < n; t++)
                sum += p[t * in_step] * weight[t];
            out->at[i * out_step + k * out_other] = level(sum);
        }
    }
    free(weight);
    return st;
}

static bool vertical_first(const struct mdp_axis *x, const struct mdp_axis *y, enum mdp_resize_order order)
{
    double less_rows = (double)y->in - (double)y->out, less_columns = (double)x->in - (double)x->out;

    return order == MDP_RESIZE_PILLOW13 && less_rows > 0 && less_rows > 2 * less_columns;
}

mdp_status mdp_resize16(const struct mdp_canvas *canvas, enum mdp_filter filter, enum mdp_resize_order order,
                        const struct mdp_resized *to, uint16_t *out, struct mdp_error *err)
{
    const size_t w = canvas->width, h = canvas->height;
    const struct mdp_axis x = {w, to->width, to->left, to->columns, 0, w};
    const struct mdp_axis y = {h, to->height, to->top, to->rows, 0, h};
    const bool down = vertical_first(&x, &y, order);
    const struct plane last = {out, to->columns, to->rows, to->stride};
    struct plane whole = {NULL, w, h, w};
    struct plane half = {NULL, down ? w : to->columns, down ? to->rows : h, down ? w : to->columns};
    mdp_status st = MDP_OK;

    whole.at = mdp_new_array(w * h, sizeof *whole.at, err, &st);
    half.at = mdp_new_array(half.columns * half.rows, sizeof *half.at, err, &st);
    for (size_t i = 0; st == MDP_OK && i < h; i++) {
        uint16_t *row = whole.at + i * w;
        memmove(row, canvas->row(canvas->context, i, (uint8_t *)row), w * sizeof *row);
    }
    if (st == MDP_OK)
        st = pass(&whole, down ? &y : &x, filter, down, &half, err);
    if (st == MDP_OK)
        st = pass(&half, down ? &x : &y, filter, !down, &last, err);
    free(whole.at);
    free(half.at);
    return st;
}
