/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/kernels/depthwise_conv.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool mdp_depthwise_plan(struct mdp_depthwise *conv, size_t channels, size_t side, size_t stride,
                        size_t before, size_t after, size_t height, size_t width)
{
    *conv = (struct mdp_depthwise){.channels = channels,
                                   .ld = (channels + MDP_SCORE_STEP - 1) / MDP_SCORE_STEP * MDP_SCORE_STEP};
    return mdp_window_init(&conv->window, side, stride, before, after, height, width);
}

mdp_status mdp_depthwise_init(struct mdp_depthwise *conv, const float *weight, const float *bias,
                              struct mdp_error *err)
{
    const size_t taps = conv->window.side * conv->window.side;
    mdp_status st = mdp_kernels_choose(&conv->kernels, err);

    if (st == MDP_OK)
        conv->weight = mdp_new_array(taps * conv->ld, sizeof *conv->weight, err, &st);
    if (st == MDP_OK)
        conv->bias = mdp_new_array(conv->ld, sizeof *conv->bias, err, &st);
    if (st != MDP_OK)
        return st;
    for (size_t t = 0; t < taps; t++)
        for (size_t c = 0; c < conv->channels; c++)
            conv->weight[t * conv->ld + c] = weight[c * taps + t];
    if (bias)
        memcpy(conv->bias, bias, conv->channels * sizeof *bias);
    return MDP_OK;
}

void mdp_depthwise_release(struct mdp_depthwise *conv)
{
    free(conv->weight);
    free(conv->bias);
    *conv = (struct mdp_depthwise){0};
}

void mdp_depthwise_run(const struct mdp_depthwise *conv, const float *x, enum mdp_activation activation,
                       float *y)
{
    const struct mdp_depthwise_call call = {.window = &conv->window,
                                            .channels = conv->channels,
                                            .weight = conv->weight,
                                            .bias = conv->bias,
                                            .ldw = conv->ld,
                                            .activation = activation,
                                            .x = x,
                                            .y = y};

    assert(x != y);
    conv->kernels->depthwise(&call);
}
