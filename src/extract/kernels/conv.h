/* SPDX-License-Identifier: BSD-3-Clause */
/* Convolution of channels-last maps: y = activation(x * W + b + residual). A 1x1 window that goes everywhere is a product
   as it stands (linear.h); others gather the pixels under the window into rows, as many at a time as stay in the
   second-level cache, and multiply these. Sums run over the window's rows, its columns, channels. Single-threaded; the same
   x gives the same bytes.

   Letters: C channels in, O channels out, k side of the window, P places of it. */
#ifndef MDP_EXTRACT_CONV_H
#define MDP_EXTRACT_CONV_H

#include "extract/kernels/linear.h"
#include "extract/kernels/window.h"

struct mdp_conv {
    struct mdp_window window;
    size_t out, channels;     /* O, C */
    struct mdp_linear linear; /* [O, k * k * C]; empty while it is only planned */
};

/* Geometry without weights, in the words of mdp_window_init; false where that is. */
bool mdp_conv_plan(struct mdp_conv *conv, size_t out, size_t channels, size_t side, size_t stride,
                   size_t before, size_t after, size_t height, size_t width);
/* weight[O, C, k, k] row-major, as torch has it; bias[O] or NULL; both are copied. The geometry is planned. */
mdp_status mdp_conv_init(struct mdp_conv *conv, const float *weight, const float *bias,
                         struct mdp_error *err);
/* Of any state: also planned only. */
void mdp_conv_release(struct mdp_conv *conv);

/* Floats of working memory, of a planned one too; 0 where it is a product as it stands. */
size_t mdp_conv_scratch_size(const struct mdp_conv *conv);

/* x[H * W, C] with row stride ldx -> y[P, O] with row stride ldy; residual[P, O] with row stride ldy, or NULL, is added
   before the activation, which is then none or ReLU. y overlaps neither x nor the residual. scratch: as above. */
void mdp_conv_run(const struct mdp_conv *conv, const float *x, size_t ldx, enum mdp_activation activation,
                  const float *residual, float *y, size_t ldy, float *scratch);

/* A picture's planes [C, pixels] -> map [pixels, C]. */
void mdp_map_from_planes(const float *planes, size_t channels, size_t pixels, float *map);

#endif
