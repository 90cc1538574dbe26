/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading convolutions and batch norms from a weight file. A batch norm behind a convolution is part of it: its factor and
   shift, computed in double, go into weights and bias when these are packed. */
#ifndef MDP_EXTRACT_CONV_LOAD_H
#define MDP_EXTRACT_CONV_LOAD_H

#include "extract/kernels/conv.h"
#include "extract/kernels/depthwise_conv.h"
#include "extract/towers/layers.h"

/* What the tensors of a convolution are called, behind the source's prefix. */
struct mdp_conv_names {
    const char *conv; /* <conv>.weight[O, C, k, k] and, with bias, <conv>.bias[O] */
    bool bias;
    const char *norm; /* <norm>.weight, .bias, .running_mean, .running_var, all [O]; NULL without */
    double eps;       /* of the norm */
};

/* Weights of a planned convolution (conv.h, depthwise_conv.h). Errors name file and tensor. */
mdp_status mdp_conv_load(const struct mdp_layer_source *source, const struct mdp_conv_names *names,
                         struct mdp_conv *conv, struct mdp_error *err);
/* The same of every channel by itself: weight[C, 1, k, k]. */
mdp_status mdp_depthwise_load(const struct mdp_layer_source *source, const struct mdp_conv_names *names,
                              struct mdp_depthwise *conv, struct mdp_error *err);

/* A batch norm that stands alone, as y = gain x + bias with gain = weight / sqrt(running_var + eps) and
   bias = bias - gain running_mean; all [columns]. */
mdp_status mdp_batch_norm_load(const struct mdp_layer_source *source, const char *name, size_t columns,
                               double eps, struct mdp_norm *norm, struct mdp_error *err);

#endif
