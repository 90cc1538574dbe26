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

/* weight[C, 1, k, k] row-major, as torch has it; bias[C] or NULL; both are copied. */
mdp_status mdp_depthwise_init(struct mdp_depthwise *conv, const struct mdp_window *window,
                              const float *weight, const float *bias, size_t channels, struct mdp_error *err);
void mdp_depthwise_release(struct mdp_depthwise *conv);

/* x[H * W, C] -> y[P, C]; they do not overlap. */
void mdp_depthwise_run(const struct mdp_depthwise *conv, const float *x, enum mdp_activation activation,
                       float *y);

#endif
