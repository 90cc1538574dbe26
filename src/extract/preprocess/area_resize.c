/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/area_resize.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What an output sees of an axis: in[first .. first + n); weights float32 of a mean, or of 2048 of the linear rule. */
struct seen {
    size_t first, n;
    float head, body, tail; /* of the first, of those between, of the last; where n is 1, of it: head */
};

/* As OpenCV forms it: the last bit decides on which side of a pixel's edge an output begins. */
static double scale_of(size_t in, size_t out)
{
    return 1.0 / ((double)out / (double)in);
}

static struct seen area_of(size_t in, size_t out, size_t i)
{
    const double scale = scale_of(in, out), low = (double)i * scale, high = low + scale;
    const double cell = fmin(scale, (double)in - low);
    double end = fmin(floor(high), (double)in - 1), begin = fmin(ceil(low), end);
    struct seen s = {(size_t)begin, (size_t)(end - begin), 0, 0, 0};

    s.head = s.body = s.tail = (float)(1.0 / cell);
    if (high - end > 1e-3) {
        s.tail = (float)(fmin(fmin(high - end, 1.0), cell) / cell);
        s.head = s.n == 0 ? s.tail : s.head;
        s.n++;
    }
    if (begin - low > 1e-3) {
        s.first--;
        s.head = (float)((begin - low) / cell);
        s.n++;
    }
    return s;
}

/* Two neighbours with weights of 11 bits; the second may lie past the end with weight 0. */
static struct seen linear_of(size_t in, size_t out, size_t i)
{
    const double at = floor((double)i * scale_of(in, out));
    float part = (float)((double)(i + 1) - (at + 1) * ((double)out / (double)in));
    size_t first = (size_t)at;

    part = part <= 0 ? 0 : part - floorf(part);
    if (first + 1 >= in) {
        first = in - 1;
        part = 0;
    }
    return (struct seen){first, first + 1 < in ? 2 : 1, rintf((1.0F - part) * 2048.0F), 0,
                         rintf(part * 2048.0F)};
}

static float weight_of(const struct seen *s, size_t t)
{
    return t == 0 ? s->head : t + 1 == s->n ? s->tail : s->body;
}

/* The whole picture in memory. */
struct pixels {
    const uint8_t *at; /* [height, width, C] */
    size_t width, height, channels;
};

/* One output sample by the mean: rows of sums first, as OpenCV has it. */
static float mean_of(const struct pixels *p, const struct seen *x, const struct seen *y, size_t c)
{
    float sum = 0;

    for (size_t v = 0; v < y->n; v++) {
        const uint8_t *row = p->at + ((y->first + v) * p->width + x->first) * p->channels + c;
        float across = 0;
        for (size_t t = 0; t < x->n; t++)
            across += (float)row[t * p->channels] * weight_of(x, t);
        sum += across * weight_of(y, v);
    }
    return sum;
}

/* By whole factors a x b: integers; 2 x 2 rounds half up, others the product half to even. */
static uint8_t block_of(const struct pixels *p, size_t a, size_t b, size_t x, size_t y, size_t c)
{
    unsigned long sum = 0;

    for (size_t v = 0; v < b; v++)
        for (size_t t = 0; t < a; t++)
            sum += p->at[((y * b + v) * p->width + x * a + t) * p->channels + c];
    if (a == 2 && b == 2)
        return (uint8_t)((sum + 2) >> 2);
    return (uint8_t)rintf((float)sum * (1.0F / (float)(a * b)));
}

static uint8_t linear(const struct pixels *p, const struct seen *x, const struct seen *y, size_t c)
{
    int sum = 2;

    for (size_t v = 0; v < y->n; v++) {
        const uint8_t *row = p->at + ((y->first + v) * p->width + x->first) * p->channels + c;
        int across = 0;
        for (size_t t = 0; t < x->n; t++)
            across += row[t * p->channels] * (int)(t == 0 ? x->head : x->tail);
        sum += (int)(v == 0 ? y->head : y->tail) * (across >> 4) >> 16;
    }
    return (uint8_t)(sum >> 2 > 255 ? 255 : sum >> 2);
}

static uint8_t level(float v)
{
    v = rintf(v);
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static void fill(const struct pixels *p, const struct mdp_resized *to, uint8_t *out)
{
    const bool shrinks = p->width >= to->width && p->height >= to->height;
    const bool same = p->width == to->width && p->height == to->height;
    const bool whole = shrinks && p->width % to->width == 0 && p->height % to->height == 0;
    const size_t a = p->width / to->width, b = p->height / to->height;

    for (size_t i = 0; i < to->rows; i++) {
        const size_t y = to->top + i;
        const struct seen down =
            shrinks ? area_of(p->height, to->height, y) : linear_of(p->height, to->height, y);
        for (size_t j = 0; j < to->columns; j++) {
            const size_t x = to->left + j;
            const struct seen across =
                shrinks ? area_of(p->width, to->width, x) : linear_of(p->width, to->width, x);
            for (size_t c = 0; c < p->channels; c++) {
                uint8_t *sample = out + i * to->stride + j * p->channels + c;
                if (same)
                    *sample = p->at[(y * p->width + x) * p->channels + c];
                else if (whole)
                    *sample = block_of(p, a, b, x, y, c);
                else
                    *sample = shrinks ? level(mean_of(p, &across, &down, c)) : linear(p, &across, &down, c);
            }
        }
    }
}

mdp_status mdp_area_resize(const struct mdp_canvas *canvas, const struct mdp_resized *to, uint8_t *out,
                           struct mdp_error *err)
{
    const size_t stride = canvas->width * canvas->channels;
    mdp_status st = MDP_OK;

    assert(canvas->canvas_width == canvas->width && canvas->canvas_height == canvas->height);
    uint8_t *pixels = mdp_new_array(canvas->height, stride, err, &st);
    if (!pixels)
        return st;
    for (size_t y = 0; y < canvas->height; y++) {
        const uint8_t *row = canvas->row(canvas->context, y, pixels + y * stride);
        if (row != pixels + y * stride)
            memcpy(pixels + y * stride, row, stride);
    }
    const struct pixels p = {pixels, canvas->width, canvas->height, canvas->channels};
    fill(&p, to, out);
    free(pixels);
    return MDP_OK;
}
