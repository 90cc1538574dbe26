/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/preprocess/pipeline_float.h"

#include "base/memory.h"
#include "base/try.h"
#include "extract/preprocess/geometry.h"
#include "extract/preprocess/whole_resize.h"

#include <stdlib.h>
#include <string.h>

bool mdp_pipeline_is_float(const struct mdp_pipeline *p)
{
    return p->float_resize == MDP_FLOAT_RESIZE_ANTIALIAS || p->float_resize == MDP_FLOAT_RESIZE_SKIMAGE;
}

float mdp_rescaled(enum mdp_rescale rescale, int level)
{
    const float v = (float)level;

    switch (rescale) {
    case MDP_RESCALE_DIVIDE:
        break;
    case MDP_RESCALE_MULTIPLY:
        return v * (float)(1.0 / 255.0);
    case MDP_RESCALE_MULTIPLY_DOUBLE:
        return (float)(level * (1.0 / 255.0));
    case MDP_RESCALE_SIGNED:
        return (float)(level * (1.0 / 127.5)) - 1.0F;
    case MDP_RESCALE_SIGNED_1024:
        return (2.0F * (v / 255.0F) - 1.0F) * 1024.0F;
    case MDP_RESCALE_NONE:
        return v;
    }
    return v / 255.0F;
}

/* The part of the picture that is resized. */
struct part {
    size_t left, top, width, height;
};

static struct part part_of(const struct mdp_pipeline *p, size_t w, size_t h)
{
    const size_t side = w < h ? w : h;

    if (p->geometry != MDP_GEOMETRY_CROP_SQUARE)
        return (struct part){0, 0, w, h};
    return (struct part){w / 2 - side / 2, h / 2 - side / 2, side, side};
}

/* The part as planes[C, height, width]. */
static mdp_status to_planes(const struct mdp_pipeline *p, const struct mdp_converted *source,
                            const struct part *part, float **planes, struct mdp_error *err)
{
    const size_t n = source->channels, pixels = part->width * part->height;
    mdp_status st = MDP_OK;
    uint8_t *scratch = mdp_new_array(source->width, n, err, &st);
    float value[256];

    *planes = scratch ? mdp_new_array(pixels, n * sizeof **planes, err, &st) : NULL;
    for (int v = 0; v < 256; v++)
        value[v] = mdp_rescaled(p->rescale, v);
    for (size_t y = 0; *planes && y < part->height; y++) {
        const uint8_t *row = mdp_converted_row(source, part->top + y, scratch) + part->left * n;
        for (size_t x = 0; x < part->width; x++)
            for (size_t c = 0; c < n; c++)
                (*planes)[c * pixels + y * part->width + x] = value[row[x * n + c]];
    }
    free(scratch);
    return st;
}

static mdp_status resize_planes(const struct mdp_pipeline *p, const struct part *part, const float *planes,
                                size_t n, float *out, struct mdp_error *err)
{
    const size_t pixels = p->width * p->height;
    const enum mdp_fit fit =
        p->geometry == MDP_GEOMETRY_FIT_CORNER ? MDP_FIT_LONGEST_QUOTIENT : MDP_FIT_STRETCH;
    struct mdp_plane_resize r = {
        .in = planes, .width = part->width, .height = part->height, .out = out, .stride = p->width};

    TRY(mdp_fit_size(fit, part->width, part->height, p->width, p->height, &r.out_width, &r.out_height, err));
    memset(out, 0, n * pixels * sizeof *out);
    for (size_t c = 0; c < n; c++, r.in += part->width * part->height, r.out += pixels) {
        if (p->float_resize == MDP_FLOAT_RESIZE_SKIMAGE)
            TRY(mdp_skimage_resize(&r, err));
        else
            TRY(mdp_antialias_resize(&r, err));
    }
    return MDP_OK;
}

mdp_status mdp_pipeline_run_float(const struct mdp_pipeline *p, const struct mdp_picture *picture, float *out,
                                  struct mdp_error *err)
{
    const size_t pixels = p->width * p->height;
    struct mdp_converted source;
    float *planes = NULL;

    TRY(mdp_converted_init(&source, picture, p->color, p->grey16, p->orientation, err));
    const struct part part = part_of(p, source.width, source.height);
    mdp_status st = to_planes(p, &source, &part, &planes, err);
    if (st == MDP_OK)
        st = resize_planes(p, &part, planes, source.channels, out, err);
    for (size_t c = source.channels; st == MDP_OK && c < p->channels; c++)
        memcpy(out + c * pixels, out, pixels * sizeof *out);
    for (size_t c = 0; st == MDP_OK && c < p->channels; c++)
        for (size_t i = 0; i < pixels; i++) {
            float centred = out[c * pixels + i] - (float)p->mean[c];
            out[c * pixels + i] = centred / (float)p->std[c];
        }
    free(planes);
    mdp_converted_release(&source);
    return st;
}
