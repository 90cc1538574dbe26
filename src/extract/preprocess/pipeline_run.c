/* SPDX-License-Identifier: BSD-3-Clause */
/* A picture through a pipeline: levels, colour, geometry and resize, float input. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/preprocess/float_resize.h"
#include "extract/preprocess/levels.h"
#include "extract/preprocess/pipeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void mdp_pipeline_resized_size(const struct mdp_pipeline *p, size_t *width, size_t *height)
{
    *width = p->float_from ? p->float_from : p->width;
    *height = p->float_from ? p->float_from : p->height;
}

/* What a geometry works with: the picture as rows, and the size it has to give. */
struct fitting {
    const struct mdp_pipeline *pipeline;
    const struct mdp_canvas *picture;
    enum mdp_filter filter;
    size_t width, height;
};

/* --- geometries: each brings a picture of any shape to out[height, width, C] --- */

static mdp_status resize_whole(const struct fitting *f, const struct mdp_canvas *canvas, uint8_t *out,
                               struct mdp_error *err)
{
    const struct mdp_resized to = mdp_resized_whole(f->width, f->height, canvas->channels);

    return mdp_resize_canvas(canvas, f->filter, f->pipeline->resize_order, &to, out, err);
}

/* The picture on a black square, in its middle; an odd remainder goes to the right and below. */
static mdp_status pad_to_square(const struct fitting *f, uint8_t *out, struct mdp_error *err)
{
    struct mdp_canvas square = *f->picture;
    size_t side = square.width > square.height ? square.width : square.height;

    side = side > f->pipeline->pad_min ? side : f->pipeline->pad_min;
    square.canvas_width = square.canvas_height = side;
    square.left = (side - square.width) / 2;
    square.top = (side - square.height) / 2;
    return resize_whole(f, &square, out, err);
}

static size_t crop_begin(enum mdp_crop_offset offset, size_t whole, size_t part)
{
    const size_t half = (whole - part) / 2, odd = (whole - part) % 2;

    switch (offset) {
    case MDP_CROP_FLOOR:
        break;
    case MDP_CROP_HALF_EVEN:
        return half + (odd && half % 2 == 1 ? 1 : 0);
    }
    return half;
}

/* What a picture of w x h pixels is resized to before its middle is cut out: the longer side follows the shorter one,
   truncated as torchvision and transformers do. */
static void size_before_crop(const struct mdp_pipeline *p, size_t w, size_t h, size_t *width, size_t *height)
{
    const size_t side = p->shorter_side;

    *width = !side ? p->resize_width : w <= h ? side : side * w / h;
    *height = !side ? p->resize_height : w <= h ? side * h / w : side;
}

static mdp_status crop(const struct fitting *f, uint8_t *out, struct mdp_error *err)
{
    const struct mdp_pipeline *p = f->pipeline;
    struct mdp_resized to = {
        .columns = f->width, .rows = f->height, .stride = f->width * f->picture->channels};

    size_before_crop(p, f->picture->width, f->picture->height, &to.width, &to.height);
    to.left = crop_begin(p->crop_offset, to.width, to.columns);
    to.top = crop_begin(p->crop_offset, to.height, to.rows);
    return mdp_resize_canvas(f->picture, f->filter, p->resize_order, &to, out, err);
}

static const uint8_t *row_of(const void *context, size_t y, uint8_t *scratch)
{
    const struct fitting *f = context;

    return f->picture->row(f->picture->context, y, scratch);
}

/* A square in memory: its colour would have to be part of every weighted sum. */
struct square {
    uint8_t *pixels;
    size_t stride;
};

static const uint8_t *square_row(const void *context, size_t y, uint8_t *scratch)
{
    const struct square *s = context;

    (void)scratch;
    return s->pixels + y * s->stride;
}

static mdp_status fill_square(const struct fitting *f, size_t side, struct square *s, struct mdp_error *err)
{
    const struct mdp_canvas *picture = f->picture;
    const size_t channels = picture->channels, left = (side - picture->width) / 2,
                 top = (side - picture->height) / 2;
    mdp_status st = MDP_OK;
    size_t row = 0, size = 0;

    if (!mdp_mul_size(side, channels, &row) || !mdp_mul_size(row, side, &size))
        return mdp_fail(err, MDP_ERR_LIMIT, "a square of %zu pixels a side is too large", side);
    s->stride = row;
    s->pixels = mdp_new_array(size, 1, err, &st);
    uint8_t *scratch = s->pixels ? mdp_new_array(picture->width, channels, err, &st) : NULL;
    for (size_t i = 0; scratch && i < side * side; i++)
        for (size_t c = 0; c < channels; c++)
            s->pixels[i * channels + c] = (uint8_t)(f->pipeline->mean[c] * 255);
    for (size_t y = 0; scratch && y < picture->height; y++)
        memcpy(s->pixels + (top + y) * row + left * channels, row_of(f, y, scratch),
               picture->width * channels);
    free(scratch);
    return st;
}

static mdp_status pad_with_mean(const struct fitting *f, uint8_t *out, struct mdp_error *err)
{
    const size_t side = f->picture->width > f->picture->height ? f->picture->width : f->picture->height;
    struct square s = {0};
    mdp_status st = fill_square(f, side, &s, err);

    if (st == MDP_OK) {
        const struct mdp_canvas canvas = {.row = square_row,
                                          .context = &s,
                                          .width = side,
                                          .height = side,
                                          .channels = f->picture->channels,
                                          .canvas_width = side,
                                          .canvas_height = side};
        st = resize_whole(f, &canvas, out, err);
    }
    free(s.pixels);
    return st;
}

/* Longer side to the square's, int(side * (square / longer)) in double as CheXzero's Python has it; then pasted. */
static mdp_status fit_on_black(const struct fitting *f, uint8_t *out, struct mdp_error *err)
{
    const size_t w = f->picture->width, h = f->picture->height, longer = w > h ? w : h,
                 channels = f->picture->channels;
    const double ratio = (double)f->width / (double)longer;
    size_t width = (size_t)((double)w * ratio), height = (size_t)((double)h * ratio);

    width = width < 1 ? 1 : width;
    height = height < 1 ? 1 : height;
    const struct mdp_resized to = {
        .width = width, .height = height, .columns = width, .rows = height, .stride = f->width * channels};
    memset(out, 0, f->width * f->height * channels);
    out += ((f->height - height) / 2 * f->width + (f->width - width) / 2) * channels;
    return mdp_resize_canvas(f->picture, f->filter, f->pipeline->resize_order, &to, out, err);
}

static mdp_status fit(const struct fitting *f, uint8_t *out, struct mdp_error *err)
{
    switch (f->pipeline->geometry) {
    case MDP_GEOMETRY_STRETCH:
        break;
    case MDP_GEOMETRY_SQUARE_BLACK:
        return pad_to_square(f, out, err);
    case MDP_GEOMETRY_CROP:
        return crop(f, out, err);
    case MDP_GEOMETRY_SQUARE_MEAN:
        return pad_with_mean(f, out, err);
    case MDP_GEOMETRY_FIT_BLACK:
        return fit_on_black(f, out, err);
    }
    return resize_whole(f, f->picture, out, err);
}

/* --- colour before and after --- */

/* Pillow does not resize what has its size already, nor does it then multiply by alpha and divide again. */
static enum mdp_color color_for(const struct mdp_pipeline *p, const struct mdp_picture *picture)
{
    const bool turned = p->orientation == MDP_ORIENTATION_APPLY && picture->orientation >= 5;
    const size_t w = turned ? picture->height : picture->width, h = turned ? picture->width : picture->height;
    size_t width = 0, height = 0;

    mdp_pipeline_resized_size(p, &width, &height);
    if (p->geometry == MDP_GEOMETRY_CROP)
        size_before_crop(p, w, h, &width, &height);
    return p->color == MDP_COLOR_RGB_AFTER && width == w && height == h ? MDP_COLOR_RGB : p->color;
}

static mdp_status fit_converted(const struct mdp_pipeline *p, const struct mdp_converted *source,
                                uint8_t *out, struct mdp_error *err)
{
    const struct mdp_canvas canvas = {.row = mdp_converted_row,
                                      .context = source,
                                      .width = source->width,
                                      .height = source->height,
                                      .channels = source->channels,
                                      .canvas_width = source->width,
                                      .canvas_height = source->height};
    struct fitting f = {
        .pipeline = p, .picture = &canvas, .filter = source->by_nearest ? MDP_FILTER_NEAREST : p->filter};
    mdp_status st = MDP_OK;

    mdp_pipeline_resized_size(p, &f.width, &f.height);
    if (source->color == MDP_COLOR_L || source->color == MDP_COLOR_RGB)
        return fit(&f, out, err);
    uint8_t *resized = mdp_new_array(f.width * f.height, source->channels, err, &st);
    if (!resized)
        return st;
    st = fit(&f, resized, err);
    if (st == MDP_OK)
        mdp_converted_finish(source, resized, f.width * f.height, out);
    free(resized);
    return st;
}

mdp_status mdp_pipeline_resize(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                               uint8_t *out, struct mdp_error *err)
{
    struct mdp_converted source = {0};
    struct mdp_picture levelled = {0};

    if (pipeline->levels == MDP_LEVELS_MIN_MAX) {
        TRY(mdp_levels_min_max(picture, &levelled, err));
        picture = &levelled;
    }
    mdp_status st = mdp_converted_init(&source, picture, color_for(pipeline, picture), pipeline->grey16,
                                       pipeline->orientation, err);
    if (st == MDP_OK)
        st = fit_converted(pipeline, &source, out, err);
    mdp_converted_release(&source);
    mdp_picture_release(&levelled);
    return st;
}

/* --- float input --- */

/* A level on the scale of mean and std, every step rounded to float32 as the originals do. */
static float rescaled(enum mdp_rescale rescale, int v)
{
    switch (rescale) {
    case MDP_RESCALE_DIVIDE:
        break;
    case MDP_RESCALE_MULTIPLY:
        return (float)v * (float)(1.0 / 255.0);
    case MDP_RESCALE_MULTIPLY_DOUBLE:
        return (float)(v * (1.0 / 255.0));
    case MDP_RESCALE_SIGNED:
        return (float)(v * (1.0 / 127.5)) - 1.0F;
    case MDP_RESCALE_NONE:
        return (float)v;
    }
    return (float)v / 255.0F;
}

static void fill_values(const struct mdp_pipeline *p, size_t channel, float value[256])
{
    const float mean = (float)p->mean[channel], std = (float)p->std[channel];

    for (int v = 0; v < 256; v++) {
        float centred = rescaled(p->rescale, v) - mean;
        value[v] = centred / std;
    }
}

/* resized[pixels, samples] -> out[channels, pixels] */
static void to_float(const struct mdp_pipeline *p, const uint8_t *resized, size_t pixels, float *out)
{
    const size_t samples = mdp_color_samples(p->color);
    float value[256];

    for (size_t c = 0; c < p->channels; c++) {
        const uint8_t *sample = resized + (samples == 3 ? c : 0);
        fill_values(p, c, value);
        for (size_t i = 0; i < pixels; i++)
            out[c * pixels + i] = value[sample[i * samples]];
    }
}

static mdp_status to_resized_float(const struct mdp_pipeline *p, const uint8_t *resized, float *out,
                                   struct mdp_error *err)
{
    const size_t side = p->float_from;
    const enum mdp_float_filter filter =
        p->float_resize == MDP_FLOAT_RESIZE_BICUBIC ? MDP_FLOAT_BICUBIC : MDP_FLOAT_BILINEAR_CORNERS;
    mdp_status st = MDP_OK;
    float *planes = mdp_new_array(p->channels * side * side, sizeof *planes, err, &st);

    if (!planes)
        return st;
    to_float(p, resized, side * side, planes);
    st = mdp_float_resize(filter, planes, p->channels, side, side, out, p->width, p->height, err);
    free(planes);
    return st;
}

mdp_status mdp_pipeline_run(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                            float *out, struct mdp_error *err)
{
    size_t width = 0, height = 0;
    mdp_status st = MDP_OK;

    assert(pipeline->channels == 1 || pipeline->channels == 3);
    mdp_pipeline_resized_size(pipeline, &width, &height);
    uint8_t *resized = mdp_new_array(width * height, mdp_color_samples(pipeline->color), err, &st);
    if (!resized)
        return st;
    st = mdp_pipeline_resize(pipeline, picture, resized, err);
    if (st == MDP_OK && pipeline->float_from)
        st = to_resized_float(pipeline, resized, out, err);
    else if (st == MDP_OK)
        to_float(pipeline, resized, width * height, out);
    free(resized);
    return st;
}
