/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/kernels/map_pool.h"

#include <assert.h>
#include <math.h>

static void take_larger(const float *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > y[i] || x[i] != x[i] ? x[i] : y[i]; /* not a number stays so */
}

static void add(const float *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

/* Every pixel under the window at `place` is given to `take`, which changes y[C]. */
static void visit(const struct mdp_window *w, size_t channels, const float *x, size_t place, float *y,
                  void (*take)(const float *x, size_t n, float *y))
{
    const struct mdp_overlap rows = mdp_window_overlap(w, place / w->out_width, w->in_height);
    const struct mdp_overlap columns = mdp_window_overlap(w, place % w->out_width, w->in_width);

    for (size_t ky = 0; ky < rows.to - rows.from; ky++)
        for (size_t kx = 0; kx < columns.to - columns.from; kx++)
            take(x + ((rows.first + ky) * w->in_width + columns.first + kx) * channels, channels, y);
}

void mdp_map_max(const struct mdp_window *w, size_t channels, const float *x, float *y)
{
    for (size_t p = 0; p < mdp_window_places(w); p++, y += channels) {
        for (size_t c = 0; c < channels; c++)
            y[c] = -INFINITY;
        visit(w, channels, x, p, y, take_larger);
    }
}

void mdp_map_average(const struct mdp_window *w, size_t channels, const float *x, float *y)
{
    const float n = (float)(w->side * w->side);

    assert(w->before == 0 && (w->out_height - 1) * w->stride + w->side <= w->in_height &&
           (w->out_width - 1) * w->stride + w->side <= w->in_width);
    for (size_t p = 0; p < mdp_window_places(w); p++, y += channels) {
        for (size_t c = 0; c < channels; c++)
            y[c] = 0;
        visit(w, channels, x, p, y, add);
        for (size_t c = 0; c < channels; c++)
            y[c] /= n;
    }
}

/* --- over all pixels --- */

enum { BLOCK = 64 }; /* channels at a time, so that rows are read along, not across */

/* Sums over the rows of n <= BLOCK channels: of values, or of squares. */
static void sum_rows(const float *x, size_t rows, size_t n, size_t ldx, bool squares, double sum[BLOCK])
{
    for (size_t i = 0; i < n; i++)
        sum[i] = 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < n; i++) {
            const double value = (double)x[r * ldx + i];
            sum[i] += squares ? value * value : value;
        }
}

void mdp_map_mean(const float *x, size_t rows, size_t channels, size_t ldx, float *y)
{
    double sum[BLOCK];

    for (size_t c = 0; c < channels; c += BLOCK) {
        const size_t n = channels - c < BLOCK ? channels - c : BLOCK;
        sum_rows(x + c, rows, n, ldx, false, sum);
        for (size_t i = 0; i < n; i++)
            y[c + i] = (float)(sum[i] / (double)rows);
    }
}

void mdp_map_response_norm(float *x, size_t rows, size_t channels, const float *gain, const float *bias,
                           float *n)
{
    double sum[BLOCK], mean = 0;

    for (size_t c = 0; c < channels; c += BLOCK) {
        const size_t some = channels - c < BLOCK ? channels - c : BLOCK;
        sum_rows(x + c, rows, some, channels, true, sum);
        for (size_t i = 0; i < some; i++) {
            n[c + i] = (float)sqrt(sum[i]);
            mean += sqrt(sum[i]) / (double)channels;
        }
    }
    for (size_t c = 0; c < channels; c++)
        n[c] = (float)(1 + (double)gain[c] * ((double)n[c] / (mean + 1e-6)));
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++)
            x[r * channels + c] = x[r * channels + c] * n[c] + bias[c];
}

/* --- of every pixel --- */

void mdp_map_affine_relu(const float *x, size_t rows, size_t channels, size_t ldx, const float *gain,
                         const float *bias, float *y)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++) {
            const float value = x[r * ldx + c] * gain[c] + bias[c];
            y[r * channels + c] = value < 0 ? 0 : value;
        }
}

void mdp_map_scale(float *x, size_t rows, size_t channels, const float *factor)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++)
            x[r * channels + c] *= factor[c];
}
