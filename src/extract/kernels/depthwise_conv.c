/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/kernels/depthwise_conv.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

mdp_status mdp_depthwise_init(struct mdp_depthwise *conv, const struct mdp_window *window,
                              const float *weight, const float *bias, size_t channels, struct mdp_error *err)
{
    const size_t taps = window->side * window->side;
    const size_t ld = (channels + MDP_SCORE_STEP - 1) / MDP_SCORE_STEP * MDP_SCORE_STEP;
    mdp_status st = MDP_OK;

    *conv = (struct mdp_depthwise){.window = *window, .channels = channels, .ld = ld};
    st = mdp_kernels_choose(&conv->kernels, err);
    if (st != MDP_OK)
        return st;
    conv->weight = mdp_new_array(taps * ld, sizeof *conv->weight, err, &st);
    conv->bias = st == MDP_OK ? mdp_new_array(ld, sizeof *conv->bias, err, &st) : NULL;
    if (st != MDP_OK) {
        mdp_depthwise_release(conv);
        return st;
    }
    for (size_t t = 0; t < taps; t++)
        for (size_t c = 0; c < channels; c++)
            conv->weight[t * ld + c] = weight[c * taps + t];
    if (bias)
        memcpy(conv->bias, bias, channels * sizeof *bias);
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
