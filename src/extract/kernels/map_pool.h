/* SPDX-License-Identifier: BSD-3-Clause */
/* Pools over channels-last maps, and what is done to every pixel by its channels. Letters: C channels, P places of the window. */
#ifndef MDP_EXTRACT_MAP_POOL_H
#define MDP_EXTRACT_MAP_POOL_H

#include "extract/kernels/window.h"

/* The largest value under the window: x[H * W, C] -> y[P, C]. Padding is absent; a window wholly beyond the map, which torch
   does not allow (padding at most half the side), gives -infinity. As torch's MaxPool2d. */
void mdp_map_max(const struct mdp_window *window, size_t channels, const float *x, float *y);

/* The mean under the window, which has no padding (asserted): x[H * W, C] -> y[P, C]. As torch's AvgPool2d. */
void mdp_map_average(const struct mdp_window *window, size_t channels, const float *x, float *y);

/* The mean of x[rows, C] with row stride ldx -> y[C], summed in double; rows >= 1. */
void mdp_map_mean(const float *x, size_t rows, size_t channels, size_t ldx, float *y);

/* relu(gain x + bias), gain and bias [C]: x[rows, C] with row stride ldx -> y[rows, C], row stride C. */
void mdp_map_affine_relu(const float *x, size_t rows, size_t channels, size_t ldx, const float *gain,
                         const float *bias, float *y);

/* x[rows, C] times factor[C], in place. */
void mdp_map_scale(float *x, size_t rows, size_t channels, const float *factor);

/* ConvNeXt V2's global response norm, in place: x (1 + gain n) + bias with n = g / (mean g + 1e-6), g the length of a channel
   over all rows, summed in double. x[rows, C]; gain and bias [C]; n[C] is scratch. */
void mdp_map_response_norm(float *x, size_t rows, size_t channels, const float *gain, const float *bias,
                           float *n);

#endif
