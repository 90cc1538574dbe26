/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/pipeline_fit.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/preprocess/area_resize.h"
#include "extract/preprocess/geometry.h"
#include "extract/preprocess/resize16.h"

#include <stdlib.h>
#include <string.h>

/* --- which rules a geometry stands for (geometry.h) --- */

struct rules {
    enum mdp_fit fit;
    enum mdp_place place;
    size_t width, height; /* target of the resize */
};

static struct rules rules_of(const struct mdp_fitting *f)
{
    const struct mdp_pipeline *p = f->pipeline;
    const enum mdp_place crop =
        p->crop_offset == MDP_CROP_FLOOR ? MDP_PLACE_TRANSFORMERS : MDP_PLACE_TORCHVISION;
    const size_t side = p->shorter_side, longer = p->longer_side ? p->longer_side : f->width;

    switch (p->geometry) {
    case MDP_GEOMETRY_STRETCH:
    case MDP_GEOMETRY_SQUARE_BLACK:
    case MDP_GEOMETRY_SQUARE_MEAN:
    case MDP_GEOMETRY_CROP_SQUARE: /* of floats: pipeline_float.c */
    case MDP_GEOMETRY_FIT_CORNER:
        break;
    case MDP_GEOMETRY_CROP:
        if (side)
            return (struct rules){MDP_FIT_SHORTER, crop, side, side};
        return (struct rules){MDP_FIT_STRETCH, crop, p->resize_width, p->resize_height};
    case MDP_GEOMETRY_COVER:
        return (struct rules){MDP_FIT_COVER, crop, f->width, f->height};
    case MDP_GEOMETRY_FIT_BLACK:
        return (struct rules){MDP_FIT_LONGEST_EACH, MDP_PLACE_FLOOR, longer, longer};
    case MDP_GEOMETRY_FIT_LONGER:
        return (struct rules){MDP_FIT_LONGEST, MDP_PLACE_FLOOR, longer, longer};
    case MDP_GEOMETRY_INSIDE:
        return (struct rules){MDP_FIT_INSIDE, crop, f->width, f->height};
    }
    return (struct rules){MDP_FIT_STRETCH, crop, f->width, f->height};
}

/* --- resize and place --- */

/* Where the part that is kept lies on the frame. */
struct spot {
    size_t x, y;
};

/* The part of a resized side that lies on the frame. */
static void cut(enum mdp_place place, size_t side, size_t frame, size_t *first, size_t *n, size_t *at)
{
    const ptrdiff_t left = mdp_place_of(place, side, frame), right = left + (ptrdiff_t)side;

    *first = left < 0 ? (size_t)-left : 0;
    *at = left < 0 ? 0 : (size_t)left;
    *n = (right < (ptrdiff_t)frame ? (size_t)right : frame) - *at;
}

static mdp_status plan(const struct mdp_fitting *f, size_t width, size_t height, struct mdp_resized *to,
                       struct spot *spot, struct mdp_error *err)
{
    const struct rules r = rules_of(f);

    TRY(mdp_fit_size(r.fit, width, height, r.width, r.height, &to->width, &to->height, err));
    cut(r.place, to->width, f->width, &to->left, &to->columns, &spot->x);
    cut(r.place, to->height, f->height, &to->top, &to->rows, &spot->y);
    return MDP_OK;
}

static mdp_status paint(const struct mdp_fitting *f, const struct mdp_canvas *canvas, uint8_t *out,
                        struct mdp_error *err)
{
    const enum mdp_resize_order order = f->pipeline->resize_order;
    const size_t size = f->wide ? sizeof(uint16_t) : canvas->channels;
    struct mdp_resized to = {.stride = f->width * canvas->channels};
    struct spot spot;

    TRY(plan(f, canvas->canvas_width, canvas->canvas_height, &to, &spot, err));
    if (to.columns < f->width || to.rows < f->height)
        memset(out, 0, f->width * f->height * size);
    const size_t at = spot.y * f->width + spot.x;
    if (f->wide)
        return mdp_resize16(canvas, f->filter, order, &to, (uint16_t *)(void *)out + at, err);
    if (f->filter == MDP_FILTER_AREA)
        return mdp_area_resize(canvas, &to, out + at * size, err);
    return mdp_resize_canvas(canvas, f->filter, order, &to, out + at * size, err);
}

mdp_status mdp_fit_fill(const struct mdp_fitting *f, size_t channels, uint8_t value, uint8_t *pixels,
                        struct mdp_error *err)
{
    struct mdp_resized to = {0};
    struct spot spot;

    TRY(plan(f, f->picture->width, f->picture->height, &to, &spot, err));
    for (size_t y = 0; y < f->height; y++)
        for (size_t x = 0; x < f->width; x++)
            if (y < spot.y || y >= spot.y + to.rows || x < spot.x || x >= spot.x + to.columns)
                memset(pixels + (y * f->width + x) * channels, value, channels);
    return MDP_OK;
}

bool mdp_fit_keeps_size(const struct mdp_fitting *f)
{
    const size_t w = f->picture->width, h = f->picture->height;
    const struct rules r = rules_of(f);
    struct mdp_error none = MDP_ERROR_INIT;
    size_t width = 0, height = 0;

    return mdp_fit_size(r.fit, w, h, r.width, r.height, &width, &height, &none) == MDP_OK && width == w &&
           height == h;
}

/* --- squares: the picture in the middle; an odd remainder goes to the right and below --- */

static struct mdp_canvas on_square(const struct mdp_fitting *f)
{
    struct mdp_canvas square = *f->picture;
    size_t side = square.width > square.height ? square.width : square.height;

    side = side > f->pipeline->pad_min ? side : f->pipeline->pad_min;
    square.canvas_width = square.canvas_height = side;
    square.left = (side - square.width) / 2;
    square.top = (side - square.height) / 2;
    return square;
}

/* A square whose colour is part of every weighted sum, row by row. */
struct coloured {
    struct mdp_canvas square;
    uint8_t colour[3];
};

static const uint8_t *coloured_row(const void *context, size_t y, uint8_t *scratch)
{
    const struct coloured *s = context;
    const struct mdp_canvas *c = &s->square;
    const size_t n = c->channels;

    for (size_t x = 0; x < c->canvas_width; x++)
        memcpy(scratch + x * n, s->colour, n);
    if (y >= c->top && y < c->top + c->height) {
        uint8_t *at = scratch + c->left * n;
        const uint8_t *row = c->row(c->context, y - c->top, at);
        if (row != at)
            memcpy(at, row, c->width * n);
    }
    return scratch;
}

static mdp_status pad_with_mean(const struct mdp_fitting *f, uint8_t *out, struct mdp_error *err)
{
    struct coloured s = {.square = on_square(f)};
    struct mdp_canvas whole = s.square;

    for (size_t c = 0; c < 3; c++)
        s.colour[c] = (uint8_t)(f->pipeline->mean[c] * 255);
    whole.row = coloured_row;
    whole.context = &s;
    whole.left = whole.top = 0;
    whole.width = whole.height = whole.canvas_width;
    return paint(f, &whole, out, err);
}

mdp_status mdp_fit_on_frame(const struct mdp_fitting *f, uint8_t *out, struct mdp_error *err)
{
    const struct mdp_canvas square = on_square(f);

    switch (f->pipeline->geometry) {
    case MDP_GEOMETRY_SQUARE_BLACK:
        return paint(f, &square, out, err);
    case MDP_GEOMETRY_SQUARE_MEAN:
        return pad_with_mean(f, out, err);
    case MDP_GEOMETRY_STRETCH:
    case MDP_GEOMETRY_CROP:
    case MDP_GEOMETRY_COVER:
    case MDP_GEOMETRY_FIT_BLACK:
    case MDP_GEOMETRY_FIT_LONGER:
    case MDP_GEOMETRY_INSIDE:
    case MDP_GEOMETRY_CROP_SQUARE:
    case MDP_GEOMETRY_FIT_CORNER:
        break;
    }
    return paint(f, f->picture, out, err);
}
