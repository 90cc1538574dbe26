/* SPDX-License-Identifier: BSD-3-Clause */
/* The geometries of a pipeline: a picture of any shape on the frame, whose size the tower (or a float resize) takes. */
#ifndef MDP_EXTRACT_PIPELINE_FIT_H
#define MDP_EXTRACT_PIPELINE_FIT_H

#include "extract/preprocess/pipeline.h"

struct mdp_fitting {
    const struct mdp_pipeline *pipeline;
    const struct mdp_canvas *picture; /* rows of uint8 [width, C]; where `wide`, of uint16 [width] */
    enum mdp_filter filter;
    bool wide;            /* 16-bit grey in its own mode: not on a square */
    size_t width, height; /* pixels, of the frame */
};

/* out[height, width, C] of the picture's sample type. What the picture leaves free is 0. */
mdp_status mdp_fit_on_frame(const struct mdp_fitting *f, uint8_t *out, struct mdp_error *err);

/* Sets every sample that the picture leaves free of pixels[height, width, channels] to `value`. */
mdp_status mdp_fit_fill(const struct mdp_fitting *f, size_t channels, uint8_t value, uint8_t *pixels,
                        struct mdp_error *err);

/* Whether the resize keeps the picture's size, so that Pillow copies it. */
bool mdp_fit_keeps_size(const struct mdp_fitting *f);

#endif
