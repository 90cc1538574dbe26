/* SPDX-License-Identifier: BSD-3-Clause */
/* A picture through a pipeline: colour, geometry and resize, float input. */
#include "base/memory.h"
#include "base/try.h"
#include "extract/preprocess/pipeline.h"

#include <assert.h>
#include <stdlib.h>

/* The picture on a black square, in its middle; an odd remainder goes to the right and below. */
static void pad_to_square(const struct mdp_pipeline *p, struct mdp_canvas *canvas)
{
    size_t side = canvas->width > canvas->height ? canvas->width : canvas->height;

    side = side > p->pad_min ? side : p->pad_min;
    canvas->canvas_width = canvas->canvas_height = side;
    canvas->left = (side - canvas->width) / 2;
    canvas->top = (side - canvas->height) / 2;
}

/* How a picture of any shape becomes one of the tower's: one case a geometry. */
static mdp_status fit(const struct mdp_pipeline *p, struct mdp_canvas *canvas, uint8_t *out,
                      struct mdp_error *err)
{
    switch (p->pad) {
    case MDP_PAD_NONE:
        break;
    case MDP_PAD_SQUARE_BLACK:
        pad_to_square(p, canvas);
        break;
    }
    return mdp_resize_canvas(canvas, p->filter, p->resize_order, out, p->width, p->height, err);
}

mdp_status mdp_pipeline_resize(const struct mdp_pipeline *pipeline, const struct mdp_picture *picture,
                               uint8_t *out, struct mdp_error *err)
{
    struct mdp_converted source;

    TRY(mdp_converted_init(&source, picture, pipeline->color, pipeline->grey16, pipeline->orientation, err));
    struct mdp_canvas canvas = {.row = mdp_converted_row,
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
