/* SPDX-License-Identifier: BSD-3-Clause */
/* torch's interpolate without antialias, of float planes: some pipelines resize what is already normalised. Letters: C planes. */
#ifndef MDP_EXTRACT_FLOAT_RESIZE_H
#define MDP_EXTRACT_FLOAT_RESIZE_H

#include "medprobe/status.h"

#include <stddef.h>

enum mdp_float_filter {
    MDP_FLOAT_BICUBIC,          /* a = -0.75, half-pixel centres, edges repeated */
    MDP_FLOAT_BILINEAR_CORNERS, /* corners on corners */
};

/* in[C, in_height, in_width] -> out[C, out_height, out_width]; they do not overlap. Coordinates and weights in float32, in
   torch's order of operations; sums in rows first (its scalar code; its vector code may differ by an ulp or two). */
mdp_status mdp_float_resize(enum mdp_float_filter filter, const float *in, size_t planes, size_t in_width,
                            size_t in_height, float *out, size_t out_width, size_t out_height,
                            struct mdp_error *err);

#endif
