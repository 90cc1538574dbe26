/* SPDX-License-Identifier: BSD-3-Clause */
/* Convolution of every channel by itself over a channels-last map. Single-threaded; the same x gives the same bytes.
   Letters: C channels, k side of the window, P places of it. */
#ifndef MDP_EXTRACT_DEPTHWISE_CONV_H
#define MDP_EXTRACT_DEPTHWISE_CONV_H

#include "extract/kernels/kernels.h"
#include "medprobe/status.h"

struct mdp_depthwise {
    struct mdp_window window;
    size_t channels, ld; /* C, and C rounded up to MDP_SCORE_STEP */
    const struct mdp_kernels *kernels;
    float *weight; /* [k * k, ld] */
    float *bias;   /* [ld] */
};

/* Geometry without weights, in the words of mdp_window_init; false where that is. */
bool mdp_depthwise_plan(struct mdp_depthwise *conv, size_t channels, size_t side, size_t stride,
                        size_t before, size_t after, size_t height, size_t width);
/* weight[C, 1, k, k] row-major, as torch has it; bias[C] or NULL; both are copied. The geometry is planned. */
mdp_status mdp_depthwise_init(struct mdp_depthwise *conv, const float *weight, const float *bias,
                              struct mdp_error *err);
/* Of any state: also planned only. */
void mdp_depthwise_release(struct mdp_depthwise *conv);

/* x[H * W, C] -> y[P, C]; they do not overlap. */
void mdp_depthwise_run(const struct mdp_depthwise *conv, const float *x, enum mdp_activation activation,
                       float *y);

#endif
