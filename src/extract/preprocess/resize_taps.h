/* SPDX-License-Identifier: BSD-3-Clause */
/* What each output of a resize sees of one axis, and with which weights: Pillow's filters (src/libImaging/Resample.c),
   and its nearest neighbour (Geometry.c). */
#ifndef MDP_EXTRACT_RESIZE_TAPS_H
#define MDP_EXTRACT_RESIZE_TAPS_H

#include "extract/preprocess/resize.h"
#include "extract/preprocess/resize_kernels.h"

/* One axis, in pixels: a canvas of `in` becomes `out`, of which [from, from + n) is made; the picture lies at
   [left, left + size) of the canvas. */
struct mdp_axis {
    size_t in, out, from, n, left, size;
};

/* A bound of the weights that an output has. */
size_t mdp_axis_widest(const struct mdp_axis *axis, enum mdp_filter filter);

/* The window of canvas pixels that output i (of the whole `out`) sees, and its weights, which sum to 1: weight[n]; returns
   n, at most mdp_axis_widest. Not for MDP_FILTER_NEAREST. */
size_t mdp_axis_window(const struct mdp_axis *axis, enum mdp_filter filter, size_t i, size_t *first,
                       double weight[]);

/* The same in fixed point for outputs from .. from + n, restricted to the picture: the rest of the canvas is black and
   adds nothing. Released also after a failure. */
mdp_status mdp_taps_init(struct mdp_taps *taps, const struct mdp_axis *axis, enum mdp_filter filter,
                         struct mdp_error *err);
void mdp_taps_release(struct mdp_taps *taps);

#endif
