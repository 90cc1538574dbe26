/* SPDX-License-Identifier: BSD-3-Clause */
/* Position embeddings of a grid brought to another grid, as torch's interpolate does it (align_corners false): the picture's
   size is another than the one the model was trained at. */
#ifndef MDP_EXTRACT_POSITIONS_H
#define MDP_EXTRACT_POSITIONS_H

#include "medprobe/status.h"

#include <stddef.h>

enum mdp_position_resize {
    MDP_POSITIONS_FIXED,             /* another grid is an error */
    MDP_POSITIONS_BICUBIC,           /* a = -0.75, four taps: transformers, BLIP */
    MDP_POSITIONS_BICUBIC_ANTIALIAS, /* a = -0.5, wider when shrinking: open_clip, timm */
    MDP_POSITIONS_COUNT
};
extern const char *const mdp_position_resize_names[MDP_POSITIONS_COUNT]; /* "fixed", "bicubic", ... */

/* from[h, w, columns] -> to[H, W, columns]; to does not overlap from. The antialias of `how` is that of torch 2. */
mdp_status mdp_positions_resize(enum mdp_position_resize how, const float *from, size_t h, size_t w,
                                size_t columns, float *to, size_t H, size_t W, struct mdp_error *err);

#endif
