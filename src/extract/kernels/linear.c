/* SPDX-License-Identifier: BSD-3-Clause */
#include "extract/kernels/linear.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

mdp_status mdp_linear_init(struct mdp_linear *linear, const float *weight, const float *bias, size_t out,
                           size_t in, struct mdp_error *err)
{
    mdp_status st = MDP_OK;

    *linear = (struct mdp_linear){.in = in, .out = out};
    st = mdp_kernels_choose(&linear->kernels, err);
    if (st != MDP_OK)
        return st;
    linear->packed = mdp_new_array(linear->kernels->packed_size(out, in), sizeof(float), err, &st);
    if (!linear->packed)
        goto out;
    linear->kernels->pack(weight, out, in, linear->packed);
    if (bias) {
        linear->bias = mdp_new_array(out, sizeof(float), err, &st);
        if (!linear->bias)
            goto out;
        memcpy(linear->bias, bias, out * sizeof *bias);
    }

out:
    if (st != MDP_OK)
        mdp_linear_release(linear);
    return st;
}

void mdp_linear_release(struct mdp_linear *linear)
{
    free(linear->packed);
    free(linear->bias);
    *linear = (struct mdp_linear){0};
}

void mdp_linear_run(const struct mdp_linear *linear, const float *x, size_t rows, size_t ldx,
                    enum mdp_activation activation, const float *residual, float *y, size_t ldy)
{
    const struct mdp_product product = {.packed = linear->packed,
                                        .out = linear->out,
                                        .in = linear->in,
                                        .bias = linear->bias,
                                        .activation = activation,
                                        .x = x,
                                        .rows = rows,
                                        .ldx = ldx,
                                        .residual = residual,
                                        .y = y,
                                        .ldy = ldy};

    assert(residual != y && x != y);
    linear->kernels->product(&product);
}
