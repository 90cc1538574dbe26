/* SPDX-License-Identifier: BSD-3-Clause */
/* A picture through a pipeline: colour, geometry and resize, float input. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/preprocess/pipeline.h"

#include <assert.h>
#include <stdlib.h>

/* --- geometries: each brings a picture of any shape to out[p->height, p->width, C] --- */

static mdp_status stretch(const struct mdp_pipeline *p, const struct mdp_canvas *picture, uint8_t *out,
                          struct mdp_error *err)
{
    return mdp_resize_canvas(picture, p->filter, p->resize_order, out, p->width, p->height, err);
}

/* The picture on a black square, in its middle; an odd remainder goes to the right and below. */
static mdp_status pad_to_square(const struct mdp_pipeline *p, const struct mdp_canvas *picture, uint8_t *out,
                                struct mdp_error *err)
{
    struct mdp_canvas square = *picture;
    size_t side = picture->width > picture->height ? picture->width : picture->height;

    side = side > p->pad_min ? side : p->pad_min;
    square.canvas_width = square.canvas_height = side;
    square.left = (side - picture->width) / 2;
    square.top = (side - picture->height) / 2;
    return stretch(p, &square, out, err);
}

static mdp_status fit(const struct mdp_pipeline *p, const struct mdp_canvas *picture, uint8_t *out,
                      struct mdp_error *err)
{
    switch (p->geometry) {
    case MDP_GEOMETRY_STRETCH:
        break;
    case MDP_GEOMETRY_SQUARE_BLACK:
        return pad_to_square(p, picture, out, err);
    }
    return stretch(p, picture, out, err);
}

mdp_status mdp_pipeline_resize(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                               uint8_t *out, struct mdp_error *err)
{
    struct mdp_converted source;

    TRY(mdp_converted_init(&source, picture, pipeline->color, pipeline->grey16, pipeline->orientation, err));
    const struct mdp_canvas canvas = {.row = mdp_converted_row,
                                      .context = &source,
                                      .width = source.width,
                                      .height = source.height,
                                      .channels = source.channels,
                                      .canvas_width = source.width,
                                      .canvas_height = source.height};
    mdp_status st = fit(pipeline, &canvas, out, err);
    mdp_converted_release(&source);
    return st;
}

/* value[v] = (v on the scale 0..1 - mean) / std, every step rounded to float32 as the originals do. */
static void fill_values(const struct mdp_pipeline *p, size_t channel, float value[256])
{
    const float inverse = (float)(1.0 / 255.0), mean = (float)p->mean[channel], std = (float)p->std[channel];

    for (int v = 0; v < 256; v++) {
        float unit = p->rescale == MDP_RESCALE_MULTIPLY ? (float)v * inverse : (float)v / 255.0F;
        float centred = unit - mean;
        value[v] = centred / std;
    }
}

mdp_status mdp_pipeline_run(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                            float *out, struct mdp_error *err)
{
    const size_t pixels = pipeline->width * pipeline->height;
    const size_t samples = pipeline->color == MDP_COLOR_RGB ? 3 : 1;
    mdp_status st = MDP_OK;
    float value[256];

    assert(pipeline->channels == 1 || pipeline->channels == 3);
    uint8_t *resized = mdp_new_array(pixels, samples, err, &st);
    if (!resized)
        return st;
    st = mdp_pipeline_resize(pipeline, picture, resized, err);
    for (size_t c = 0; st == MDP_OK && c < pipeline->channels; c++) {
        const uint8_t *sample = resized + (samples == 3 ? c : 0);
        fill_values(pipeline, c, value);
        for (size_t i = 0; i < pixels; i++)
            out[c * pixels + i] = value[sample[i * samples]];
    }
    free(resized);
    return st;
}
