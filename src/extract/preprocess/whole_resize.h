/* SPDX-License-Identifier: BSD-3-Clause */
/* Resizes of float planes of any size, for pipelines whose picture becomes float before it is resized. */
#ifndef MDP_EXTRACT_WHOLE_RESIZE_H
#define MDP_EXTRACT_WHOLE_RESIZE_H

#include "medprobe/status.h"

#include <stddef.h>

/* in[height, width] -> out[out_height, out_width], rows `stride` floats apart. */
struct mdp_plane_resize {
    const float *in;
    size_t width, height;
    float *out;
    size_t out_width, out_height, stride;
};

/* torch's interpolate, bilinear with antialias (_upsample_bilinear2d_aa): weights and sums in float32, rows first. */
mdp_status mdp_antialias_resize(const struct mdp_plane_resize *r, struct mdp_error *err);

/* skimage.transform.resize of float32 as torchxrayvision's XRayResizer calls it: order 1, zeros outside, a Gaussian first
   where a side shrinks, values clipped to the input's. Sums in double, rounded to float32 between its passes. */
mdp_status mdp_skimage_resize(const struct mdp_plane_resize *r, struct mdp_error *err);

#endif
