/* SPDX-License-Identifier: BSD-3-Clause */
/* A picture through a pipeline: levels, colour, geometry and resize, float input. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/preprocess/float_resize.h"
#include "extract/preprocess/levels.h"
#include "extract/preprocess/pipeline_fit.h"
#include "extract/preprocess/pipeline_float.h"

#include <assert.h>
#include <stdlib.h>

void mdp_pipeline_resized_size(const struct mdp_pipeline *p, size_t *width, size_t *height)
{
    *width = p->float_from ? p->float_from : p->width;
    *height = p->float_from ? p->float_from : p->height;
}

/* --- colour before and after --- */

static mdp_status fit_own(const struct mdp_converted *source, struct mdp_fitting *f, uint8_t *out,
                          struct mdp_error *err)
{
    const size_t pixels = f->width * f->height;
    mdp_status st = MDP_OK;
    uint8_t *resized = mdp_new_array(pixels, f->wide ? sizeof(uint16_t) : source->channels, err, &st);

    if (!resized)
        return st;
    st = mdp_fit_on_frame(f, resized, err);
    if (st == MDP_OK)
        mdp_converted_finish(source, resized, pixels, out);
    free(resized);
    return st;
}

static mdp_status fit_converted(const struct mdp_pipeline *p, struct mdp_converted *source, uint8_t *out,
                                struct mdp_error *err)
{
    const struct mdp_canvas canvas = {.row = mdp_converted_row,
                                      .context = source,
                                      .width = source->width,
                                      .height = source->height,
                                      .channels = source->channels,
                                      .canvas_width = source->width,
                                      .canvas_height = source->height};
    struct mdp_fitting f = {.pipeline = p,
                            .picture = &canvas,
                            .filter = source->by_nearest ? MDP_FILTER_NEAREST : p->filter,
                            .wide = source->wide};
    mdp_status st = MDP_OK;

    mdp_pipeline_resized_size(p, &f.width, &f.height);
    /* Pillow takes alpha in and out again only where pixels are mixed. */
    source->unmixed = f.filter == MDP_FILTER_NEAREST || mdp_fit_keeps_size(&f);
    if (source->color == MDP_COLOR_L || source->color == MDP_COLOR_RGB || source->color == MDP_COLOR_FIRST)
        st = mdp_fit_on_frame(&f, out, err);
    else
        st = fit_own(source, &f, out, err);
    if (st == MDP_OK && p->fill)
        st = mdp_fit_fill(&f, mdp_color_samples(p->color), (uint8_t)p->fill, out, err);
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
    mdp_status st =
        mdp_converted_init(&source, picture, pipeline->color, pipeline->grey16, pipeline->orientation, err);
    if (st == MDP_OK)
        st = fit_converted(pipeline, &source, out, err);
    mdp_converted_release(&source);
    mdp_picture_release(&levelled);
    return st;
}

/* --- float input --- */

static void fill_values(const struct mdp_pipeline *p, size_t channel, float value[256])
{
    const float mean = (float)p->mean[channel], std = (float)p->std[channel];

    for (int v = 0; v < 256; v++) {
        float centred = mdp_rescaled(p->rescale, v) - mean;
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
    if (mdp_pipeline_is_float(pipeline))
        return mdp_pipeline_run_float(pipeline, picture, out, err);
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
